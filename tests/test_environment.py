"""setup.cfg and environment.yml ask for the same things."""

import configparser
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_conda_and_pip_ask_for_the_same_versions():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = {line for line in setup["options"]["install_requires"].splitlines() if line}
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert {line for line in pip if not line.startswith("--editable")} == required
    assert f"python{setup['options']['python_requires']}" in dependencies


def test_every_package_of_both_roots_is_installed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = set(setup["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(root).parts)
        for root, package in ((ROOT / "src", "mcss"), (ROOT, "data_modules"))
        for path in (root / package).rglob("__init__.py")
    }
    assert declared == found


def test_versions_agree():
    setup = (ROOT / "setup.cfg").read_text()
    citation = (ROOT / "CITATION.cff").read_text()
    version = re.search(r"^version = (.+)$", setup, re.MULTILINE)[1]
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
