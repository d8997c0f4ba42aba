from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from data_modules.sources.studio.appearance import dress
from data_modules.sources.studio.body import make_body
from data_modules.sources.studio.cast import Person, draw_person, put_on
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.coverage import BAG, HAIR, SHOES, SKIN, TOP, ZONES
from data_modules.sources.studio.garments import GARMENTS
from data_modules.sources.studio.kinematics import pose_body
from data_modules.sources.studio.looks import draw_piece
from data_modules.sources.studio.poses import KEY_POSES
from data_modules.sources.studio.preview import plain_scene, preview_camera
from mcss.skeleton import JOINTS

STUDIO = PRESETS["studio"]
PEOPLE = [f"P{number}" for number in range(16)]


@pytest.fixture(scope="module")
def people():
    """(bare body, look, dressed body, surface) of some people."""
    cast = {}
    for name in PEOPLE:
        person = draw_person(STUDIO, name)
        body = make_body(person.phenotype, STUDIO.mesh)
        cast[name] = (body, person.look, *dress(body, person.look))
    return cast


def _wearing(people, name, garment):
    """Bare body, dressed body and surface of somebody in that garment, without hat, bag and long hair otherwise."""
    bare, look, *_ = people[name]
    plain = replace(look, head=None, bag=None, hair=replace(look.hair, length_mm=None, tail=""))
    return bare, *dress(bare, put_on(Person({}, plain), 0, name, garment).look)


def _corners(surface, body):
    """Zone and colour of the first corner of every triangle of the body itself."""
    own = np.arange((surface.shell_zones < 0).sum())
    colors, labels = surface.paint(own, surface.rest_mm[body.triangles[own, 0]])
    return labels % ZONES, colors, surface.rest_mm[body.triangles[own, 0]]


def test_clothes_are_where_they_belong(people):
    for _, look, body, surface in people.values():
        zones, colors, rest = _corners(surface, body)
        heights = rest[:, 2]
        assert (zones[heights < heights.min() + 20] == SHOES).all()
        np.testing.assert_allclose(colors[zones == SKIN], np.tile(look.skin, ((zones == SKIN).sum(), 1)))
        crown = zones[(heights > heights.max() - 20)]
        assert set(crown) <= ({HAIR} if look.hair.top_mm > 200 else {SKIN, HAIR})
        arm = surface.anatomy.arm
        chest = (np.abs(rest[:, 0]) < 60) & (np.abs(heights - arm.start_mm[2] + 120) < 40)
        assert np.isin(zones[chest], [TOP, BAG]).all()
        hands = np.abs(rest[:, 0]) > arm.end_mm[0] + 30
        assert (zones[hands] == SKIN).all()


@pytest.mark.parametrize("garment", ["t-shirt", "shirt"])
def test_sleeves_end_where_they_are_cut(people, garment):
    """Points of the arm's axis before and behind the cut, in the rest pose of anny."""
    for name in PEOPLE[:5]:
        bare, _, surface = _wearing(people, name, garment)
        piece = surface.look.top
        start, middle, end = (
            bare.rest_heads_mm[bare.index[bone]] - surface.anatomy.origin_mm
            for bone in ("upperarm01.L", "lowerarm01.L", "wrist.L")
        )
        for offset, zone in ((-0.02, TOP), (0.02, SKIN)):
            reach = piece.sleeve + offset
            point = start + reach * (middle - start) if reach < 1 else middle + (reach - 1) * (end - middle)
            sides = np.stack([point, point * [-1, 1, 1]])
            _, labels = surface.paint(np.zeros(2, dtype=int), sides)
            assert (labels % ZONES == zone).all()


def test_a_border_is_a_smooth_curve_at_four_times_the_resolution(people):
    """Row of the border between top and trousers in each column; along triangles it would jump by many pixels."""
    bare, look, *_ = people["P0"]
    piece = draw_piece(0, "P0", "t-shirt", GARMENTS)
    trousers = draw_piece(0, "P0", "trousers", GARMENTS)
    look = replace(look, top=replace(piece, has_pocket=False), bottom=trousers, bag=None)
    posture, scene = plain_scene(*dress(bare, look), "stand")
    camera = preview_camera(-np.pi / 2)
    pelvis = camera.project(posture.joints_mm[0, [JOINTS.index("Pelvis")]])[0]
    side, size = 60.0, 4 * 24
    x, y = np.meshgrid((np.arange(size) + 0.5) * side / size, (np.arange(size) + 0.5) * side / size)
    pixels = np.stack([pelvis[0] - side / 2 + x, pelvis[1] - side / 2 + y], axis=-1)
    far = np.full(size * size, 1e5)
    labels = scene.shoot(camera.center_world_mm, camera.rays(pixels).reshape(-1, 3), far).labels
    is_top = (labels % ZONES == TOP).reshape(size, size)
    columns = np.flatnonzero(is_top.any(axis=0) & ~is_top.all(axis=0))
    border = is_top[:, columns].sum(axis=0)
    assert len(columns) > 0.8 * size
    assert (np.diff(is_top[:, columns].astype(int), axis=0) <= 0).all()
    assert np.abs(np.diff(border, n=2)).max() <= 2


def test_no_colour_gives_the_front_away(people):
    """Chest and back of the same height have the same cloth, prints and pockets apart."""
    differences = []
    for _, _, body, surface in people.values():
        zones, colors, rest = _corners(surface, body)
        chest = (zones == TOP) & (np.abs(rest[:, 0]) < 110) & (rest[:, 2] > 120)
        front = rest[:, 1] < surface.anatomy.trunk_y_mm
        differences.append(np.abs(colors[chest & front].mean(axis=0) - colors[chest & ~front].mean(axis=0)).max())
    assert np.median(differences) < 0.05


@pytest.mark.parametrize("garment", [name for name, garment in GARMENTS.items() if garment.extra != "none"])
def test_what_has_a_mesh_of_its_own_is_worn_by_the_body(people, garment):
    """It touches the body, goes not through it, and moves with its bones."""
    for name in PEOPLE[:4]:
        bare, body, _ = _wearing(people, name, garment)
        shell = body.rest_vertices_mm[body.skin_count :]
        own = body.rest_vertices_mm[: body.skin_count]
        assert cKDTree(own).query(shell)[0].min() < 30
        np.testing.assert_allclose(body.weights.sum(axis=1), 1, atol=1e-5)
        for pose in ("stand", "sit_lap", "floor_cross", "stoop"):
            angles = KEY_POSES[pose].angles_rad()[None]
            with_it, without = (pose_body(b, angles, np.zeros(1), np.zeros((1, 2))) for b in (body, bare))
            moved = with_it.vertices_mm[0, body.skin_count :]
            distances, _ = cKDTree(with_it.vertices_mm[0, : body.skin_count]).query(moved)
            assert distances.max() < 420
            np.testing.assert_allclose(
                with_it.joints_mm[..., :2], without.joints_mm[..., :2], atol=1e-6, err_msg="clothes move no joint"
            )


def test_people_differ_at_a_glance(people):
    """Mean colours of top, trousers, skin and hair: most pairs differ clearly in two of them."""
    means = []
    for _, look, *_ in people.values():
        means.append([look.top.cloth.color, look.bottom.cloth.color, look.skin, look.hair.color])
    means = np.array(means)
    differences = np.linalg.norm(means[:, None] - means[None], axis=-1) > 0.2
    pairs = np.triu_indices(len(means), 1)
    assert (differences.sum(axis=-1)[pairs] >= 2).mean() > 0.75


def test_clothes_make_bodies_thicker_and_leave_hands_alone(people):
    for bare, _, body, surface in people.values():
        rest = surface.rest_mm[: body.skin_count]
        moved = np.linalg.norm(body.rest_vertices_mm[: body.skin_count] - bare.rest_vertices_mm, axis=1)
        assert moved[np.abs(rest[:, 0]) > surface.anatomy.arm.end_mm[0] + 30].max() == pytest.approx(0, abs=1e-9)
        assert moved.max() < 90
