import json

import pandas as pd
import pytest

from mcss.errors import InputError
from mcss.results.record import COLUMNS, add_runs, read_table


def test_a_row_has_errors_of_all_and_of_each_test_person_and_what_decides_the_run(finished, tmp_path):
    table = add_runs([finished("a", value=120.0)], tmp_path / "out/runs.csv")
    pd.testing.assert_frame_equal(table, read_table(tmp_path / "out/runs.csv"))
    row = table.loc[0]
    assert set(COLUMNS) <= set(table.columns)
    assert [float(row[name]) for name in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")] == [120, 121, 122]
    assert [float(row[f"n_mpjpe_mm:{subject}"]) for subject in ("S9", "S11")] == [111, 131]
    assert (row["mean_pose_mpjpe_mm"], row["labelled_mpjpe_mm"]) == ("200.0", "20.0")
    assert [float(row[f"filmed_{name}"]) for name in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")] == [61, 61, 61]
    assert (row["precision"], row["dirty"], row["partial"]) == ("32-true", "no", "no")
    assert json.loads(row["settings"])["model.lr"] == 0.002


def test_a_new_test_of_a_checkpoint_replaces_its_row_and_another_checkpoint_adds_one(finished, tmp_path):
    path = tmp_path / "runs.csv"
    add_runs([finished("a"), finished("b", seed=1)], path)
    rows = add_runs([finished("c", value=130.0), finished("d", checkpoint_hash="trained again")], path)
    assert sorted(zip(rows["seed"], rows["mpjpe_mm"], strict=True)) == [("0", "100.0"), ("0", "130.0"), ("1", "100.0")]


def test_a_partial_test_never_replaces_a_whole_one_and_is_replaced_by_it(finished, tmp_path, capsys):
    path = tmp_path / "runs.csv"
    part = {"partial": True, "test_images": 32, "value": 50.0}
    assert add_runs([finished("a", **part)], path)["partial"].tolist() == ["yes"]
    assert add_runs([finished("b")], path)["mpjpe_mm"].tolist() == ["100.0"]
    whole = path.read_text()
    add_runs([finished("c", **part)], path)
    assert path.read_text() == whole
    assert "partial test, not added" in capsys.readouterr().out


def test_a_table_of_an_earlier_version_is_refused_and_stays(finished, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,supervision,seed,config_hash,data_hash\nmcss,S1,0,98ab791b12c8de0d,d\n")
    before = path.read_text()
    with pytest.raises(InputError, match=r"runs.csv: a table of an earlier version, without the column settings"):
        add_runs([finished("a")], path)
    assert path.read_text() == before


def test_results_of_an_earlier_version_are_refused_with_the_command_that_renews_them(record, tmp_path):
    old = {name: value for name, value in record().items() if name != "settings"}
    (tmp_path / "results.json").write_text(json.dumps(old))
    with pytest.raises(
        InputError, match=r"earlier version; test the run again .mcss test --config .*config.yaml --run"
    ):
        add_runs([tmp_path], tmp_path / "runs.csv")


def test_a_record_with_unknown_settings_is_a_run_of_its_own(finished, tmp_path):
    unknown = {"settings": None, "settings_hash": None, "seed": None, "commit": None, "dirty": None}
    rows = add_runs([finished(n, checkpoint_hash=n, **unknown) for n in ("a", "b")], tmp_path / "runs.csv")
    assert rows["settings"].map(json.loads).tolist() == [
        {"settings": "not recorded", "checkpoint": name} for name in ("a", "b")
    ]
    assert rows["seed"].tolist() == rows["dirty"].tolist() == rows["commit"].tolist() == ["unknown"] * 2


def test_seeds_without_a_checkpoint_do_not_replace_each_other(finished, tmp_path):
    runs = [finished(f"{seed}", seed=seed, checkpoint_hash=None) for seed in (0, 1)]
    assert add_runs([*runs, runs[0]], tmp_path / "runs.csv")["seed"].tolist() == ["0", "1"]


def test_levels_with_more_labels_come_first(finished, tmp_path):
    levels = {"5%S1": 56, "all": 5600, "S1": 1120}
    runs = [finished(level, supervision=level, labelled_instants=n) for level, n in levels.items()]
    assert add_runs(runs, tmp_path / "runs.csv")["supervision"].tolist() == ["all", "S1", "5%S1"]


def test_tests_on_other_data_are_refused_and_the_table_stays(finished, tmp_path):
    path = tmp_path / "runs.csv"
    add_runs([finished("a")], path)
    before = path.read_text()
    with pytest.raises(InputError, match=r"holds runs on other data .hash d, here rendere.*TABLE="):
        add_runs([finished("b", test_data_hash="rendered anew")], path)
    assert path.read_text() == before


def test_a_figure_that_an_earlier_version_did_not_measure_is_empty(finished, tmp_path):
    path = tmp_path / "runs.csv"
    add_runs([finished("a")], path)
    pd.read_csv(path, dtype=str).drop(columns=["filmed_mpjpe_mm", "test_mean_distance"]).to_csv(path, index=False)
    row = read_table(path).loc[0]
    assert (row["filmed_mpjpe_mm"], row["test_mean_distance"], row["mpjpe_mm"]) == ("", "", "100.0")


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (
            "a/results.json",
            lambda content: content[:-30],
            r"a/results.json: damaged; test the run again",
        ),
        ("a/results.json", lambda content: "[]", r"a/results.json: results of an earlier version; test the run"),
        ("runs.csv", lambda content: content[:-30], r"runs.csv: not a table of runs, or damaged .*: restore it, or"),
        ("runs.csv", lambda content: "", r"runs.csv: not a table of runs, or damaged"),
        ("runs.csv", lambda content: "settings\n1\n", r"runs.csv: not a table of runs, or damaged"),
    ],
)
def test_a_damaged_file_is_one_line_and_stays(file, damage, message, finished, tmp_path):
    folder, path = finished("a"), tmp_path / file
    add_runs([folder], tmp_path / "runs.csv")
    damaged = damage(path.read_text())
    path.write_text(damaged)
    with pytest.raises(InputError, match=message):
        add_runs([folder], tmp_path / "runs.csv")
    assert path.read_text() == damaged
