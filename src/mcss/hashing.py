"""The hash by which a file is known, whatever its name and machine."""

import hashlib
from pathlib import Path

from mcss.errors import InputError


def file_hash(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
