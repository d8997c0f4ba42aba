"""What is rendered, against where the person is; and what hides a person."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from data_modules.crop import square_around
from data_modules.sources.studio.backdrop import Backdrop
from data_modules.sources.studio.body import Posture
from data_modules.sources.studio.render import render_view
from data_modules.sources.studio.solids import NO_SOLID, box
from data_modules.store.pictures import project_to_crop
from mcss.skeleton import BONES, JOINTS
from tests.references.rasterise import nearest_set

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def backdrops(studio):
    return {name: Backdrop.of(studio.room, camera, 240) for name, camera in studio.cameras.items()}


@pytest.fixture
def views(studio, backdrops):
    """(camera, joints, box, image, mask) of some instants of a clip from all cameras."""

    def make(clip, instants, size_px=96, things=NO_SOLID):
        posture = studio.perform(*clip)
        for instant in instants:
            scene = studio.scene(clip[0], posture, instant, things)
            for name, camera in studio.cameras.items():
                points = camera.project(posture.vertices_mm[instant])
                square = square_around(points.min(axis=0), points.max(axis=0), 0.15)
                image, mask = render_view(scene, backdrops[name], square, (size_px, size_px))
                yield camera, posture.joints_mm[instant], square, image, mask

    return make


@pytest.mark.parametrize(
    "clip", [("S1", "Walking", 1), ("S6", "Eating", 2), ("S11", "SittingDown", 1), ("S9", "Posing", 1)]
)
def test_the_projected_skeleton_lies_inside_the_mask(views, clip):
    for camera, joints, square, _, mask in views(clip, (3, 20)):
        pixels = project_to_crop(camera, joints, np.array(square), 96)
        along = np.linspace(0, 1, 9)[:, None, None]
        parents, children = (pixels[[bone[end] for bone in BONES]] for end in (0, 1))
        points = (parents + along * (children - parents)).reshape(-1, 2)
        # A pixel of slack: bones run close to the skin at the head top and at the ankles.
        columns, rows = np.floor(points).astype(int).clip(0, 95).T
        assert binary_dilation(mask)[rows, columns].mean() > 0.95


def test_the_crop_shows_the_whole_person(views):
    for *_, mask in views(("S8", "Greeting", 1), (0, 13, 26)):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert min(rows[0], columns[0], 95 - rows[-1], 95 - columns[-1]) >= 2
        assert max(np.ptp(rows), np.ptp(columns)) > 0.8 * 96


@pytest.mark.parametrize("size_px", [48, 160])
def test_masks_are_those_of_filled_triangles(studio, backdrops, size_px):
    """A sitter, whose chair hides a part, and a box in the way; no rays and no search near corners in the oracle."""
    posture = studio.perform("S7", "Sitting", 1)
    for name, camera in list(studio.cameras.items())[:2]:
        pelvis = posture.joints_mm[5, 0, :2]
        towards = pelvis + 0.25 * (camera.center_world_mm[:2] - pelvis)
        obstacle = box((-250.0, -60.0, 0.0), (250.0, 60.0, 900.0), (0.5, 0.5, 0.5)).placed(towards, 0.4)
        things = studio.chairs["S7"]._replace(
            corners_mm=np.concatenate([studio.chairs["S7"].corners_mm, obstacle.corners_mm]),
            colors=np.concatenate([studio.chairs["S7"].colors, obstacle.colors]),
        )
        points = camera.project(posture.vertices_mm[5])
        square = square_around(points.min(axis=0), points.max(axis=0), 0.15)
        scene = studio.scene("S7", posture, 5, things)
        _, mask = render_view(scene, backdrops[name], square, (size_px, size_px))
        body = posture.vertices_mm[5][studio.bodies["S7"].triangles]
        expected = nearest_set(camera, square, size_px, body, things.corners_mm) == 0
        assert (mask != expected).sum() <= 0.002 * mask.size
        assert expected.sum() < (nearest_set(camera, square, size_px, body) == 0).sum()


def test_the_person_casts_a_shadow(studio):
    """The floor where a lamp's rays through the trunk end is darker than the same floor with nobody in between."""
    name, camera = next(iter(studio.cameras.items()))
    backdrop = Backdrop.of(studio.room, camera, 400)
    posture = studio.perform("S5", "Waiting", 1)
    chest = posture.joints_mm[0, JOINTS.index("Thorax")]
    away = posture.vertices_mm + np.array([0.0, 0.0, 50_000.0])
    for lamp in studio.room.lighting.lamps:
        place = lamp.place_mm
        shadow = place + (chest - place) * place[2] / (place[2] - chest[2])
        pixel = camera.project(shadow)
        if not ((pixel > 5) & (pixel < 995)).all() or np.linalg.norm(shadow[:2]) > 3000:
            continue
        square = (pixel[0] - 10, pixel[1] - 10, 20.0)
        dark, bright = (
            render_view(studio.scene("S5", Posture(posture.joints_mm, who), 0, NO_SOLID), backdrop, square, (8, 8))[0]
            for who in (posture.vertices_mm, away)
        )
        assert dark[2:6, 2:6].mean() < 0.95 * bright[2:6, 2:6].mean()
        return
    pytest.fail(f"no shadow is in sight of {name}")


def test_cameras_see_other_walls_and_make_other_pictures_of_them(studio):
    instant = next(iter(studio.instants("S1", "Waiting", 1)))
    qualities = {studio.sensors[view.camera].jpeg_quality for view in instant.views}
    gains = [studio.sensors[view.camera].gains for view in instant.views]
    assert len(qualities) > 1
    assert np.std(np.log2(gains), axis=0).min() > 0.03


@pytest.mark.parametrize("size_px", [(160, 90), (90, 160)])
def test_whole_frames_of_any_shape_show_the_person(studio, size_px):
    posture = studio.perform("S7", "Discussion", 1)
    framed = studio.framed("54138969", size_px)
    backdrop = studio.backdrop(framed)
    empty = backdrop.cut((0.0, 0.0, float(size_px[0])), size_px)
    light, mask = render_view(studio.scene("S7", posture, 7), backdrop, (0.0, 0.0, float(size_px[0])), size_px)
    assert light.shape == (size_px[1], size_px[0], 3)
    pixels = framed.project(posture.joints_mm[7])
    assert ((pixels > 0) & (pixels < size_px)).all()
    column, row = pixels[JOINTS.index("Spine")].astype(int)
    assert mask[row, column]
    assert np.abs(light - empty)[~binary_dilation(mask, iterations=3)].mean() < 0.05


def test_nobody_is_mostly_hidden_and_some_are_partly(studio, backdrops):
    """Visible pixels with everything that stands in the way, as a share of those without it, over clips of a person."""
    shares = []
    for action in studio.config.actions[:12]:
        clip = ("S6", action, 1)
        posture = studio.perform(*clip)
        things = studio.things(clip, posture)
        if len(things.colors) == len(studio.chairs["S6"].colors):
            continue
        for instant in (0, 20, 39):
            scenes = [studio.scene("S6", posture, instant, those) for those in (things, studio.chairs["S6"])]
            for name, camera in studio.cameras.items():
                points = camera.project(posture.vertices_mm[instant])
                square = square_around(points.min(axis=0), points.max(axis=0), 0.15)
                seen, whole = (render_view(scene, backdrops[name], square, (64, 64))[1].sum() for scene in scenes)
                shares.append(seen / whole)
    assert min(shares) > 0.5
    assert min(shares) < 0.97


def test_nothing_beyond_the_frame_is_seen(studio):
    camera = next(iter(studio.cameras.values()))
    posture = studio.perform("S5", "Waiting", 1)
    pixel = camera.project(posture.joints_mm[0, 0])
    cut_off = Backdrop.of(studio.room, replace(camera, size_px=(int(pixel[0]), 1000)), 120)
    points = camera.project(posture.vertices_mm[0])
    square = square_around(points.min(axis=0), points.max(axis=0), 0.15)
    _, mask = render_view(studio.scene("S5", posture, 0), cut_off, square, (96, 96))
    edge = (int(pixel[0]) - square[0]) / square[2] * 96
    assert mask.any()
    assert not mask[:, int(edge) + 1 :].any()
