"""``mcss-data validation``: propose clips of a store to hold out for tuning."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser(
        "validation", help="propose clips of a store to hold out for tuning", allow_abbrev=False
    )
    parser.add_argument("store", type=Path)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print one line for the section ``data`` of a file in experiments/data.

    Raises:
        InputError: there is no such store, or no training subject can spare a clip.
    """
    from data_modules.store import open_store
    from data_modules.training.validation_clips import proposed_validation_clips

    print(f"  validation_clips: [{', '.join(proposed_validation_clips(open_store(options.store)))}]")
