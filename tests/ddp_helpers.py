"""Two gloo processes on this machine, started once a test session, because importing torch is most of their time."""

import atexit
import functools
import multiprocessing
import os
import pickle
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import torch
import torch.distributed as dist

WORLD_SIZE = 2


def run_ranks(worker, *args):
    """What ``worker(*args)`` returns on each rank, in rank order; each rank works on its own copy of the arguments.

    The worker must live in a module that a new process can import.
    """
    task = pickle.dumps((worker, args))  # as bytes: torch would otherwise share the tensors' memory between ranks
    futures = [rank.submit(_call, task) for rank in _ranks()]
    return [pickle.loads(future.result(timeout=120)) for future in futures]


@functools.cache
def _ranks():
    folder = tempfile.mkdtemp(prefix="mcss-gloo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    spawn = multiprocessing.get_context("spawn")
    store = f"file://{folder}/store"
    return [ProcessPoolExecutor(1, spawn, initializer=_join, initargs=(rank, store)) for rank in range(WORLD_SIZE)]


def _join(rank, store):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store, timedelta(seconds=60), rank=rank, world_size=WORLD_SIZE)


def _call(task):
    worker, args = pickle.loads(task)
    return pickle.dumps(worker(*args))
