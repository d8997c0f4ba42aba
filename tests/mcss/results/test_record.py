import json

import pandas as pd
import pytest

from mcss.errors import InputError
from mcss.results.record import COLUMNS, add_runs, read_table

LEGACY_TABLE = """\
method,supervision,labelled_instants,seed,frame,mpjpe_mm,n_mpjpe_mm,pa_mpjpe_mm,mean_pose_mpjpe_mm,steps,world_size,\
images_seen,wall_s,commit,config_hash,data_hash
mcss,S1,1120,0,canonical,111.636,109.234,92.142,189.599,3000,,330000,502.9,a6064e1,98ab791b12c8de0d,d
mcss,S1,1120,1,canonical,111.657,109.084,91.824,189.599,3000,1,330000,491.7,c70874b-dirty,1f6a99059c51e2cd,d
"""


def test_a_row_has_errors_of_all_and_of_each_test_person_and_what_decides_the_run(finished, tmp_path):
    table = add_runs([finished("a", value=120.0)], tmp_path / "out/runs.csv")
    pd.testing.assert_frame_equal(table, read_table(tmp_path / "out/runs.csv"))
    row = table.loc[0]
    assert set(COLUMNS) <= set(table.columns)
    assert [float(row[name]) for name in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")] == [120, 121, 122]
    assert [float(row[f"n_mpjpe_mm:{subject}"]) for subject in ("S9", "S11")] == [111, 131]
    assert (row["mean_pose_mpjpe_mm"], row["labelled_mpjpe_mm"]) == ("200.0", "20.0")
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


def test_rows_of_earlier_versions_stay_with_what_they_lack_as_unknown(finished, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(LEGACY_TABLE)
    rows = add_runs([finished("a")], path)
    old = rows[rows["settings"] == "unknown"].set_index("seed")
    assert old["mpjpe_mm"].to_dict() == {"0": "111.636", "1": "111.657"}
    assert old["settings_hash"].tolist() == ["legacy:98ab791b12c8de0d", "legacy:1f6a99059c51e2cd"]
    assert (old.loc["0", "precision"], old.loc["0", "world_size"], old.loc["0", "commit"]) == (
        "unknown",
        "1",
        "a6064e1",
    )
    assert (old.loc["1", "commit"], old.loc["1", "dirty"]) == ("c70874b", "yes")
    assert len(rows) == 3


def test_the_record_of_an_earlier_version_replaces_its_own_row(record, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(LEGACY_TABLE)
    old = record(value=90.0, config_hash="98ab791b12c8de0d")
    for name in ("test_images_of_store", "settings", "settings_hash", "checkpoint_hash"):
        del old[name]
    (tmp_path / "results.json").write_text(json.dumps(old))
    rows = add_runs([tmp_path], path)
    assert rows["mpjpe_mm"].tolist() == ["90.0", "111.657"]


def test_a_record_with_unknown_settings_is_a_run_of_its_own(finished, tmp_path):
    unknown = {"settings": None, "settings_hash": None, "seed": None, "commit": None, "dirty": None}
    rows = add_runs([finished(n, checkpoint_hash=n, **unknown) for n in ("a", "b")], tmp_path / "runs.csv")
    assert rows["settings_hash"].tolist() == ["unknown:a", "unknown:b"]
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
