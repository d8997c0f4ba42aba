"""Whether the store that is already there is the one that a command would make."""

from pathlib import Path

from data_modules.store import config_hash, open_store
from mcss.errors import InputError


def require_same_config(path: Path, wanted: dict) -> None:
    """Refuse to take a store that was made otherwise for the wanted one, or to replace it unasked.

    Raises:
        InputError: the store at ``path`` was made by another configuration than ``wanted``.
    """
    found = open_store(path).meta.config
    if config_hash(found) != config_hash(wanted):
        names = sorted(found.keys() | wanted.keys())
        changed = [name for name in names if config_hash({"": found.get(name)}) != config_hash({"": wanted.get(name)})]
        raise InputError(
            f"{path}: holds other data (it differs in {', '.join(changed)}); remove it or choose another --out"
        )
