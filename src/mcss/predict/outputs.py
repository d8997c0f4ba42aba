"""Everything that is written about one scene, by the name of its kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from mcss.predict.angles import write_angles
from mcss.predict.chunks import Predictions
from mcss.predict.errors import SceneErrors, scene_errors, true_pose_mm
from mcss.predict.facing import facing_arrays, write_facing
from mcss.predict.files import WRITERS
from mcss.predict.motion import Motion, description
from mcss.predict.page import write_page
from mcss.predict.plot import write_plot
from mcss.predict.result import FusedViews
from mcss.predict.scenes import CropScene, Scene
from mcss.predict.video import write_video
from mcss.skeleton import JOINTS

PREDICTIONS_FILE = "predictions.npz"


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """A predicted scene.

    Attributes:
        work: folder of the chunks, which hold the pictures for the page.
        is_motion: whether the frames follow each other in time; images without a frame rate need not.
        true_mm: labels in the network's frame; NaN where there is none.
    """

    scene: Scene
    predictions: Predictions
    fused: FusedViews
    motion: Motion
    work: Path
    is_motion: bool
    errors: SceneErrors | None = None
    true_mm: Float64[np.ndarray, "frames 17 3"] | None = None


def with_errors(result: Result, pose_world: Float64[np.ndarray, "frames 17 3"]) -> Result:
    """The result with its distance from the labels, if there is any."""
    if not np.isfinite(pose_world).any():
        return result
    true_mm = true_pose_mm(pose_world, result.motion.frame)
    errors = scene_errors(result.predictions, result.fused, result.motion, true_mm)
    return replace(result, errors=errors, true_mm=true_mm)


def write_predictions(result: Result, path: Path) -> None:
    """Write what the network said of every picture, before anything was fused or smoothed.

    Of a folder of crops ``pose_mm`` (images, 17, 3), ``embedding`` (images, dim; unit length) and ``image`` (names); of
    other scenes the same with a first axis of views, ``camera``, ``time_s``, and ``confidence`` (0: nobody seen). Where
    the network predicts in which direction the person faces, also what ``facing_arrays`` names.
    """
    predictions, scene = result.predictions, result.scene
    facing = facing_arrays(predictions)
    facts = {name: np.array(text) for name, text in description(result.motion.frame).items()}
    facts["frame"] = np.array(result.motion.frame)
    if isinstance(scene, CropScene):
        values = {
            "image": np.array([file.name for file in scene.files]),
            "pose_mm": predictions.pose_mm[0],
            "embedding": predictions.embedding[0],
            **{name: value[0] for name, value in facing.items()},
        }
    else:
        own = {name: getattr(predictions, name) for name in ("pose_mm", "embedding", "confidence")}
        values = {**own, **facing, "camera": np.array(scene.cameras), "time_s": scene.time_s}
    np.savez_compressed(path, allow_pickle=False, joints=np.array(JOINTS), **values, **facts)


def _file(kind: str, result: Result, out: Path) -> list[Path]:
    name, write = WRITERS[kind]
    written = write(result.motion, out / name)
    return written if isinstance(written, list) else [out / name]


def _angles(result: Result, out: Path) -> list[Path]:
    write_angles(result.motion, out / "angles.csv")
    write_plot(result.motion, out / "angles.png")
    return [out / "angles.csv", out / "angles.png"]


def _page(result: Result, out: Path) -> list[Path]:
    write_page(result.scene, result.motion, result.fused.spread_mm, result.work, out / "motion.html")
    return [out / "motion.html"]


def _video(result: Result, out: Path) -> list[Path]:
    rotations = result.predictions.rot_canonical_to_view
    return write_video(result.scene, result.motion, out / "motion.mp4", rotations)


def _facing(result: Result, out: Path) -> list[Path]:
    return write_facing(result.scene, result.predictions, out / "facing.csv")


OUTPUTS: dict[str, Callable[[Result, Path], list[Path]]] = {
    **{kind: partial(_file, kind) for kind in WRITERS},
    "angles": _angles,
    "facing": _facing,
    "page": _page,
    "video": _video,
}
"""Writers by the kind that the command line names; each returns the paths of its files."""
IN_TIME = ("trc", "c3d", "bvh", "angles", "video")
"""What needs a frame rate."""


def write_outputs(result: Result, kinds: Sequence[str], out: Path) -> list[Path]:
    """Write the files of a scene; return their paths. What cannot be written is said and left out.

    Raises:
        InputError: a file cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(result, out / PREDICTIONS_FILE)
    paths = [out / PREDICTIONS_FILE]
    kinds = [kind for kind in kinds if result.is_motion or kind not in IN_TIME]
    if "c3d" in kinds and find_spec("ezc3d") is None:
        print("motion.c3d is left out: it needs ezc3d, pip install -e '.[importers]' in the project's folder")
        kinds.remove("c3d")
    for kind in kinds:
        paths += OUTPUTS[kind](result, out)
    return paths
