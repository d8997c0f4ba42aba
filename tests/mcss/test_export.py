import json
import sys

import numpy as np
import pytest
import torch

from data_modules.training.augment import Augment, AugmentSettings
from mcss import export
from mcss.__main__ import main
from mcss.models.network import load_network


@pytest.fixture
def checkpoint(trained):
    return trained / "checkpoints/last.ckpt"


def predicted(path, images):
    """Embedding and pose from the written file, by the library of its format."""
    if path.suffix == ".pt2":
        with torch.inference_mode():
            return [values.numpy() for values in torch.export.load(str(path)).module()(images)]
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["embedding", "pose_mm"], {"images": images.numpy()})


@pytest.mark.filterwarnings("ignore")  # of the exporters, about themselves
@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_the_file_predicts_what_the_network_predicts_for_any_number_of_images(suffix, checkpoint, tmp_path, capsys):
    path = tmp_path / f"new/network{suffix}"
    main(["export", str(checkpoint), "--out", str(path)])
    assert f"written: {path}" in capsys.readouterr().out
    assert sorted(file.name for file in path.parent.iterdir()) == [
        path.name, f"{path.name}.json", *(["video_to_csv.py"] if suffix == ".onnx" else [])
    ]  # fmt: skip
    network = load_network(checkpoint)
    side = network.image_size_px
    for count in (1, 4):
        images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
        with torch.inference_mode():
            expected = network(Augment(AugmentSettings(), side, seed=0).normalise(images))
        embedding, pose_mm = predicted(path, images)
        np.testing.assert_allclose(pose_mm, expected.pose, atol=1e-3)
        np.testing.assert_allclose(embedding, expected.embedding, atol=1e-5)
    description = json.loads((path.parent / f"{path.name}.json").read_text())
    assert f"3 x {side} x {side}" in description["images"]
    assert "canonical frame" in description["pose_mm"]
    assert len(description["joints"]) == 17


@pytest.mark.filterwarnings("ignore")
def test_a_file_that_predicts_other_poses_is_not_kept(checkpoint, tmp_path, capsys, monkeypatch):
    (tmp_path / "network.pt2").write_bytes(b"of before")
    monkeypatch.setattr(export, "TOLERANCE_MM", -1.0)
    with pytest.raises(SystemExit) as caught:
        main(["export", str(checkpoint), "--out", str(tmp_path / "network.pt2")])
    assert caught.value.code == 2
    assert "not written, its poses differ by" in capsys.readouterr().err
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("network.pt2", b"of before")]


@pytest.mark.parametrize(
    ("checkpoint_name", "out", "message"),
    [
        ("{trained}", "network.txt", "network.txt: the suffix says what is written, .onnx or .pt2"),
        ("{tmp}/none.ckpt", "network.pt2", "none.ckpt: no such checkpoint"),
        ("{trained}", "network.onnx", "pip install -e '.[onnx]'"),
        ("{tmp}/damaged.ckpt", "network.pt2", "damaged.ckpt: damaged, or not a checkpoint of a run"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    checkpoint_name, out, message, checkpoint, tmp_path, capsys, monkeypatch
):
    (tmp_path / "damaged.ckpt").write_bytes(b"nothing")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SystemExit) as caught:
        main(["export", checkpoint_name.format(trained=checkpoint, tmp=tmp_path), "--out", str(tmp_path / out)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mcss: ")
    assert message in line
    assert not (tmp_path / out).exists()
