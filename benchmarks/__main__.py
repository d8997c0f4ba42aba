"""``make bench``: every comparison, to ``benchmarks/results.json`` and a Markdown table."""

import argparse
import datetime
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import contrastive, growth, inference, loading, pose_errors, solver, sync, training
from benchmarks.timing import Comparison, Figure, Missing
from data_modules.store.writer import available_cores
from mcss.run.folder import commit_of

FOLDER = Path(__file__).parent
BENCHMARKS = {
    "training": training.measure,
    "loading": loading.measure,
    "pose_errors": pose_errors.measure,
    "contrastive": contrastive.measure,
    "inference": inference.measure,
    "growth": growth.measure,
    "solver": solver.measure,
    "sync": sync.measure,
}


def page(results: Sequence[Comparison | Figure | Missing], machine: dict[str, str | int]) -> str:
    """Both tables as Markdown; values that miss their bound are marked ``missed``."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Both implementations are run in turn in one process; the ratio is the median over"
        " rounds, with quartiles. On other machines times differ, and ratios much less.",
        "",
        ", ".join(f"{name} {value}" for name, value in machine.items()),
        "",
        "| what | compared with | ratio of speeds | quartiles | to reach |",
        "|---|---|---:|---:|---:|",
    ]
    for x in results:
        if isinstance(x, Comparison):
            quartiles, wanted = f"{x.ratio_low:.2f} to {x.ratio_high:.2f}", x.wanted
            promised = _marked(wanted, wanted is not None and x.ratio < wanted)
            lines.append(f"| {x.name} | {x.reference} | {x.ratio:.2f} | {quartiles} | {promised} |")
    lines += ["", "| what | value | limit |", "|---|---:|---:|"]
    for x in results:
        if isinstance(x, Figure):
            limit = _marked(x.limit, x.limit is not None and x.value > x.limit)
            lines.append(f"| {x.name} | {x.value:,.3g} {x.unit} | {limit} |")
    lines += [f"\nNot measured: {x.name} ({x.reason})." for x in results if isinstance(x, Missing)]
    return "\n".join(lines) + "\n"


def _marked(bound: float | None, missed: bool) -> str:
    return "" if bound is None else f"{bound:g}{', missed' if missed else ''}"


def machine_facts() -> dict[str, str | int]:
    """Machine and packages of the measurement."""
    packages = ("torch", "pytorch-lightning", "numpy", "simplejpeg", "onnxruntime")
    return {
        "date": datetime.date.today().isoformat(),
        "commit": str(commit_of(FOLDER)),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in packages},
    }


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(BENCHMARKS)} (default: all, and the files)")
    names = parser.parse_args().names
    results: list[Comparison | Figure | Missing] = []
    for name in names or BENCHMARKS:
        print(f"{name} ...", flush=True)
        measured = BENCHMARKS[name]()
        print(*measured, sep="\n", flush=True)  # a later benchmark may fail
        results += measured
    machine = machine_facts()
    if not names:
        content = {**machine, "results": [result._asdict() for result in results]}
        (FOLDER / "results.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (FOLDER / "results.md").write_text(page(results, machine), encoding="utf-8")
    print(page(results, machine))


if __name__ == "__main__":
    main()
