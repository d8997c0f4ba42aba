"""The commands of docs/footage.md, one after the other, on rehearsal footage; a program clicks what a person would."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from data_modules.cli import main
from data_modules.store import open_store
from mcss.__main__ import main as mcss
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

pytestmark = pytest.mark.slow

CLIP = "S1/Walking-1"
EXPERIMENTS = Path(__file__).parents[4] / "experiments"


def click_truth(views, every):
    """Write clicks.csv as if somebody had clicked the true joints to a quarter of a pixel at every so many frames."""
    with np.load(views / "truth" / "S1_Walking-1.npz") as truth:
        poses, time_s = truth["points"], truth["time_s"]
    cameras = json.loads((views / "truth" / "S1_Walking-1.json").read_text())
    with (views / "truth" / "sync.csv").open() as file:
        offsets = {row["video"]: float(row["offset_s"]) for row in csv.DictReader(file)}
    rng, rows = np.random.default_rng(0), []
    for camera, fps in zip(cameras, (30, 25, 30000 / 1001, 24), strict=True):
        video = f"{CLIP}/{camera}"
        for shared_s in np.arange(1.0, 2.6, every / 24):
            frame = round((shared_s + offsets[video]) * fps)
            pose = poses[np.abs(time_s - (frame / fps - offsets[video])).argmin()]
            places = Camera.from_dict(cameras[camera]).project(pose) + rng.normal(0, 0.25, (17, 2))
            rows += [[video, frame, joint, *place] for joint, place in zip(JOINTS, places, strict=True) if frame >= 0]
    with (views / "clicks.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["video", "frame", "joint", "x", "y"], *rows])
    return poses, time_s


def trained_on(store_path, folder):
    """Train a very small network for some steps by experiments/data/footage.yaml; return its checkpoint."""
    overlays = ("base", "data/footage", "method/mcss", "logger/csv")
    configs = [word for name in overlays for word in ("--config", str(EXPERIMENTS / f"{name}.yaml"))]
    size = "--model.width 8 --model.image_size_px 48 --data.pairs 4 --data.labelled_images 4 --data.min_gap_s 0.1"
    run = "--trainer.max_steps 6 --trainer.enable_progress_bar false --trainer.accelerator cpu --data.supervision all"
    data = ["--data.store", str(store_path), "--data.validation_clips", "[]", "--run_dir", str(folder)]
    mcss(["fit", *configs, *size.split(), *run.split(), *data])
    return folder / "checkpoints/last.ckpt"


@pytest.mark.filterwarnings("ignore:Total length of `list`")  # of validation images, of which there are none
def test_from_films_to_labels_in_a_store_a_network_and_a_motion_file(tmp_path, capsys):
    views, store_path = tmp_path / "views", tmp_path / "footage"
    main(f"frames --preset tiny --views {views} --clip S1/Walking/1 --size 192x108 --duration 4".split())
    main(["sync", str(views)])
    poses, time_s = click_truth(views, every=1)
    main(["solve", str(views)])
    main(f"import videos --source {views} --out {store_path} --size 48 --workers 1".split())
    main(["check", str(store_path)])
    assert "no problems" in capsys.readouterr().out
    store = open_store(store_path)
    labelled = np.flatnonzero(store.has_pose)
    assert len(set(store.instant[labelled].tolist())) >= 10
    solved = np.asarray(store.pose_world[labelled], dtype=np.float64)
    truth = poses[[int(np.abs(time_s - t).argmin()) for t in store.time_s[labelled]]]
    apart = [np.linalg.norm(p[:, 1:] - p[:, :1], axis=-1) for p in (solved, truth)]
    assert np.abs(apart[0] - apart[1]).mean() < 40
    checkpoint = trained_on(store_path, tmp_path / "run")
    mcss(f"predict --ckpt_path {checkpoint} {views / CLIP} --out {tmp_path / 'out'} --files trc npz --quiet".split())
    with np.load(tmp_path / "out/motion.npz") as motion:
        known = np.isfinite(motion["pose_mm"]).all(axis=(1, 2))
        height_mm = np.ptp(motion["pose_mm"][known][:, :, 2], axis=1)
    assert known.mean() > 0.9
    assert np.abs(height_mm - np.ptp(truth[:, :, 2], axis=1).mean()).mean() < 300  # a person who stands, in mm
    lines = (tmp_path / "out/motion.trc").read_text().splitlines()
    assert len(lines) == 6 + len(known)  # what the columns are, then a frame a line
