import numpy as np
import pytest
import torch

from mcss.run.predictions import gathered, pose_errors


def test_errors_of_each_pose_are_over_its_known_joints():
    pred, true = 100 * torch.randn(2, 3, 17, 3, generator=torch.Generator().manual_seed(0))
    true[1, 13] = torch.nan
    errors = pose_errors(pred, true)
    known = [j for j in range(1, 17) if j != 13]
    distance = ((pred - pred[:, :1]) - (true - true[:, :1])).norm(dim=-1)
    expected = [distance[0, 1:].mean(), distance[1, known].mean(), distance[2, 1:].mean()]
    assert errors["mpjpe_mm"].tolist() == pytest.approx([float(value) for value in expected])
    assert list(errors) == ["mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm"]
    assert errors.notna().all(axis=None)


def test_batches_of_all_ranks_are_joined_in_the_order_of_their_rows(monkeypatch):
    parts = [{"row": np.array(rows), "embedding": np.array(rows)[:, None]} for rows in ([3, 7], [0, 5])]
    others = [{"row": np.array([4]), "embedding": np.array([[4]])}]
    monkeypatch.setattr("mcss.distributed.gather_objects", lambda parts: [parts, others])
    assert gathered(parts)["embedding"].ravel().tolist() == [0, 3, 4, 5, 7]
