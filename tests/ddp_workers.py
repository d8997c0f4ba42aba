"""What the processes of ``ddp_helpers`` run."""

import contextlib
import io
import os
import signal
import sys
from unittest import mock

import torch
import torchmetrics
from torch.nn.parallel import DistributedDataParallel

from mcss.cli import main
from mcss.distributed import all_gather_with_grad, rank, world_size
from mcss.models.module import MCSSModule
from tests.references.pair_steps import pair_step


def gather(rows):
    """This rank's place, the rows of all ranks, and the gradient at this rank's rows.

    The loss differs between ranks: sum over gathered rows of (rank + 1) * weight * row.
    """
    own = rows[rank()].requires_grad_()
    gathered = all_gather_with_grad(own)
    weight = torch.arange(1.0, len(gathered) + 1).unsqueeze(1)
    ((rank() + 1) * weight * gathered).sum().backward()
    return {"place": (rank(), world_size()), "gathered": gathered.detach(), "grad": own.grad}


def contrastive_step(network, images, losses, step):
    """Loss and averaged weight gradient of each loss, on this rank's images of shape (ranks, 2, pairs, features)."""
    model = DistributedDataParallel(network)
    results = []
    for loss in losses:
        model.zero_grad()
        embedding = torch.nn.functional.normalize(model(images[rank()].flatten(0, 1)), dim=-1)
        value = loss(pair_step(*embedding.chunk(2), step=step)).losses["contrastive"]
        value.backward()
        results.append((value.detach(), network.weight.grad.clone()))
    return results


def metric_sums(metrics, batches):
    """Each metric's value after this rank's own batches of (pred, target, group)."""
    for batch in batches[rank()]:
        for metric in metrics:
            metric.update(*batch)
    return [metric.compute() for metric in metrics]


class _Step(torch.nn.Module):
    """A training step as the forward pass that DistributedDataParallel expects."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        module.log = lambda *args, **kwargs: None

    def forward(self, batch):
        return self.module.training_step(batch, 0)


def training_step(module, batches):
    """Loss and averaged gradients of a module on this rank's batch."""
    model = DistributedDataParallel(_Step(module))
    loss = model(batches[rank()])
    loss.backward()
    return loss.detach(), {name: parameter.grad for name, parameter in module.named_parameters()}


def training_steps(modules, batches):
    """As ``training_step``, of each module on its own batch of this rank."""
    return [training_step(module, own) for module, own in zip(modules, batches, strict=True)]


def run_program(arguments, disturb=None):
    """``mcss`` as one of the ranks: exit code, what it printed, and the files under the run's folder that it wrote.

    ``disturb`` is (rank, step, what): ``nan`` makes that rank's images of that step not a number, ``signal`` sends it
    SIGTERM during the step.

    As under NCCL, no tensor on the CPU is gathered as such: a program that does so fails.
    """
    folder, code = arguments[arguments.index("--run_dir") + 1], 0
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _disturbed(disturb),
        mock.patch.object(torchmetrics.metric, "gather_all_tensors", side_effect=RuntimeError("a tensor on the CPU")),
        _watched(folder) as files,
    ):
        try:
            main(arguments)
        except SystemExit as error:
            code = error.code
    return {"code": code, "out": out.getvalue(), "err": err.getvalue(), "written": sorted(files)}


def die_in_step(arguments, step):
    """``mcss``, killed between the forward pass and the update of a step."""
    original = MCSSModule.training_step

    def deadly_step(self, batch, batch_idx):
        loss = original(self, batch, batch_idx)
        if batch.step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss

    MCSSModule.training_step = deadly_step
    main(arguments)


def die_while_saving(arguments, number):
    """``mcss``, killed before the content of a checkpoint, counted from 1, is on the disk."""
    fsync, calls = os.fsync, []

    def deadly_fsync(file):
        calls.append(file)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(file)

    os.fsync = deadly_fsync
    main(arguments)


@contextlib.contextmanager
def _disturbed(disturb):
    original = MCSSModule.training_step

    def disturbed(self, batch, batch_idx):
        if disturb and disturb[:2] == (rank(), batch.step):
            if disturb[2] == "signal":
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                batch = batch._replace(images=batch.images * torch.nan)
        return original(self, batch, batch_idx)

    MCSSModule.training_step = disturbed
    try:
        yield
    finally:
        MCSSModule.training_step = original


@contextlib.contextmanager
def _watched(folder):
    """Collects the files under the folder that are opened for writing, made or moved."""
    written, is_over = set(), False

    def hook(event, arguments):
        writes = event in ("os.mkdir", "os.rename", "os.link") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if not is_over and writes and str(arguments[0]).startswith(folder):
            written.add(str(arguments[0])[len(folder) + 1 :])

    sys.addaudithook(hook)  # there is no taking it off again
    try:
        yield written
    finally:
        is_over = True
