"""A small store of noise images with plausible labels: what tests need where the pictures do not matter."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simplejpeg

from data_modules.store import Row, StoreMeta, write_store
from data_modules.store.masks import encode_mask
from mcss.geometry.camera import Camera

SUBJECTS = ("S1", "S5", "S9")
TEST_SUBJECTS = ("S9", "S11")
CLIPS = ("Directions/1", "Directions/2", "Walking/1")
CAMERAS = ("cam1", "cam2", "cam3", "cam4")
FPS = 10.0
FRAME_STEP = 5
"""Every fifth source frame is an instant: half a second apart."""


def ring_of_cameras(cameras=CAMERAS) -> dict[str, dict]:
    """Calibration of cameras that stand around the origin, which all poses are near, and see it as the boxes say."""
    calibration = {}
    for place, name in enumerate(sorted(cameras)):
        angle = 0.4 + 2 * np.pi * place / len(cameras)
        center = np.array([5000 * np.cos(angle), 5000 * np.sin(angle), 1500.0])
        calibration[name] = Camera.look_at(center, np.zeros(3), 900.0, (405, 405)).to_dict()
    return calibration


def make_meta(
    subjects=SUBJECTS, cameras=CAMERAS, size_px=32, seed=0, config=None, joint_set="h36m17", calibration=None
) -> StoreMeta:
    return StoreMeta(
        name="synthetic",
        joint_set=joint_set,
        crop_size_px=size_px,
        fps=FPS,
        cameras=tuple(cameras),
        subjects_train=tuple(subject for subject in subjects if subject not in TEST_SUBJECTS),
        subjects_test=tuple(subject for subject in subjects if subject in TEST_SUBJECTS),
        excluded=({"sequence": "S11/Directions/2", "reason": "the source's video is damaged"},),
        source="random numbers",
        licence="CC0-1.0",
        config=config or {"seed": seed, "size_px": size_px},
        calibration=calibration or {},
    )


def synthetic_rows(
    subjects=SUBJECTS, clips=CLIPS, instants=6, cameras=CAMERAS, size_px=32, seed=0, labelled=True, masked=False
) -> Iterator[Row]:
    """Rows in the store's order. The left hip is beside the pelvis, so that the canonical frame is defined."""
    rng = np.random.default_rng(seed)
    middle = np.zeros((size_px, size_px), dtype=bool)
    middle[size_px // 4 : -size_px // 4, size_px // 3 : -size_px // 3] = True
    for subject, clip in itertools.product(sorted(subjects), sorted(clips, key=lambda name: name.split("/"))):
        action, subaction = clip.rsplit("/", 1)
        for instant in range(instants):
            pose = rng.normal(0, 300, (17, 3)).astype(np.float32)
            pose[4] = pose[0] + (130, 20, 5)
            pose[1] = pose[0] - (130, 20, 5)
            for camera in sorted(cameras):
                coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                image = np.ascontiguousarray(coarse.repeat(-(-size_px // 8), 0).repeat(-(-size_px // 8), 1))
                yield {
                    "subject": subject,
                    "action": action,
                    "subaction": int(subaction),
                    "frame": instant * FRAME_STEP,
                    "time_s": instant * FRAME_STEP / FPS,
                    "camera": camera,
                    "image": simplejpeg.encode_jpeg(np.ascontiguousarray(image[:size_px, :size_px]), quality=90),
                    "box": (float(instant), 2.5, 400.0),
                    "pose_world": pose if labelled else None,
                    "mask": encode_mask(middle) if masked else None,
                }


def make_store(
    path: Path,
    subjects=SUBJECTS,
    clips=CLIPS,
    instants=6,
    cameras=CAMERAS,
    size_px=32,
    seed=0,
    labelled=True,
    config=None,
    calibration=None,
    masked=False,
) -> Path:
    """Write a store to ``path`` and return it. S9 and S11 are its test subjects."""
    rows = synthetic_rows(subjects, clips, instants, cameras, size_px, seed, labelled, masked)
    write_store(path, rows, make_meta(subjects, cameras, size_px, seed, config, calibration=calibration))
    return path
