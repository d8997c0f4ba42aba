"""``make bench``: every comparison, to ``benchmarks/results.json`` and a Markdown table."""

import argparse
import datetime
import importlib.metadata
import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks import contrastive, growth, inference, loading, pose_errors, solver, sync, training
from benchmarks.timing import Comparison, Figure, Missing
from data_modules.store.writer import available_cores
from mcss.run.folder import commit_of

FOLDER = Path(__file__).parent
KINDS: dict[str, type[Comparison | Figure | Missing]] = {kind.__name__: kind for kind in (Comparison, Figure, Missing)}
Measured = tuple[dict[str, str | int], Sequence[Comparison | Figure | Missing]]
"""Machine and packages of a measurement, and its results."""
BENCHMARKS: dict[str, Callable[[], Sequence[Comparison | Figure | Missing]]] = {
    "training": training.measure,
    "loading": loading.measure,
    "pose_errors": pose_errors.measure,
    "contrastive": contrastive.measure,
    "inference": inference.measure,
    "growth": growth.measure,
    "solver": solver.measure,
    "sync": sync.measure,
}


def page(measured: dict[str, Measured]) -> str:
    """Both tables of each benchmark as Markdown; values that miss their bound are marked ``missed``."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Both implementations are run in turn in one process; the ratio is the median over"
        " rounds, with quartiles. On other machines times differ, and ratios much less.",
    ]
    for name, (machine, results) in measured.items():
        lines += ["", f"## {name}", "", ", ".join(f"{fact} {value}" for fact, value in machine.items())]
        if comparisons := [_compared(x) for x in results if isinstance(x, Comparison)]:
            lines += [
                "",
                "| what | compared with | ratio of speeds | quartiles | to reach |",
                "|---|---|---:|---:|---:|",
            ]
            lines += comparisons
        if figures := [_valued(x) for x in results if isinstance(x, Figure)]:
            lines += ["", "| what | value | limit |", "|---|---:|---:|", *figures]
        lines += [f"\nNot measured: {x.name} ({x.reason})." for x in results if isinstance(x, Missing)]
    return "\n".join(lines) + "\n"


def _compared(x: Comparison) -> str:
    promised = _marked(x.wanted, x.wanted is not None and x.ratio < x.wanted)
    return f"| {x.name} | {x.reference} | {x.ratio:.2f} | {x.ratio_low:.2f} to {x.ratio_high:.2f} | {promised} |"


def _valued(x: Figure) -> str:
    return f"| {x.name} | {x.value:,.3g} {x.unit} | {_marked(x.limit, x.limit is not None and x.value > x.limit)} |"


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


def read_measured(path: Path) -> dict[str, Measured]:
    """What earlier calls measured, by benchmark."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        name: (part["machine"], [KINDS[kind](**values) for kind, values in part["results"]])
        for name, part in content.items()
    }


def write_measured(folder: Path, measured: dict[str, Measured]) -> None:
    """Write ``results.json`` and ``results.md``."""
    content = {
        name: {"machine": machine, "results": [(type(x).__name__, x._asdict()) for x in results]}
        for name, (machine, results) in measured.items()
    }
    (folder / "results.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(page(measured), encoding="utf-8")


def main() -> None:
    """Run the program. The results of each benchmark are written as soon as it ends; those of others stay."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(BENCHMARKS)} (default: all)")
    for name in parser.parse_args().names or BENCHMARKS:
        print(f"{name} ...", flush=True)
        measured = (machine_facts(), BENCHMARKS[name]())
        earlier = read_measured(FOLDER / "results.json")
        write_measured(FOLDER, {x: measured if x == name else earlier[x] for x in BENCHMARKS if x in {*earlier, name}})
        print(page({name: measured}))


if __name__ == "__main__":
    main()
