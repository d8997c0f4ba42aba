"""``make retrieval``: measures cross-view pose retrieval; writes tables, figures and files."""

import argparse
import json
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from data_modules.store import Store, open_store
from mcss.errors import InputError, message_in_one_line
from mcss.metrics.retrieval import HIT_MM, KS
from mcss.retrieval.embeddings import RunEmbeddings, embed_test_images
from mcss.retrieval.figures import CASE_TITLES, write_figures_of_run, write_retrieval_curve
from mcss.retrieval.scores import DEFINITIONS, JOINT_SET, difference_table, retrieve_all, score_table
from mcss.run.folder import commit_of

_MEASURES = {
    "above_oracle_mm": ("Mean-PA-MPJPE@K above the oracle's, mm (paper, Table 3)", ".1f"),
    "mean_pa_mpjpe_mm": ("Mean-PA-MPJPE@K, mm", ".1f"),
    "hit": ("Hit@K", ".2f"),
}


def write_retrieval(
    checkpoints: Sequence[Path], store_path: Path, into: Path, query_cameras: Sequence[str] = ()
) -> str:
    """Measure the checkpoints' embeddings on the test subjects of a store; write everything; return the tables.

    ``retrieval.csv`` and ``differences.csv`` hold every number with its interval, ``retrieval.json`` definitions and
    the origin of the embeddings, ``retrieval.md`` the tables; a folder for each run holds its figures. Folders of runs
    that the former ``retrieval.json`` lists and the new one does not are removed.

    Args:
        checkpoints: the first one's run is compared with every other.
        store_path: of the data.
        into: the folder to write.
        query_cameras: only their images are queries (paper, supplement: a viewpoint that training has not seen).

    Raises:
        InputError: store or checkpoints are absent or damaged, no test image has a pose, or a camera is unknown.
    """
    store = open_store(store_path)
    embeddings = [embed_test_images(checkpoint, store) for checkpoint in checkpoints]
    found = retrieve_all(store, embeddings, query_cameras)
    clip = store.clip[embeddings[0].row]
    scores, differences = score_table(found, clip), difference_table(found, clip)
    into.mkdir(parents=True, exist_ok=True)
    scores.to_csv(into / "retrieval.csv", index=False, lineterminator="\n")
    differences.to_csv(into / "differences.csv", index=False, lineterminator="\n")
    labels = _labels(embeddings)
    write_retrieval_curve(into, scores, labels, store.meta.name)
    for run in embeddings:
        write_figures_of_run(into / run.name, store, run, found[run.name])
    record = _record(store, embeddings, query_cameras)
    _remove_former_runs(into, record["runs"].keys())
    (into / "retrieval.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    page = retrieval_page(record, scores, differences, labels)
    (into / "retrieval.md").write_text(page, encoding="utf-8")
    return page


def retrieval_page(
    record: Mapping[str, Any], scores: pd.DataFrame, differences: pd.DataFrame, labels: Mapping[str, str]
) -> str:
    """All tables as Markdown, with definitions.

    Args:
        record: content of ``retrieval.json``.
        scores: content of ``retrieval.csv``.
        differences: content of ``differences.csv``.
        labels: short name of each run.
    """
    parts = [
        f"# Retrieval, {record['data']}\n\n"
        f"{record['test_images']:,} images of {record['test_instants']:,} instants in {record['test_clips']} clips of"
        f" {', '.join(record['test_subjects'])}; every image of camera {', '.join(record['query_cameras'])} is once the"
        f" query. In brackets: {record['definitions']['intervals']}.\n"
    ]
    named = scores.assign(ranking=scores["run"].map(labels).fillna(scores["ranking"]))
    for measure, (title, digits) in _MEASURES.items():
        shown = named[named["measure"] == measure]
        if measure == "above_oracle_mm":  # it is 0 for the oracle
            shown = shown[shown["ranking"] != "oracle"]
        parts.append(f"\n## {title}\n\n{_by_k(shown, 'ranking', digits)}\n")
    against = differences["against"].map(labels).fillna(differences["against"])
    named = differences.assign(difference=differences["run"].map(labels) + ", less " + against)
    parts.append("\n## Differences in Mean-PA-MPJPE@K on the same queries, mm\n\n")
    parts.append(f"{_by_k(named, 'difference', '+.1f')}\n\n## Definitions\n\n")
    parts += [f"- *{name}*: {text}.\n" for name, text in record["definitions"].items()]
    return "".join(parts)


def _by_k(rows: pd.DataFrame, name: str, digits: str) -> str:
    """Markdown table of values and intervals: one row for each case and ``name``, one column for each K."""
    if rows.empty:
        return "Not measured among so many images."
    texts = [f"{x.value:{digits}} [{x.low:{digits}}, {x.high:{digits}}]" for x in rows.itertuples()]
    cells = rows.assign(text=texts, database=rows["case"].map(CASE_TITLES), column=[f"K={k}" for k in rows["k"]])
    table = cells.pivot(index=["database", name], columns="column", values="text")[[f"K={k}" for k in KS]]
    lines = [(case, ranking) for case in CASE_TITLES.values() for ranking in dict.fromkeys(rows[name])]
    table = table.loc[[line for line in lines if line in table.index]]
    return table.reset_index().to_markdown(index=False, disable_numparse=True)


def _record(store: Store, embeddings: Sequence[RunEmbeddings], query_cameras: Sequence[str]) -> dict[str, Any]:
    """Content of ``retrieval.json``."""
    row = embeddings[0].row
    return {
        "data": store.meta.name,
        "data_hash": store.content_hash,
        "test_subjects": list(store.meta.subjects_test),
        "query_cameras": sorted(query_cameras) or list(store.meta.cameras),
        "test_images": len(row),
        "test_instants": len(set(store.instant[row].tolist())),
        "test_clips": len(set(store.clip[row].tolist())),
        "commit": commit_of(Path(__file__).parent),
        "joint_set": JOINT_SET,
        "ks": list(KS),
        "hit_mm": HIT_MM,
        "definitions": DEFINITIONS,
        "runs": {run.name: run.facts for run in embeddings},
    }


def _remove_former_runs(into: Path, names: Collection[str]) -> None:
    """Remove the folders of runs that the previous ``retrieval.json`` lists and the new one does not."""
    try:
        former = json.loads((into / "retrieval.json").read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for folder in into.iterdir():
        if folder.is_dir() and folder.name in former and folder.name not in names:
            shutil.rmtree(folder)


def _labels(embeddings: Sequence[RunEmbeddings]) -> dict[str, str]:
    """Short name of each run; the name of its folder if two short names are equal."""
    labels = [run.label for run in embeddings]
    return {
        run.name: label if labels.count(label) == 1 else run.name for run, label in zip(embeddings, labels, strict=True)
    }


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; exit with code 2 after one line on stderr if the input is invalid."""
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
        print(f"retrieval: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
