"""``make bench``: every comparison, to ``benchmarks/results.json`` and a Markdown table."""

import argparse
import datetime
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import contrastive, growth, inference, loading, pose_errors, training
from benchmarks.timing import Comparison, Figure
from mcss.run_folder import commit_of

FOLDER = Path(__file__).parent
BENCHMARKS = {
    "training": training.measure,
    "loading": loading.measure,
    "pose_errors": pose_errors.measure,
    "contrastive": contrastive.measure,
    "inference": inference.measure,
    "growth": growth.measure,
}


def page(results: Sequence[Comparison | Figure], machine: dict[str, str | int]) -> str:
    """Both tables as Markdown."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Ours and the other way are run in turn in one process; the ratio is the median over"
        " rounds, with quartiles. Times of another machine will differ, ratios much less.",
        "",
        ", ".join(f"{name} {value}" for name, value in machine.items()),
        "",
        "| what | against | times as fast | quartiles | promised |",
        "|---|---|---:|---:|---:|",
    ]
    for x in results:
        if isinstance(x, Comparison):
            quartiles = f"{x.ratio_low:.2f} to {x.ratio_high:.2f}"
            lines.append(f"| {x.name} | {x.reference} | {x.ratio:.2f} | {quartiles} | {_wanted(x.wanted, x.ratio)} |")
    lines += ["", "| what | value | limit |", "|---|---:|---:|"]
    for x in results:
        if isinstance(x, Figure):
            lines.append(f"| {x.name} | {x.value:,.3g} {x.unit} | {'' if x.limit is None else f'{x.limit:g}'} |")
    return "\n".join(lines) + "\n"


def _wanted(wanted: float | None, ratio: float) -> str:
    if wanted is None:
        return ""
    return f"{wanted:g}" if ratio >= wanted else f"{wanted:g}, missed"


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(BENCHMARKS)} (default: all, and the files)")
    names = parser.parse_args().names
    results = []
    for name in names or BENCHMARKS:
        print(f"{name} ...", flush=True)
        results += BENCHMARKS[name]()
    machine: dict[str, str | int] = {
        "date": datetime.date.today().isoformat(),
        "commit": str(commit_of(FOLDER)),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if not names:
        content = {**machine, "results": [result._asdict() for result in results]}
        (FOLDER / "results.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (FOLDER / "results.md").write_text(page(results, machine), encoding="utf-8")
    print(page(results, machine))


if __name__ == "__main__":
    main()
