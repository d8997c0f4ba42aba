"""``mcss predict`` from end to end, in process, with an untrained network."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from data_modules.crop import BOX_MARGIN, cut_square, square_around
from data_modules.sources.footage.recordings import read_recording
from data_modules.sources.footage.tracks import found_track
from data_modules.training.augment import Augment, AugmentSettings
from data_modules.video_files import VideoReader
from mcss.__main__ import main
from mcss.models.network import load_network
from mcss.predict import chunks
from mcss.predict.inputs import open_scenes
from mcss.skeleton import JOINTS
from tests.mcss.predict.conftest import film
from tests.references.synthetic_store import make_store
from tests.references.video_files import write_sound, write_video

pytestmark = pytest.mark.slow


def predict(checkpoint, *words):
    main(["predict", "--ckpt_path", str(checkpoint), "--quiet", *map(str, words)])


def refused(capsys, *words):
    """The one line that a command ends with."""
    with pytest.raises(SystemExit) as caught:
        main(["predict", "--quiet", *map(str, words)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("mcss")
    return line


def open_scene(video, out):
    (scene,) = open_scenes([video], out=out)
    return scene


def raw(out):
    with np.load(out / "predictions.npz") as file:
        return dict(file)


def expected_poses(checkpoint, video):
    """By the parts of the import and of the training, one frame after the other."""
    network = load_network(checkpoint)
    normalise = Augment(AugmentSettings(), network.image_size_px, seed=0).normalise
    track = found_track(read_recording(video, {}), None).boxes
    with VideoReader(video) as reader, torch.inference_mode():
        for frame in np.flatnonzero(np.isfinite(track[:, 0])).tolist():
            square = square_around(track[frame, :2], track[frame, 2:], BOX_MARGIN)
            crop = cv2.resize(cut_square(reader.read(frame), square, 256), (48, 48), interpolation=cv2.INTER_AREA)
            yield frame, network(normalise(torch.from_numpy(crop).permute(2, 0, 1)[None])).pose[0].numpy()


def test_a_video_gives_the_poses_of_the_imports_crops_and_every_file(checkpoint, clip, tmp_path, capsys):
    predict(checkpoint, clip / "a.mp4", "--out", tmp_path, "--smoothing_s", 0)
    found = raw(tmp_path)
    expected = dict(expected_poses(checkpoint, clip / "a.mp4"))
    assert len(expected) > 20
    for frame, pose_mm in expected.items():
        np.testing.assert_allclose(found["pose_mm"][0, frame], pose_mm, atol=0.05)
    seen = np.isfinite(found["pose_mm"][0, :, 0, 0])
    assert seen.nonzero()[0].tolist() == list(expected)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("predictions.npz", "prediction.json", "motion.csv", "motion_wide.csv", "motion.npz", "motion.trc"),
        *("motion.c3d", "motion.bvh", "angles.csv", "angles.png", "motion.html"),
    }
    with np.load(tmp_path / "motion.npz") as file:
        np.testing.assert_allclose(file["pose_mm"][seen], found["pose_mm"][0, seen], atol=1e-4)
    assert json.loads((tmp_path / "prediction.json").read_text())["frames"] == 30
    assert "(30 frames" in capsys.readouterr().out


def test_frames_without_a_person_are_gaps(checkpoint, clip, tmp_path, capsys):
    predict(checkpoint, clip / "b.mp4", "--out", tmp_path, "--files", "csv", "bvh")
    table = pd.read_csv(tmp_path / "motion.csv", comment="#")
    lost = table.loc[table["x_mm"].isna(), "frame"].unique()
    assert lost.min() in (20, 21)  # the picture after the last may keep a trace of the codec's
    assert lost.max() == 29
    assert f"{len(lost)} without a pose" in capsys.readouterr().out


def test_views_of_one_scene_are_fused_where_both_see_the_person(checkpoint, clip, tmp_path, capsys):
    predict(checkpoint, clip, "--out", tmp_path / "folder", "--files", "npz", "--smoothing_s", 0)
    predict(
        checkpoint, clip / "b.mp4", clip / "a.mp4", "--out", tmp_path / "named", "--files", "npz", "--smoothing_s", 0
    )
    for out in (tmp_path / "folder", tmp_path / "named"):
        found = raw(out)
        assert found["camera"].tolist() == ["a", "b"]
        with np.load(out / "motion.npz") as file:
            fused = file["pose_mm"]
        np.testing.assert_allclose(fused[10], found["pose_mm"][:, 10].mean(axis=0), atol=15)
        np.testing.assert_allclose(fused[26], found["pose_mm"][0, 26], atol=1e-3)
    assert "views disagree by" in capsys.readouterr().out
    summary = json.loads((tmp_path / "folder/prediction.json").read_text())
    assert summary["frames_without_person"]["b"] > summary["frames_without_person"]["a"]


def test_sync_csv_moves_the_views(checkpoint, clip, tmp_path):
    folder = tmp_path / "views/S1/walk"
    write_video(folder / "a.mp4", film(), fps=25)
    write_video(folder / "b.mp4", film(start=28), fps=25)  # b is 4 frames ahead of a
    (tmp_path / "views/sync.csv").write_text("video,offset_frames\nS1/walk/a,4\n")
    predict(checkpoint, folder, "--out", tmp_path / "out", "--files", "npz")
    assert len(raw(tmp_path / "out")["time_s"]) == 26


def test_a_killed_run_goes_on_after_its_last_whole_chunk(checkpoint, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 8)
    predict(checkpoint, clip, "--out", tmp_path / "whole", "--files", "page")
    calls = []
    real = chunks.np.savez

    def dies_at_the_fifth(path, **values):
        calls.append(path)
        if len(calls) == 5:
            Path(path).write_bytes(b"half")
            raise KeyboardInterrupt
        real(path, **values)

    monkeypatch.setattr(chunks.np, "savez", dies_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        predict(checkpoint, clip, "--out", tmp_path / "killed", "--files", "page")
    # The person is not looked for again.
    monkeypatch.setattr("data_modules.sources.footage.person_boxes.found_track", None)
    predict(checkpoint, clip, "--out", tmp_path / "killed", "--files", "page")
    assert len(calls) == 1 + 9  # the boxes; and of 8 chunks, the one that was not whole twice
    for name, values in raw(tmp_path / "whole").items():
        np.testing.assert_array_equal(values, raw(tmp_path / "killed")[name])
    assert (tmp_path / "whole/motion.html").read_bytes() == (tmp_path / "killed/motion.html").read_bytes()
    assert not list((tmp_path / "killed").glob(".*"))


def test_boxes_are_found_anew_where_a_video_or_a_table_has_changed(checkpoint, clip, tmp_path):
    views = shutil.copytree(clip.parents[1], tmp_path / "views")
    video = views / "S1/walk/a.mp4"
    first = open_scene(video, tmp_path)
    assert np.isfinite(first.box_px).any()
    kept = next(tmp_path.glob(".found-*"))
    kept.write_bytes(kept.read_bytes()[:100])  # cut off by a kill
    np.testing.assert_array_equal(open_scene(video, tmp_path).box_px, first.box_px)
    (views / "boxes.csv").write_text("video,frame,left,top,width,height\nS1/walk/a,0,1,2,30,40\n")
    np.testing.assert_array_equal(open_scene(video, tmp_path).box_px[0, 0], [1, 2, 31, 42])
    assert len(list(tmp_path.glob(".found-*"))) == 1


def test_an_exported_network_predicts_the_same_without_torch(checkpoint, onnx, clip, tmp_path):
    store = make_store(tmp_path / "store", size_px=48, subjects=("S9",), clips=("Walking/1",))
    files, without = ("--files", "npz", "page", "video", "angles"), []
    for source in (clip / "a.mp4", store):
        predict(checkpoint, source, "--out", tmp_path / "torch" / source.stem, *files)
        words = ("predict", "--onnx", onnx, source, "--out", tmp_path / "onnx" / source.stem, *files, "--quiet")
        without.append([*map(str, words)])
    code = (
        f"import sys; from mcss.__main__ import main; [main(w) for w in {without}]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env={"PYTHONPATH": ":".join(sys.path)})
    outs = [[tmp_path / network / part for network in ("onnx", "torch")] for part in ("a", "store/S9_Walking_1")]
    for out, expected in outs:
        np.testing.assert_allclose(raw(out)["pose_mm"], raw(expected)["pose_mm"], atol=0.01)
    found, expected = (json.loads((out / "prediction.json").read_text())["errors"]["mpjpe_mm"] for out in outs[1])
    assert found == pytest.approx(expected, abs=0.01)


def test_a_folder_of_crops_by_the_options_that_were_always_there(checkpoint, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for name, side in (("f10.png", 60), ("f2.jpg", 200)):
        cv2.imwrite(str(images / name), rng.integers(0, 255, (side, side, 3), dtype=np.uint8))
    (images / "notes.txt").write_text("no image")
    predict(checkpoint, "--data.predict_images", images, "--run_dir", tmp_path / "out")
    found = raw(tmp_path / "out")
    assert found["image"].tolist() == ["f2.jpg", "f10.png"]
    assert found["pose_mm"].shape == (2, 17, 3)
    np.testing.assert_allclose(np.linalg.norm(found["embedding"], axis=1), 1, atol=1e-5)
    assert tuple(found["joints"]) == JOINTS
    assert found["frame"] == "canonical"
    assert "1 files are no images and not read, the first: notes.txt" in capsys.readouterr().out
    assert not (tmp_path / "out/motion.trc").exists()  # without a frame rate they are no motion


def test_a_folder_of_frames_is_a_recording(checkpoint, clip, tmp_path):
    folder = tmp_path / "S1/walk/frames"
    folder.mkdir(parents=True)
    for number, picture in enumerate(film()):
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture[..., ::-1])
    predict(checkpoint, folder, "--fps", 25, "--out", tmp_path / "out", "--files", "trc")
    predict(checkpoint, clip / "a.mp4", "--out", tmp_path / "video", "--files", "trc")
    frames, video = (raw(out)["pose_mm"][0, 5:25] for out in (tmp_path / "out", tmp_path / "video"))
    assert np.abs(frames - video).mean() < 0.1 * np.abs(video).mean()  # the video has been compressed


def test_a_store_is_predicted_clip_by_clip_and_measured_and_calibrates(checkpoint, tmp_path, capsys):
    store = make_store(tmp_path / "store", size_px=48, subjects=("S1", "S9"), clips=("Walking/1",), instants=12)
    calibration = tmp_path / "calibration.json"
    predict(checkpoint, store, "--out", tmp_path / "out", "--files", "npz", "--calibrate", calibration)
    assert "single views" in (printed := capsys.readouterr().out)
    assert "(for 1 or 2 or 3 or 4 views; the others' intervals hold of each person's joints: S1 " in printed
    words = ("--out", tmp_path / "again", "--files", "csv", "--calibration", calibration, "--subjects", "S9")
    predict(checkpoint, store, *words)
    assert "90 % intervals hold" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["S9_Walking_1"]
    assert pd.read_csv(tmp_path / "again/S9_Walking_1/motion.csv", comment="#")["interval90_mm"].notna().all()


def test_bad_input_gives_one_clear_line(checkpoint, clip, tmp_path, capsys):
    network = ("--ckpt_path", checkpoint)
    (tmp_path / "empty").mkdir()
    write_video(tmp_path / "still/a.mp4", film(absent=range(30)), fps=25)
    cut = tmp_path / "cut/a.mp4"
    cut.parent.mkdir()
    cut.write_bytes((clip / "a.mp4").read_bytes()[:-2000])
    photos, mixed = tmp_path / "photos", tmp_path / "mixed"
    photos.mkdir()
    mixed.mkdir()
    cv2.imwrite(str(photos / "1.png"), film()[0])
    cv2.imwrite(str(mixed / "1.png"), film()[0])
    cv2.imwrite(str(mixed / "2.png"), film()[0][:-10])
    text, half, sound = tmp_path / "text/a.mp4", tmp_path / "half.ckpt", tmp_path / "sound/a.mp4"
    text.parent.mkdir()
    text.write_text("no video")
    half.write_bytes(checkpoint.read_bytes()[:5000])
    write_sound(sound)
    cases = {
        (clip / "a.mp4",): "predict needs a network",
        network: "predict needs a video",
        (*network, "absent.mp4"): "absent.mp4: there is no such file or folder",
        (*network, tmp_path / "empty"): "holds no video, no image and no store",
        (*network, tmp_path / "still/a.mp4"): "a moving person was found in 0 of 30 frames",
        (*network, cut): "cut/a.mp4",
        (*network, photos): "have no frame rate; give --fps",
        (*network, photos, "--images", "crops"): "128 x 96 pixels, and a crop is square",
        (*network, clip / "a.mp4", cut): "lie in one folder",
        (*network, clip / "a.mp4", "--calibrate", tmp_path / "c.json", "--out", tmp_path / "o"): "needs a store",
        (*network, clip / "a.mp4", "--fps", "0"): "--fps 0",
        (*network, clip / "a.mp4", "--fps", "inf"): "--fps inf",
        (*network, clip / "a.mp4", "--smoothing_s", "-1"): "--smoothing_s -1: write seconds, or 0",
        (*network, clip / "a.mp4", "--bridge_s", "nan"): "--bridge_s nan",
        (*network, clip / "a.mp4", "--clips", "S1/Walking/1"): "is no store, in which --subjects and --clips choose",
        (*network, clip / "a.mp4", "--rerun", tmp_path / "no/x.rrd"): ("no folder" if find_spec("rerun") else "needs"),
        (*network, clip / "a.mp4", "--files", "bvg"): "invalid choice: 'bvg'",
        (*network, clip / "a.mp4", "--out", text): "cannot be made or read",
        (*network, clip / "a.mp4", "--out", text / "deep"): "cannot be made or read",
        (*network, text): "cannot be opened as a video",
        (*network, sound): "has no video stream",
        (*network, mixed, "--fps", "25", "--out", tmp_path / "o"): "its frames differ in size",
        ("--ckpt_path", half, clip / "a.mp4"): "damaged, or not a checkpoint of a run",
        (*network, "--onnx", "x.onnx", clip / "a.mp4"): "name one network",
        ("--ckpt_path", clip / "a.mp4", clip / "a.mp4"): "not a checkpoint of a run",
    }
    for words, message in cases.items():
        assert message in refused(capsys, *words), words


def test_a_folder_that_holds_the_prediction_of_something_else_is_left_alone(checkpoint, clip, tmp_path, capsys):
    network = ("--ckpt_path", checkpoint, "--out", tmp_path / "out", "--files", "npz")
    for _ in range(2):  # the same command may be given again
        predict(checkpoint, clip / "a.mp4", *network[2:])
    before = (tmp_path / "out/predictions.npz").read_bytes()
    line = refused(capsys, clip / "b.mp4", *network)
    assert f"out: holds the prediction of {clip / 'a.mp4'}; name another folder, or remove that one" in line
    assert (tmp_path / "out/predictions.npz").read_bytes() == before


def test_a_network_of_another_joint_set_is_refused(checkpoint, clip, onnx, tmp_path, capsys):
    content = torch.load(checkpoint, weights_only=True) | {"joint_set": "coco17"}
    torch.save(content, tmp_path / "other.ckpt")
    assert "joint set coco17" in refused(capsys, "--ckpt_path", tmp_path / "other.ckpt", clip / "a.mp4")
    (tmp_path / "other.onnx").write_bytes(onnx.read_bytes())
    description = json.loads(onnx.with_name("network.onnx.json").read_text()) | {"joint_set": "coco17"}
    assert "not a description by mcss export" in refused(capsys, "--onnx", tmp_path / "other.onnx", clip / "a.mp4")
    (tmp_path / "other.onnx.json").write_text(json.dumps(description))
    assert "predicts coco17" in refused(capsys, "--onnx", tmp_path / "other.onnx", clip / "a.mp4")
    (tmp_path / "other.onnx.json").write_text(json.dumps(description | {"joint_set": "h36m17"}))
    (tmp_path / "other.onnx").write_bytes(b"no network")
    assert "not a whole ONNX file" in refused(capsys, "--onnx", tmp_path / "other.onnx", clip / "a.mp4")
