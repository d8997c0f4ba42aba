import pytest
import torch

from mcss.cli import main
from mcss.errors import InputError
from mcss.models.checkpoint import load_network_weights
from mcss.models.module import MCSSModule
from mcss.models.network import load_network
from mcss.objectives.base import Objective, ObjectiveTerms


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


class WithHead(Objective):
    """An objective with a tensor of its own."""

    def connect(self, sizes, seed):
        self.head = torch.nn.Linear(sizes.embedding_dim, 1)

    def forward(self, step):
        return ObjectiveTerms({"head": self.head(step.views.anchor.vector).mean()}, {})


def test_inference_and_a_new_start_take_the_network_alone_and_import_nothing(tmp_path):
    small = {"width": 8, "weights": "none", "image_size_px": 48}
    trained, path = MCSSModule(**small, objective=WithHead()), tmp_path / "last.ckpt"
    hparams = {
        **trained.hparams,
        "objective": {"class_path": "a.module.that.is.not.There"},
        "_instantiator": "nor.That",
    }
    state = trained.state_dict()
    torch.save({"state_dict": state, "hyper_parameters": hparams}, path)
    assert "objective.head.weight" in state
    for network in (load_network(path), MCSSModule(**small, objective=WithHead()), MCSSModule(**small)):
        load_network_weights(network, path)
        for name, value in network.state_dict().items():
            assert torch.equal(value, state[name]) != name.startswith("objective."), name
