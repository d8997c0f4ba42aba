"""A miniature of what https://github.com/anibali/h36m-fetch leaves behind.

Followed facts (its process_all.py): folders carry official action names and subactions; ``annot.h5`` holds the rows of
all cameras one after the other: ``frame`` counts from 1, ``camera`` is the serial number as a whole number, ``pose/3d``
is in the camera's frame, mm, with 32 joints; ``intrinsics/<camera>`` is fx, cx, fy, cy. Frames are chosen for each
camera apart. World poses are the official ``D3_Positions``, of which each action has two files.
"""

import shutil

import h5py
import numpy as np
import simplejpeg

from tests.references.layouts.h36m_original import (
    ACTION_IDS,
    CAMERAS,
    FILE_NAMES,
    of_32_joints,
    write_cdf,
    write_metadata,
)


def write(film, folder):
    write_metadata(film, folder / "metadata.xml")
    for clip in film.clips:
        place = folder / "processed" / clip.subject / f"{clip.action}-{clip.subaction}"
        write_images(clip, place / "imageSequence")
        write_annotation(film, clip, place / "annot.h5")


def write_with_world_poses(film, folder):
    """With ``D3_Positions`` instead of ``metadata.xml``."""
    write(film, folder)
    (folder / "metadata.xml").unlink()
    for clip in film.clips:
        place = folder / clip.subject / "MyPoseFeatures/D3_Positions"
        own = FILE_NAMES[clip.action, clip.subaction]
        for name in (clip.action, f"{clip.action} 1", f"{clip.action}Dog"):
            played = clip.poses_mm if name == own else clip.poses_mm[::-1] + 100 * np.eye(17, 3)
            write_cdf(place / f"{name}.cdf", of_32_joints(played))


def write_with_extracted_poses(film, folder):
    """With the world poses where extract_all.py unpacks them."""
    write_with_world_poses(film, folder)
    for subject in {clip.subject for clip in film.clips}:
        (folder / "extracted" / subject).mkdir(parents=True)
        (folder / subject / "MyPoseFeatures/D3_Positions").rename(folder / "extracted" / subject / "Poses_D3_Positions")
        shutil.rmtree(folder / subject)


def write_images(clip, folder):
    for camera in CAMERAS:
        (folder / camera).mkdir(parents=True)
        for frame, image in enumerate(clip.frames[camera]):
            (folder / camera / f"img_{frame + 1:06d}.jpg").write_bytes(simplejpeg.encode_jpeg(image, quality=95))


def write_annotation(film, clip, path):
    count = len(clip.poses_mm)
    points = of_32_joints(clip.poses_mm)
    with h5py.File(path, "w") as file:
        file["camera"] = np.repeat([int(camera) for camera in CAMERAS], count)
        file["frame"] = np.tile(np.arange(1, count + 1), len(CAMERAS))
        file["subject"] = np.full(count * len(CAMERAS), int(clip.subject[1:]))
        file["action"] = np.full(count * len(CAMERAS), ACTION_IDS[clip.action])
        file["subaction"] = np.full(count * len(CAMERAS), clip.subaction)
        views = [film.cameras[camera] for camera in CAMERAS]
        file["pose/3d"] = np.concatenate([points @ view.rot_world_to_cam.T + view.trans_mm for view in views])
        for camera in CAMERAS:
            matrix = film.cameras[camera].intrinsics_px
            file[f"intrinsics/{camera}"] = matrix[[0, 0, 1, 1], [0, 2, 1, 2]]
