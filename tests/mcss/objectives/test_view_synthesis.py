import numpy as np
import pytest
import torch

from mcss.batch import donors
from mcss.errors import InputError
from mcss.objectives.base import NetworkSizes
from mcss.objectives.decoder import PICTURE_SIDE_PX, PointDecoder, pyramid_l1
from mcss.objectives.view_synthesis import ViewSynthesis
from tests.references import rhodin
from tests.references.view_steps import view_step

SIZES = NetworkSizes(channels=4, image_size_px=48, embedding_dim=12)


def made(**settings):
    torch.manual_seed(0)
    objective = ViewSynthesis(**({"appearance_dim": 5, "dropout": 0.0} | settings))
    objective.connect(SIZES, seed=0)
    return objective


def vectors(pairs=3, seed=0):
    return torch.randn(2, pairs, 12, generator=torch.Generator().manual_seed(seed))


def test_the_pyramid_is_that_of_the_definition():
    generator = torch.Generator().manual_seed(0)
    painted, true = torch.randn(2, 2, 3, 8, 8, generator=generator)
    weight = 1 + 4 * (torch.rand(2, 1, 8, 8, generator=generator) < 0.3).float()
    expected = rhodin.pyramid_l1(*(x.double().numpy() for x in (painted, true, weight)), levels=3)
    assert pyramid_l1(painted, true, weight, levels=3).item() == pytest.approx(expected, rel=1e-5)


def test_each_view_is_painted_from_the_other_turned_and_from_another_instants_look():
    """View by view and pair by pair, with the decoder as it is: who gives what to whom."""
    objective, step = made(), view_step(vectors())
    batch, looks = step.batch, []
    painted = []
    for view, other in ((0, 1), (1, 0)):
        for pair, donor in enumerate([1, 0, 1]):
            rotation = batch.geometry.rot_world_to_view.unflatten(0, (2, 3))
            relative = rotation[view, pair] @ rotation[other, pair].T
            points = step.views[other].embedding[pair].view(4, 3) * 12**0.5
            looks = objective.appearance(step.views[other].features[donor].mean(dim=(1, 2)))
            background = torch.nn.functional.adaptive_avg_pool2d(batch.backgrounds[view * 3 + pair], PICTURE_SIDE_PX)
            painted.append(objective.decoder((points @ relative.T)[None], looks[None], background[None]))
    pooled = torch.nn.functional.adaptive_avg_pool2d
    true, masks = pooled(batch.images, PICTURE_SIDE_PX), pooled(batch.masks[:, None], PICTURE_SIDE_PX)
    expected = pyramid_l1(torch.cat(painted), true, 1 + 4 * masks, levels=3)
    torch.testing.assert_close(objective(step).losses["view_synthesis"], expected)


def test_every_layer_and_both_views_learn():
    objective, inputs = made(), vectors().requires_grad_()
    objective(view_step(inputs)).losses["view_synthesis"].backward()
    assert (inputs.grad.abs().sum(dim=-1) > 0).all()
    assert all(parameter.grad.abs().sum() > 0 for parameter in objective.parameters())


def test_checks_are_without_gradient_and_only_where_they_are_looked_at():
    objective = made()
    checks = objective(view_step(vectors())).checks
    assert set(checks) == {"view_synthesis_wrong_rotation", "view_synthesis_background_only"}
    assert not any(value.requires_grad for value in checks.values())
    assert objective(view_step(vectors(), is_logged=False)).checks == {}


def squares(place, side_px):
    """Pictures of a square at the first two coordinates of a point."""
    centres = (torch.arange(side_px) + 0.5) * 2 / side_px - 1
    across, down = ((centres - x[:, None]).abs() < 0.3 for x in place[:, :2].T)
    return (down[:, :, None] & across[:, None]).float()


class Painter(torch.nn.Module):
    """A decoder that has learned to paint a square where the first point lies."""

    def forward(self, points, looks, background):
        return squares(points[:, 0], PICTURE_SIDE_PX)[:, None].expand(-1, 3, -1, -1)


def test_a_wrong_rotation_and_the_background_alone_paint_worse_than_a_decoder_that_has_learned():
    objective, step = made(), view_step(vectors(pairs=8), side_px=PICTURE_SIDE_PX)
    objective.decoder = Painter()
    rotation = step.batch.geometry.rot_world_to_view
    body = 0.5 * torch.nn.functional.normalize(torch.randn(8, 3, generator=torch.Generator().manual_seed(1)), dim=-1)
    seen = (body.repeat(2, 1)[:, None] * rotation).sum(-1)
    images = squares(seen, PICTURE_SIDE_PX)[:, None].expand(-1, 3, -1, -1)
    step = step._replace(batch=step.batch._replace(images=images, backgrounds=torch.zeros_like(images)))
    embedding = (seen / 12**0.5).unflatten(0, (2, 8)).repeat(1, 1, 4)
    views = [view._replace(embedding=part) for view, part in zip(step.views[:2], embedding, strict=True)]
    losses, checks = objective(step._replace(views=step.views._replace(anchor=views[0], positive=views[1])))
    assert losses["view_synthesis"] < 1e-6
    assert checks["view_synthesis_background_only"] > 0.05
    assert checks["view_synthesis_wrong_rotation"] > 0.05


def test_the_decoder_costs_15_million_multiplications_a_picture():
    decoder = PointDecoder(points=64, appearance_dim=16, extra_channels=3, out_channels=3, dropout=0.0)
    sides = [PICTURE_SIDE_PX // 4, PICTURE_SIDE_PX // 2, PICTURE_SIDE_PX, PICTURE_SIDE_PX]
    convolutions = [*decoder.levels, decoder.last]
    count = decoder.start[0].weight.numel()
    count += sum(layer.weight.numel() * side**2 for layer, side in zip(convolutions, sides, strict=True))
    assert 14e6 < count < 17e6
    assert decoder(torch.zeros(2, 64, 3), torch.zeros(2, 16), torch.zeros(2, 3, 32, 32)).shape == (2, 3, 32, 32)


def test_the_decoder_starts_with_handing_the_background_on():
    decoder = PointDecoder(points=4, appearance_dim=2, extra_channels=3, out_channels=3, dropout=0.0)
    points, looks = torch.zeros(2, 4, 3), torch.zeros(2, 2)
    backgrounds = torch.randn(2, 3, PICTURE_SIDE_PX, PICTURE_SIDE_PX)
    apart = decoder(points[:1].expand(2, -1, -1), looks, backgrounds).diff(dim=0)
    torch.testing.assert_close(apart, backgrounds.diff(dim=0))


def test_bad_settings_are_refused_in_one_line():
    with pytest.raises(InputError, match="dropout 1 a share below 1"):
        ViewSynthesis(dropout=1.0)
    objective = ViewSynthesis()
    with pytest.raises(InputError, match=r"model.embedding_dim 128 .* choose a multiple of 3, such as 192"):
        objective.connect(NetworkSizes(4, 48, 128), 0)
    with pytest.raises(InputError, match=r"data.pairs 1: .*set 2 or more"):
        made()(view_step(vectors(pairs=1)))


@pytest.mark.parametrize("pairs", [2, 5, 8])
def test_a_donor_is_another_pair(pairs):
    partner = donors(pairs).numpy()
    assert (partner != np.arange(pairs)).all()
    assert ((partner >= 0) & (partner < pairs)).all()
