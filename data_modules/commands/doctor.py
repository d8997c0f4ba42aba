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
    """Print the diagnosis; exit code 1 where something is missing."""
    diagnosis = diagnose(options.source)
    print(f"{options.source}: layout {diagnosis.layout}")
    for line in (*diagnosis.found, *(f"missing: {line}" for line in diagnosis.missing), diagnosis.advice):
        print(line)
    if diagnosis.missing:
        raise SystemExit(1)
