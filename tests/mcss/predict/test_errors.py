import numpy as np
import pytest
import torch

from mcss.geometry.canonical import to_canonical, to_root
from mcss.predict.errors import true_pose_mm


@pytest.mark.parametrize("frame", ["canonical", "root"])
def test_labels_in_the_networks_frame_are_those_of_its_training(frame):
    pose_world = np.random.default_rng(0).normal(0, 300, (20, 17, 3))
    pose_world[3, 4] = pose_world[3, 0] + [0, 0, 130]  # the left hip straight above: no yaw
    pose_world[4, 9] = np.nan
    pose_root = to_root(torch.from_numpy(pose_world))
    expected = to_canonical(pose_root)[0] if frame == "canonical" else pose_root
    np.testing.assert_allclose(true_pose_mm(pose_world, frame), expected, atol=1e-9)
