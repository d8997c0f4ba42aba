"""Console script ``mcss-data``: make, check and describe stores. Each subcommand is a module of ``commands``."""

import argparse
import sys
from collections.abc import Sequence

from data_modules.commands import (
    check,
    doctor,
    frames,
    import_,
    label,
    preview,
    render,
    show,
    solve,
    stats,
    sync,
    validation,
)
from data_modules.commands.arguments import OneLineParser
from mcss.errors import InputError

COMMANDS = (render, preview, frames, sync, label, solve, import_, doctor, show, check, stats, validation)
"""In the order of the help."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr where the input is at fault, code 1 where a check found problems.
    """
    options = make_parser().parse_args(args)
    try:
        options.run(options)
    except (InputError, OSError) as error:
        print(f"mcss-data: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("mcss-data: interrupted; run the same command again to go on", file=sys.stderr)
        raise SystemExit(130) from None


def make_parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    parser = OneLineParser(
        prog="mcss-data", description="Make, check and describe stores of multi-view images.", allow_abbrev=False
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser
