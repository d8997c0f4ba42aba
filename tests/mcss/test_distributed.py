import pytest
import torch

from mcss.distributed import all_gather_with_grad, rank, world_size
from mcss.losses.contrastive import ContrastiveLoss, ContrastiveSettings
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import contrastive_step, gather


def test_one_process_is_rank_0_of_1_and_gathers_its_own_rows():
    rows = torch.ones(2, 3, requires_grad=True)
    assert (rank(), world_size()) == (0, 1)
    assert all_gather_with_grad(rows) is rows


def test_gather_keeps_rank_order_and_sums_the_gradients_of_all_ranks():
    rows = torch.arange(12.0).reshape(2, 3, 2)
    results = run_ranks(gather, rows)
    for place, result in enumerate(results):
        assert result["place"] == (place, 2)
        assert torch.equal(result["gathered"], rows.flatten(0, 1))
        weight = torch.arange(1.0, 7).reshape(2, 3, 1)[place].expand(3, 2)
        assert torch.equal(result["grad"], (1 + 2) * weight)


def test_gathered_losses_and_gradients_equal_one_process_with_the_joint_batch():
    torch.manual_seed(0)
    network = torch.nn.Linear(6, 4, bias=False)
    images = torch.randn(2, 2, 5, 6)
    options = [{"negatives": "hardest"}, {"negatives": "random", "hinge": "each"}, {"negatives": "all"}]
    settings = {"threshold_warmup_steps": 0, "warmup_steps": 0, "margin": 1.5}
    losses = [ContrastiveLoss(ContrastiveSettings(gather=True, **settings, **option)) for option in options]
    alone = ContrastiveLoss(ContrastiveSettings(gather=False, **settings))
    ranks = run_ranks(contrastive_step, network, images, [*losses, alone], 7)

    for index, loss in enumerate(losses):
        value, grad = one_process(network, images.transpose(0, 1).flatten(1, 2), loss)
        for results in ranks:
            torch.testing.assert_close(results[index], (value, grad))
    # Without the gather a rank's loss is that of its own pairs, and the gradient is the mean over ranks.
    own = [one_process(network, rank_images, alone) for rank_images in images]
    for results, (value, _) in zip(ranks, own, strict=True):
        torch.testing.assert_close(results[-1], (value, (own[0][1] + own[1][1]) / 2))
    assert own[0][0] != pytest.approx(ranks[0][0][0].item(), rel=1e-3)  # negatives of the other rank matter here


def one_process(network, images, loss):
    """Loss and weight gradient of images (2, pairs, features)."""
    network.zero_grad()
    embedding = torch.nn.functional.normalize(network(images.flatten(0, 1)), dim=-1)
    value = loss(*embedding.chunk(2), 7).loss
    value.backward()
    return value.detach(), network.weight.grad.clone()
