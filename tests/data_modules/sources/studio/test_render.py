from dataclasses import replace

import numpy as np
import pytest
import simplejpeg
from scipy.ndimage import binary_dilation

from data_modules.crop import square_around
from data_modules.sources.studio.render import encode, render_view
from data_modules.store.pictures import project_to_crop
from mcss.skeleton import BONES, JOINTS

pytestmark = pytest.mark.slow


def _views(studio, clip, instants, size_px=96):
    """(camera, joints, box, image, silhouette) of some instants of a clip from all cameras."""
    posture = studio.perform(*clip)
    for instant in instants:
        scene = studio.scene(clip[0], posture, instant)
        for camera in studio.cameras.values():
            points = camera.project(posture.vertices_mm[instant])
            box = square_around(points.min(axis=0), points.max(axis=0), 0.15)
            yield camera, posture.joints_mm[instant], box, *render_view(scene, camera, box, (size_px, size_px))


@pytest.mark.parametrize(
    "clip", [("S1", "Walking", 1), ("S6", "Eating", 2), ("S11", "SittingDown", 1), ("S9", "Posing", 1)]
)
def test_the_projected_skeleton_lies_inside_the_silhouette(studio, clip):
    for camera, joints, box, _, silhouette in _views(studio, clip, (3, 20)):
        pixels = project_to_crop(camera, joints, np.array(box), 96)
        along = np.linspace(0, 1, 9)[:, None, None]
        parents, children = (pixels[[bone[end] for bone in BONES]] for end in (0, 1))
        points = (parents + along * (children - parents)).reshape(-1, 2)
        # A pixel of slack: bones run close to the skin at the head top and at the ankles. A chair may hide a foot.
        columns, rows = np.floor(points).astype(int).clip(0, 95).T
        assert binary_dilation(silhouette)[rows, columns].mean() > 0.9


def test_the_crop_shows_the_whole_person(studio):
    for *_, silhouette in _views(studio, ("S8", "Greeting", 1), (0, 13, 26)):
        rows, columns = np.flatnonzero(silhouette.any(axis=1)), np.flatnonzero(silhouette.any(axis=0))
        assert min(rows[0], columns[0], 95 - rows[-1], 95 - columns[-1]) >= 2
        assert max(np.ptp(rows), np.ptp(columns)) > 0.8 * 96


def test_people_stand_out_from_the_room(studio):
    for subject in studio.config.subjects:
        for _, _, _, image, silhouette in _views(studio, (subject, "Waiting", 1), (5,)):
            ring = binary_dilation(silhouette, iterations=4) & ~binary_dilation(silhouette)
            colors = image.astype(float)
            spread = np.abs(colors[silhouette].mean(axis=0) - colors[ring].mean(axis=0)).max()
            assert spread > 12 or colors[silhouette].std(axis=0).max() > 35


def test_every_camera_sees_another_background(studio):
    corners = [
        image[:30, :20].reshape(-1, 3).mean(axis=0) for *_, image, _ in _views(studio, ("S1", "Waiting", 1), (5,))
    ]
    distances = [np.abs(a - b).max() for index, a in enumerate(corners) for b in corners[:index]]
    assert min(distances) > 4


def test_the_person_casts_a_shadow(studio):
    """The floor where the lamp's rays through the trunk end is darker than the same floor with nobody in between."""
    posture = studio.perform("S5", "Waiting", 1)
    elsewhere = replace(posture, vertices_mm=posture.vertices_mm + np.array([2000.0, 0.0, 0.0]))
    lamp, chest = studio.room.lamp_mm, posture.joints_mm[0, JOINTS.index("Thorax")]
    shadow = lamp + (chest - lamp) * lamp[2] / (lamp[2] - chest[2])
    above = shadow + np.array([0.0, 0.0, 200.0])
    down = np.array([[0.0, 0.0, -1.0]])
    dark, bright = (studio.scene("S5", who, 0).shoot(above, down)[0] for who in (posture, elsewhere))
    assert dark.mean() < 0.9 * bright.mean()


@pytest.mark.parametrize("size_px", [(160, 90), (90, 160)])
def test_whole_frames_of_any_shape_show_the_person(studio, size_px):
    posture = studio.perform("S7", "Discussion", 1)
    framed = studio.framed("54138969", size_px)
    image = studio.frame(studio.scene("S7", posture, 7), framed)
    assert image.shape == (size_px[1], size_px[0], 3)
    pixels = framed.project(posture.joints_mm[7])
    assert ((pixels > 0) & (pixels < size_px)).all()


def test_jpeg_is_close_to_the_image(studio):
    *_, image, _ = next(_views(studio, ("S5", "Sitting", 1), (2,)))
    jpeg = encode(image, studio.config.jpeg_quality)
    assert len(jpeg) < 12_000
    difference = simplejpeg.decode_jpeg(jpeg, colorspace="RGB").astype(float) - image
    assert np.abs(difference).mean() < 3
