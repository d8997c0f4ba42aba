"""``mcss-data check``: verify every promise of a store and every image."""

import argparse
import sys
from pathlib import Path

from data_modules.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser("check", help="verify every promise of a store and every image")
    parser.add_argument("store", type=Path)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print a line for each broken promise; exit code 1 where there is one."""
    from data_modules.store import open_store
    from data_modules.store.check import check_store

    store = open_store(options.store)
    problems = check_store(options.store)
    for problem in problems:
        print(problem)
    if problems:
        print(f"mcss-data: {options.store} breaks its promises; make it again", file=sys.stderr)
        raise SystemExit(1)
    print(f"{options.store}: {len(store)} images, no problems")
