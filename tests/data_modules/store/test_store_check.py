"""`check_store` finds every kind of damage, and names row, column and reason; `store_statistics` counts right."""

import json

import numpy as np
import pyarrow as pa
import pytest
import simplejpeg

from data_modules.store import write_store
from data_modules.store.check import check_store, store_statistics
from data_modules.store.masks import encode_mask
from tests.references.synthetic_store import make_meta, make_store, synthetic_rows

ARROW_FILE = "data-00000-of-00001.arrow"


def replace_cell(path, number, column, value):
    """Overwrite one cell behind the writer's back."""
    file = path / ARROW_FILE
    table = pa.ipc.open_stream(file.read_bytes()).read_all()
    cells = table[column].to_pylist()
    cells[number] = value
    place = table.schema.get_field_index(column)
    table = table.set_column(place, table.schema.field(column), pa.array(cells, type=table.schema.field(column).type))
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)


def test_intact_store_has_no_problems(store_path):
    assert check_store(store_path) == []


def test_unlabelled_store_has_no_problems(tmp_path):
    assert check_store(make_store(tmp_path / "store", labelled=False)) == []


@pytest.mark.parametrize(
    ("number", "column", "value", "reason"),
    [
        (5, "image", b"", "not a JPEG"),
        (5, "image", b"\xff\xd8 no more", "not a JPEG"),
        (5, "image", next(synthetic_rows())["image"][:-20], "cannot be decoded"),
        (5, "image", simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8)), "8 x 8 YCbCr, expected 32 x 32"),
        (5, "box", [0.0, 0.0, -3.0], "not a square with a positive side"),
        (5, "box", [float("inf"), 0.0, 3.0], "not a square"),
        (5, "subject", "S2", "'S2' is neither a train nor a test subject"),
        (5, "camera", "cam9", "'cam9' is not among the store's cameras"),
        (5, "camera", "cam1", "rows are not sorted"),
        (5, "action", "Aaa", "rows are not sorted"),
        (5, "subaction", 0, "rows are not sorted"),
        (5, "frame", -1, "rows are not sorted"),
        (5, "time_s", 0.25, "differs from the same instant's other views"),
        (4, "time_s", -1.0, "is not after the clip's frame before it"),
        (5, "time_s", float("nan"), "nan is not finite"),
        (5, "pose_world", None, "differs from the same instant's other views"),
        (5, "pose_world", [0.0] * 51, "differs from the same instant's other views"),
        (5, "pose_world", [float("nan")] * 51, "differs from the same instant's other views"),
        (5, "pose_world", [float("inf")] * 51, "has a value that is not finite"),
        (5, "pose_world", [float("nan")] + [0.0] * 50, "has a value that is not finite"),
        (5, "joint_valid", [False] * 16 + [True], "differs from the same instant's other views"),
        (5, "mask", b"no PNG", "not a PNG"),
        (5, "mask", encode_mask(np.ones((16, 16), bool)), "16 x 16 with 1 bit(s) a pixel, expected 32 x 32 with 1"),
        (5, "mask", encode_mask(np.ones((32, 32), bool))[:40], "cannot be decoded"),
    ],
)
def test_broken_cell_is_named(tmp_path, number, column, value, reason):
    path = make_store(tmp_path / "store")
    replace_cell(path, number, column, value)
    problems = check_store(path)
    column = "camera" if reason == "rows are not sorted" else column  # the last column of the sort key stands for it
    column = "pose_world" if column == "joint_valid" else column
    assert any(line.startswith(f"{path}: row {number}, {column}: ") and reason in line for line in problems), problems
    assert not any("\n" in line for line in problems)


def test_silent_change_of_a_label_is_found(tmp_path):
    path = make_store(tmp_path / "store", cameras=("cam1", "cam2"))
    for number in (8, 9):
        replace_cell(path, number, "pose_world", [0.0] * 51)
    assert check_store(path) == [f"{path}: the content is not what was written: its hash differs from store.json's"]


def test_wrong_counts_are_found(tmp_path):
    path = make_store(tmp_path / "store")
    description = json.loads((path / "store.json").read_text())
    description["rows_per_subject"]["S5"] = 71
    (path / "store.json").write_text(json.dumps(description))
    assert check_store(path) == [f"{path}: store.json states 71 rows of S5, there are 72"]


def test_a_silent_change_of_a_box_is_found(tmp_path):
    path = make_store(tmp_path / "store")
    replace_cell(path, 8, "box", [1.0, 1.0, 1.0])
    (problem,) = check_store(path)
    assert problem == f"{path}: boxes, images or masks are not what was written: their hash differs from store.json's"


def test_an_empty_cell_is_found(tmp_path):
    path = make_store(tmp_path / "store")
    replace_cell(path, 5, "action", None)
    (problem,) = check_store(path)
    assert "column action has an empty cell" in problem


def test_a_store_that_does_not_open_is_one_problem(tmp_path):
    (problem,) = check_store(tmp_path / "nowhere")
    assert "there is no store" in problem


def test_many_problems_of_a_column_are_summed_up(tmp_path):
    rows = list(synthetic_rows())
    for row in rows[:20]:
        row["image"] = row["image"][:-20]
    write_store(tmp_path / "store", rows, make_meta())
    problems = check_store(tmp_path / "store")
    assert len(problems) == 6
    assert problems[-1].endswith("and 15 more problems in column image")


def test_statistics(tmp_path):
    rows = list(synthetic_rows())
    for row in rows[:8]:
        row["pose_world"] = None
    write_store(tmp_path / "store", rows, make_meta())
    card = store_statistics(tmp_path / "store")
    assert card["images"] == 216
    assert card["actions"] == ["Directions", "Walking"]
    assert card["spacing_s"] == {"min": 0.5, "median": 0.5, "max": 0.5}
    assert card["views_per_instant"] == {"min": 4, "median": 4.0, "max": 4}
    s1 = {"split": "train", "clips": 3, "instants": 18, "images": 72, "instants_with_pose": 16}
    assert card["subjects"] == {
        "S1": s1,
        "S5": {**s1, "instants_with_pose": 18},
        "S9": {**s1, "instants_with_pose": 18, "split": "test"},
    }
    assert json.loads(json.dumps(card)) == card


def test_mean_pose_error(tmp_path):
    """One training pose and one test pose that differ by 30 mm in one joint, once both face the same way."""
    rows = list(synthetic_rows(subjects=("S1", "S9"), clips=("Walking/1",), instants=1))
    train = rows[0]["pose_world"]
    turned = train @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], dtype=np.float32) + np.float32(500)
    turned[10, 2] += 30
    for row in rows:
        row["pose_world"] = train if row["subject"] == "S1" else turned
    write_store(tmp_path / "store", rows, make_meta())
    error = store_statistics(tmp_path / "store")["mean_pose_mpjpe_mm"]
    assert error == pytest.approx({"h36m16": 30 / 16, "h36m17": 30 / 17}, abs=1e-3)


def test_no_poses_no_mean_pose_error(tmp_path):
    assert store_statistics(make_store(tmp_path / "store", labelled=False))["mean_pose_mpjpe_mm"] is None


def test_single_instants_have_no_spacing(tmp_path):
    assert store_statistics(make_store(tmp_path / "store", instants=1))["spacing_s"] is None
