import pytest
import torch

from mcss.errors import InputError
from mcss.models.backbone import Backbone
from mcss.models.heads import EmbeddingHead, PoseRegressor, feature_side


@pytest.mark.parametrize(("image_size_px", "features"), [(48, 512), (64, 512), (96, 2048), (128, 2048), (224, 8192)])
def test_input_of_the_fully_connected_layer_follows_the_image_size(image_size_px, features):
    head = EmbeddingHead(512, image_size_px, embedding_dim=128)
    assert head.fc.in_features == features
    if image_size_px <= 96:
        maps = Backbone("resnet18", 64, "none", batchnorm_affine=False)(torch.randn(2, 3, image_size_px, image_size_px))
        assert head(maps).shape == (2, 128)


def test_too_small_an_image_is_refused():
    with pytest.raises(InputError, match="image_size_px 32 is too small: the network needs more than 32"):
        feature_side(32)


def test_images_of_another_size_are_refused_in_one_line():
    head = EmbeddingHead(8, 64, embedding_dim=4)
    with pytest.raises(InputError, match="another size than the 64 px"):
        head(torch.randn(2, 8, 4, 4))


def test_under_autocast_both_heads_compute_in_float32():
    head, regressor = EmbeddingHead(8, 64, embedding_dim=16), PoseRegressor(16, 4)
    features = torch.randn(5, 8, 2, 2) * 100
    with torch.autocast("cpu", torch.bfloat16):
        embedding = head(features)
        pose = regressor(embedding)
    assert torch.equal(embedding, head(features))
    assert torch.equal(pose, regressor(embedding))


def test_every_cell_of_an_odd_feature_map_counts():
    head = EmbeddingHead(1, 96, embedding_dim=4)
    features = torch.zeros(9, 1, 3, 3)
    for cell in range(9):
        features[cell, 0, cell // 3, cell % 3] = 1
    assert (head(features) - head(torch.zeros(1, 1, 3, 3))).norm(dim=1).min() > 1e-3


def test_head_takes_the_maximum_of_each_2_x_2_block():
    head = EmbeddingHead(1, 128, embedding_dim=4)
    features = torch.arange(16.0).view(1, 1, 4, 4)
    blocks = torch.tensor([[5.0, 7.0, 13.0, 15.0]])
    torch.testing.assert_close(head(features), head.fc(blocks))


def test_regressor_is_two_layers_of_the_paper():
    shapes = [tuple(parameter.shape) for parameter in PoseRegressor(128, 16).parameters()]
    assert shapes == [(128, 128), (128,), (48, 128), (48,)]


def test_regressor_starts_with_poses_that_depend_on_the_embedding():
    torch.manual_seed(0)
    regressor = PoseRegressor(128, 16)
    on_sphere = torch.nn.functional.normalize(torch.randn(4096, 128), dim=1)
    usual = torch.nn.Linear(128, 128)
    spread = usual(torch.randn(4096, 128)).std(dim=0).mean()
    assert regressor[0](on_sphere).std(dim=0).mean().item() == pytest.approx(spread.item(), rel=0.1)
