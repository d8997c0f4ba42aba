"""Reader of a W&B offline run: what ``wandb sync`` would send."""

import json
from pathlib import Path
from typing import NamedTuple

from wandb.proto import wandb_internal_pb2

BLOCK, HEADER = 32768, 7
"""LevelDB's log format: blocks of 32 KiB, each fragment behind checksum (4 bytes), length (2) and type (1)."""
FULL, FIRST, LAST = 1, 2, 4


def records(path: Path):
    """Every record of a ``.wandb`` file, in order."""
    content, position, parts = path.read_bytes(), HEADER, []
    while position + HEADER <= len(content):
        if BLOCK - position % BLOCK < HEADER:
            position += BLOCK - position % BLOCK
            continue
        length, kind = int.from_bytes(content[position + 4 : position + 6], "little"), content[position + 6]
        fragment = content[position + HEADER : position + HEADER + length]
        position += HEADER + length
        parts = [fragment] if kind in (FULL, FIRST) else [*parts, fragment]
        if kind in (FULL, LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(b"".join(parts))
            yield record


def read_offline_run(folder: Path):
    """Group, configuration and logged rows of the offline run below ``folder``."""
    (run,) = read_offline_runs(folder)
    return run.group, run.config, run.history


class OfflineRun(NamedTuple):
    """What one process sends."""

    id: str
    group: str
    job_type: str
    config: dict
    history: list


def read_offline_runs(folder: Path) -> list[OfflineRun]:
    """The offline runs below ``folder``, in the order in which they began."""
    return [_read(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.parent)]


def _read(path: Path) -> OfflineRun:
    run_id, group, job_type, config, history = "", "", "", {}, []
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run_id, job_type = record.run.run_id, record.run.job_type
            group = record.run.run_group or group
        for item in [*record.run.config.update, *record.config.update]:
            config[".".join([item.key, *item.nested_key]).strip(".")] = json.loads(item.value_json)
        if kind == "history":
            row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            history.append(row)
    return OfflineRun(run_id, group, job_type, config, history)
