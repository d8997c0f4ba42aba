"""Bad parts are skipped, counted by kind and named, and tried again once they may have been repaired."""

import os
import shutil

import pytest

from data_modules.cli import main
from data_modules.sources.h36m.mks0601 import H36mMks0601
from data_modules.sources.mpi_inf_3dhp.mmpose import MpiInf3dhpMmpose
from data_modules.store import open_store

LAYOUT = "h36m-mks0601"
IMAGE = "images/s_01_act_14_subact_02_ca_03/s_01_act_14_subact_02_ca_03_000002.jpg"


def import_args(source, out, *more):
    return ["import", LAYOUT, "--source", str(source), "--out", str(out), "--size", "32", "--step", "1", *more]


def test_bad_parts_are_skipped_counted_and_named(copied_source, tmp_path, capsys):
    source = copied_source(LAYOUT)
    os.truncate(source / IMAGE, 100)
    main(import_args(source, tmp_path / "store", "--workers", "1"))
    store = open_store(tmp_path / "store")
    assert len(store) == 68
    (left_out,) = store.meta.excluded
    assert left_out["sequence"] == "S1/Walking/2"
    assert left_out["reason"].startswith(f"1 skipped: {source / IMAGE}: not a whole image")
    assert f"  S1/Walking/2: 1 skipped: {source / IMAGE}" in capsys.readouterr().out


def test_an_image_that_was_repaired_in_its_place_is_another_fingerprint(copied_source):
    source = copied_source(LAYOUT)
    layout, clip, other = H36mMks0601(source), ("S1", "Walking", 2), ("S1", "Directions", 1)
    image, before = (source / IMAGE).read_bytes(), [layout.fingerprint(clip), layout.fingerprint(other)]
    (source / IMAGE).write_bytes(image[:100])
    broken = layout.fingerprint(clip)
    (source / IMAGE).write_bytes(image)
    assert len({before[0], broken, layout.fingerprint(clip)}) == 3
    assert layout.fingerprint(other) == before[1]


def test_an_image_of_another_clip_in_one_folder_changes_nothing(copied_source):
    source = copied_source("mpi-inf-3dhp-mmpose")
    layout = MpiInf3dhpMmpose(source)
    clips = sorted(layout.clips())[:2]
    before = [layout.fingerprint(clip) for clip in clips]
    image = next((source / "images").glob(f"{clips[1][0]}_{clips[1][1]}_*"))
    os.truncate(image, 100)
    after = [layout.fingerprint(clip) for clip in clips]
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_many_images_damaged_in_one_way_are_one_line(copied_source, tmp_path):
    source = copied_source(LAYOUT)
    images = sorted((source / IMAGE).parent.iterdir())
    for number, path in enumerate(images[:4]):
        os.truncate(path, 400 + number)
    images[5].unlink()
    main(import_args(source, tmp_path / "store", "--workers", "1", "--subjects", "S1"))
    assert [item["reason"].partition(" (")[0] for item in open_store(tmp_path / "store").meta.excluded] == [
        f"4 skipped, the first: {images[0]}: not a whole image",
        f"1 skipped: {images[5]}: there is no such image; copy or download it again",
    ]


def test_what_was_skipped_is_tried_again_as_long_as_there_is_no_store(copied_source, tmp_path, capsys):
    source = copied_source(LAYOUT)
    shutil.move(source / "images", tmp_path / "images")
    for folder in (tmp_path / "images").iterdir():
        (source / "images" / folder.name).mkdir(parents=True)
    with pytest.raises(SystemExit):
        main(import_args(source, tmp_path / "store", "--workers", "1"))
    assert "no instant could be imported; of S1/Directions/1: 6 skipped, the first: " in capsys.readouterr().err
    shutil.rmtree(source / "images")
    shutil.move(tmp_path / "images", source / "images")
    main(import_args(source, tmp_path / "store", "--workers", "1"))
    assert len(open_store(tmp_path / "store")) == 72
