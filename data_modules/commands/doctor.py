"""``mcss-data doctor``: tell which layout a folder has, and what it lacks."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers
from data_modules.sources.doctor import diagnose


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("doctor", help="tell which layout a folder has, and what it lacks")
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the diagnosis; exit code 1 where something is missing, or a recording belongs to no clip."""
    diagnosis = diagnose(options.source)
    print(f"{options.source}: layout {diagnosis.layout}")
    missing = [f"missing: {line}" for line in diagnosis.missing]
    left_over = [f"left over: {line}" for line in diagnosis.left_over]
    for line in (*diagnosis.found, *missing, *left_over, diagnosis.advice):
        print(line)
    if not diagnosis.is_complete:
        raise SystemExit(1)
