"""A store of a striped figure that walks before a textured wall, filmed by still cameras; masks are exact."""

import cv2
import numpy as np

from data_modules.crop import crop_square, cut_square
from data_modules.store import write_store
from data_modules.store.masks import encode_mask
from tests.references.synthetic_store import FPS, FRAME_STEP, make_meta

FRAME_PX = (320, 200)
CROP_PX = 48
CAMERAS = ("cam1", "cam2")
LIMBS = ((0, -1, 0.0, 1.3, 18), (0, 1.3, -0.5, 2.6, 10), (0, 1.3, 0.5, 2.6, 10), (0, -0.8, -1.2, 0.6, 8))
LIMBS += ((0, -0.8, 1.2, 0.4, 8), (0, -1.6, 0, -1.4, 16))
"""Of the figure: start and end (x, y) in units of 20 px, and width."""


def walls(subject, seed=0):
    """What each camera sees without anybody: blobs and boards of all colours; other light for each subject."""
    rng = np.random.default_rng([seed, sum(map(ord, subject))])
    found = {}
    for camera in CAMERAS:
        coarse = rng.integers(30, 226, (FRAME_PX[1] // 20, FRAME_PX[0] // 20, 3), dtype=np.uint8)
        found[camera] = cv2.resize(coarse, FRAME_PX, interpolation=cv2.INTER_CUBIC)
    return found


def film(subject, camera, instant, instants, rng):
    """Frame and mask of the figure on its way from left to right and back, its arms and legs swinging."""
    wall = walls(subject)[camera]
    mask = np.zeros(wall.shape[:2], np.uint8)
    phase = instant / instants
    centre = np.array([60 + 200 * abs(1 - 2 * phase), 95 + 10 * np.sin(9 * phase)])
    swing = 0.4 * np.sin(2 * np.pi * 5 * phase)
    for x0, y0, x1, y1, width in LIMBS:
        ends = [centre + 20 * np.array([x, y]) for x, y in ((x0, y0), (x1 + swing * (x1 != 0), y1))]
        cv2.line(mask, *(tuple(int(value) for value in end) for end in ends), 255, width)
    stripes = np.where(np.arange(FRAME_PX[1])[:, None, None] // 6 % 2, (250, 20, 40), (20, 10, 120)).astype(np.uint8)
    frame = np.where(mask[..., None] > 0, np.broadcast_to(stripes, wall.shape), wall)
    noisy = np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)
    left, top = centre - (70, 65) + rng.uniform(-8, 8, 2)
    return noisy, mask, (float(left), float(top), 130.0)


def rows_of_film(subjects, instants, with_masks, moving=True):
    rng = np.random.default_rng(0)
    for subject in subjects:
        for instant in range(instants):
            for camera in CAMERAS:
                frame, mask, box = film(subject, camera, instant if moving else 0, instants, rng)
                row = {"subject": subject, "action": "Walking", "subaction": 1, "frame": instant * FRAME_STEP}
                row |= {"time_s": instant * FRAME_STEP / FPS, "camera": camera, "box": box, "pose_world": None}
                row["image"] = crop_square(frame, box, CROP_PX)
                exact = cut_square(np.repeat(mask[..., None], 3, axis=2), box, CROP_PX)[..., 0] >= 128
                yield row | {"mask": encode_mask(exact) if with_masks else None}


def make_film_store(path, subjects=("S1", "S5"), instants=40, with_masks=False, moving=True):
    """Write the store to ``path`` and return it."""
    meta = make_meta(subjects, CAMERAS, CROP_PX, config={"film": [instants, with_masks, moving]})
    write_store(path, rows_of_film(subjects, instants, with_masks, moving), meta)
    return path
