"""What the processes of the distributed tests run."""

import torch
from torch.nn.parallel import DistributedDataParallel

from mcss.distributed import all_gather_with_grad, rank, world_size


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
        terms = loss(*embedding.chunk(2), step)
        terms.loss.backward()
        results.append((terms.loss.detach(), network.weight.grad.clone()))
    return results


def metric_sums(metrics, batches):
    """Each metric's value after this rank's own batches of (pred, target, group)."""
    for batch in batches[rank()]:
        for metric in metrics:
            metric.update(*batch)
    return [metric.compute() for metric in metrics]
