"""What several subcommands read from the command line, and the parser that says in one line what is wrong."""

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from mcss.errors import InputError

if TYPE_CHECKING:
    from data_modules.sources.studio.config import StudioConfig


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


Subparsers = argparse._SubParsersAction
"""What ``add_subparsers`` returns; argparse has no public name for it."""


def at_least(least: int) -> Callable[[str], int]:
    """Make the type of an argument that is a whole number from ``least`` on."""

    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    return integer


def seconds(text: str) -> float:
    """Type of an argument that is a time, more than 0 s."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds, such as 0.2")
    return value


def minutes(text: str) -> float:
    """Type of an argument that is a length of film, more than 0 minutes."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no length in minutes, such as 4 or 0.5")
    return value


def width_and_height(text: str) -> tuple[int, int]:
    """Type of an argument such as 1280x720, pixels."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 1280x720")
    return int(match[1]), int(match[2])


def clip(text: str) -> tuple[str, str, int]:
    """Type of an argument that names a clip: subject, action, subaction."""
    match = re.fullmatch(r"([^/]+)/([^/]+)/(\d+)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not SUBJECT/ACTION/SUBACTION, such as S1/Walking/1")
    return match[1], match[2], int(match[3])


def add_preset(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose a configuration of the studio."""
    parser.add_argument(
        "--preset", default="studio", help="what to render: studio, tiny or studio-b (default: %(default)s)"
    )
    parser.add_argument("--seed", type=at_least(0), help="of people, motion and room (default: the preset's)")
    parser.add_argument("--instants", type=at_least(1), help="instants in a clip (default: the preset's)")


def chosen_preset(options: argparse.Namespace, **changes: int | float | str | None) -> "StudioConfig":
    """Configuration of the studio that the arguments of ``add_preset`` choose, with ``changes`` that are not None.

    Raises:
        InputError: there is no such preset.
    """
    from data_modules.sources.studio.config import PRESETS

    if options.preset not in PRESETS:
        raise InputError(f"--preset {options.preset}: choose one of {', '.join(PRESETS)}")
    changes |= {"seed": options.seed, "instants": options.instants}
    chosen: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    return replace(PRESETS[options.preset], **chosen)
