import pytest
import torch

from mcss.cli import main
from mcss.errors import InputError
from mcss.models.checkpoint import load_network_weights
from mcss.models.module import MCSSModule


def test_a_run_without_labels_starts_from_the_network_of_another_and_keeps_its_statistics(settings, trained, tmp_path):
    start, folder = trained / "checkpoints/last.ckpt", tmp_path / "run"
    frozen = ["--model.init_from", str(start), "--model.lr", "1e-30", "--trainer.max_steps", "1"]
    main(["fit", *settings("contrastive_only"), *frozen, "--run_dir", str(folder)])
    before, after = (torch.load(path, weights_only=True) for path in (start, folder / "checkpoints/last.ckpt"))
    assert after["global_step"] == 1
    for name, value in after["state_dict"].items():
        if "bn" not in name and "downsample" not in name:  # BatchNorm's statistics see the images of the step
            torch.testing.assert_close(value, before["state_dict"][name])
    assert after["state_dict"]["pose_std_mm"].max() > 1  # not those of a network without labels


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "^model.init_from .*last.ckpt: no such checkpoint"),
        (b"nothing", "not a checkpoint of a run"),
        (
            {"state_dict": {"pose_mean_mm": torch.zeros(16, 3), "regressor.0.weight": torch.zeros(2, 2)}},
            "the network of another run: .* use that run's model",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(content, message, tmp_path):
    path = tmp_path / "last.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        torch.save(content, path)
    network = MCSSModule(width=16, weights="none", image_size_px=48)
    with pytest.raises(InputError, match=message) as caught:
        load_network_weights(network, path)
    assert "\n" not in str(caught.value)
