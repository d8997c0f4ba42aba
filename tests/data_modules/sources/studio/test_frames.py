import json

import cv2
import numpy as np
import pytest

from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.frames import CAMERA_FILE, POSES_FILE, render_frames
from mcss.geometry.camera import Camera

TINY = PRESETS["tiny"]


@pytest.mark.parametrize("size_px", [(128, 72), (72, 128)])
def test_frames_come_with_their_poses_and_camera(tmp_path, size_px):
    paths = render_frames(TINY, "S9", "Walking", 1, "58860488", size_px, tmp_path, instants=[0, 4])
    assert [path.name for path in paths] == ["000000.jpg", "000240.jpg"]
    assert cv2.imread(str(paths[0])).shape == (size_px[1], size_px[0], 3)
    poses = np.load(tmp_path / POSES_FILE)
    camera = Camera.from_dict(json.loads((tmp_path / CAMERA_FILE).read_text()))
    assert poses.shape == (2, 17, 3)
    assert camera.size_px == size_px
    pixels = camera.project(poses.astype(np.float64))
    assert ((pixels > 0) & (pixels < size_px)).all()


def test_unknown_clips_and_cameras_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no clip S9 Dancing 1"):
        render_frames(TINY, "S9", "Dancing", 1, "58860488", (64, 64), tmp_path)
    with pytest.raises(ValueError, match="no camera 7"):
        render_frames(TINY, "S9", "Walking", 1, "7", (64, 64), tmp_path)
