"""Any labels of Human3.6M with any of its images."""

import shutil

import numpy as np
import pytest

from data_modules.cli import main
from data_modules.frames import ImageReader
from data_modules.sources.registry import make_layout
from data_modules.store import open_store
from mcss.errors import InputError
from tests.references.layouts import mmpose

pytestmark = pytest.mark.slow

CLIP = ("S1", "Walking", 2)
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
LABELS = {
    "h36m": (
        "h36m",
        ["metadata.xml", "S1/MyPoseFeatures", "S9/MyPoseFeatures", "S1/MySegmentsMat", "S9/MySegmentsMat"],
    ),
    "h36m-videopose3d": ("h36m-videopose3d", ["metadata.xml", "data_3d_h36m.npz"]),
    "h36m-karfly": ("h36m-karfly", ["extra"]),
    "h36m-mks0601": ("h36m-mks0601", ["annotations"]),
    "h36m-mmpose": ("h36m-mmpose", ["metadata.xml", "annotation_body3d"]),
}
IMAGES = {
    "videos": ("h36m", ["metadata.xml", "S1/Videos", "S9/Videos"]),
    "extracted": ("h36m with extracted", ["metadata.xml", "extracted/S1/Videos", "extracted/S9/Videos"]),
    "processed": ("h36m-fetch", ["processed"]),
    "mks0601": ("h36m-mks0601", ["images"]),
    "mmpose": ("h36m-mmpose", ["metadata.xml", "images"]),
}
"""Miniature, and what of it is laid into the tree."""


@pytest.fixture
def tree(sources, tmp_path):
    """A function that lays labels and images, each by a name, into one folder."""

    def lay(labels, *images):
        for miniature, parts in (LABELS[labels], *(IMAGES[name] for name in images)):
            for part in parts:
                origin, target = sources(miniature) / part, tmp_path / "tree" / part
                if origin.is_dir():
                    shutil.copytree(origin, target, dirs_exist_ok=True)
                elif not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(origin, target)
        return tmp_path / "tree"

    return lay


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("labels", LABELS)
def test_labels_and_images_are_joined_by_frame_and_camera(labels, images, tree, film):
    layout = make_layout(labels, tree(labels, images))
    clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == CLIP)
    label_step, image_step = (mmpose.STEP if "mmpose" in name else 1 for name in (labels, images))
    instants = list(layout.instants(CLIP, CAMERAS))
    last = 5 * max(label_step, image_step) if label_step == image_step else 5
    assert [instant.frame for instant in instants] == list(range(0, last + 1, max(label_step, image_step)))
    assert sorted(layout.clips())[0] == ("S1", "Directions", 1)
    assert all(path.exists() for path in layout.files(CLIP))
    with ImageReader() as reader:
        for instant in instants:
            pose = clip.poses_mm[instant.frame // label_step]
            np.testing.assert_allclose(instant.pose_world, pose, atol=0.1)
            assert sorted(view.camera for view in instant.views) == list(CAMERAS)
            for view in instant.views:
                picture = reader.read(view.image).astype(float)
                differences = [np.abs(picture - frame).mean() for frame in clip.frames[view.camera]]
                assert np.argmin(differences) == instant.frame // image_step
                projected = layout.calibration(CLIP)[view.camera].project(pose)
                np.testing.assert_allclose(projected, film.cameras[view.camera].project(pose), atol=0.05)


def test_the_doctor_names_the_choices_and_the_command_takes_them(tree, tmp_path, capsys):
    source = tree("h36m-videopose3d", "videos", "mks0601", "processed")
    main(["doctor", "--source", str(source)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("layout h36m-videopose3d")
    for images in ("mks0601", "processed"):
        assert f"also there: 3 clips complete as layout h36m-videopose3d --images {images}" in lines
    arguments = ["import", "h36m-videopose3d", "--source", str(source), "--size", "32", "--workers", "1", "--step", "1"]
    main([*arguments, "--out", str(tmp_path / "store"), "--images", "mks0601", "--strict"])
    store = open_store(tmp_path / "store")
    assert store.meta.config["images"] == "mks0601"
    assert len(store) == 3 * 4 * 6
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path / "other"), "--images", "mmpose"])
    told = "--images mmpose: there are no such images of Human3.6M under"
    assert told in capsys.readouterr().err


def test_images_that_no_label_knows_are_named(tree):
    layout = make_layout("h36m-karfly", tree("h36m-karfly", "mks0601"))
    clip = ("S5", "Directions", 1)
    with pytest.raises(InputError, match="labels of layout h36m-karfly have no S5/Directions/1"):
        layout.files(clip)
    with pytest.raises(InputError, match="layout 'videos' has its own images"):
        make_layout("videos", layout.source, "mks0601")


@pytest.mark.parametrize("part", ["extracted", "processed"])
def test_what_h36m_fetch_made_may_be_given_itself(part, sources, capsys):
    layout, miniature = {
        "extracted": ("h36m", "h36m with extracted"),
        "processed": ("h36m-fetch", "h36m-fetch"),
    }[part]
    source = sources(miniature)
    assert sorted(make_layout(layout, source / part).clips()) == sorted(make_layout(layout, source).clips())
    main(["doctor", "--source", str(source / part)])
    assert f"layout {layout}" in capsys.readouterr().out.splitlines()[0]
