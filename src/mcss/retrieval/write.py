"""``make retrieval``: how well embeddings retrieve poses across views, as figures, tables and files."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from data_modules.store import open_store
from mcss.errors import InputError
from mcss.metrics.retrieval import HIT_MM, KS
from mcss.retrieval import benchmark
from mcss.retrieval.embeddings import embed_test_images
from mcss.retrieval.figures import write_figures_of_run, write_retrieval_curve
from mcss.retrieval.tables import retrieval_page, write_csv
from mcss.run_folder import commit_of


def write_retrieval(checkpoints: Sequence[Path], store_path: Path, into: Path) -> str:
    """Measure the checkpoints' embeddings on the test subjects of a store; write everything; return the tables.

    ``retrieval.csv`` and ``differences.csv`` hold every number with its interval, ``retrieval.json`` definitions and
    where the embeddings come from, ``retrieval.md`` the tables; a folder each run holds its figures.

    Raises:
        InputError: store or checkpoints are absent or damaged, or no test image has a pose.
    """
    store = open_store(store_path)
    embedded = [embed_test_images(checkpoint, store) for checkpoint in checkpoints]
    images, found = benchmark.retrieve_all(store, embedded)
    clip = store.clip[embedded[0].row]
    lines, differences = benchmark.lines(found, clip), benchmark.differences(found, clip)
    into.mkdir(parents=True, exist_ok=True)
    write_csv(into / "retrieval.csv", lines)
    write_csv(into / "differences.csv", differences)
    labels = {run.name: run.label for run in embedded}
    write_retrieval_curve(into, lines, labels, store.meta.name)
    for run in embedded:
        write_figures_of_run(into / run.name, store, run, images, found[run.name])
    record = {
        "data": store.meta.name,
        "data_hash": store.content_hash,
        "test_subjects": list(store.meta.subjects_test),
        "test_images": len(clip),
        "test_instants": len(images.error_mm),
        "test_clips": len(set(clip.tolist())),
        "commit": commit_of(Path(__file__).parent),
        "joint_set": benchmark.JOINT_SET,
        "ks": list(KS),
        "hit_mm": HIT_MM,
        "definitions": benchmark.DEFINITIONS,
        "runs": {run.name: run.facts for run in embedded},
    }
    (into / "retrieval.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    page = retrieval_page(record, lines, differences, labels)
    (into / "retrieval.md").write_text(page, encoding="utf-8")
    return page


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line on stderr where the input is at fault."""
    parser = argparse.ArgumentParser(prog="python -m mcss.retrieval", description=__doc__)
    parser.add_argument("checkpoints", nargs="*", type=Path, help="RUN/checkpoints/last.ckpt; the first is compared")
    parser.add_argument("--store", type=Path, required=True, help="the data, data/NAME; its test subjects are used")
    parser.add_argument("--out", type=Path, required=True, help="folder, experiments/results/DATA/retrieval")
    options = parser.parse_args(args)
    try:
        if not options.checkpoints:
            raise InputError("name a checkpoint, RUN/checkpoints/last.ckpt (make: CKPT=...)")
        print(write_retrieval(options.checkpoints, options.store, options.out))
    except InputError as error:
        print(f"retrieval: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"written: {options.out}")
