"""One process writes a folder: a store, or that of a run."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from data_modules.store.format import StoreError

NO_LOCKS = (None, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""How a file system without locks answers (None: the lock's own refusal, which has no number)."""


@contextmanager
def only_writer(path: Path, what: str = "store") -> Iterator[None]:
    """Keep other processes from writing the folder ``path``; may be entered again in the same process.

    Where the file system has no locks (some of Lustre and NFS), a file that names the process stands for one.

    Raises:
        StoreError: another process is writing the folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_path = path.with_name(f".{path.name}.lock")
    try:
        try:
            lock = FileLock(lock_path, timeout=0, is_singleton=True)
            lock.acquire()
        except (NotImplementedError, OSError) as error:
            if isinstance(error, Timeout) or getattr(error, "errno", None) not in NO_LOCKS:
                raise
            lock = SoftFileLock(lock_path.with_suffix(".softlock"), timeout=0, is_singleton=True)
            lock.acquire()
    except Timeout:
        raise StoreError(f"{path}: another process is writing this {what}; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()
