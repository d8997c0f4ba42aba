"""``make retrieval``: how well embeddings retrieve poses across views, as figures, tables and files."""

import argparse
import json
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from data_modules.store import Store, open_store
from mcss.errors import InputError
from mcss.metrics.retrieval import HIT_MM, KS
from mcss.retrieval import benchmark
from mcss.retrieval.embeddings import Embedded, embed_test_images
from mcss.retrieval.figures import write_figures_of_run, write_retrieval_curve
from mcss.retrieval.tables import retrieval_page, write_csv
from mcss.run.folder import commit_of


def write_retrieval(
    checkpoints: Sequence[Path], store_path: Path, into: Path, query_cameras: Sequence[str] = ()
) -> str:
    """Measure the checkpoints' embeddings on the test subjects of a store; write everything; return the tables.

    ``retrieval.csv`` and ``differences.csv`` hold every number with its interval, ``retrieval.json`` definitions and
    where the embeddings come from, ``retrieval.md`` the tables; a folder each run holds its figures. Folders of
    runs that the ``retrieval.json`` of before lists and the new one does not are removed.

    Args:
        checkpoints: the first one's run is compared with every other.
        store_path: of the data.
        into: the folder to write.
        query_cameras: only their images are queries (paper, supplement: a viewpoint that training has not seen).

    Raises:
        InputError: store or checkpoints are absent or damaged, no test image has a pose, or a camera is unknown.
    """
    store = open_store(store_path)
    embedded = [embed_test_images(checkpoint, store) for checkpoint in checkpoints]
    found = benchmark.retrieve_all(store, embedded, query_cameras)
    clip = store.clip[embedded[0].row]
    lines, differences = benchmark.lines(found, clip), benchmark.differences(found, clip)
    into.mkdir(parents=True, exist_ok=True)
    write_csv(into / "retrieval.csv", lines)
    write_csv(into / "differences.csv", differences)
    labels = _labels(embedded)
    write_retrieval_curve(into, lines, labels, store.meta.name)
    for run in embedded:
        write_figures_of_run(into / run.name, store, run, found[run.name])
    record = _record(store, embedded, query_cameras)
    _remove_runs_of_before(into, record["runs"].keys())
    (into / "retrieval.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    page = retrieval_page(record, lines, differences, labels)
    (into / "retrieval.md").write_text(page, encoding="utf-8")
    return page


def _record(store: Store, embedded: Sequence[Embedded], query_cameras: Sequence[str]) -> dict[str, Any]:
    """What ``retrieval.json`` holds."""
    row = embedded[0].row
    return {
        "data": store.meta.name,
        "data_hash": store.content_hash,
        "test_subjects": list(store.meta.subjects_test),
        "query_cameras": sorted(query_cameras) or list(store.meta.cameras),
        "test_images": len(row),
        "test_instants": len(set(store.instant[row].tolist())),
        "test_clips": len(set(store.clip[row].tolist())),
        "commit": commit_of(Path(__file__).parent),
        "joint_set": benchmark.JOINT_SET,
        "ks": list(KS),
        "hit_mm": HIT_MM,
        "definitions": benchmark.DEFINITIONS,
        "runs": {run.name: run.facts for run in embedded},
    }


def _remove_runs_of_before(into: Path, names: Collection[str]) -> None:
    """Remove the figures of runs that the tables there list and the new ones will not; nothing else is touched."""
    try:
        before = json.loads((into / "retrieval.json").read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for folder in into.iterdir():
        if folder.is_dir() and folder.name in before and folder.name not in names:
            shutil.rmtree(folder)


def _labels(embedded: Sequence[Embedded]) -> dict[str, str]:
    """Short name of each run; the folder's where two would be called alike."""
    labels = [run.label for run in embedded]
    return {
        run.name: label if labels.count(label) == 1 else run.name for run, label in zip(embedded, labels, strict=True)
    }


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line on stderr where the input is at fault."""
    parser = argparse.ArgumentParser(prog="python -m mcss.retrieval", description=__doc__)
    parser.add_argument("checkpoints", nargs="*", type=Path, help="RUN/checkpoints/last.ckpt; the first is compared")
    parser.add_argument("--store", type=Path, required=True, help="the data, data/NAME; its test subjects are used")
    parser.add_argument("--out", type=Path, required=True, help="folder, experiments/results/DATA/retrieval")
    parser.add_argument("--query_cameras", nargs="+", default=[], help="only their images are queries (default: all)")
    options = parser.parse_args(args)
    try:
        if not options.checkpoints:
            raise InputError("name a checkpoint, RUN/checkpoints/last.ckpt (make: CKPT=...)")
        print(write_retrieval(options.checkpoints, options.store, options.out, options.query_cameras))
    except InputError as error:
        print(f"retrieval: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"written: {options.out}")
