"""A recording for the Rerun viewer: pictures, skeleton and joint angles over time (https://rerun.io)."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mcss.errors import InputError
from mcss.predict.angles import joint_angles_deg
from mcss.predict.chunks import picture_frames, picture_path
from mcss.predict.motion import Motion, description
from mcss.predict.scenes import Scene
from mcss.skeleton import BONES, JOINTS

COLOURS = {"R": (204, 51, 51), "L": (51, 85, 204)}
MIDDLE_COLOUR = (90, 90, 90)


def require_rerun(path: Path) -> None:
    """See that the file can be written, before anything is predicted.

    Raises:
        InputError: the library is missing, or there is no such folder.
    """
    if find_spec("rerun") is None:
        raise InputError(f"--rerun {path}: needs rerun-sdk, pip install -e '.[rerun]' in the project's folder")
    if not path.parent.is_dir():
        raise InputError(f"--rerun {path}: there is no folder {path.parent}; make it first")


def write_rerun(scene: Scene, motion: Motion, work: Path, path: Path) -> None:
    """Write an RRD file; in a gap there is no skeleton and no picture. ``work`` holds the pictures."""
    import rerun  # an extra

    recording = rerun.RecordingStream("mcss")
    recording.save(path)
    recording.log("motion", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    facts = "\n".join(f"{name}: {text}" for name, text in description(motion.frame).items())
    recording.log("description", rerun.TextDocument(facts), static=True)
    colours = [COLOURS.get(JOINTS[joint][0], MIDDLE_COLOUR) for _, joint in BONES]
    angles, pictures, is_known = joint_angles_deg(motion.pose_mm), picture_frames(scene), motion.is_known
    for frame, time_s in enumerate(motion.time_s.tolist()):
        recording.set_time("time", duration=time_s)
        recording.set_time("frame", sequence=frame)
        if is_known[frame]:
            bones_mm = motion.pose_mm[frame][np.array(BONES)]
            recording.log("motion/skeleton", rerun.LineStrips3D(bones_mm, colors=colours, radii=15.0))
        else:
            recording.log("motion/skeleton", rerun.Clear(recursive=False))
        for name, values in angles.items():
            if np.isfinite(values[frame]):
                recording.log(f"angles_deg/{name}", rerun.Scalars(float(values[frame])))
        for view, camera in enumerate(scene.cameras) if frame in pictures else ():
            picture = picture_path(work, view, frame)
            shown = rerun.EncodedImage(path=picture) if picture.exists() else rerun.Clear(recursive=False)
            recording.log(f"views/{camera}", shown)
    recording.flush()
