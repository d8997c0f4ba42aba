"""What ``mcss predict`` does with its settings: every scene predicted, written, and summed up in a line."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_modules.store.format import STORE_FILE
from mcss.errors import InputError
from mcss.hashing import file_hash
from mcss.predict.calibration import Calibration, JointErrors, calibrate, errors_by_views, read_calibration
from mcss.predict.chunks import predict_scene, work_folder
from mcss.predict.found import forget
from mcss.predict.inputs import ImagesAre, open_scenes
from mcss.predict.motion import description
from mcss.predict.networks import Network
from mcss.predict.outputs import Result, with_errors, write_outputs
from mcss.predict.rerun_file import require_rerun, write_rerun
from mcss.predict.result import TimeSettings, fuse_predictions, make_motion
from mcss.predict.scenes import CropScene, Scene, StoreScene

SUMMARY_FILE = "prediction.json"


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """The command line, see its help."""

    sources: tuple[Path, ...]
    out: Path
    files: tuple[str, ...]
    time: TimeSettings
    fps: float | None = None
    images_are: ImagesAre | None = None
    detector: str | None = None
    subjects: tuple[str, ...] | None = None
    clips: tuple[str, ...] | None = None
    calibration: Path | None = None
    calibrate: Path | None = None
    rerun: Path | None = None
    progress: bool = True


def predict(network: Network, settings: PredictSettings) -> None:
    """Predict and write all scenes.

    Raises:
        InputError: something cannot be read, or a calibration is asked for from scenes without labels.
    """
    if (settings.sources[0] / STORE_FILE).is_file():
        if settings.rerun:
            raise InputError(f"--rerun {settings.rerun}: is of one recording, and a store has many clips; leave it out")
    else:
        if settings.calibrate:
            raise InputError(
                f"--calibrate {settings.calibrate}: needs a store with 3D labels, not {settings.sources[0]}"
            )
        if settings.subjects or settings.clips:
            raise InputError(
                f"{settings.sources[0]}: is no store, in which --subjects and --clips choose; leave them out"
            )
    if settings.rerun:
        require_rerun(settings.rerun)
    calibration = read_calibration(settings.calibration) if settings.calibration else None
    measured: list[JointErrors] = []
    _check_out(settings.out, settings)
    for scene, out in _scenes(settings):
        _check_out(out, settings)
        result = predict_result(scene, network, settings, calibration, out)
        write_result(result, network, settings, out)
        if settings.calibrate and result.true_mm is not None:
            predicted = result.predictions
            measured += errors_by_views(scene.person, predicted.pose_mm, predicted.confidence, result.true_mm)
    if settings.calibrate:
        if not measured:
            raise InputError(f"{settings.sources[0]}: has no 3D labels, which --calibrate needs; name another store")
        _write_calibration(calibrate(measured), settings.calibrate)


def _write_calibration(made: Calibration, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path)
    shares = ", ".join(f"{person} {share:.0%}" for person, share in made.left_out.items())
    people = f"the others' intervals hold of each person's joints: {shares}" if shares else "from one person: take more"
    print(f"written: {path} (for {' or '.join(map(str, made.by_views))} views; {people})")


def _check_out(out: Path, settings: PredictSettings) -> None:
    """Make the folder, and see that it does not hold the prediction of something else.

    Raises:
        InputError: it does, or it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        content = json.loads((out / SUMMARY_FILE).read_text(encoding="utf-8"))
        there = ", ".join(content["sources"])
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"--out {out}: cannot be made or read ({error.strerror}); name another folder") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{out / SUMMARY_FILE}: not written by this program; name another --out, or remove it"
        ) from None
    if there != ", ".join(_named(settings)):
        raise InputError(f"--out {out}: holds the prediction of {there}; name another folder, or remove that one")


def _named(settings: PredictSettings) -> list[str]:
    """What was predicted, as the summary names it."""
    return [str(path.resolve()) for path in settings.sources]


def predict_result(
    scene: Scene, network: Network, settings: PredictSettings, calibration: Calibration | None, out: Path
) -> Result:
    """Predict a scene, fuse its views and treat them over time; with labels, measure the error."""
    work = work_folder(out, scene, network)
    predictions = predict_scene(scene, network, work, settings.progress)
    fused = fuse_predictions(predictions)
    if not (fused.views > 0).any():
        raise InputError(f"{scene.name}: nobody is seen in any frame; check the boxes")
    is_motion = not (isinstance(scene, CropScene) and settings.fps is None)
    time = settings.time if is_motion else TimeSettings(0.0, 0.0)
    motion = make_motion(fused, scene.time_s, network.frame, time, calibration)
    result = Result(scene=scene, predictions=predictions, fused=fused, motion=motion, work=work, is_motion=is_motion)
    pose_world = scene.true_pose_world()
    return result if pose_world is None else with_errors(result, pose_world)


def write_result(result: Result, network: Network, settings: PredictSettings, out: Path) -> None:
    """Write the files of a scene and its summary; print what a user must know about them; remove the chunks."""
    paths = write_outputs(result, settings.files, out)
    if settings.rerun:
        write_rerun(result.scene, result.motion, result.work, settings.rerun)
    summary = {
        "scene": result.scene.name,
        "sources": _named(settings),
        "network": str(network.path),
        "network_sha256": file_hash(network.path),
        **description(result.motion.frame),
        "frames": len(result.motion),
        "frames_per_s": result.motion.fps if result.is_motion else None,
        "frames_without_person": {
            camera: int((seen == 0).sum())
            for camera, seen in zip(result.scene.cameras, result.predictions.confidence, strict=True)
        },
        "frames_without_pose": int((~result.motion.is_known).sum()),
        "frames_bridged": int(result.motion.is_bridged.sum()),
        "smoothing_s": settings.time.smoothing_s if result.is_motion else 0.0,
        "bridge_s": settings.time.bridged_s if result.is_motion else 0.0,
        "views_disagree_mm": _mean_or_none(result.fused.spread_mm),
        "errors": result.errors.as_json() if result.errors else None,
        "files": [path.name for path in paths],
    }
    (out / SUMMARY_FILE).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(_line(summary, out))
    if result.errors:
        print(f"{result.scene.name}: {result.errors.line()}")
    shutil.rmtree(result.work)
    forget(out)


def _scenes(settings: PredictSettings) -> Iterator[tuple[Scene, Path]]:
    """Scenes, and the folder of each: a store has many."""
    for scene in open_scenes(
        settings.sources,
        fps=settings.fps,
        images_are=settings.images_are,
        detector=settings.detector,
        subjects=settings.subjects,
        clips=settings.clips,
        out=settings.out,
    ):
        yield scene, settings.out / scene.name if isinstance(scene, StoreScene) else settings.out


def _line(summary: dict, out: Path) -> str:
    frames, lost, bridged = (summary[name] for name in ("frames", "frames_without_pose", "frames_bridged"))
    share = f" ({lost / frames:.1%})" if lost else ""
    text = f"written: {out} ({frames} frames, {lost} without a pose{share}, {bridged} bridged"
    if summary["views_disagree_mm"] is not None:
        text += f"; views disagree by {summary['views_disagree_mm']:.0f} mm"
    return f"{text}; {summary['frame'].partition(' ')[0]} frame, mm)"


def _mean_or_none(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
