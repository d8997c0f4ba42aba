"""The skeleton over the picture against the joints that a camera sees in the crop."""

import numpy as np
import torch

from data_modules.crop import BOX_MARGIN, square_around
from mcss.geometry.canonical import to_canonical, to_root
from mcss.models.facing import rotation_to_view, true_facing
from mcss.predict.facing import in_crop_px
from tests.mcss.models.test_facing import seen_by
from tests.references.moving_person import moving_person, tripods

SIZE_PX = 300


def test_true_poses_lie_over_the_joints_of_the_picture():
    poses, _ = moving_person(8, seed=3)
    cameras = tripods(4) * 2
    true = true_facing(torch.tensor(poses).float(), seen_by(cameras, poses))
    rotations = rotation_to_view(true.direction, true.up).numpy()
    pose_canonical = to_canonical(to_root(torch.tensor(poses)))[0].numpy()
    for camera, pose_world, pose_mm, rotation in zip(cameras, poses, pose_canonical, rotations, strict=True):
        joints_px = camera.project(pose_world)
        low, high = joints_px.min(axis=0), joints_px.max(axis=0)
        beyond = 0.045 * (high - low).max()  # soles, crown and hands
        left, top, side = square_around(low - beyond, high + beyond, BOX_MARGIN)
        shown = (joints_px - [left, top]) * SIZE_PX / side
        mirrored = pose_mm * [-1, 1, 1]
        error_px, wrong_px = (
            np.linalg.norm(in_crop_px(pose, rotation, SIZE_PX) - shown, axis=1).mean() for pose in (pose_mm, mirrored)
        )
        assert error_px < 0.035 * SIZE_PX  # from some 4 m perspective, which is left out, is so large
        assert wrong_px > 1.5 * error_px
