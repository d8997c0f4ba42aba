"""Reader of a W&B offline run: what ``wandb sync`` would send."""

import json
from pathlib import Path

from wandb.proto import wandb_internal_pb2

BLOCK, HEADER = 32768, 7
"""LevelDB's log format: blocks of 32 KiB, each fragment behind checksum (4 bytes), length (2) and type (1)."""
FULL, FIRST, LAST = 1, 2, 4


def records(folder: Path):
    """Every record of the one ``.wandb`` file below ``folder``, in order."""
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
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
    group, config, history = "", {}, []
    for record in records(folder):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            group = record.run.run_group or group
        for item in [*record.run.config.update, *record.config.update]:
            config[".".join([item.key, *item.nested_key]).strip(".")] = json.loads(item.value_json)
        if kind == "history":
            row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            history.append(row)
    return group, config, history
