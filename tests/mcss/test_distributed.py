import pytest
import torch

from mcss.batch import TrainBatch
from mcss.distributed import all_gather_with_grad, rank, world_size
from mcss.models.module import MCSSModule
from mcss.objectives.consistency_canonical import ConsistencyCanonical
from mcss.objectives.contrastive import Contrastive
from mcss.objectives.synchronisation import Synchronisation
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import contrastive_step, gather, training_step, training_steps
from tests.references.pair_steps import pair_step


def test_one_process_is_rank_0_of_1_and_gathers_its_own_rows():
    rows = torch.ones(2, 3, requires_grad=True)
    assert (rank(), world_size()) == (0, 1)
    assert all_gather_with_grad(rows) is rows


@pytest.mark.slow
def test_gather_keeps_rank_order_and_sums_the_gradients_of_all_ranks():
    rows = torch.arange(12.0).reshape(2, 3, 2)
    results = run_ranks(gather, rows)
    for place, result in enumerate(results):
        assert result["place"] == (place, 2)
        assert torch.equal(result["gathered"], rows.flatten(0, 1))
        weight = torch.arange(1.0, 7).reshape(2, 3, 1)[place].expand(3, 2)
        assert torch.equal(result["grad"], (1 + 2) * weight)


@pytest.mark.slow
def test_gathered_losses_and_gradients_equal_one_process_with_the_joint_batch():
    torch.manual_seed(0)
    network = torch.nn.Linear(6, 4, bias=False)
    images = torch.randn(2, 2, 5, 6)
    options = [{"negatives": "hardest"}, {"negatives": "random", "hinge": "each"}, {"negatives": "all"}]
    settings = {"threshold_fraction": 0.0, "softmax_fraction": 0.0, "margin": 1.5}
    losses = [Contrastive(gather=True, **settings, **option) for option in options]
    alone = Contrastive(gather=False, **settings)
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
    value = loss(pair_step(*embedding.chunk(2), step=7)).losses["contrastive"]
    value.backward()
    return value.detach(), network.weight.grad.clone()


@pytest.mark.slow
@pytest.mark.parametrize("negatives", ["hardest", "all"])
def test_a_step_of_the_ranks_is_a_step_of_one_process_on_the_joint_batch(negatives, monkeypatch):
    """Value and every parameter's gradient in float64; BatchNorm takes its running statistics, as in evaluation."""
    objective = Contrastive(gather=True, negatives=negatives, softmax_fraction=0.0, threshold_fraction=0.0)
    torch.manual_seed(0)
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 16}
    module = MCSSModule(**small, objective=objective, objective_weight=1.0)
    module = module.double().eval()
    module.pose_std_mm.fill_(300.0)  # both losses are then of size 1
    monkeypatch.setattr(MCSSModule, "log", lambda *args, **kwargs: None)
    batches = [random_batch(pairs=3, labelled=2) for _ in range(2)]
    results = run_ranks(training_step, module, batches)

    module.training_step(joined(batches), 0).backward()
    value = module.training_step(joined(batches), 0)
    # The contrastive loss is that of the joint batch on every rank, the pose loss that of the rank's own images.
    torch.testing.assert_close(torch.stack([loss for loss, _ in results]).mean(), value.detach())
    for _, grads in results:
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(grads[name], parameter.grad, rtol=1e-8, atol=1e-12)
    own = module.training_step(batches[0], 0)
    assert own.item() != pytest.approx(results[0][0].item(), rel=1e-3)  # negatives of other ranks matter here


@pytest.mark.slow
def test_an_objective_that_gathers_nothing_has_the_mean_gradient_of_the_ranks_own_steps(monkeypatch):
    """Value and every parameter's gradient, those of the objective's heads too."""
    monkeypatch.setattr(MCSSModule, "log", lambda *args, **kwargs: None)
    objectives = {ConsistencyCanonical(spread=5.0): VIEWS[:2], Synchronisation(): VIEWS}
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 16}
    modules = [MCSSModule(**small, objective=objective).double().eval() for objective in objectives]
    for module in modules:
        module.pose_std_mm.fill_(300.0)
    batches = [[random_batch(pairs=3, labelled=2, views=views) for _ in range(2)] for views in objectives.values()]
    ranks = run_ranks(training_steps, modules, batches)
    for number, (module, own) in enumerate(zip(modules, batches, strict=True)):
        losses = torch.stack([module.training_step(batch, 0) for batch in own])
        losses.mean().backward()
        for results, loss in zip(ranks, losses, strict=True):
            value, grads = results[number]
            torch.testing.assert_close(value, loss.detach())
            for name, parameter in module.named_parameters():
                torch.testing.assert_close(grads[name], parameter.grad, rtol=1e-8, atol=1e-12)


VIEWS = ("anchor", "positive", "unsynchronised", "mirrored")


def random_batch(pairs, labelled, views=VIEWS[:2]):
    images = torch.randn(len(views) * pairs + labelled, 3, 48, 48, dtype=torch.float64)
    poses = torch.randn(labelled, 17, 3, dtype=torch.float64) * 300
    return TrainBatch(images, pairs, poses, torch.zeros(labelled, dtype=torch.bool), step=7, views=views)


def joined(batches):
    pairs = batches[0].pairs
    parts = [[batch.images.tensor_split([pairs, 2 * pairs])[part] for batch in batches] for part in range(3)]
    return TrainBatch(
        torch.cat([images for part in parts for images in part]),
        pairs * len(batches),
        torch.cat([batch.pose_world for batch in batches]),
        torch.cat([batch.flipped for batch in batches]),
        step=7,
    )
