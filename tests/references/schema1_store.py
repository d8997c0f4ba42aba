"""Stores as the first version of this project wrote them: schema 1, with pyarrow and json alone."""

import json
from pathlib import Path

import pyarrow as pa

COLUMNS = {
    "subject": pa.string(),
    "action": pa.string(),
    "subaction": pa.int32(),
    "frame": pa.int64(),
    "time_s": pa.float64(),
    "camera": pa.string(),
    "image": pa.large_binary(),
    "box": pa.list_(pa.float64(), 3),
    "pose_world": pa.list_(pa.float32(), 51),
}


def write_schema1_store(path: Path, rows: list[dict], meta: dict, content_hash: str) -> Path:
    """Write ``rows`` to ``path``; ``content_hash`` is that of the first version for the same rows."""
    path.mkdir(parents=True)
    cells = {name: [row[name] for row in rows] for name in COLUMNS}
    cells["pose_world"] = [None if pose is None else pose.reshape(51) for pose in cells["pose_world"]]
    table = pa.table({name: pa.array(cells[name], type=kind) for name, kind in COLUMNS.items()})
    with pa.ipc.new_stream(path / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    subjects = sorted({row["subject"] for row in rows})
    description = {
        "schema_version": 1,
        "rows": len(rows),
        "rows_per_subject": {subject: sum(row["subject"] == subject for row in rows) for subject in subjects},
        "content_hash": content_hash,
        "meta": meta,
    }
    (path / "store.json").write_text(json.dumps(description))
    return path
