"""The one exception that a user is meant to read."""


class InputError(ValueError):
    """Bad input: a file, a setting or a combination of them.

    The message is one line that says what is wrong, where, and how to mend it; the command line prints it without a
    traceback and exits with code 2.
    """
