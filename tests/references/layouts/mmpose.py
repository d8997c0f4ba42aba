"""Miniatures of what mmpose's converters leave behind.

Followed facts (https://github.com/open-mmlab/mmpose, tools/dataset_converters):
- preprocess_h36m.py: cameras.pkl is keyed ("S1", "54138969"); R goes from camera to world, T (3, 1) is the camera's
  centre in metres; k (3, 1), p (2, 1), f and c (2, 1); S is in the camera's frame in metres; every 5th frame is kept
  and numbered from 1; images are S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg, named after the
  video; the box is 1.2 times the longer side of the joints' rectangle, in units of 200 pixels.
- preprocess_mpi_inf_3dhp.py: cameras_train.pkl is keyed "S1_Seq1_Cam0"; R and T go from world to camera, in metres; the
  joints are the "relevant" 17 (head_top, neck, right arm, left arm, right leg, left leg, pelvis, spine, head).
"""

import pickle

import numpy as np
import simplejpeg

from tests.references.layouts import h36m_original, mpi_inf_3dhp

RELEVANT = (
    "head_top", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "r_hip", "r_knee",
    "r_ankle", "l_hip", "l_knee", "l_ankle", "pelvis", "spine", "head",
)  # fmt: skip
STEP = 5
"""The film's frames stand for every 5th frame of Human3.6M's videos."""


def write_h36m(film, folder):
    h36m_original.write_metadata(film, folder / "metadata.xml")
    parts = {"train": Rows(folder), "test": Rows(folder)}
    for clip in film.clips:
        take = f"{clip.subject}_{h36m_original.FILE_NAMES[clip.action, clip.subaction].replace(' ', '_')}"
        for name in h36m_original.CAMERAS:
            for instant in range(len(clip.poses_mm)):
                image = f"{clip.subject}/{take}.{name}/{take}.{name}_{STEP * instant + 1:06d}.jpg"
                rows = parts["test" if clip.subject == "S9" else "train"]
                rows.add(image, clip.frames[name][instant], film.cameras[name], clip.poses_mm[instant])
    for part, rows in parts.items():
        rows.save(folder / f"annotation_body3d/fps10/h36m_{part}.npz")
    cameras = {}
    for subject in h36m_original.SUBJECTS:
        for name in h36m_original.CAMERAS:
            camera = film.cameras[name]
            k1, k2, p1, p2, k3 = camera.distortion[:, None]
            lens = {"k": np.array([k1, k2, k3]), "p": np.array([p1, p2]), "w": 1000, "h": 1002, "id": name}
            place = {"R": camera.rot_world_to_cam.T, "T": camera.center_world_mm[:, None] / 1000}
            cameras[subject, name] = place | lens | focal_and_centre(camera)
    (folder / "annotation_body3d/cameras.pkl").write_bytes(pickle.dumps(cameras))


def write_mpi_inf_3dhp(film, folder):
    rows, cameras = Rows(folder), {}
    order = [mpi_inf_3dhp.H36M17.index(name) for name in RELEVANT]
    for (subject, sequence, _), source in mpi_inf_3dhp.CLIPS.items():
        clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == source)
        for number, name in mpi_inf_3dhp.CAMERAS.items():
            key, camera = f"{subject}_{sequence}_Cam{number}", film.cameras[name]
            for instant in range(len(clip.poses_mm)):
                points = clip.poses_mm[instant, order]
                rows.add(f"{key}_{instant + 1:06d}.jpg", clip.frames[name][instant], camera, points)
            rot = camera.rot_world_to_cam @ mpi_inf_3dhp.Z_UP_TO_Y_UP.T
            place = {"R": rot, "T": camera.trans_mm[:, None] / 1000, "w": 2048, "h": 204, "name": f"train_cam_{number}"}
            cameras[key] = place | focal_and_centre(camera)
    rows.save(folder / "annotations/mpi_inf_3dhp_train.npz")
    (folder / "annotations/cameras_train.pkl").write_bytes(pickle.dumps(cameras))


def focal_and_centre(camera):
    return {"f": camera.intrinsics_px.diagonal()[:2, None], "c": camera.intrinsics_px[:2, 2:]}


def end_video_early(folder, file, block, instants):
    """As where a video is shorter than its poses: the last images of a block of names are not written.

    Both converters write all poses of a video, and names until it ends (``if not success: break``).
    """
    with np.load(folder / file) as saved:
        values = dict(saved)
    own = [name for name in values["imgname"].tolist() if block in name]
    for name in own[-instants:]:
        (folder / "images" / name).unlink()
    values["imgname"] = values["imgname"][~np.isin(values["imgname"], own[-instants:])]
    np.savez(folder / file, **values)


class Rows:
    def __init__(self, folder):
        self.folder = folder
        self.columns = {key: [] for key in ("imgname", "center", "scale", "part", "S")}

    def add(self, image, frame, camera, points_mm):
        path = self.folder / "images" / image
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(simplejpeg.encode_jpeg(frame, quality=95))
        points_px = camera.project(points_mm)
        low, high = points_px.min(axis=0), points_px.max(axis=0)
        points_m = (points_mm @ camera.rot_world_to_cam.T + camera.trans_mm) / 1000
        visible = np.ones((17, 1))
        values = (image, (low + high) / 2, 1.2 * (high - low).max() / 200, np.hstack([points_px, visible]))
        for column, value in zip(self.columns.values(), (*values, np.hstack([points_m, visible])), strict=True):
            column.append(value)

    def save(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{key: np.array(values) for key, values in self.columns.items()})
