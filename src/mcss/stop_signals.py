"""The signals by which schedulers and people stop a run, and how worker processes treat them."""

import signal

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name))
"""SIGUSR1 does not exist on Windows."""


def ignore_stop_signals(worker: int) -> None:
    """Ignore stop signals in a loader's worker process.

    Schedulers send them to every process of a job; only the process that trains may act on them.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
