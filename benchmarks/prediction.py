"""Prediction of people whom the network has never seen: found against true boxes, smoothing, views and intervals.

    python -m benchmarks.prediction runs/mine data/studio build/footage

films people of the studio as whole frames, four cameras at 25 frames a second, and predicts them twice, with the person
found and with the true boxes; then it calibrates intervals on some people of the store and counts how many joints of
other people lie within. RUN was trained on STORE, a render of the preset ``studio``.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.footage import FilmedClip, film
from data_modules.store import Store, open_store
from mcss.errors import InputError
from mcss.models.checkpoint import read_checkpoint
from mcss.predict.calibration import JointErrors, calibrate, errors_by_views
from mcss.predict.chunks import Predictions, predict_scene
from mcss.predict.errors import SceneErrors, scene_errors, true_pose_mm
from mcss.predict.inputs import recorded_scene
from mcss.predict.networks import Network, TorchNetwork
from mcss.predict.result import TimeSettings, fuse_predictions, make_motion
from mcss.predict.scenes import Scene, store_scenes
from mcss.predict.smooth import BRIDGED_S, SMOOTHING_S

CLIPS = (
    *(("S9", "Walking", 1), ("S11", "Walking", 1), ("N1", "Walking", 1)),
    *(("S9", "WalkingTogether", 1), ("S11", "WalkingDog", 1), ("N2", "Walking", 1)),
)
"""Of the store's test people, and of others who are in no store. All walk about, as boxes from motion need it."""
FRAMES = 80


def predicted(scene: Scene, network: Network) -> Predictions:
    """Predictions of all views of a scene."""
    with tempfile.TemporaryDirectory() as work:
        return predict_scene(scene, network, Path(work), progress=False)


def errors_of_clip(clip: FilmedClip, folder: Path, network: Network) -> SceneErrors:
    """Errors with the boxes that are found, or written, in the folder; with the smoothing that is the default."""
    scene = recorded_scene([folder], fps=None, detector=None)
    predictions = predicted(scene, network)
    fused = fuse_predictions(predictions)
    motion = make_motion(fused, scene.time_s, network.frame, TimeSettings(SMOOTHING_S, BRIDGED_S), None)
    true_mm = true_pose_mm(clip.pose_world, network.frame)[scene.frame.max(axis=1)]
    return scene_errors(predictions, fused, motion, true_mm)


def filmed_table(clips: Sequence[FilmedClip], network: Network) -> pd.DataFrame:
    """A row of errors, mm, for each clip, and their mean."""
    rows = {}
    for clip in clips:
        try:
            found, true = (errors_of_clip(clip, folder, network) for folder in (clip.found, clip.boxed))
        except InputError as refused:
            print(f"left out: {refused}")
            continue
        rows[clip.name] = {
            "view, true boxes": true.mpjpe_views_mm,
            "view, found boxes": found.mpjpe_views_mm,
            "fused, true boxes": true.mpjpe_fused_mm,
            "fused, found boxes": found.mpjpe_fused_mm,
            "smoothed, found boxes": found.mpjpe_mm,
            "acceleration": found.acceleration_fused_mm,
            "acceleration, smoothed": found.acceleration_mm,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return pd.concat([table, table.mean().to_frame("mean").T])


def store_errors(
    store: Store, network: Network, subjects: Sequence[str] | None, clips: Sequence[str] | None
) -> Iterator[JointErrors]:
    """Errors of chosen clips of a store, for every number of views."""
    for scene in store_scenes(store, subjects, clips):
        predictions, pose_world = predicted(scene, network), scene.true_pose_world()
        yield from errors_by_views(
            scene.person, predictions.pose_mm, predictions.confidence, true_pose_mm(pose_world, network.frame)
        )


def interval_table(store: Store, network: Network, checkpoint: Path) -> pd.DataFrame:
    """Share of joints within 90 % intervals, by whom they are calibrated on (rows) and whose joints these are."""
    settings = read_checkpoint(checkpoint)["run"]["settings"]
    labelled = settings["data.supervision"].rpartition("%")[2].split("+")
    parts = {person: list(store_errors(store, network, [person], None)) for person in store.meta.subjects_test}
    for name in ("validation", "filmed_test"):
        clips = [clip for clip in settings[f"data.{name}_clips"] if clip.partition("/")[0] not in labelled]
        parts[name.partition("_")[0] + " clips"] = list(store_errors(store, network, None, clips))
    shares: dict[str, dict[str, float]] = {}
    for calibrated_on, errors in parts.items():
        made = calibrate(errors)
        for tested_on, others in parts.items():
            for views in (1, max(made.by_views)):
                held = [
                    part.error_mm <= made.interval_mm(part.spread_mm, np.full(len(part.error_mm), float(views)))
                    for part in others
                    if part.views == views
                ]
                share = float(np.concatenate(held)[:, 1:].mean())  # the pelvis is at 0 in both
                shares.setdefault(calibrated_on, {})[f"{tested_on}, views: {views}"] = share
    return pd.DataFrame.from_dict(shares, orient="index")


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "store", "footage"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    checkpoint = options.run / "checkpoints/last.ckpt"
    network = TorchNetwork(checkpoint)
    print(filmed_table(film(options.footage, CLIPS, FRAMES), network).to_markdown(floatfmt=".1f"), flush=True)
    print(interval_table(open_store(options.store), network, checkpoint).to_markdown(floatfmt=".3f"))


if __name__ == "__main__":
    main()
