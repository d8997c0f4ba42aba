"""Every layout's miniature comes back as it was filmed: poses, images, times; and a network trains on it."""

import json

import cv2
import numpy as np
import pytest
import pytorch_lightning as pl

from data_modules.cli import main
from data_modules.store import open_store
from data_modules.store.check import check_store
from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.geometry.camera import Camera
from mcss.models.module import MCSSModule
from tests.references.layouts import MINIATURES, layout_of

pytestmark = pytest.mark.slow

LAYOUTS = sorted(name for name in MINIATURES if name != "mpi-inf-3dhp-test")  # nothing in it is for training
SIZE_PX = 64
GREY_LEVELS = 10
"""Between a crop and the frame resampled: two codecs, and another interpolation."""


@pytest.fixture(scope="session")
def stores(sources, tmp_path_factory):
    """A function that gives the store that the documented command makes of a layout."""
    made = {}

    def store(layout):
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp("stores") / layout
            arguments = ["--source", str(sources(layout)), "--out", str(made[layout]), "--strict", "--workers", "1"]
            main(["import", layout_of(layout), *arguments, "--size", str(SIZE_PX), *MINIATURES[layout].arguments])
        return open_store(made[layout])

    return store


def mean_difference(crop, frame, box):
    """Of grey levels, between a crop and the square of a frame that it should show."""
    x, y, side = box
    scale = SIZE_PX / side
    shift = (scale - 1) / 2  # the centres of pixels lie at halves
    to_crop = np.array([[scale, 0, shift - scale * x], [0, scale, shift - scale * y]])
    expected = cv2.warpAffine(frame, to_crop, (SIZE_PX, SIZE_PX), flags=cv2.INTER_LINEAR)
    return np.abs(crop.astype(float) - expected).mean()


def filmed(film, layout, store, row):
    """The film's clip, camera and instant that a row shows."""
    miniature = MINIATURES[layout]
    name = miniature.clips[str(store.subject[row]), str(store.action[row]), int(store.subaction[row])]
    clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == name)
    return (
        clip,
        miniature.cameras[str(store.camera[row])],
        (int(store.frame[row]) - miniature.first_frame) // miniature.frame_step,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_images_come_back_with_the_poses_to_a_tenth_of_a_millimetre(layout, film, stores):
    store, miniature = stores(layout), MINIATURES[layout]
    assert check_store(store.path) == []
    instants = len(film.clips[0].poses_mm)
    assert len(store) == len(miniature.clips) * len(miniature.cameras) * instants
    assert set(store.camera) == set(miniature.cameras)
    assert store.meta.fps == pytest.approx(next(iter(miniature.fps.values())))
    for row in range(len(store)):
        clip, _, instant = filmed(film, layout, store, row)
        np.testing.assert_allclose(store.pose_world[row], clip.poses_mm[instant], atol=0.1)
        name = str(store.subject[row]), str(store.action[row]), int(store.subaction[row])
        assert store.time_s[row] == pytest.approx(instant * miniature.frame_step / miniature.fps[name], abs=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_crops_show_the_frames_pixels_and_the_skeleton_lies_on_the_person(layout, film, stores):
    store = stores(layout)
    for row in range(0, len(store), 7):
        clip, name, instant = filmed(film, layout, store, row)
        box = store.box[row]
        crop = store.decode(np.array([row]), SIZE_PX)[0]
        differences = [mean_difference(crop, other, box) for other in clip.frames[name]]
        assert np.argmin(differences) == instant
        assert min(differences) < GREY_LEVELS
        joints = film.cameras[name].project(store.pose_world[row].astype(np.float64))
        assert ((joints > box[:2]) & (joints < box[:2] + box[2])).all()
        near = cv2.dilate(clip.masks[name][instant].astype(np.uint8), np.ones((3, 3), np.uint8))
        assert near[tuple(np.floor(joints).astype(int).T[::-1])].all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_calibration_in_the_store_projects_as_the_films_cameras(layout, film, stores):
    store = stores(layout)
    for name, values in store.meta.calibration.items():
        camera = film.cameras[MINIATURES[layout].cameras[name.rpartition("/")[2]]]
        poses = film.clips[0].poses_mm
        np.testing.assert_allclose(Camera.from_dict(values).project(poses), camera.project(poses), atol=0.05)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_step_is_trained(layout, stores):
    store = stores(layout)
    validation = [name for name in store.clip_names if name.split("/")[0] in store.meta.subjects_train][:1]
    settings = {
        "validation_clips": validation,
        "pairs": 4,
        "labelled_images": 4,
        "supervision": "all",
        "min_gap_s": 0.01,
        "image_size_px": 48,
        "steps_per_epoch": 1,
    }
    data = MultiviewPoseDataModule(str(store.path), **settings)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(
        max_steps=1, accelerator="cpu", enable_model_summary=False, use_distributed_sampler=False, **quiet
    )
    trainer.fit(MCSSModule(width=8, weights="none", image_size_px=48), data)
    assert trainer.global_step == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_store_names_source_licence_and_split(layout, stores):
    store = stores(layout)
    description = json.loads((store.path / "store.json").read_text())["meta"]
    assert description["source"]
    assert description["licence"]
    assert description["config"]["layout"] == layout_of(layout)
    tested = {clip[0] for clip in MINIATURES[layout].clips} - set(store.meta.subjects_train)
    assert tested == set(store.meta.subjects_test)
    assert len(tested) == 1
