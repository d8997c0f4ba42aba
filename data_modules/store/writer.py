"""Writing a store: rows stream into a directory beside the target, which one rename puts into its place.

What takes long to make is made in parts, which are kept in a work folder until the store is whole.
"""

import dataclasses
import itertools
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_modules.store.format import (
    ARROW_FILE,
    POSE_VALUES,
    SCHEMA,
    SCHEMA_VERSION,
    STORE_FILE,
    ContentHash,
    PixelHash,
    Row,
    StoreError,
    StoreMeta,
    neighbour_problems,
    row_problems,
)
from data_modules.store.lock import only_writer

ROWS_PER_RECORD_BATCH = 256


def write_store(
    path: Path,
    rows: Iterable[Row],
    meta: StoreMeta,
    clips: Mapping[str, dict] | None = None,
    source_path: str = "",
    folders: Mapping[str, Path] | None = None,
) -> None:
    """Write ``rows`` to the directory ``path``, replacing the store that may be there; of a link, its target.

    Rows are streamed: memory does not grow with their number. Whatever goes wrong, an exception from ``rows`` included,
    or the machine's power, leaves ``path`` as it was. ``clips`` (a record of each clip by its name) and ``source_path``
    (folder that the clips are from) are what a later build needs to bring the store up to date. ``folders`` are copied
    into the store, each to its name there, as far as they exist.

    Raises:
        StoreError: a row breaks a rule of the store, there is no row, ``path`` is something other than a store, or
            another process is writing it.
    """
    path = path.resolve()
    require_replaceable(path)
    with only_writer(path), _replacing(path) as partial:
        description = _write_arrow(partial / ARROW_FILE, _checked(rows, meta, path), meta)
        if not description["rows"]:
            raise StoreError(f"{path}: there are no rows to write")
        description |= {"source_path": source_path, "clips": dict(clips or {})}
        for name, folder in (folders or {}).items():
            if folder.is_dir():
                shutil.copytree(folder, partial / name)
        _write_json(partial / STORE_FILE, description)
        _write_datasets_files(partial, fingerprint=description["content_hash"][:16])


def require_replaceable(path: Path) -> None:
    """Refuse a path under which there is something that is not a store.

    Raises:
        StoreError: there is.
    """
    is_empty_folder = path.is_dir() and not any(path.iterdir())
    if path.exists() and not is_empty_folder and not (path / STORE_FILE).exists():
        raise StoreError(f"{path}: exists and is not a store; choose another path or remove it")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Empty sibling of ``path`` to write to, renamed to ``path`` if all goes well and removed if not."""
    partial, old = (path.with_name(f".{path.name}.{kind}") for kind in ("partial", "old"))
    # Leftovers of a killed process. Killed between the two renames, it left the whole store under the old name.
    if old.exists() and not path.exists():
        old.rename(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        for file in [*partial.iterdir(), partial]:
            _flush(file)
        _swap(partial, path, old)
        _flush(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; Windows opens no folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(partial: Path, path: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if not path.exists():
        partial.rename(path)
        return
    path.rename(old)  # a rename fails over a folder that is not empty
    try:
        partial.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old)


def _checked(rows: Iterable[Row], meta: StoreMeta, path: Path) -> Iterator[Row]:
    """Pass rows on that keep the rules of a store.

    Raises:
        StoreError: at the first one that does not.
    """
    previous = None
    for number, row in enumerate(rows):
        problems = list(row_problems(row, meta))
        if previous is not None:
            problems += neighbour_problems(previous, row)
        for column, reason in problems:
            raise StoreError(f"{path}: row {number}, {column}: {reason}")
        yield row
        previous = row


def _write_arrow(path: Path, rows: Iterable[Row], meta: StoreMeta) -> dict:
    """Write the rows and return the store's description, the content of ``store.json``."""
    content_hash, pixel_hash = ContentHash(meta.config), PixelHash()
    counts = dict.fromkeys(meta.subjects_train + meta.subjects_test, 0)

    def counted() -> Iterator[Row]:
        for row in rows:
            content_hash.update(row)
            pixel_hash.update(row)
            counts[row["subject"]] += 1
            yield row

    write_rows(path, counted())
    return {
        "schema_version": SCHEMA_VERSION,
        "rows": sum(counts.values()),
        "rows_per_subject": counts,
        "content_hash": content_hash.hexdigest(),
        "pixel_hash": pixel_hash.hexdigest(),
        "meta": dataclasses.asdict(meta),
    }


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Stream ``rows`` to the Arrow file ``path``, a few hundred in memory at a time; return how many there are."""
    remaining, count = iter(rows), 0
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
        while pending := list(itertools.islice(remaining, ROWS_PER_RECORD_BATCH)):
            writer.write_batch(_to_record_batch(pending))
            count += len(pending)
    return count


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of the Arrow file ``path`` in its order, a few hundred in memory at a time."""
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            for row in batch.to_pylist():
                pose, is_valid = row["pose_world"], row.pop("joint_valid")
                if pose is not None:
                    pose = np.array(pose, dtype=np.float32).reshape(-1, 3)
                    pose[~np.array(is_valid or [True] * len(pose))] = np.nan
                row["pose_world"], row["box"] = pose, tuple(row["box"])
                yield row


def available_cores() -> int:
    """Cores that this process may use; macOS cannot tell, and offers all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _to_record_batch(rows: list[Row]) -> pa.RecordBatch:
    arrays = [pa.array([_cell(row, field.name) for row in rows], type=field.type) for field in SCHEMA]
    return pa.record_batch(arrays, schema=SCHEMA)


def _cell(row: Row, column: str) -> Any:
    pose = row["pose_world"]
    if column == "mask":
        return row.get("mask")
    if column == "pose_world":
        return None if pose is None else np.nan_to_num(pose).reshape(POSE_VALUES).astype(np.float32)
    if column == "joint_valid":
        is_valid = None if pose is None else np.isfinite(pose).all(axis=1)
        return None if is_valid is None or is_valid.all() else is_valid
    return row[column]  # type: ignore[literal-required]


def _write_datasets_files(path: Path, fingerprint: str) -> None:
    """Files beside the Arrow file that ``datasets.load_from_disk`` asks for."""
    _write_json(path / "dataset_info.json", {})
    state: dict = {
        "_data_files": [{"filename": ARROW_FILE}],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    _write_json(path / "state.json", state)


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
