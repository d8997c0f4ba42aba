import csv
import json

import pytest

from mcss.errors import InputError
from mcss.results.collect import COLUMNS, collect, read_rows

LEVELS = {"5%S1": 56, "all": 5600, "S1": 1120}


def test_rows_hold_the_headline_errors(finished, tmp_path):
    table = tmp_path / "out/runs.csv"
    collect([finished("a", value=120.0)], table)
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert [float(row[name]) for name in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")] == [120, 121, 122]
    assert float(row["mean_pose_mpjpe_mm"]) == 200


def test_runs_are_added_to_those_already_there_and_repeated_ones_replaced(finished, tmp_path):
    table = tmp_path / "runs.csv"
    collect([finished("a", seed=1, value=120.0), finished("b", method="baseline")], table)
    rows = collect([finished("c", seed=0), finished("d", seed=1, value=130.0)], table)
    assert rows == read_rows(table)
    assert [(row["method"], row["seed"], float(row["mpjpe_mm"])) for row in rows] == [
        ("baseline", "0", 100.0),
        ("mcss", "0", 100.0),
        ("mcss", "1", 130.0),
    ]


def test_the_same_settings_on_more_ranks_are_another_run(finished, tmp_path):
    """Batch sizes are those of a rank. Rows from before the column were trained on one."""
    table = tmp_path / "runs.csv"
    collect([finished("a", world_size=1)], table)
    rows = [{name: value for name, value in row.items() if name != "world_size"} for row in read_rows(table)]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert len(collect([finished("b", world_size=8)], table)) == 2
    assert [row["world_size"] for row in collect([finished("c", world_size=1)], table)] == ["8", "1"]


def test_a_run_without_validation_clips_says_nothing_of_its_embedding(finished, tmp_path):
    folder = finished("a")
    record = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps({**record, "val_mean_distance": 0.9, "val_effective_rank": 12.0}))
    (row,) = collect([folder], tmp_path / "runs.csv")
    assert (row["val_mean_distance"], row["val_effective_rank"]) == ("0.9", "12.0")
    del record["val_mean_distance"], record["val_effective_rank"]
    (folder / "results.json").write_text(json.dumps(record))
    (row,) = collect([folder], tmp_path / "runs.csv")
    assert (row["val_mean_distance"], row["val_effective_rank"]) == ("", "")


def test_levels_with_more_labels_come_first(finished, tmp_path):
    runs = [finished(level, supervision=level, labelled_instants=n, config_hash=level) for level, n in LEVELS.items()]
    rows = collect(runs, tmp_path / "runs.csv")
    assert [row["supervision"] for row in rows] == ["all", "S1", "5%S1"]


def test_runs_on_other_data_are_refused_and_the_table_stays(finished, tmp_path):
    table = tmp_path / "runs.csv"
    collect([finished("a")], table)
    before = table.read_text()
    with pytest.raises(InputError, match=r"holds runs on other data .hash d, here rendere.*TABLE=") as caught:
        collect([finished("b", seed=1, data_hash="rendered anew")], table)
    assert "\n" not in str(caught.value)
    assert table.read_text() == before
