"""A store of 1.5 million rows, and what it costs a training process: ``python -m benchmarks.large_store FOLDER``."""

import dataclasses
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import simplejpeg

from data_modules.store.format import ARROW_FILE, SCHEMA, SCHEMA_VERSION, STORE_FILE, StoreMeta
from data_modules.training.datamodule import MultiviewPoseDataModule

VIEWS, INSTANTS_A_CLIP, SUBJECTS, FPS, SIDE_PX = 4, 250, 5, 2.0, 8
ROWS_A_CLIP = VIEWS * INSTANTS_A_CLIP


def write_large_store(path: Path, rows: int) -> None:
    """Write about ``rows`` rows of one JPEG, a clip at a time; ``write_store`` would check each, for minutes."""
    path.mkdir()
    subjects = tuple(f"S{number}" for number in range(SUBJECTS))
    clips = rows // ROWS_A_CLIP // SUBJECTS
    jpeg = simplejpeg.encode_jpeg(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
    with pa.OSFile(str(path / ARROW_FILE), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
        for subject in subjects:
            for clip in range(clips):
                writer.write_batch(_clip(subject, f"Action{clip:04d}", jpeg))
    meta = StoreMeta(
        name="large",
        joint_set="h36m17",
        crop_size_px=SIDE_PX,
        fps=FPS,
        cameras=tuple(f"cam{view}" for view in range(VIEWS)),
        subjects_train=subjects,
        subjects_test=(),
        excluded=(),
        source="random numbers",
        licence="CC0-1.0",
        config={},
        calibration={},
    )
    description = {
        "schema_version": SCHEMA_VERSION,
        "rows": ROWS_A_CLIP * clips * SUBJECTS,
        "rows_per_subject": dict.fromkeys(subjects, ROWS_A_CLIP * clips),
        "content_hash": "large",
        "meta": dataclasses.asdict(meta),
    }
    (path / STORE_FILE).write_text(json.dumps(description), encoding="utf-8")


def _clip(subject: str, action: str, jpeg: bytes) -> pa.RecordBatch:
    frame = np.arange(INSTANTS_A_CLIP).repeat(VIEWS)
    pose = np.random.default_rng(0).normal(0, 300, (ROWS_A_CLIP, 51)).astype(np.float32)
    columns = {
        "subject": pa.repeat(pa.scalar(subject), ROWS_A_CLIP),
        "action": pa.repeat(pa.scalar(action), ROWS_A_CLIP),
        "subaction": pa.array(np.ones(ROWS_A_CLIP)),
        "frame": pa.array(frame),
        "time_s": pa.array(frame / FPS),
        "camera": pa.array([f"cam{view}" for view in range(VIEWS)] * INSTANTS_A_CLIP),
        "image": pa.repeat(pa.scalar(jpeg, pa.large_binary()), ROWS_A_CLIP),
        "box": pa.FixedSizeListArray.from_arrays(pa.array(np.ones(3 * ROWS_A_CLIP)), 3),
        "pose_world": pa.FixedSizeListArray.from_arrays(pa.array(pose.ravel()), 51),
        "joint_valid": pa.nulls(ROWS_A_CLIP),
        "mask": pa.nulls(ROWS_A_CLIP),
    }
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in SCHEMA], schema=SCHEMA)


def training_costs(store: Path) -> dict[str, float]:
    """Seconds to open the store, to set up the loaders, for the first batch; memory then, and at its peak, MB."""
    imported_mb = _anonymous_mb(), _peak_mb()
    data = MultiviewPoseDataModule(store=str(store), supervision="all", image_size_px=64)
    times = [time.perf_counter()]
    data.setup("fit")
    times.append(time.perf_counter())
    loaders = data.train_dataloader()
    times.append(time.perf_counter())
    next(iter(loaders))
    times.append(time.perf_counter())
    opening_s, loaders_s, batch_s = np.diff(times).tolist()
    return {
        "opening_s": opening_s,
        "loaders_s": loaders_s,
        "batch_s": batch_s,
        "memory_mb": _anonymous_mb() - imported_mb[0],
        "peak_mb": _peak_mb() - imported_mb[1],
        "rows": len(data.labelled_store),
    }


def _peak_mb() -> float:
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return _status_mb("VmHWM")  # where getrusage would begin with the peak of the process that started this one


def _anonymous_mb() -> float:
    """Memory that is the process's own: without mapped files, whose pages the system takes back when it needs them."""
    return _status_mb("RssAnon") if sys.platform != "darwin" else _peak_mb()


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(value) / 1e3


if __name__ == "__main__":
    print(json.dumps(training_costs(Path(sys.argv[1]))))
