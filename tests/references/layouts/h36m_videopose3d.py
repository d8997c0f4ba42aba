"""Miniatures of Human3.6M's videos, or of h36m-fetch's images, with ``data_3d_h36m.npz``.

Followed facts (https://github.com/facebookresearch/VideoPose3D, data/prepare_data_h36m.py): ``positions_3d`` is a
pickled dictionary by subject, then by file name without camera; (frames, 32, 3) float32 in metres, in the world.
"""

import shutil

import numpy as np

from tests.references.layouts import h36m_original
from tests.references.layouts.h36m_fetch import write_images


def write(film, folder):
    h36m_original.write(film, folder)
    for subject in {clip.subject for clip in film.clips}:
        shutil.rmtree(folder / subject / "MyPoseFeatures")
    write_positions(film, folder)


def write_beside_images(film, folder):
    h36m_original.write_metadata(film, folder / "metadata.xml")
    for clip in film.clips:
        write_images(clip, folder / f"processed/{clip.subject}/{clip.action}-{clip.subaction}/imageSequence")
    write_positions(film, folder)


def write_positions(film, folder):
    positions = {}
    for clip in film.clips:
        name = h36m_original.FILE_NAMES[clip.action, clip.subaction]
        points = h36m_original.of_32_joints(clip.poses_mm) / 1000
        positions.setdefault(clip.subject, {})[name] = points.astype(np.float32)
    np.savez_compressed(folder / "data_3d_h36m.npz", positions_3d=positions)
