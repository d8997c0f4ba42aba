import logging

import pytest
import torch
from torchvision import models

from mcss.errors import InputError
from mcss.models.backbone import Backbone

pytestmark = pytest.mark.slow

NAMES = ("resnet18", "resnet34", "resnet50")


@pytest.fixture(scope="module")
def torchvision_file(tmp_path_factory):
    """A weights file such as torchvision publishes, with random content that is not the initial one."""
    network = models.resnet18(weights=None)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(network.state_dict(), path)
    return path, network


@pytest.mark.parametrize("name", NAMES)
def test_features_equal_torchvision_with_the_same_weights(name, tmp_path):
    torch.manual_seed(0)
    network = getattr(models, name)(weights=None).eval()
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    backbone = Backbone(name, width=64, weights=str(path), batchnorm_affine=True).eval()
    images = torch.randn(2, 3, 64, 64)
    trunk = torch.nn.Sequential(*list(network.children())[:-2])
    torch.testing.assert_close(backbone(images), trunk(images))
    assert backbone.out_channels == network.fc.in_features


def test_width_scales_every_layer():
    full, half = (Backbone("resnet18", width, "none", batchnorm_affine=False) for width in (64, 32))
    assert half.out_channels == 256
    for (name, wide), narrow in zip(full.named_parameters(), half.parameters(), strict=True):
        ratios = [a / b for a, b in zip(wide.shape, narrow.shape, strict=True)]
        assert ratios[0] == 2, name
        assert ratios[1] == (1 if name == "conv1.weight" else 2), name


def test_affine_off_leaves_no_batchnorm_parameter_and_drops_exactly_those_and_the_classifier(torchvision_file, caplog):
    path, network = torchvision_file
    with caplog.at_level(logging.INFO, logger="mcss"):
        backbone = Backbone("resnet18", 64, str(path), batchnorm_affine=False)
    assert not [name for name, _ in backbone.named_parameters() if "bn" in name or "downsample.1" in name]
    dropped = set(caplog.messages[0].split("dropped ")[1].split(", "))
    expected = {"fc.weight", "fc.bias"}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            expected |= {f"{name}.weight", f"{name}.bias"}
    assert dropped == expected
    torch.testing.assert_close(backbone.layer3[1].conv2.weight, network.layer3[1].conv2.weight)


def test_imagenet_weights_are_asked_for_by_name(monkeypatch):
    asked = {}

    class Weights:
        def get_state_dict(self, **kwargs):
            asked.update(kwargs)
            return models.resnet34(weights=None).state_dict()

    monkeypatch.setattr("mcss.models.backbone.get_model_weights", lambda name: {"IMAGENET1K_V1": Weights(), "n": name})
    Backbone("resnet34", 64, "imagenet", batchnorm_affine=False)
    assert asked["check_hash"] is True


def test_unreachable_imagenet_weights_say_how_to_go_on(monkeypatch):
    class Weights:
        def get_state_dict(self, **kwargs):
            raise OSError("no network")

    monkeypatch.setattr("mcss.models.backbone.get_model_weights", lambda name: {"IMAGENET1K_V1": Weights()})
    with pytest.raises(InputError, match=r"could not be downloaded \(no network\).*--model.weights PATH"):
        Backbone("resnet18", 64, "imagenet", batchnorm_affine=False)


def test_bad_weights_are_refused_in_one_line(tmp_path, torchvision_file):
    path, network = torchvision_file
    text, part, foreign, deep = (tmp_path / name for name in ("text.pth", "part.pth", "foreign.pth", "deep.pth"))
    text.write_text("no weights")
    state = network.state_dict()
    torch.save({key: value for key, value in state.items() if "layer4" not in key}, part)
    torch.save({**state, "head.weight": torch.zeros(1)}, foreign)
    torch.save({"epoch": 3}, deep)
    cases = [
        (str(tmp_path / "absent.pth"), 64, "no such file"),
        (str(text), 64, "not a PyTorch state dict"),
        (str(deep), 64, "expected a state dict of tensors"),
        (str(part), 64, "entries missing, first 'layer4"),
        (str(foreign), 64, "1 entries unknown, first 'head.weight'"),
        (str(path), 32, "wrong shape, first 'conv1.weight'"),
        ("imagenet", 32, "have width 64, the model has width 32"),
    ]
    for weights, width, message in cases:
        with pytest.raises(InputError, match=message) as caught:
            Backbone("resnet18", width, weights, batchnorm_affine=False)
        assert "\n" not in str(caught.value)
