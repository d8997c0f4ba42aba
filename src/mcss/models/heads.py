"""From feature map to embedding, and from embedding to pose (paper, Fig. 1a and Sec. 4)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, normalize

from mcss.errors import InputError

BACKBONE_STRIDE = 32


def feature_side(image_size_px: int) -> int:
    """Rows (and columns) of the feature map after the 2 x max-pool, for square images of ``image_size_px``.

    Raises:
        InputError: the map would be empty.

    >>> feature_side(48), feature_side(96), feature_side(224)
    (1, 1, 3)
    """
    side = -(-image_size_px // BACKBONE_STRIDE) // 2
    if side < 1:
        raise InputError(f"image_size_px {image_size_px} is too small: the network needs more than {BACKBONE_STRIDE}")
    return side


def at_least_float32(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Leave autocast's half precision, but keep float64."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


class EmbeddingHead(nn.Module):
    """2 x max-pool, fully connected layer, L2 normalisation: a point on the unit sphere.

    The layer's input grows with the image (512 features at 64 px, 4,608 at 224 px for ResNet-18), so a network is
    bound to its image size.
    """

    def __init__(self, channels: int, image_size_px: int, embedding_dim: int) -> None:
        super().__init__()
        self.image_size_px = image_size_px
        self.fc = nn.Linear(channels * feature_side(image_size_px) ** 2, embedding_dim)

    def forward(self, features: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch dim"]:
        """Embedding of unit length, in float32 whatever the autocast type: distances need the digits.

        Raises:
            InputError: the images had another size than this head was built for.
        """
        pooled = max_pool2d(features, kernel_size=2).flatten(1)
        if pooled.shape[1] != self.fc.in_features:
            raise InputError(
                f"images of another size than the {self.image_size_px} px that this network was built for"
                f" ({pooled.shape[1]} features instead of {self.fc.in_features})"
            )
        return normalize(at_least_float32(self.fc(pooled)), dim=1)


class PoseRegressor(nn.Sequential):
    """FC(128)-ReLU-FC(48): embedding to the standardised coordinates of 16 joints (paper, Sec. 4).

    The coordinates of a unit vector are of size 1/sqrt(dim), where PyTorch's initialisation expects values of size 1:
    the first layer's weights start sqrt(dim) times larger, or thousands of steps pass before the poses spread.
    """

    def __init__(self, embedding_dim: int, joints: int) -> None:
        first = nn.Linear(embedding_dim, embedding_dim)
        super().__init__(first, nn.ReLU(), nn.Linear(embedding_dim, joints * 3))
        with torch.no_grad():
            first.weight.mul_(embedding_dim**0.5)
