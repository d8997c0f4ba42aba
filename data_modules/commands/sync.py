"""``mcss-data sync``: measure by how much the clocks of own videos differ, and write it to sync.csv."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers
from mcss.errors import InputError


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser(
        "sync", help="find the time offsets of own videos by sound, motion or a flash", allow_abbrev=False
    )
    parser.add_argument("views", type=Path, metavar="VIEWS", help="folder of the videos")
    parser.add_argument(
        "--ckpt", type=Path, metavar="CKPT", help="network whose embeddings tell where no sound or flash does"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure every clip, print what was found, write what is not in sync.csv yet.

    Raises:
        InputError: the videos cannot be read, or of some nothing tells the offset; what is known is written.
    """
    from data_modules.sources.footage.sync_table import sync_views

    unknown = []
    for report in sync_views(options.views, options.ckpt):
        for line in report.lines:
            print(line)
        unknown += report.unknown
    print(f"written: {options.views / 'sync.csv'}")
    if unknown:
        raise InputError(
            f"cannot tell the offsets of {', '.join(unknown)}; write offset_s of each into "
            f"{options.views / 'sync.csv'}, or film again with a clap that every camera hears"
        )
