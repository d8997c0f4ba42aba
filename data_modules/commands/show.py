"""``mcss-data show``: a page on which a person sees whether a store is right."""

import argparse
from pathlib import Path

from data_modules.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Describe the arguments."""
    parser = subparsers.add_parser(
        "show", help="draw synchronous views, boxes and poses on one page", allow_abbrev=False
    )
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", type=Path, metavar="HTML", help="page to write (default: STORE/show.html)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the page, and a PNG of the same pictures."""
    from data_modules.show import write_page

    for path in write_page(options.store, options.out):
        print(f"written: {path}")
