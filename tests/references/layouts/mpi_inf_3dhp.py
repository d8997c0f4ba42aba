"""A miniature of MPI-INF-3DHP's training subjects.

Followed facts:
- mpii_get_joint_set.m of the data set: 28 joints in the order below.
- https://github.com/open-mmlab/mmpose (preprocess_mpi_inf_3dhp.py): ``annot3`` is a column of 14 cells, one a camera,
  each (frames, 84) in that camera's frame in mm; a camera of ``camera.calibration`` takes 7 lines, row-major 4 x 4
  matrices, world to camera in mm; the 17 joints of its "relevant" set are 7 5 14 15 16 9 10 11 23 24 25 18 19 20 4 3 6.
- The world has Y up: (x, y, z) of a world with Z up is (x, z, -y) there. Lenses have no distortion.
- S1/Seq1 has 25, S1/Seq2 50 frames a second, S8/Seq1 25 (mpii_get_sequence_info.m).
- https://github.com/nkolot/SPIN (datasets/preprocess/mpi_inf_3dhp.py) writes the first frame of a video to
  imageFrames/video_0/frame_000001.jpg, and gives it the first pose.
"""

import numpy as np
import scipy.io
import simplejpeg

from tests.references.video_files import write_video

JOINTS_28 = (
    "spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top", "l_clavicle", "l_shoulder", "l_elbow",
    "l_wrist", "l_hand", "r_clavicle", "r_shoulder", "r_elbow", "r_wrist", "r_hand", "l_hip", "l_knee", "l_ankle",
    "l_foot", "l_toe", "r_hip", "r_knee", "r_ankle", "r_foot", "r_toe",
)  # fmt: skip
H36M17 = (
    "pelvis", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "spine", "neck", "head", "head_top",
    "l_shoulder", "l_elbow", "l_wrist", "r_shoulder", "r_elbow", "r_wrist",
)  # fmt: skip
CAMERAS = {"0": "54138969", "2": "55011271", "4": "58860488", "7": "60457274", "8": "extra"}
CLIPS = {
    ("S1", "Seq1", 1): ("S1", "Directions", 1),
    ("S1", "Seq2", 1): ("S1", "Walking", 2),
    ("S8", "Seq1", 1): ("S9", "Directions", 1),
}
FPS = {("S1", "Seq1", 1): 25.0, ("S1", "Seq2", 1): 50.0, ("S8", "Seq1", 1): 25.0}
Z_UP_TO_Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])


def write(film, folder):
    write_sequences(film, folder, write_videos)


def write_with_images(film, folder):
    """As SPIN's script leaves it, the videos removed."""
    write_sequences(film, folder, write_images)


def write_videos(place, number, frames, fps):
    write_video(place / "imageSequence" / f"video_{number}.avi", frames, fps, codec="mpeg4")


def write_images(place, number, frames, fps):
    for count, frame in enumerate(frames, start=1):
        path = place / "imageFrames" / f"video_{number}" / f"frame_{count:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(simplejpeg.encode_jpeg(frame, quality=95))


def write_sequences(film, folder, write_frames):
    for (subject, sequence, _), source in CLIPS.items():
        clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == source)
        place = folder / subject / sequence
        place.mkdir(parents=True)
        write_annotation(film, clip, place / "annot.mat")
        write_calibration(film, place / "camera.calibration")
        for number, name in CAMERAS.items():
            write_frames(place, number, clip.frames[name], FPS[subject, sequence, 1])


def write_annotation(film, clip, path):
    cells = np.empty((14, 1), dtype=object)
    for number in range(14):
        camera = film.cameras[CAMERAS.get(str(number), "extra")]
        points = np.full((len(clip.poses_mm), 28, 3), 7000.0) + 100 * np.arange(28)[:, None]
        for joint, name in enumerate(H36M17):
            points[:, JOINTS_28.index(name)] = clip.poses_mm[:, joint]
        cells[number, 0] = (points @ camera.rot_world_to_cam.T + camera.trans_mm).reshape(len(points), 84)
    frames = np.arange(len(clip.poses_mm))[:, None]
    scipy.io.savemat(path, {"annot3": cells, "univ_annot3": cells * 1.1, "cameras": np.arange(14), "frames": frames})


def write_calibration(film, path):
    lines = ["Skeletool Camera Calibration File V1.0"]
    for number in range(14):
        camera = film.cameras[CAMERAS.get(str(number), "extra")]
        intrinsic, extrinsic = np.eye(4), np.eye(4)
        intrinsic[:3, :3] = camera.intrinsics_px
        extrinsic[:3, :3] = camera.rot_world_to_cam @ Z_UP_TO_Y_UP.T
        extrinsic[:3, 3] = camera.trans_mm
        lines += [
            f"name          {number}", "  sensor      10 10", f"  size        {camera.size_px[0]} {camera.size_px[1]}",
            "  animated    0", f"  intrinsic   {_numbers(intrinsic)} ", f"  extrinsic   {_numbers(extrinsic)} ",
            "  radial      0",
        ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def _numbers(matrix):
    return " ".join(repr(float(value)) for value in matrix.ravel())
