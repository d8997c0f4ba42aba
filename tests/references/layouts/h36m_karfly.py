"""A miniature of the labels of https://github.com/karfly/learnable-triangulation-pytorch with h36m-fetch's images.

Followed facts (its generate-labels-npy-multiview.py): a pickled dictionary; cameras have world-to-camera R, t = -R C in
mm, K and dist = k1 k2 p1 p2 k3; the table counts frames from 0 and has joints 3 2 1 6 7 8 0 12 13 15 27 26 25 17 18 19
14 of the 32 in world mm, and for each camera a squared box top, left, bottom, right, zeros where the view is missing.
"""

import shutil

import numpy as np

from tests.references.layouts import h36m_original
from tests.references.layouts.h36m_fetch import write_images
from tests.references.layouts.h36m_original import CAMERAS, of_32_joints

LABELS = "extra/human36m-multiview-labels-GTbboxes.npy"
SUBJECTS, ACTIONS = ["S1", "S9"], ["Directions-1", "Walking-2"]
KEYPOINTS = (3, 2, 1, 6, 7, 8, 0, 12, 13, 15, 27, 26, 25, 17, 18, 19, 14)
CAMERA_DTYPE = [("R", "f4", (3, 3)), ("t", "f4", (3, 1)), ("K", "f4", (3, 3)), ("dist", "f4", 5)]
TABLE_DTYPE = [
    ("subject_idx", "i1"), ("action_idx", "i1"), ("frame_idx", "i2"), ("keypoints", "f4", (17, 3)),
    ("bbox_by_camera_tlbr", "i2", (4, 4)),
]  # fmt: skip


def write(film, folder):
    cameras = np.zeros((2, 4), dtype=CAMERA_DTYPE)
    for number, name in enumerate(CAMERAS):
        camera = film.cameras[name]
        for key, value in (
            ("R", camera.rot_world_to_cam),
            ("t", -camera.rot_world_to_cam @ camera.center_world_mm[:, None]),
            ("K", camera.intrinsics_px),
            ("dist", camera.distortion),
        ):
            cameras[key][:, number] = value
    rows = []
    for clip in film.clips:
        name = f"{clip.action}-{clip.subaction}"
        write_images(clip, folder / "processed" / clip.subject / name / "imageSequence")
        for frame, points in enumerate(of_32_joints(clip.poses_mm)):
            boxes = [squared(clip.box(camera, frame)) for camera in CAMERAS]
            rows.append((SUBJECTS.index(clip.subject), ACTIONS.index(name), frame, points[list(KEYPOINTS)], boxes))
    (folder / "extra").mkdir()
    table = np.array(rows, dtype=TABLE_DTYPE)
    names = {"subject_names": SUBJECTS, "camera_names": list(CAMERAS), "action_names": ACTIONS}
    np.save(folder / LABELS, names | {"cameras": cameras, "table": table})


def write_beside_videos(film, folder):
    """The labels with the official videos, that are named by ``metadata.xml``, instead of images."""
    write(film, folder)
    h36m_original.write_extracted(film, folder)
    shutil.rmtree(folder / "processed")


def squared(box):
    """Top, left, bottom, right of a square with the same middle."""
    left, top, right, bottom = box
    side = int(max(right - left, bottom - top))
    top, left = round((top + bottom - side) / 2), round((left + right - side) / 2)
    return top, left, top + side, left + side
