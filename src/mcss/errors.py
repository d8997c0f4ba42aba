"""The one exception that a user is meant to read."""


class InputError(ValueError):
    """Bad input: a file, a setting or a combination of them.

    The message is one line that says what is wrong, where, and how to mend it; the command line prints it without a
    traceback and exits with code 2.
    """


def one_line(error: InputError) -> str:
    """The message of ``error``, also where a loader's worker process has wrapped its traceback around it."""
    text = str(error).strip()
    return text.splitlines()[-1].partition("Error: ")[2] if "\n" in text else text
