import json

import numpy as np
import pytest

from data_modules.sources.footage.videos import Videos
from mcss.errors import InputError
from tests.references.moving_person import tripods


def write(views, clip, cameras):
    folder = views / "S1" / clip
    folder.mkdir(parents=True, exist_ok=True)
    if cameras:
        content = {name: camera.to_dict() for name, camera in zip("ab", cameras, strict=True)}
        (folder / "cameras.json").write_text(json.dumps(content))


def test_a_persons_clips_with_the_same_cameras_are_calibrated(tmp_path):
    left, right = tripods(2)
    for clip in ("walk", "sit"):
        write(tmp_path, clip, [left, right])
    found = Videos(tmp_path).calibration(("S1", "walk", 1))
    np.testing.assert_array_equal(found["b"].rot_world_to_cam, right.rot_world_to_cam)
    assert Videos(tmp_path).calibration(("S2", "walk", 1)) == {}


@pytest.mark.parametrize("other", [None, tripods(2, seed=5)], ids=["not solved", "solved by itself"])
def test_cameras_of_one_clip_are_not_taken_for_those_of_another(other, tmp_path):
    write(tmp_path, "walk", tripods(2))
    write(tmp_path, "sit", other)
    assert Videos(tmp_path).calibration(("S1", "walk", 1)) == {}


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"a": {"trans_mm": [1]}}'])
def test_a_damaged_file_of_cameras_is_one_line(text, tmp_path):
    write(tmp_path, "walk", tripods(2))
    (tmp_path / "S1/walk/cameras.json").write_text(text)
    with pytest.raises(InputError, match=r"cameras.json: not written by mcss-data solve .*; solve the clip again"):
        Videos(tmp_path).calibration(("S1", "walk", 1))
