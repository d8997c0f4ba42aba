"""The documentation runs: commands parse, docstring examples hold, numbers come from the results."""

import doctest
import importlib.util
import pkgutil
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import torch.distributed.run
from pandas import read_csv

import data_modules
import data_modules.cli
import mcss
from mcss import export
from mcss.cli import main as mcss_main
from mcss.predict import cli as predict
from mcss.results.filming import PAGES as PAGES_OF_STUDIES
from mcss.results.filming import POINTS_FILE, calibration_text, filming_text
from mcss.results.headlines import headlines_table, read_draws
from mcss.results.record import read_table
from mcss.results.table import difficulty, read_published, readme_table, tables_page, write_into

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/data.md",
    "docs/filming.md",
    "docs/studio.md",
    "docs/prediction.md",
    "docs/footage.md",
    "docs/labels.md",
    "docs/methods.md",
    "docs/retrieval.md",
    "docs/scaling.md",
)


def source(module):
    return Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")


MODULES = [
    module.name
    for package in (mcss, data_modules)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__") and ">>>" in source(module.name)
]


def commands(page):
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


EVERY_COMMAND = sorted({command for page in PAGES for command in commands(page)})


@pytest.mark.parametrize("command", [command for command in EVERY_COMMAND if command.startswith("make")])
def test_make_commands_name_targets_that_exist_and_settings_that_parse(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    planned = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True, text=True)
    for line in planned.stdout.replace("\\\n", " ").splitlines():
        if "/bin/mcss fit " in line:
            _parse_mcss(shlex.split(line)[1:], capsys)


@pytest.mark.parametrize("command", [command for command in EVERY_COMMAND if command.startswith("mcss ")])
def test_mcss_commands_parse(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    words = shlex.split(command)[1:]
    if words[0] == "predict":
        assert predict.make_parser().parse_args(words[1:]).sources
    elif words[0] == "export":
        assert export.make_parser().parse_args(words[1:]).out.suffix in export.WRITERS
    else:
        _parse_mcss(words, capsys)


@pytest.mark.parametrize("command", [command for command in EVERY_COMMAND if command.startswith("torchrun ")])
def test_torchrun_commands_parse(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    launch = torch.distributed.run.get_args_parser().parse_args(shlex.split(command)[1:])
    assert (launch.module, launch.training_script) == (True, "mcss")
    _parse_mcss(launch.training_script_args, capsys)


@pytest.mark.parametrize("command", [command for command in EVERY_COMMAND if "sbatch " in command])
def test_sbatch_commands_name_scripts_that_exist(command):
    (script,) = (word for word in shlex.split(command) if word.endswith(".sbatch"))
    assert (ROOT / script).is_file()


def _parse_mcss(words, capsys):
    with pytest.raises(SystemExit) as caught:
        mcss_main([words[0], "--print_config", *_existing_configs(words[1:])])
    assert caught.value.code in (0, None), capsys.readouterr().err


def _existing_configs(words):
    """Without the configurations of runs, which this checkout does not have."""
    pairs = list(zip(words[::2], words[1::2], strict=True))
    return [word for pair in pairs if not (pair[0] == "--config" and pair[1].startswith("runs/")) for word in pair]


@pytest.mark.parametrize("command", [command for command in EVERY_COMMAND if command.startswith("mcss-data")])
def test_mcss_data_commands_parse(command):
    words = shlex.split(command)[1:]
    assert (
        data_modules.cli.make_parser().parse_args(words).run.__module__.rstrip("_")
        == f"data_modules.commands.{words[0]}"
    )


def test_pages_have_commands_of_every_kind():
    for start in ("make train", "make test", "mcss ", "mcss-data ", "torchrun ", "sbatch "):
        assert any(command.startswith(start) for command in EVERY_COMMAND), start


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"torch": importlib.import_module("torch")})
    assert result.failed == 0


def test_readme_is_short():
    by_hand = re.sub(
        r":begin -->.*?<!--", "", (ROOT / "README.md").read_text(), flags=re.DOTALL
    )  # without tables of results
    assert len(by_hand.splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_of_the_pages_exist(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())
    assert targets
    for target in targets:
        assert ((ROOT / page).parent / target).exists(), target


def test_numbers_of_the_readme_are_those_of_the_results():
    page = (ROOT / "README.md").read_text()
    rows = read_table(ROOT / "experiments/results/studio/runs.csv")  # none before the first run
    assert write_into(page, "results", readme_table(rows)) == page
    assert write_into(page, "difficulty", difficulty(rows)) == page
    draws = read_draws(ROOT / "experiments/results")
    published = read_published(ROOT / "experiments/paper_reference.csv")
    assert write_into(page, "headlines", headlines_table(draws, published)) == page
    filming = ROOT / "experiments/results/filming"
    texts = {"calibration": calibration_text(filming)}
    if (filming / POINTS_FILE).is_file():
        texts["filming"] = filming_text(read_csv(filming / POINTS_FILE))
    for name, text in texts.items():
        page = (ROOT / "docs" / PAGES_OF_STUDIES[name]).read_text()
        assert write_into(page, name, text) == page


@pytest.mark.parametrize("path", sorted((ROOT / "experiments/results").glob("*/runs.csv")), ids=lambda p: p.parent.name)
def test_each_table_of_runs_is_of_one_data_set_and_its_page_shows_it(path):
    rows = read_table(path)
    assert rows["test_data_hash"].nunique() == 1
    published = read_published(ROOT / "experiments/paper_reference.csv")
    assert path.with_name("tables.md").read_text() == tables_page(rows, published, path.parent.name)
