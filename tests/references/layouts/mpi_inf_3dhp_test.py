"""A miniature of MPI-INF-3DHP's own test set.

Followed facts:
- https://github.com/nkolot/SPIN (datasets/preprocess/mpi_inf_3dhp.py): ``annot_data.mat`` is HDF5; ``annot2`` is
  (frames, 1, 17, 2), ``univ_annot3`` (frames, 1, 17, 3), ``valid_frame`` one number a frame; frame 0 is
  ``imageSequence/img_000001.jpg``; pelvis, right leg, left leg, spine, neck, head, head top, left arm, right arm are
  joints 14, 8 9 10, 11 12 13, 15, 1, 16, 0, 5 6 7, 2 3 4.
- https://github.com/open-mmlab/mmpose (preprocess_mpi_inf_3dhp.py): ``annot3`` is in the camera's frame, in mm, and
  projects to ``annot2``.
"""

import h5py
import numpy as np
import simplejpeg

ORDER = (
    "HeadTop", "Thorax", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RAnkle",
    "LHip", "LKnee", "LAnkle", "Pelvis", "Spine", "Neck",
)  # fmt: skip
"""Of the file, by the names of h36m17."""
H36M17 = (
    "Pelvis", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Spine", "Thorax", "Neck", "HeadTop", "LShoulder",
    "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist",
)  # fmt: skip
CLIPS = {("TS1", "Test", 1): ("S9", "Directions", 1), ("TS6", "Test", 1): ("S1", "Walking", 2)}
CAMERA = "extra"
UNIVERSAL_SCALE = 1.1
INVALID = {"TS1": (2,), "TS6": ()}


def write(film, folder):
    camera, order = film.cameras[CAMERA], [H36M17.index(name) for name in ORDER]
    for (sequence, _, _), source in CLIPS.items():
        clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == source)
        images = folder / sequence / "imageSequence"
        images.mkdir(parents=True)
        for number, frame in enumerate(clip.frames[CAMERA], start=1):
            (images / f"img_{number:06d}.jpg").write_bytes(simplejpeg.encode_jpeg(frame, quality=95))
        points = clip.poses_mm[:, order]
        points_cam = points @ camera.rot_world_to_cam.T + camera.trans_mm
        valid = np.ones((len(points), 1))
        valid[list(INVALID[sequence])] = 0
        with h5py.File(folder / sequence / "annot_data.mat", "w") as file:
            file["annot2"] = np.stack([camera.project(pose) for pose in points])[:, None]
            file["annot3"] = points_cam[:, None]
            file["univ_annot3"] = UNIVERSAL_SCALE * points_cam[:, None]
            file["valid_frame"] = valid
