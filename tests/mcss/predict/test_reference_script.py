"""The script that goes with an exported network, run as its user would."""

import subprocess
import sys

import numpy as np
import pandas as pd

from mcss.__main__ import main
from mcss.predict.reference_script import moving_boxes


def test_it_is_short_and_needs_nothing_of_this_project(onnx):
    text = (onnx.parent / "video_to_csv.py").read_text()
    assert len(text.splitlines()) < 100
    roots = {
        line.split()[1].partition(".")[0] for line in text.splitlines() if line.strip().startswith(("import", "from"))
    }
    own = roots - set(sys.stdlib_module_names)
    assert own == {"av", "cv2", "numpy", "onnxruntime"}


def test_it_gives_the_poses_of_mcss_predict(onnx, clip, tmp_path):
    boxes = [(frame, 20 + 2 * frame, 24.5, 20, 56) for frame in range(5, 30)]
    columns = ["frame", "left", "top", "width", "height"]
    table = pd.DataFrame(boxes, columns=columns)
    folder = tmp_path / "views/S1/walk"
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes((clip / "a.mp4").read_bytes())
    table.assign(video="S1/walk/a").to_csv(tmp_path / "views/boxes.csv", index=False)
    table.to_csv(tmp_path / "boxes.csv", index=False)
    out = tmp_path / "poses.csv"
    script = [sys.executable, onnx.parent / "video_to_csv.py", onnx, folder / "a.mp4", out, tmp_path / "boxes.csv"]
    subprocess.run(script, check=True, timeout=120)
    words = ["predict", "--onnx", onnx, folder / "a.mp4", "--out", tmp_path / "out", "--files", "npz", "--quiet"]
    main([str(word) for word in words])
    with np.load(tmp_path / "out/predictions.npz") as file:
        expected = file["pose_mm"][0]
    found = pd.read_csv(out).drop(columns="frame").to_numpy().reshape(-1, 17, 3)
    assert np.isnan(found[:5]).all()
    np.testing.assert_allclose(found[5:], expected[5:], atol=0.5)
    assert np.nanstd(found, axis=0).max() > 5  # the poses differ from frame to frame by more


def test_without_boxes_it_finds_what_moves(clip):
    found = moving_boxes(str(clip / "b.mp4"))
    assert set(found) - {20, 21} == set(range(20))
    expected = np.array([[20 + 2 * frame, 24, 40 + 2 * frame, 80] for frame in range(20)])
    assert np.abs(np.array([found[frame] for frame in range(20)]) - expected).max() <= 4
