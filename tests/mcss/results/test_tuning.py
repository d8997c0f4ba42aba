import json

import pytest

from mcss.errors import InputError
from mcss.results.tuning import add_tries, main, read_tries
from mcss.sweep import tune
from mcss.sweep_file import Sweep

SETTINGS = {"model.lr": 0.002, "model.objective_weight": 0.1, "trainer.max_steps": 20}


def finished(folder, n_mpjpe_mm=100.0, steps=20, method="mcss", **settings):
    """Folder of a training that was validated twice."""
    folder.mkdir(parents=True)
    chosen = {**SETTINGS, **settings}
    record = {"method": method, "supervision": "S1", "seed": 0, "steps": steps, "settings": chosen, "commit": "c"}
    (folder / "run.json").write_text(json.dumps({**record, "settings_hash": json.dumps(chosen)}))
    lines = [
        "step,train/loss,val/tuning_n_mpjpe_mm,val/mpjpe_mm",
        "10,1.0,200.0,210.0",
        f"20,,{n_mpjpe_mm},130.0",
        "20,0.5,,",
    ]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_every_try_is_a_row_best_first_with_what_differs(tmp_path):
    table = tmp_path / "studio/tries.csv"
    runs = [finished(tmp_path / f"{w}", n_mpjpe_mm=100 + w, **{"model.objective_weight": w}) for w in (1.0, 0.03)]
    add_tries(runs[:1], table)
    add_tries([*runs[1:], finished(tmp_path / "baseline", method="baseline")], table)
    page = table.with_name("tuning.md").read_text()
    assert "# Tries on studio" in page
    assert "| mcss | 2, fewer than 6 |" in page
    rows = [line for line in page.splitlines() if "objective_weight" in line]
    assert rows == [
        "| model.objective_weight 0.03 | 0 | 100.0 |  | 130.0 |  |  |  |",
        "| model.objective_weight 1.0 | 0 | 101.0 |  | 130.0 |  |  |  |",
    ]
    assert "## baseline, labels of S1, 20 steps" in page
    assert "| as shipped | 0 | 100.0 |  | 130.0 |" in page
    add_tries(runs, table)  # again: no try stands twice
    assert len(read_tries(table)) == 3


def test_unfinished_and_unvalidated_trainings_are_refused(tmp_path, capsys):
    table = tmp_path / "tries.csv"
    with pytest.raises(InputError, match="ended at step 7 of 20: start it again"):
        add_tries([finished(tmp_path / "a", steps=7)], table)
    folder = finished(tmp_path / "b")
    (folder / "metrics.csv").unlink()
    with pytest.raises(InputError, match="no errors on validation clips"):
        add_tries([folder], table)
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "absent"), "--table", str(table)])
    assert caught.value.code == 2
    assert "the training is not finished" in capsys.readouterr().err
    assert not table.exists()


def test_tuning_trains_what_the_table_lacks_and_tests_nothing(tmp_path, monkeypatch):
    table, commands = tmp_path / "tries.csv", []

    def settings(arguments):
        weight = float(arguments[-1].partition("=")[2])
        resolved = {**SETTINGS, "model.objective_weight": weight}
        return {"resolved": resolved, "run_dir": str(tmp_path / f"run{weight}"), "seed_everything": 0}

    def train(command):
        commands.append(command)
        weight = float(command[-1].partition("=")[2])
        if weight < 1:
            finished(tmp_path / f"run{weight}", **{"model.objective_weight": weight})
        return int(weight >= 1)

    monkeypatch.setattr("mcss.sweep.parse_settings", settings)
    monkeypatch.setattr("mcss.sweep.resolved_settings", lambda config: config["resolved"])
    monkeypatch.setattr("mcss.sweep.settings_hash", json.dumps)
    monkeypatch.setattr("mcss.sweep._run", train)
    weights = {"model.objective_weight": (0.03, 0.1, 1.0)}
    sweep = Sweep(tmp_path / "recipe.yaml", "grid", ("mcss", "fit", "${args}"), weights)
    failed = tune(sweep, table)
    assert failed == ["mcss fit --model.objective_weight=1.0"]
    assert sorted(json.loads(text)["model.objective_weight"] for text in read_tries(table)["settings"]) == [0.03, 0.1]
    commands.clear()
    tune(sweep, table)
    assert [command[-1] for command in commands] == ["--model.objective_weight=1.0"]
