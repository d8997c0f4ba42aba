"""A full disk."""

import contextlib
import resource


@contextlib.contextmanager
def full_disk(limit_bytes=50_000):
    """No file can grow beyond the limit: the write stops in the middle of the file, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
