import subprocess

import pytest

from mcss.run.folder import commit_of


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a file of the code, one of the results and a page."""
    for name in ("src/code.py", "experiments/base.yaml", "experiments/results/studio/runs.csv", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "first")
    return tmp_path


def git(folder, *words):
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", ["src/code.py", "experiments/base.yaml"])
def test_a_changed_file_that_decides_a_run_marks_the_commit(checkout, name):
    assert commit_of(checkout / "src") == git(checkout, "rev-parse", "HEAD")
    (checkout / name).write_text("second")
    assert commit_of(checkout / "src") == git(checkout, "rev-parse", "HEAD") + "-dirty"


@pytest.mark.parametrize("name", ["experiments/results/studio/runs.csv", "README.md"])
def test_changed_results_and_pages_do_not(checkout, name):
    (checkout / name).write_text("second")
    assert commit_of(checkout / "src") == git(checkout, "rev-parse", "HEAD")


def test_outside_of_a_checkout_there_is_no_commit(tmp_path):
    assert commit_of(tmp_path) is None
