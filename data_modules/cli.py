"""Console script ``mcss-data``: make, check and describe stores."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from data_modules.store import StoreMeta, config_hash, open_store
from data_modules.store_check import check_store, store_statistics
from data_modules.store_format import STORE_FILE
from data_modules.store_writer import require_replaceable
from mcss.errors import InputError


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr where the input is at fault, code 1 where a check found problems.
    """
    arguments = _parser().parse_args(args)
    try:
        arguments.run(arguments)
    except (InputError, OSError) as error:
        print(f"mcss-data: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("mcss-data: interrupted; the same command goes on from here", file=sys.stderr)
        raise SystemExit(130) from None


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="mcss-data", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    render = commands.add_parser("render", help="render a multi-view data set", allow_abbrev=False)
    render.add_argument("--preset", default="studio", help="what to render: studio or tiny (default: %(default)s)")
    render.add_argument("--out", type=Path, required=True, metavar="STORE", help="directory to write")
    render.add_argument("--seed", type=_at_least(0), help="of people, motion and room (default: the preset's)")
    render.add_argument("--size", type=_at_least(16), metavar="PX", help="side of the crops (default: the preset's)")
    render.add_argument("--instants", type=_at_least(1), help="instants in a clip (default: the preset's)")
    render.add_argument("--workers", type=_at_least(1), help="processes (default: one a core)")
    render.add_argument("--contact-sheet", type=Path, metavar="IMAGE", help="also write an overview as JPEG or PNG")
    render.set_defaults(run=_render)

    check = commands.add_parser("check", help="verify every promise of a store and every image")
    check.add_argument("store", type=Path)
    check.set_defaults(run=_check)

    stats = commands.add_parser("stats", help="print what is in a store")
    stats.add_argument("store", type=Path)
    stats.add_argument("--json", action="store_true", help="for programs")
    stats.set_defaults(run=_stats)
    return parser


def _at_least(least: int) -> type[int]:
    """Type of an argument that is a whole number from ``least`` on."""

    class BoundedInt(int):
        def __new__(cls, text: str) -> int:  # type: ignore[misc]
            value = int(text)
            if value < least:
                raise argparse.ArgumentTypeError(f"{value} is less than {least}")
            return value

    return BoundedInt
