"""Where people face: against cameras that are set up by hand, and against SciPy's distribution."""

import numpy as np
import pytest
import torch
from scipy.stats import vonmises

from mcss.batch import Facing, TrainBatch, ViewGeometry
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.geometry.canonical import flip_canonical, rotate, to_canonical, to_root
from mcss.models.facing import FacingHead, TrueFacing, facing_loss, rotation_to_view, true_facing
from mcss.models.module import MCSSModule
from mcss.models.network import load_network
from mcss.skeleton import FLIP_ORDER
from tests.references.moving_person import moving_person, tripods
from tests.references.walking import standing_pose


def seen_by(cameras, poses, mirrored=False, turn_rad=0.0):
    """Geometry of one image a pose: the person in its middle, turned in the plane, then mirrored."""
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.diag([-1.0 if mirrored else 1.0, 1, 1]) @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    rotations = [
        turn @ camera.rot_world_to_virtual(camera.project(pose[:1]))[0]
        for camera, pose in zip(cameras, poses, strict=True)
    ]
    return ViewGeometry(torch.tensor(np.array(rotations)).float(), torch.zeros(len(poses), 17, 2))


@pytest.fixture(scope="module")
def poses():
    return moving_person(12)[0]


@pytest.fixture(scope="module")
def cameras(poses):
    return (tripods(4) * 3)[: len(poses)]


@pytest.mark.parametrize("turn_rad", [0.0, 0.3])
def test_canonical_poses_turned_into_the_view_are_what_the_camera_shows(poses, cameras, turn_rad):
    pose_root = to_root(torch.tensor(poses).float())
    geometry = seen_by(cameras, poses, turn_rad=turn_rad)
    true = true_facing(torch.tensor(poses).float(), geometry)
    assert true.is_known.all()
    found = rotate(to_canonical(pose_root)[0], rotation_to_view(5 * true.direction, true.up))
    torch.testing.assert_close(found, rotate(pose_root, geometry.rot_world_to_view), atol=0.05, rtol=0)


def test_a_mirrored_image_shows_the_mirrored_canonical_pose_under_the_opposite_yaw(poses, cameras):
    pose_world = torch.tensor(poses).float()
    plain = true_facing(pose_world, seen_by(cameras, poses))
    geometry = seen_by(cameras, poses, mirrored=True)
    mirrored = true_facing(pose_world, geometry)
    torch.testing.assert_close(mirrored.direction, plain.direction * torch.tensor([1.0, -1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(mirrored.up, plain.up * torch.tensor([-1.0, 1, 1]), atol=1e-6, rtol=0)
    pose_canonical = flip_canonical(to_canonical(to_root(pose_world))[0])
    shown = rotate(to_root(pose_world), geometry.rot_world_to_view)[:, list(FLIP_ORDER)]
    torch.testing.assert_close(
        rotate(pose_canonical, rotation_to_view(mirrored.direction, mirrored.up)), shown, atol=0.05, rtol=0
    )


@pytest.mark.parametrize(
    ("place", "yaw_deg"),
    [((0, -4000), 0), ((-4000, 0), 90), ((0, 4000), 180), ((4000, 0), -90), ((-4000, -4000), 45)],
    ids=["before", "at the right side", "behind", "at the left side", "before and to the right"],
)
def test_yaw_of_somebody_who_faces_minus_y(place, yaw_deg):
    camera = Camera.look_at(np.array([*place, 1500.0]), np.array([0.0, 0.0, 0.0]), 1000.0, (1000, 1000))
    pose = torch.tensor(standing_pose()[None]).float()
    true = true_facing(pose, seen_by([camera], pose.numpy()))
    expected = np.array([np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))])
    np.testing.assert_allclose(true.direction[0], expected, atol=1e-5)
    down = np.arcsin(1500 / np.hypot(1500, np.hypot(*place)))
    np.testing.assert_allclose(true.up[0], [0, -np.cos(down), -np.sin(down)], atol=1e-5)


def test_the_loss_is_minus_the_log_density_of_scipys_von_mises_plus_the_error_of_up():
    generator = torch.Generator().manual_seed(0)
    concentrated = 20 * torch.randn(8, 2, generator=generator).double()
    concentrated[0] *= 100  # I0 of it overflows
    angle = torch.rand(8, generator=generator).double() * 6 - 3
    up, true_up = torch.nn.functional.normalize(torch.randn(2, 8, 3, generator=generator).double(), dim=2)
    direction = torch.stack([angle.cos(), angle.sin()], dim=1)
    found = facing_loss(Facing(concentrated, up), TrueFacing(direction, true_up, torch.ones(8, dtype=torch.bool)))
    kappa, mean = concentrated.norm(dim=1).numpy(), torch.atan2(*concentrated.T.flip(0)).numpy()
    expected = [
        -vonmises.logpdf(a, k, loc=m) + 1 - np.dot(u, t)
        for a, k, m, u, t in zip(angle.numpy(), kappa, mean, up.numpy(), true_up.numpy(), strict=True)
    ]
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-6)


def test_the_gradient_of_the_loss_is_right_and_finite_where_nothing_is_certain():
    generator = torch.Generator().manual_seed(1)
    concentrated = torch.randn(5, 2, generator=generator).double().requires_grad_()
    up = torch.randn(5, 3, generator=generator).double().requires_grad_()
    direction = torch.nn.functional.normalize(torch.randn(5, 2, generator=generator).double(), dim=1)
    true = TrueFacing(direction, up.detach().roll(1, 0), torch.tensor([True, True, False, True, True]))
    assert torch.autograd.gradcheck(lambda a, b: facing_loss(Facing(a, b), true), (concentrated, up))
    nothing = torch.zeros(5, 2, dtype=torch.float64, requires_grad=True)
    facing_loss(Facing(nothing, up), true).backward()
    torch.testing.assert_close(nothing.grad[0], -direction[0] / 4)  # towards the truth


def test_images_without_camera_hips_or_yaw_count_for_nothing(poses, cameras):
    pose_world = torch.tensor(poses[:5]).float()
    geometry = seen_by(cameras[:5], poses[:5])
    geometry.rot_world_to_view[1] = torch.nan
    pose_world[2, 4] = torch.nan  # the left hip
    pose_world[3, 4] = pose_world[3, 0] + torch.tensor([0.0, 0, 130])
    geometry.rot_world_to_view[4] = torch.diag(torch.tensor([1.0, -1, -1]))  # straight down
    true = true_facing(pose_world, geometry)
    assert true.is_known.tolist() == [True, False, False, False, False]
    head = FacingHead(channels=6)
    features = torch.randn(5, 6, 2, 2)
    predicted = head(features)
    loss = facing_loss(predicted, true)
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())
    alone = facing_loss(head(features[:1]), TrueFacing(*(values[:1] for values in true)))
    torch.testing.assert_close(loss, alone)
    unknown = TrueFacing(*(values[1:] for values in true))
    assert facing_loss(head(features[1:]), unknown).item() == 0


def test_a_network_learns_where_people_face_and_what_it_is_unsure_of(poses, cameras, monkeypatch):
    """Overfitting one batch, in which every second image is mirrored."""
    monkeypatch.setattr(MCSSModule, "log", lambda *args, **kwargs: None)
    torch.manual_seed(0)
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 16, "batchnorm_affine": True}
    network = MCSSModule(**small, facing=True)
    assert network.needs.facing
    pose_world = torch.tensor(poses).float()
    network.fit_target(pose_world)
    plain, mirrored = seen_by(cameras, poses), seen_by(cameras, poses, mirrored=True)
    flipped = torch.arange(len(poses)) % 2 == 1
    geometry = ViewGeometry(*(torch.where(flipped.view(-1, 1, 1), b, a) for a, b in zip(plain, mirrored, strict=True)))
    batch = TrainBatch(torch.randn(len(poses), 3, 48, 48), 0, pose_world, flipped, step=0, geometry=geometry)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    errors, certain = [], []
    for _ in range(60):
        with torch.no_grad():
            predicted, true = network(batch.images).facing, true_facing(pose_world, geometry)
        cosine = (torch.nn.functional.normalize(predicted.concentrated, dim=1) * true.direction).sum(dim=1)
        errors.append(cosine.clamp(-1, 1).arccos().rad2deg().mean().item())
        certain.append(predicted.concentrated.norm(dim=1).mean().item())
        optimizer.zero_grad()
        network.training_step(batch, 0).backward()
        optimizer.step()
    assert errors[0] > 40
    assert errors[-1] < 10
    assert certain[-1] > 5 * certain[0]
    up_error = (predicted.up * true.up).sum(dim=1).arccos().rad2deg()
    assert up_error.max() < 10


def test_a_checkpoint_from_before_the_head_is_read_and_one_with_it_keeps_it(tmp_path):
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 16}
    for facing in (False, True):
        network = MCSSModule(**small, facing=facing)
        settings = {**small, **({"facing": True} if facing else {})}
        content = {"state_dict": network.state_dict(), "hyper_parameters": settings, "global_step": 0}
        torch.save(content, tmp_path / "last.ckpt")
        read = load_network(tmp_path / "last.ckpt")
        assert (read(torch.zeros(1, 3, 48, 48)).facing is not None) == facing


def test_the_head_needs_canonical_poses():
    with pytest.raises(InputError, match=r"facing true, pose_frame camera: .* choose pose_frame canonical"):
        MCSSModule(weights="none", facing=True, pose_frame="camera")
