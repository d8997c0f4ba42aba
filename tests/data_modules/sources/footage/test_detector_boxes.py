"""Boxes by an object detector: its weights, its choice, its way through a recording."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
)

from data_modules.cli import main
from data_modules.sources.footage import detector_boxes
from data_modules.sources.footage.detector_boxes import Detector, load_detector, people_in
from data_modules.sources.footage.recordings import read_recording
from data_modules.sources.footage.tracks import found_track
from data_modules.sources.registry import make_layout
from data_modules.store import open_store
from mcss.errors import InputError
from tests.references.video_files import write_video

pytestmark = pytest.mark.slow

FPS, FRAMES = 25, 75
PERSON, BICYCLE = 1, 2
"""COCO's labels of https://github.com/pytorch/vision: 0 is the background."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """File of the network's weights as they are drawn before training."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "detector.pth"
    torch.save(fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).state_dict(), path)
    return path


class Stub(torch.nn.Module):
    """Finds what a function says, and keeps the pictures that it was shown."""

    def __init__(self, find):
        super().__init__()
        self.find, self.seen = find, []

    def forward(self, images):
        self.seen += images
        return [self.find(image) for image in images]


def found(*boxes_labels_scores):
    boxes, labels, scores = zip(*boxes_labels_scores, strict=True) if boxes_labels_scores else ((), (), ())
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return {"boxes": boxes, "labels": torch.tensor(labels, dtype=torch.long), "scores": torch.tensor(scores)}


def what_is_red(image):
    rows, columns = torch.nonzero((image[0] > 0.6) & (image[1] < 0.3) & (image[2] < 0.3), as_tuple=True)
    if not len(rows):
        return found()
    box = [int(side) for side in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]
    return found((box, PERSON, 0.9))


@pytest.fixture
def network(monkeypatch):
    """Stands for the network of any weights."""
    stub = Stub(what_is_red)
    monkeypatch.setattr(detector_boxes, "load_detector", lambda weights: stub)
    return stub


def walker(frame):
    """A red block that walks to the right, one pixel a frame."""
    image = np.full((96, 128, 3), 90, np.uint8)
    image[20:80, 10 + frame : 34 + frame] = (220, 20, 20)
    return image


@pytest.fixture
def recording(tmp_path):
    write_video(tmp_path / "walk.mp4", [walker(frame) for frame in range(FRAMES)], FPS)
    return read_recording(tmp_path / "walk.mp4", {})


def test_the_person_is_followed_with_about_ten_looks_a_second(recording, network):
    boxes = found_track(recording, Detector("stub")).boxes
    assert len(network.seen) == -(-FRAMES // round(FPS / 10))
    expected = np.array([[10 + frame, 20, 34 + frame, 80] for frame in range(FRAMES)])
    last = (len(network.seen) - 1) * 2
    np.testing.assert_allclose(boxes[3 : last - 3], expected[3 : last - 3], atol=1.5)


def without_person(path, hidden, frames=FRAMES):
    """A recording of the walker, who is not seen in the frames ``hidden``."""
    pictures = [np.full_like(walker(0), 90) if frame in hidden else walker(frame % 60) for frame in range(frames)]
    write_video(path, pictures, FPS)
    return read_recording(path, {})


def test_frames_without_the_person_are_bridged(tmp_path, network):
    boxes = found_track(without_person(tmp_path / "hidden.mp4", range(30, 40)), Detector("stub")).boxes
    np.testing.assert_allclose(boxes[35], [45, 20, 69, 80], atol=1.5)
    assert np.isfinite(boxes).all()


def test_who_has_left_for_long_or_is_not_there_yet_has_no_box(tmp_path, network):
    hidden = {*range(10), *range(60, 100), *range(140, 150)}
    boxes = found_track(without_person(tmp_path / "gone.mp4", hidden, 150), Detector("stub")).boxes
    assert np.flatnonzero(np.isfinite(boxes).all(axis=1)).tolist() == [*range(10, 59), *range(100, 139)]


def test_nobody_found_is_said(tmp_path, network):
    write_video(tmp_path / "empty.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 20, FPS)
    with pytest.raises(InputError, match=r"empty.mp4: a person was found in 0 of 11 frames; give the boxes in boxes"):
        found_track(read_recording(tmp_path / "empty.mp4", {}), Detector("stub"))


def test_people_of_whom_the_network_is_sure_are_found_the_largest_first():
    bicycle, small = ([0, 0, 9, 9], BICYCLE, 0.99), ([2, 2, 4, 4], PERSON, 0.99)
    large, unsure = ([1, 1, 5, 8], PERSON, 0.6), ([0, 0, 8, 8], PERSON, 0.4)
    image = np.zeros((10, 10, 3), np.uint8)
    network = Stub(lambda image: found(bicycle, small, large, unsure))
    np.testing.assert_array_equal(people_in(network, image), [[1, 1, 5, 8], [2, 2, 4, 4]])
    assert len(people_in(Stub(lambda image: found(bicycle, unsure)), image)) == 0


def test_weights_of_a_file_make_the_network_that_torchvision_makes_of_them(weights):
    network = load_detector(str(weights))
    assert not network.training
    image = np.random.default_rng(0).integers(0, 255, (80, 60, 3), dtype=np.uint8)
    expected = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).eval()
    expected.load_state_dict(torch.load(weights, weights_only=True))
    shown = FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1.transforms()(Image.fromarray(image))
    with torch.inference_mode():
        torch.testing.assert_close(network.backbone(shown[None]), expected.backbone(shown[None]))
    stub = Stub(lambda image: found())
    people_in(stub, image)
    torch.testing.assert_close(stub.seen[0], shown)


def test_own_videos_without_boxes_are_detected_and_the_store_says_by_what(copied_source, tmp_path, network, weights):
    source = copied_source("videos")
    (source / "boxes.csv").unlink()
    network.find = lambda image: found(([20, 30, 100, 120], PERSON, 0.9))
    arguments = ["import", "videos", "--source", str(source), "--size", "32", "--workers", "1", "--subjects", "Ann"]
    main([*arguments, "--out", str(tmp_path / "store"), "--strict", "--detector", str(weights)])
    assert len(network.seen) == 2 * (4 + 4 + 5 + 4)  # of 6, 15, 8 and 7 frames; the second at 50 a second
    store = open_store(tmp_path / "store")
    np.testing.assert_allclose(store.box, np.broadcast_to([10.5, 25.5, 99], store.box.shape), atol=0.5)
    (tmp_path / "copy.pth").write_bytes(weights.read_bytes())
    main([*arguments, "--out", str(tmp_path / "store"), "--detector", str(tmp_path / "copy.pth")])
    assert len(network.seen) == 34
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path / "store")])


def offline(*arguments, **keywords):
    raise OSError("no route to host")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            "COCO_V1",
            "--detector COCO_V1: could not be downloaded (no route to host); give the path of torchvision's file",
        ),
        ("gone.pth", "--detector gone.pth: no such file; write COCO_V1 or DEFAULT, or the path of a state dict"),
        ("text.pth", "text.pth: not a PyTorch state dict"),
        ("other.pth", "other.pth: not the weights of torchvision's fasterrcnn_mobilenet_v3_large_320_fpn"),
    ],
)
def test_wrong_weights_are_said_before_anything_is_imported(sources, tmp_path, monkeypatch, capsys, choice, message):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pth").write_text("weights")
    torch.save(torch.nn.Linear(2, 3).state_dict(), tmp_path / "other.pth")
    with pytest.raises(SystemExit) as caught:
        main(["import", "videos", "--source", str(sources("videos")), "--out", "store", "--detector", choice])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "store.partial").exists()


def test_data_sets_have_boxes_of_their_own(sources, tmp_path, capsys):
    arguments = ["--source", str(sources("h36m-mks0601")), "--out", str(tmp_path / "store"), "--detector", "COCO_V1"]
    with pytest.raises(SystemExit):
        main(["import", "h36m-mks0601", *arguments])
    assert "--detector: layout 'h36m-mks0601' has its boxes from the data set" in capsys.readouterr().err


def test_a_detector_is_taken_where_its_weights_can_be_had(copied_source, monkeypatch, network):
    source = copied_source("videos")
    (source / "boxes.csv").unlink()
    videos = make_layout("videos", source)
    monkeypatch.setattr(detector_boxes, "available_detector", lambda: None)
    assert "from motion, which finds somebody who walks about" in videos.prefer_detector(videos.clips())
    assert videos.options() == {}
    monkeypatch.setattr(detector_boxes, "available_detector", lambda: Detector("COCO_V1"))
    assert "--detector motion takes motion" in videos.prefer_detector(videos.clips())
    assert videos.options() == {"detector": "COCO_V1"}


def test_no_detector_is_looked_for_where_boxes_are_given(copied_source, monkeypatch):
    source = copied_source("videos")
    rows = ["video,frame,left,top,width,height"]
    videos = make_layout("videos", source)
    rows += [f"{c[0]}/{c[1]}/{camera},0,1,1,9,9" for c in videos.clips() for camera in videos.cameras(c)]
    (source / "boxes.csv").write_text("\n".join(rows))
    monkeypatch.setattr(detector_boxes, "available_detector", lambda: pytest.fail("looked for"))
    assert videos.prefer_detector(videos.clips()) is None
