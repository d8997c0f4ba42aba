"""The exception for invalid input, and the formatting of its message."""

import re


class InputError(ValueError):
    """Invalid input: a file, a setting or a combination of them.

    The message is one line that says what is wrong, where, and how to correct it; the programs print it without
    a traceback and exit with code 2.
    """


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
