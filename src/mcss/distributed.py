"""Ranks of a distributed run: their number, and gathering of tensors and objects.

Gather policy. Negatives stay on their rank unless a loss asks for ``all_gather_with_grad``. If it does, all ranks must
draw the same subject in that step (the samplers do), every rank computes the same loss on the joint
batch, and the gradient is that of one process with that batch: the gather's backward pass sums the gradients of all
ranks, so each rank holds world_size times its rows' share, and DistributedDataParallel's mean over ranks divides by
world_size. A loss that is used without that mean must be divided by world_size itself.
"""

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from torch import Tensor


def is_distributed() -> bool:
    """Whether this process belongs to a process group."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Index of this process; 0 without a process group."""
    return dist.get_rank() if is_distributed() else 0


def world_size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if is_distributed() else 1


def print_on_rank_zero(line: str) -> None:
    """Print a line once, whatever the number of processes."""
    if rank() == 0:
        print(line, flush=True)


class _AllGather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Float[Tensor, "rows *rest"]) -> Float[Tensor, "all_rows *rest"]:
        gathered = [torch.empty_like(tensor) for _ in range(world_size())]
        dist.all_gather(gathered, tensor)
        return torch.cat(gathered)

    @staticmethod
    def backward(ctx: Any, *grads: Float[Tensor, "all_rows *rest"]) -> Float[Tensor, "rows *rest"]:
        # Cloned because all_reduce works in place, and autograd may pass the same gradient to other functions.
        total = grads[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.chunk(world_size())[rank()]


def all_gather_with_grad(tensor: Float[Tensor, "rows *rest"]) -> Float[Tensor, "all_rows *rest"]:
    """Concatenate the rows of all ranks in rank order; the backward pass sums over ranks (see the module).

    Every rank must pass the same number of rows. Without a process group the tensor itself is returned.
    """
    return _AllGather.apply(tensor.contiguous()) if world_size() > 1 else tensor


def gather_objects(value: Any) -> list[Any]:
    """Values of all ranks in rank order, on every rank; for small things at the end of an evaluation.

    Tensors may lie on the CPU, and differ in shape, whatever the backend: NCCL itself takes neither.
    """
    if world_size() == 1:
        return [value]
    gathered: list[Any] = [None] * world_size()
    dist.all_gather_object(gathered, value)
    return gathered


def gather_states(tensor: Tensor, group: Any = None) -> list[Tensor]:
    """``gather_objects`` as torchmetrics wants it (``dist_sync_fn``), for metrics that are kept on the CPU."""
    return gather_objects(tensor)


def rows_of_ranks(rows: Float[Tensor, "rows *rest"] | Int[Tensor, "rows *rest"], group: Any = None) -> list[Tensor]:
    """Rows of every rank that has some, in rank order, on the CPU; a ``dist_sync_fn`` for metrics that keep all rows.

    A rank that was never updated has no rows, and torchmetrics knows neither their shape nor their type: it gathers an
    empty vector in their place, for which the other ranks' tensors would wait for ever.
    """
    parts = gather_objects(rows.cpu())
    return [part for part in parts if len(part)] or parts[:1]
