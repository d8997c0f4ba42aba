"""The store: what is written comes back, whole or not at all."""

import ast
import dataclasses
import errno
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
import simplejpeg

import data_modules
import mcss
from data_modules.store import StoreError, config_hash, open_store, write_store
from data_modules.store import lock as store_lock
from data_modules.store import writer as store_writer
from data_modules.store.check import check_store
from data_modules.store.masks import encode_mask
from tests.references.schema1_store import write_schema1_store
from tests.references.synthetic_store import make_meta, make_store, synthetic_rows


def test_every_cell_comes_back(store_path):
    store = open_store(store_path)
    rows = list(synthetic_rows())
    assert len(store) == len(rows)
    for number, row in enumerate(rows):
        read = store.row(number)
        np.testing.assert_array_equal(read.pop("pose_world"), row.pop("pose_world"))
        assert read == {**row, "mask": None}


def test_description_comes_back(store_path):
    store = open_store(store_path)
    assert store.meta == make_meta()
    assert store.rows_per_subject == {"S1": 72, "S5": 72, "S9": 72}
    assert store.subjects_train == ("S1", "S5")


def test_index_numbers_clips_and_instants(store_path):
    store = open_store(store_path)
    assert store.clip_names[:4] == ("S1/Directions/1", "S1/Directions/2", "S1/Walking/1", "S5/Directions/1")
    assert [store.clip_names[clip] for clip in store.clip] == [
        f"{row['subject']}/{row['action']}/{row['subaction']}" for row in synthetic_rows()
    ]
    # 3 subjects, 3 clips, 6 instants, 4 views: the views of an instant are neighbours.
    np.testing.assert_array_equal(store.instant, np.arange(216) // 4)


def test_datasets_opens_it(store_path):
    dataset = datasets.load_from_disk(str(store_path))
    row = next(synthetic_rows())
    assert set(dataset.column_names) == {*row, "joint_valid", "mask"}
    assert len(dataset) == 216
    assert dataset[0]["image"] == row["image"]
    np.testing.assert_array_equal(np.float32(dataset[0]["pose_world"]).reshape(17, 3), row["pose_world"])


def test_poses_may_be_missing(tmp_path):
    rows = list(synthetic_rows())
    for row in rows[4:12]:
        row["pose_world"] = None
    write_store(tmp_path / "store", rows, make_meta())
    store = open_store(tmp_path / "store")
    np.testing.assert_array_equal(np.flatnonzero(~store.has_pose), np.arange(4, 12))
    np.testing.assert_array_equal(np.isnan(store.pose_world).all(axis=(1, 2)), ~store.has_pose)
    assert datasets.load_from_disk(str(tmp_path / "store"))[5]["pose_world"] is None


def test_names_may_hold_any_character(tmp_path):
    rows = list(synthetic_rows(subjects=["Zoë"], clips=["座る/1"], cameras=["vorne links", "hinten"]))
    write_store(tmp_path / "store", rows, make_meta(subjects=["Zoë"], cameras=["vorne links", "hinten"]))
    store = open_store(tmp_path / "store")
    assert store.clip_names == ("Zoë/座る/1",)
    assert set(store.camera.tolist()) == {"vorne links", "hinten"}


def test_jpeg_is_a_view_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(store_writer, "ROWS_PER_RECORD_BATCH", 7)  # more rows than one chunk holds
    store = open_store(make_store(tmp_path / "store"))
    for number, row in enumerate(synthetic_rows()):
        assert store.jpeg(number) == row["image"]
    assert store.jpeg(0).readonly
    for outside in (-1, 216):
        with pytest.raises(IndexError, match=f"row {outside} of a store of 216 rows"):
            store.jpeg(outside)


def test_decode(store_path):
    store = open_store(store_path)
    rows = np.array([5, 0, 215])
    images = store.decode(rows, 32)
    expected = [simplejpeg.decode_jpeg(store.jpeg(row)) for row in rows.tolist()]
    np.testing.assert_array_equal(images, expected)


def test_decode_shrinks_by_averaging(store_path):
    store = open_store(store_path)
    full, half = (store.decode(np.arange(8), side).astype(float) for side in (32, 16))
    blocks = full.reshape(8, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(half - blocks).max() <= 0.5


def test_decode_names_the_broken_row(tmp_path):
    rows = list(synthetic_rows())
    rows[3]["image"] = rows[3]["image"][:-20]  # the header is intact
    write_store(tmp_path / "store", rows, make_meta())
    with pytest.raises(StoreError, match=r"row 3 \(S1/Directions/1 frame 0 camera cam4\): its image .*mcss-data check"):
        open_store(tmp_path / "store").decode(np.array([2, 3]), 32)


def test_another_process_maps_the_file_itself(store_path):
    store = open_store(store_path)
    dump = pickle.dumps(store)
    assert len(dump) < 1000
    assert pickle.loads(dump).jpeg(7) == store.jpeg(7)


def test_one_hash_tells_the_content_and_the_other_the_pixels(tmp_path):
    def hashes(change=lambda row: None, meta=None):
        rows = list(synthetic_rows(subjects=("S1",), instants=3))
        change(rows[8])
        # The pose of an instant is the same in all views.
        for row in rows[8:12]:
            row["pose_world"] = rows[8]["pose_world"]
        write_store(tmp_path / "store", rows, meta or make_meta())
        store = open_store(tmp_path / "store")
        return store.content_hash, store.pixel_hash

    def move(by_mm):
        return lambda row: row.update(pose_world=np.round(row["pose_world"], 2) + np.float32(by_mm))

    def forget_wrist(row):
        row["pose_world"] = row["pose_world"].copy()
        row["pose_world"][13] = np.nan

    def put_wrist_at_origin(row):
        row["pose_world"] = row["pose_world"].copy()
        row["pose_world"][13] = 0

    content, pixels = hashes()
    for change in (
        {"image": next(synthetic_rows(seed=1))["image"]},
        {"box": (0.0, 0.0, 1.0)},
        {"mask": encode_mask(np.ones((32, 32), bool))},
    ):
        changed = hashes(lambda row, change=change: row.update(change))
        assert changed[0] == content
        assert changed[1] != pixels
    assert hashes(move(0.002))[0] == hashes(move(0.0))[0]
    assert hashes(move(0.02))[0] != hashes(move(0.0))[0]
    assert hashes(forget_wrist)[0] != hashes(put_wrist_at_origin)[0]
    assert hashes(meta=make_meta(seed=1))[0] != content


def test_joints_that_are_not_known_come_back_as_such(tmp_path):
    rows = list(synthetic_rows(subjects=("S1",), clips=("Walking/1",), instants=3))
    for row in rows[:4]:
        row["pose_world"] = row["pose_world"].copy()
        row["pose_world"][13] = np.nan
    for row in rows[4:8]:  # without a hip there is no canonical frame
        row["pose_world"] = row["pose_world"].copy()
        row["pose_world"][4] = np.nan
    write_store(tmp_path / "store", rows, make_meta())
    store = open_store(tmp_path / "store")
    for number, row in enumerate(rows):
        np.testing.assert_array_equal(store.row(number)["pose_world"], row["pose_world"])
    np.testing.assert_array_equal(store.has_pose, [True] * 4 + [False] * 4 + [True] * 4)
    assert check_store(tmp_path / "store") == []
    on_disk = datasets.load_from_disk(str(tmp_path / "store"))
    assert on_disk[0]["joint_valid"] == [joint != 13 for joint in range(17)]
    assert on_disk[8]["joint_valid"] is None
    assert np.isfinite(on_disk[0]["pose_world"]).all()


def test_masks_come_back_at_any_size(tmp_path):
    rows = list(synthetic_rows(subjects=("S1",), clips=("Walking/1",), instants=2))
    left = np.zeros((32, 32), bool)
    left[:, :13] = True
    for row in rows[:4]:
        row["mask"] = encode_mask(left)
    write_store(tmp_path / "store", rows, make_meta())
    store = open_store(tmp_path / "store")
    np.testing.assert_array_equal(store.has_mask, [True] * 4 + [False] * 4)
    (mask,) = store.mask(np.array([2]), 32)
    np.testing.assert_array_equal(mask, left)
    (small,) = store.mask(np.array([2]), 8)
    assert small[:, :3].all()  # the fourth column of 4 x 4 pixels shows a quarter of the person
    assert not small[:, 3:].any()
    assert store.mask(np.array([2, 5]), 32) is None
    assert check_store(tmp_path / "store") == []


def test_a_store_of_schema_1_opens_as_before(tmp_path):
    """The hash is what the first version of this project computed for these rows."""
    content_hash = "1d012ea4434e0c26aa491927aeae8b2cd342b93b437a45c7b74fddb45648e2a3"
    rows = list(synthetic_rows())
    meta = json.loads(json.dumps(dataclasses.asdict(make_meta())))
    old = open_store(write_schema1_store(tmp_path / "old", rows, meta, content_hash))
    new = open_store(make_store(tmp_path / "new"))
    assert new.content_hash == content_hash
    for number in (0, 100, 215):
        np.testing.assert_array_equal(old.row(number)["pose_world"], new.row(number)["pose_world"])
        assert bytes(old.jpeg(number)) == bytes(new.jpeg(number))
    assert old.meta == new.meta
    assert old.mask(np.arange(3), 32) is None
    assert old.has_pose.all()
    assert check_store(tmp_path / "old") == []


def test_config_hash_survives_json():
    config = {"sizes": (1, 2), "name": "Zoë", "nested": {"b": 1, "a": None}}
    assert config_hash(config) == config_hash(json.loads(json.dumps(config)))
    assert config_hash(config) != config_hash({**config, "sizes": (1, 3)})


# Writing is atomic.


def test_failing_source_leaves_no_store(tmp_path):
    def rows():
        yield from list(synthetic_rows())[:50]
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        write_store(tmp_path / "store", rows(), make_meta())
    assert os.listdir(tmp_path) == [".store.lock"]


def test_failing_source_leaves_the_old_store(tmp_path):
    path = make_store(tmp_path / "store")
    before = open_store(path).content_hash
    unsorted = reversed(list(synthetic_rows(seed=1)))
    with pytest.raises(StoreError, match="not sorted"):
        write_store(path, unsorted, make_meta(seed=1))
    assert open_store(path).content_hash == before
    assert sorted(os.listdir(tmp_path)) == [".store.lock", "store"]


def test_failing_rename_leaves_the_old_store(tmp_path, monkeypatch):
    path = make_store(tmp_path / "store")
    before = open_store(path).content_hash
    rename = type(path).rename

    def fail_on_partial(self, target):
        if self.name.endswith(".partial"):
            raise OSError("no space left on device")
        return rename(self, target)

    monkeypatch.setattr(type(path), "rename", fail_on_partial)
    with pytest.raises(OSError, match="no space left"):
        make_store(path, seed=1)
    assert open_store(path).content_hash == before


def test_a_new_store_replaces_the_old_one(tmp_path):
    path = make_store(tmp_path / "store")
    make_store(path, instants=2)
    assert len(open_store(path)) == 3 * 3 * 2 * 4
    assert sorted(os.listdir(tmp_path)) == [".store.lock", "store"]


def test_leftovers_of_a_killed_writer_are_removed(tmp_path):
    (tmp_path / ".store.partial").mkdir()
    (tmp_path / ".store.partial" / "half.arrow").touch()
    make_store(tmp_path / "store")
    assert sorted(os.listdir(tmp_path)) == [".store.lock", "store"]


def test_a_writer_killed_between_the_renames_loses_nothing(tmp_path):
    path = make_store(tmp_path / "store")
    path.rename(tmp_path / ".store.old")
    with pytest.raises(StoreError, match="no rows"):
        write_store(path, [], make_meta())
    assert len(open_store(path)) == 216


LOCK_AND_SAY_SO = """
import sys
from pathlib import Path
from data_modules.store.lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def no_native_locks(monkeypatch):
    """As some Lustre and NFS answer."""

    def acquire(self):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(store_lock.FileLock, "acquire", lambda self, *args, **kwargs: acquire(self))


def test_two_writers_do_not_meet(tmp_path):
    program = [sys.executable, "-c", LOCK_AND_SAY_SO, str(tmp_path / "store")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(StoreError, match="another process is writing this store"):
            make_store(tmp_path / "store")
        other.kill()
    make_store(tmp_path / "store")  # the lock has died with the process


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    no_native_locks(monkeypatch)
    with store_lock.only_writer(tmp_path / "store"):
        assert list(tmp_path.glob("*.softlock"))
    make_store(tmp_path / "store")
    assert check_store(tmp_path / "store") == []


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path):
    """As on a small home disk with the data elsewhere; also where the target is not there yet."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk/store")
    for instants in (2, 3):
        make_store(tmp_path / "link", instants=instants)
        assert (tmp_path / "link").is_symlink()
        assert len(open_store(tmp_path / "disk/store")) == len(open_store(tmp_path / "link")) == 36 * instants
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "link"]


@pytest.mark.parametrize("package", [data_modules, mcss])
def test_no_module_needs_what_windows_or_a_small_installation_lacks(package):
    for path in Path(package.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"fcntl", "resource", "datasets"} & {name.split(".")[0] for name in names}, path


def test_other_people_s_folders_are_not_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    with pytest.raises(StoreError, match="exists and is not a store"):
        make_store(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.tex").exists()


# Rows that break a rule are refused; test_store_check.py shows each rule once more on a damaged store.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": "S2"}, "row 0, subject: 'S2' is neither a train nor a test subject"),
        ({"camera": "cam0"}, "row 0, camera: 'cam0' is not among the store's cameras"),
        ({"time_s": float("nan")}, "row 0, time_s: nan is not finite"),
        ({"box": (0.0, 0.0, 0.0)}, "row 0, box: .* is not a square with a positive side"),
        ({"pose_world": np.full((17, 3), np.nan, np.float32)}, "row 0, pose_world: knows no joint"),
        ({"pose_world": np.full((17, 3), np.inf, np.float32)}, "row 0, pose_world: has a value that is not finite"),
        ({"mask": b"GIF89a"}, "row 0, mask: not a PNG"),
        ({"image": b"GIF89a"}, "row 0, image: not a JPEG"),
        ({"image": b""}, "row 0, image: not a JPEG"),
        (
            {"image": simplejpeg.encode_jpeg(np.zeros((32, 16, 3), np.uint8))},
            "row 0, image: 32 x 16 YCbCr, expected 32 x 32 in colour",
        ),
        (
            {"image": simplejpeg.encode_jpeg(np.zeros((32, 32, 1), np.uint8), colorspace="GRAY")},
            "row 0, image: 32 x 32 Gray, expected 32 x 32 in colour",
        ),
    ],
)
def test_bad_row_is_refused(tmp_path, change, message):
    row = next(synthetic_rows())
    with pytest.raises(StoreError, match=message) as caught:
        write_store(tmp_path / "store", [{**row, **change}], make_meta())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "change", "message"),
    [
        (1, {"camera": "cam1"}, "row 1, camera: rows are not sorted"),
        (1, {"time_s": 0.1}, "row 1, time_s: 0.1 s differs from the same instant's other views"),
        (1, {"pose_world": None}, "row 1, pose_world: differs from the same instant's other views"),
        (1, {"pose_world": np.zeros((17, 3), np.float32)}, "row 1, pose_world: differs"),
        (4, {"time_s": 0.0}, "row 4, time_s: 0.0 s is not after the clip's frame before it"),
    ],
)
def test_bad_neighbours_are_refused(tmp_path, number, change, message):
    rows = list(synthetic_rows())[: number + 1]
    rows[number].update(change)
    with pytest.raises(StoreError, match=message):
        write_store(tmp_path / "store", rows, make_meta())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subjects": ("S1", "S1")}, "a subject is listed twice"),
        ({"cameras": ("left", "left")}, "a camera is listed twice"),
        ({"size_px": 0}, "must be positive"),
        ({"joint_set": "h36m16"}, "joint set 'h36m16': a store holds h36m17"),
    ],
)
def test_bad_description_is_refused(change, message):
    with pytest.raises(StoreError, match=message):
        make_meta(**change)


# Opening says in one line what is wrong and how to mend it.


def _truncate(path):
    file = path / "data-00000-of-00001.arrow"
    os.truncate(file, file.stat().st_size // 2)


def _drop_last_rows(path):
    file = path / "data-00000-of-00001.arrow"
    table = pa.ipc.open_stream(file.read_bytes()).read_all()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table.slice(0, 200))


def _other_columns(path):
    table = pa.table({"image": [b""] * 216})
    with pa.ipc.new_stream(path / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table)


def _edit_description(path, **change):
    file = path / "store.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "damaged .*make it again"),
        (_drop_last_rows, "damaged .200 rows, 216 were written"),
        (_other_columns, "damaged .the columns are not those of a store"),
        (lambda path: (path / "data-00000-of-00001.arrow").unlink(), "damaged .*No such file.*make it again"),
        (lambda path: (path / "store.json").unlink(), "not a store .it has no store.json"),
        (lambda path: (path / "store.json").write_text('{"schema'), "store.json: damaged"),
        (lambda path: (path / "store.json").write_text("[]"), "store.json: damaged"),
        (lambda path: _edit_description(path, meta={}), "store.json: damaged"),
        (lambda path: _edit_description(path, schema_version=0), "schema version 0, this program reads 1 and 2"),
    ],
)
def test_damaged_store_is_refused(tmp_path, damage, message):
    path = make_store(tmp_path / "store")
    damage(path)
    with pytest.raises(StoreError, match=message) as caught:
        open_store(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_store_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(StoreError, match=r"there is no store; make one with `mcss-data render --out .*nowhere`"):
        open_store(tmp_path / "nowhere")
