"""Geometry of augmented images against dots that OpenCV projects, drawn into the images themselves."""

import cv2
import numpy as np
import pytest
import simplejpeg
import torch

from data_modules.store import open_store, write_store
from data_modules.training.augment import Augment, AugmentSettings
from data_modules.training.images import as_tensor
from data_modules.training.view_geometry import StoreGeometry, vary_geometry
from mcss.batch import ViewGeometry
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.geometry.canonical import between_views, rotate, to_root
from mcss.skeleton import FLIP_ORDER
from tests.references.synthetic_store import make_meta, make_store

SIDE = 128
FAR_MM = 100_000
"""So far away that perspective within a person does not matter: what is left of a view is its rotation."""
DRAWN = (3, 10, 16)
"""Joints in the red, green and blue channel: the right ankle, the top of the head, the right wrist."""
LENS = np.array([-0.1, 0.05, 0.001, -0.001, 0.0])


def opencv_px(camera, points):
    rotation, _ = cv2.Rodrigues(camera.rot_world_to_cam)
    return cv2.projectPoints(points, rotation, camera.trans_mm, camera.intrinsics_px, camera.distortion)[0][:, 0]


def dots(points_px):
    """Black image with a soft dot in each channel."""
    centres = np.arange(SIDE) + 0.5
    image = np.zeros((SIDE, SIDE, 3))
    for channel, (x, y) in enumerate(points_px):
        image[..., channel] = 255 * np.exp(-((centres - x) ** 2 + (centres[:, None] - y) ** 2) / 18)
    return image.round().astype(np.uint8)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """People up to 20 degrees off the axis of two cameras of wide distorted lenses, whose crops show three joints."""
    cameras = {
        "a": Camera.look_at(np.array([FAR_MM, 2000.0, 30_000.0]), np.zeros(3), 20_000.0, (30_000, 30_000), LENS),
        "b": Camera.look_at(np.array([2000.0, -FAR_MM, 9000.0]), np.zeros(3), 22_000.0, (30_000, 30_000)),
    }
    rng = np.random.default_rng(0)
    rows = []
    for instant in range(6):
        pose = rng.uniform(-600, 600, (17, 3)) + rng.uniform(-25_000, 25_000, 3) * (1, 1, 0.3)
        for name, camera in cameras.items():
            points_px = opencv_px(camera, pose)
            corner = points_px.mean(axis=0) - 350 + rng.uniform(-30, 30, 2)
            crop = dots((points_px[list(DRAWN)] - corner) * SIDE / 700)
            rows.append(
                {
                    "subject": "S1",
                    "action": "Directions",
                    "subaction": 1,
                    "frame": instant,
                    "time_s": instant / 10,
                    "camera": name,
                    "image": simplejpeg.encode_jpeg(crop, quality=100, colorsubsampling="444"),
                    "box": (*corner, 700.0),
                    "pose_world": pose.astype(np.float32),
                }
            )
    path = tmp_path_factory.mktemp("seen") / "store"
    calibration = {name: camera.to_dict() for name, camera in cameras.items()}
    meta = make_meta(subjects=("S1", "S9"), cameras=tuple(cameras), size_px=SIDE, calibration=calibration)
    write_store(path, rows, meta)
    return open_store(path)


@pytest.fixture(scope="module")
def seen(store):
    """Augmented images of all rows, a few times over, with their geometry and rows."""
    geometric = {"rotation_deg": 40.0, "scale": 0.2, "shift": 0.1, "flip_probability": 0.5}
    augment = Augment(AugmentSettings(**geometric, brightness=0.0, contrast=0.0, colour=0.0), SIDE, seed=0)
    rows = np.tile(np.arange(len(store)), 3)
    images, variation = augment(as_tensor(store.decode(rows, SIDE)), step=0)
    views = StoreGeometry(store, np.arange(len(store)), "this test")(rows)
    return images, variation, vary_geometry(views, variation), rows


def dot_positions(images):
    """Centre of mass of each channel, in [-1, 1]."""
    mass = (images - images.amin(dim=(2, 3), keepdim=True)).double()
    mass = (mass - 0.05 * mass.amax(dim=(2, 3), keepdim=True)).clamp(min=0)
    centres = (torch.arange(SIDE, dtype=torch.float64) + 0.5) * 2 / SIDE - 1
    total = mass.sum(dim=(2, 3))
    return torch.stack([(mass.sum(2) * centres).sum(-1), (mass.sum(3) * centres).sum(-1)], dim=-1) / total[..., None]


def test_joints_lie_where_the_augmented_image_shows_them(seen):
    images, _, views, _ = seen
    expected = views.joints[:, list(DRAWN)].double()
    shown = (expected.abs() < 0.85).all(dim=-1)  # dots at the edge are cut off or reflected
    assert shown.sum() > 60
    pixel = 2 / SIDE
    torch.testing.assert_close(dot_positions(images)[shown], expected[shown], atol=0.3 * pixel, rtol=0)


def test_a_pose_in_the_axes_of_its_view_is_what_the_augmented_image_shows(seen, store):
    """Up to the size of the person in the image: from so far the projection is parallel."""
    _, variation, views, rows = seen
    assert variation.flipped.any()
    pose_view = rotate(to_root(torch.from_numpy(store.pose_world[rows])), views.rot_world_to_view)
    joints = views.joints - views.joints[:, :1]
    scale = (pose_view[..., :2] * joints).sum(dim=(1, 2)) / pose_view[..., :2].square().sum(dim=(1, 2))
    assert (scale > 0).all()
    error = (scale[:, None, None] * pose_view[..., :2] - joints).norm(dim=-1)
    assert error.max() / joints.norm(dim=-1).mean() < 0.05
    assert (torch.linalg.det(views.rot_world_to_view) < 0).equal(variation.flipped)


def test_the_cameras_own_rotation_does_not_show_the_crop(store):
    rows = np.arange(len(store))
    virtual = StoreGeometry(store, rows, "this test").rotations
    angles = []
    for row, rotation in zip(rows, virtual, strict=True):
        own = Camera.from_dict(store.meta.calibration[str(store.camera[row])]).rot_world_to_cam
        angles.append(np.degrees(np.arccos((np.trace(rotation @ own.T) - 1) / 2)))
    assert 5 < np.max(angles) < 25


def test_the_pose_of_one_view_turned_into_another_is_the_pose_of_the_other(seen, store):
    _, variation, views, rows = seen
    pose_view = rotate(to_root(torch.from_numpy(store.pose_world[rows])), views.rot_world_to_view)
    a, b = pose_view[::2], pose_view[1::2]  # the two cameras' views of each instant
    from_view, to_view = views.rot_world_to_view[::2], views.rot_world_to_view[1::2]
    torch.testing.assert_close(between_views(a, from_view, to_view), b, atol=0.05, rtol=0)
    mirrored_alike = variation.flipped[::2] == variation.flipped[1::2]
    assert ((torch.linalg.det(to_view @ from_view.mT) > 0) == mirrored_alike).all()


def test_the_virtual_camera_looks_through_the_point_with_the_least_turn():
    camera = Camera.look_at(
        np.array([4000.0, -1000.0, 1500.0]), np.array([0.0, 0.0, 1000.0]), 1000.0, (1000, 900), LENS
    )
    point_px = np.array([[120.0, 840.0], [500.0, 450.0]])
    rotations = camera.rot_world_to_virtual(point_px)
    np.testing.assert_allclose(rotations @ rotations.swapaxes(1, 2), np.eye(3)[None].repeat(2, 0), atol=1e-12)
    np.testing.assert_allclose(rotations[:, 2], camera.rays(point_px), atol=1e-12)
    np.testing.assert_allclose(rotations[1], camera.rot_world_to_cam, atol=1e-12)
    turn = rotations[0] @ camera.rot_world_to_cam.T
    between = np.arccos(camera.rays(point_px)[0] @ camera.rot_world_to_cam[2])
    assert np.arccos((np.trace(turn) - 1) / 2) == pytest.approx(between)  # no rotation to that ray is smaller


def test_a_mirrored_view_has_left_and_right_of_the_mirrored_person(seen, store):
    """The flipped image of a person shows the swapped, mirrored pose: joints of the axes, names of the picture."""
    views = StoreGeometry(store, np.array([0]), "this test")(np.array([0]))
    still = Augment(AugmentSettings(rotation_deg=0.0, scale=0.0, shift=0.0, flip_probability=1.0), SIDE, seed=0)
    mirrored = vary_geometry(views, still.draw(1, step=0))
    pose_root = to_root(torch.from_numpy(store.pose_world[:1]))
    plain, swapped = rotate(pose_root, views.rot_world_to_view), rotate(pose_root, mirrored.rot_world_to_view)
    torch.testing.assert_close(swapped[:, list(FLIP_ORDER)], plain[:, list(FLIP_ORDER)] * torch.tensor([-1.0, 1, 1]))
    torch.testing.assert_close(mirrored.joints, views.joints * torch.tensor([-1.0, 1]))


def test_a_store_without_calibration_is_refused_in_one_line(tmp_path):
    store = open_store(make_store(tmp_path / "plain"))
    line = r"plain: no calibration of camera cam1 \(subject S1\), which pose_frame camera needs: import .*"
    with pytest.raises(InputError, match=line):
        StoreGeometry(store, np.arange(len(store)), "pose_frame camera")


def test_rows_that_were_not_asked_for_have_no_geometry(store):
    views = StoreGeometry(store, np.array([1]), "this test")(np.array([0, 1]))
    assert isinstance(views, ViewGeometry)
    assert views.rot_world_to_view[0].isnan().all()
    assert views.rot_world_to_view[1].isfinite().all()
