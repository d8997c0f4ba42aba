"""Same-instant retrieval and the disagreement of views, on cases counted by hand and against a search one by one."""

import numpy as np
import pytest
import torch

from mcss.metrics.view_agreement import ViewAgreement
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import metric_sums


def measured(images):
    metric = ViewAgreement()
    metric.update(*images)
    return metric.compute()


def scene(seed=0, clips=2, instants=6, cameras=3, dim=8):
    """Images in a mixed order; embeddings and poses are noise."""
    rng = torch.Generator().manual_seed(seed)
    grid = torch.cartesian_prod(torch.arange(clips), torch.arange(cameras), torch.arange(instants))
    grid = grid[torch.randperm(len(grid), generator=rng)]
    clip, camera, number = grid.T
    pose = 300 * torch.randn(len(grid), 17, 3, generator=rng)
    return [
        torch.nn.functional.normalize(torch.randn(len(grid), dim, generator=rng), dim=1),
        pose,
        clip,
        camera,
        clip * instants + number,
        number.double() / 2,
    ]


def test_counted_by_hand():
    """Two cameras, three instants a second apart: b's second and third embedding are exchanged."""
    embedding = torch.eye(3)[[0, 1, 2, 0, 2, 1]]
    pose = torch.zeros(6, 17, 3)
    pose[:, 1:, 0] = torch.tensor([0.0, 100, 200, 30, 130, 230])[:, None]
    instant = torch.tensor([0, 1, 2, 0, 1, 2])
    figures = measured([embedding, pose, instant * 0, torch.tensor([0, 0, 0, 1, 1, 1]), instant, instant.double()])
    assert figures["same_instant_hit1"] == pytest.approx(2 / 6)
    assert figures["same_instant_time_s"] == 1
    assert figures["poses_tell_instants"] == 1
    assert figures["views_disagree_mm"] == pytest.approx(30)
    # a's instants against b's, one later: 230, 70, 70; b's against a's: 170, 130, 130.
    assert figures["views_disagree_share"] == pytest.approx(30 / np.mean([230, 70, 70, 170, 130, 130]))


def test_the_chance_that_the_own_instant_is_nearer_counted_by_hand(monkeypatch):
    """b at 10, 10 and 200 mm, a at 0, 100 and 200: of a, at 0 the second is as near; at 100 none is nearer."""
    monkeypatch.setattr("mcss.metrics.view_agreement._RANKED", 3)
    pose = torch.zeros(6, 17, 3)
    pose[:, 1:, 0] = torch.tensor([0.0, 100, 200, 10, 10, 200])[:, None]
    instant = torch.tensor([0, 1, 2, 0, 1, 2])
    camera = torch.tensor([0, 0, 0, 1, 1, 1])
    figures = measured([torch.eye(3)[[0, 1, 2, 0, 1, 2]], pose, instant * 0, camera, instant, instant.double()])
    of_a, of_b = (0.75, 0.75, 1), (1, 0.5, 1)
    assert figures["poses_tell_instants"] == pytest.approx(np.mean([*of_a, *of_b]))


def test_one_by_one_and_in_any_order():
    images = scene()
    images[0][5] = images[0][9]
    embedding, _, clip, camera, instant, time_s = images
    hits, times = [], []
    for query in range(len(clip)):
        for other in set(camera.tolist()) - {int(camera[query])}:
            database = [i for i in range(len(clip)) if clip[i] == clip[query] and camera[i] == other]
            nearest = min(database, key=lambda i: float((embedding[i] - embedding[query]).norm()))
            hits.append(float(instant[nearest] == instant[query]))
            times.append(float(abs(time_s[nearest] - time_s[query])))
    figures = measured(images)
    assert figures["same_instant_hit1"] == pytest.approx(np.mean(hits))
    assert figures["same_instant_time_s"] == pytest.approx(sorted(times)[(len(times) - 1) // 2])
    assert measured([values.flip(0) for values in images]) == pytest.approx(figures)


def test_poses_that_say_nothing_have_share_one_and_are_not_called_good():
    images = scene(instants=40)
    assert measured(images)["views_disagree_share"] == pytest.approx(1, abs=0.05)
    assert measured(images)["poses_tell_instants"] == pytest.approx(0.5, abs=0.05)
    images[1][:] = images[1][0] + 1e-3 * torch.randn(images[1].shape, generator=torch.Generator().manual_seed(1))
    figures = measured(images)
    assert figures["views_disagree_mm"] < 1
    assert figures["views_disagree_share"] == pytest.approx(1, abs=0.05)


def test_only_instants_that_both_cameras_see_count():
    images = scene(clips=1, cameras=2)
    alone = (images[3] == 1) & (images[4] >= 4)
    hidden = measured([values[~alone] for values in images])
    figures = measured(images)
    assert hidden["views_disagree_mm"] != figures["views_disagree_mm"]
    first = images[3] == 0
    assert measured([values[first] for values in images]) == {}


def test_a_joint_that_is_never_predicted_is_left_out():
    images = scene()
    images[1][:, 5] = torch.nan
    assert np.isfinite(measured(images)["views_disagree_mm"])


@pytest.mark.slow
def test_two_ranks_of_which_one_sees_less_are_one_process():
    images = scene()
    batches = [[[values[:20] for values in images]], [[values[20:] for values in images]]]
    alone = measured(images)
    for (figures,) in run_ranks(metric_sums, [ViewAgreement()], batches):
        assert figures == pytest.approx(alone)
