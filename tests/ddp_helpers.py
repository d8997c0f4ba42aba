"""Processes on this machine that have imported the program; those of gloo are started once a test session."""

import atexit
import functools
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import torch
import torch.distributed as dist


def run_ranks(worker, *args, world_size=2):
    """What ``worker(*args)`` returns on each rank, in rank order; each rank works on its own copy of the arguments.

    The worker must live in a module that a new process can import.
    """
    task = pickle.dumps((worker, args))  # as bytes: torch would otherwise share the tensors' memory between ranks
    futures = [rank.submit(_call, task) for rank in _ranks(world_size)]
    return [pickle.loads(future.result(timeout=300)) for future in futures]


@functools.cache
def forks():
    """Context of processes that are forks of one that has imported the program, which takes seconds.

    That one has computed nothing, unlike the process of the tests: autograd does not survive a fork on a GPU.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ddp_workers"])
    return context


@functools.cache
def _ranks(world_size):
    folder = tempfile.mkdtemp(prefix="mcss-gloo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    places = [(rank, world_size, f"file://{folder}/store") for rank in range(world_size)]
    return [ProcessPoolExecutor(1, forks(), initializer=_join, initargs=place) for place in places]


def run_until_killed(worker, *args):
    """Run ``worker(*args)``, which is to kill its own process without a chance to do anything more."""
    process = forks().Process(target=worker, args=args)
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL


def run_unchecked(worker, *args):
    """What ``worker(*args)`` returns in a process that does not check shapes, which halves the time of rendering."""
    with ProcessPoolExecutor(1, forks()) as process:
        return process.submit(worker, *args).result()


def _join(rank, world_size, store):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
    # Lightning takes the process group as torchrun would have made it.
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world_size, "LOCAL_WORLD_SIZE": world_size}
    os.environ |= {name: str(value) for name, value in place.items()}
    os.environ |= {"TORCHELASTIC_RUN_ID": "tests", "GROUP_RANK": "0", "MASTER_ADDR": "none", "MASTER_PORT": "0"}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store, timedelta(seconds=180), rank=rank, world_size=world_size)


def _call(task):
    worker, args = pickle.loads(task)
    return pickle.dumps(worker(*args))
