"""The exception for invalid input, a check that raises it, and the formatting of its message."""

import math
import re


class InputError(ValueError):
    """Invalid input: a file, a setting or a combination of them.

    The message is one line that says what is wrong, where, and how to correct it; the programs print it without
    a traceback and exit with code 2.
    """


def check_at_least(least: int, **settings: int | float) -> None:
    """Check that settings, given by their names, are finite numbers of at least ``least``.

    Raises:
        InputError: names the first that is not.
    """
    for name, value in settings.items():
        if not least <= value < math.inf:
            raise InputError(f"{name} {value:g}: choose a number of at least {least:g}")


_WORKER_TRACEBACK = "Traceback (most recent call last)"


def message_in_one_line(error: Exception) -> str:
    """The message of ``error`` as one line, with any line breaks as spaces.

    PyTorch wraps an error of a loader's worker process into the text of its traceback, in which the message follows the
    last name of the exception.
    """
    text = str(error)
    if _WORKER_TRACEBACK in text:
        text = re.split(rf"^\S*\b{type(error).__name__}(?:: |$)", text, flags=re.MULTILINE)[-1]
    return " ".join(text.split()) or f"{type(error).__name__} without a message"
