"""Rooms: drawn ones, and those made of photographs."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.studio.backdrop import Backdrop
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.furniture import hidden_share
from data_modules.sources.studio.room import build_room
from data_modules.sources.studio.sensors import studio_sensors
from data_modules.sources.studio.solids import NO_SOLID
from mcss.geometry.camera import Camera

pytestmark = pytest.mark.slow


def room_of(**changes):
    config = replace(PRESETS["studio"], **changes)
    cameras = list(studio_cameras(config).values())
    return build_room(config, cameras), cameras


@pytest.fixture(scope="module")
def rooms():
    return [room_of(seed=seed) for seed in range(5)]


def test_rooms_hold_their_cameras_and_lamps_and_differ_in_size_and_surface(rooms):
    for room, cameras in rooms:
        for place in [camera.center_world_mm for camera in cameras] + [lamp.place_mm for lamp in room.lighting.lamps]:
            assert (place > room.low_mm + 100).all()
            assert (place < room.high_mm - 100).all()
    sizes = np.array([room.high_mm - room.low_mm for room, _ in rooms])
    assert np.ptp(sizes, axis=0).min() > 500
    assert len({len(room.lighting.lamps) for room, _ in rooms}) > 1
    walls = np.array([room.textures[0].mean(axis=(0, 1)) for room, _ in rooms])
    apart = np.abs(walls[:, None] - walls).max(axis=-1)[np.triu_indices(len(walls), 1)]
    assert np.median(apart) > 0.1


def test_furniture_stands_in_the_room_and_out_of_sight_of_people(rooms):
    around = np.linspace(0, 2 * np.pi, 40)
    people = np.stack([1800 * np.cos(around), 1800 * np.sin(around)], axis=-1)
    points = np.concatenate([np.insert(people, 2, height, axis=1) for height in (50.0, 900.0, 1900.0)])[None]
    counts = []
    for room, cameras in rooms:
        corners = room.furniture.corners_mm
        counts.append(len(corners))
        assert np.linalg.norm(corners[..., :2], axis=-1).min(initial=np.inf) > 2100
        assert (np.abs(corners) <= room.high_mm + 1).all()
        if len(corners):
            hidden = [hidden_share(room.furniture, camera.center_world_mm, points).max() for camera in cameras]
            assert max(hidden) == 0
    assert np.median(counts) > 100


def test_the_same_seed_draws_the_same_room_and_sensors(rooms):
    again, _ = room_of(seed=3)
    for texture, same in zip(again.textures, rooms[3][0].textures, strict=True):
        np.testing.assert_array_equal(texture, same)
    np.testing.assert_array_equal(again.furniture.corners_mm, rooms[3][0].furniture.corners_mm)
    sensors = [studio_sensors(replace(PRESETS["studio"], seed=3).with_cameras(count)) for count in (2, 4)]
    assert all(sensors[0][name].noise == sensors[1][name].noise for name in sensors[0])


def test_sensors_add_noise_of_their_own_strength_blur_and_clip():
    sensor = replace(
        next(iter(studio_sensors(PRESETS["studio"]).values())), gains=np.array([1.0, 0.5, 3.0]), gamma=1.0, noise=0.02
    )
    grey = np.full((64, 64, 3), 0.5, dtype=np.float32)
    image = sensor.record(grey, 0.0, np.random.default_rng(1)).astype(float)
    np.testing.assert_allclose(image.mean(axis=(0, 1)), [127.5, 63.75, 255], atol=1)
    assert image[..., 0].std() == pytest.approx(0.02 * 255, rel=0.1)
    step = np.zeros((64, 64, 3), dtype=np.float32)
    step[:, 32:] = 0.8
    blurred = replace(sensor, noise=0.0).record(step, 2.0, np.random.default_rng(1))[10, :, 0] / 255
    # An edge blurred by a Gaussian is its integral: half at the edge, 0.84 one standard deviation beyond it.
    np.testing.assert_allclose([blurred[31:33].mean() / 0.8, blurred[33:35].mean() / 0.8], [0.5, 0.84], atol=0.03)


def write_picture(path, colors):
    """A picture of four coloured quarters, RGB: upper left, upper right, lower left, lower right."""
    quarters = np.array(colors, dtype=np.uint8).reshape(2, 2, 3)
    cv2.imwrite(str(path), np.repeat(np.repeat(quarters, 100, axis=0), 200, axis=1)[..., ::-1])


RED, GREEN, BLUE, WHITE = (200, 20, 20), (20, 200, 20), (20, 20, 200), (230, 230, 230)


def test_photographs_are_hung_upright_and_cover_all_walls(tmp_path):
    write_picture(tmp_path / "one.png", [RED, RED, BLUE, BLUE])
    (tmp_path / "note.txt").write_text("no picture")
    room, _ = room_of(backgrounds=str(tmp_path))
    drawn, _ = room_of()
    for texture in room.textures[:4]:
        rows = texture.shape[0]
        np.testing.assert_allclose(texture[: rows // 3].mean(axis=(0, 1)), np.array(BLUE) / 255, atol=0.05)
        np.testing.assert_allclose(texture[-rows // 3 :].mean(axis=(0, 1)), np.array(RED) / 255, atol=0.05)
    np.testing.assert_array_equal(room.textures[4], drawn.textures[4])


def test_an_equirectangular_picture_surrounds_the_room(tmp_path):
    """Its middle lies in direction +X, its left quarter in +Y, its upper half above the eye."""
    path = tmp_path / "around.png"
    write_picture(path, [RED, GREEN, BLUE, WHITE])
    room, _ = room_of(backgrounds=str(path))
    dark_lamps = tuple(lamp._replace(light=np.zeros(3)) for lamp in room.lighting.lamps)
    bare = replace(room, lighting=room.lighting._replace(lamps=dark_lamps, ambient=1.0), furniture=NO_SOLID)
    eye = np.array([0.0, 0.0, 1500.0])
    for target, color in (((0, 1, 0.15), RED), ((0, -1, 0.15), GREEN), ((0, 1, -0.15), BLUE), ((0, -1, -0.15), WHITE)):
        camera = Camera.look_at(eye, eye + 1000 * np.array(target), 400.0, (20, 20))
        image = Backdrop.of(bare, camera, 20).image
        mean = image.reshape(-1, 3).mean(axis=0)
        np.testing.assert_array_equal(mean > 128, np.array(color) > 128)


@pytest.mark.parametrize("kind", ["missing", "empty", "damaged"])
def test_backgrounds_that_cannot_be_used_are_one_line(tmp_path, capsys, kind):
    folder = tmp_path / "photos"
    if kind != "missing":
        folder.mkdir()
    if kind == "damaged":
        (folder / "a.jpg").write_bytes(b"no picture")
    message = {
        "missing": "no such folder of photographs, nor an equirectangular picture",
        "empty": "holds no picture",
        "damaged": "a.jpg: not a whole image",
    }[kind]
    with pytest.raises(SystemExit) as stopped:
        main(["render", "--preset", "tiny", "--out", str(tmp_path / "out"), "--backgrounds", str(folder)])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
