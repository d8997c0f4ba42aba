"""From feature map to embedding, and from embedding to pose (paper, Fig. 1a and Sec. 4)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from mcss.errors import InputError

BACKBONE_STRIDE = 32
DEEP = 1024
"""Width of the deep regressor's hidden layers."""


def feature_side(image_size_px: int) -> int:
    """Rows (and columns) of the feature map after the 2 x 2 max-pool, for square images of ``image_size_px``.

    The pool rounds up: with an odd number of rows (96 px: 3, 224 px: 7) its last windows are half empty, but every cell
    of the map is used. The paper does not say how its 7 x 7 map is pooled.

    Raises:
        InputError: the feature map has a single cell.

    >>> feature_side(48), feature_side(64), feature_side(96), feature_side(224)
    (1, 1, 2, 4)
    """
    rows = -(-image_size_px // BACKBONE_STRIDE)
    if rows < 2:
        raise InputError(f"image_size_px {image_size_px} is too small: the network needs more than {BACKBONE_STRIDE}")
    return -(-rows // 2)


def at_least_float32(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Convert half precision to float32; float32 and float64 stay."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


class EmbeddingHead(nn.Module):
    """2 x 2 max-pool, fully connected layer; its output over its length is the embedding, a point on the unit sphere.

    The layer's input grows with the image (512 features at 64 px, 8,192 at 224 px for ResNet-18), so a network is
    bound to its image size.
    """

    def __init__(self, channels: int, image_size_px: int, embedding_dim: int) -> None:
        super().__init__()
        self.image_size_px = image_size_px
        self.fc = nn.Linear(channels * feature_side(image_size_px) ** 2, embedding_dim)

    def forward(self, features: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch dim"]:
        """Vector whose direction is the embedding. The layer is computed in float32 also under autocast.

        In bf16 (8 bits of precision) two unit vectors closer than about 0.004 could not be told apart, and a cast after
        the layer does not bring the lost digits back.

        Raises:
            InputError: the images had another size than this head was built for.
        """
        pooled = max_pool2d(features, kernel_size=2, ceil_mode=True).flatten(1)
        if pooled.shape[1] != self.fc.in_features:
            raise InputError(
                f"images of another size than the {self.image_size_px} px that this network was built for"
                f" ({pooled.shape[1]} features instead of {self.fc.in_features})"
            )
        with torch.autocast(features.device.type, enabled=False):
            return self.fc(at_least_float32(pooled))


class PoseRegressor(nn.Sequential):
    """FC(128)-ReLU-FC(48): embedding to the standardised coordinates of 16 joints (paper, Sec. 4), in float32.

    ``deep`` has two hidden layers of 1,024 with BatchNorm, for an embedding that no label has shaped (Rhodin et al.,
    ECCV 2018: two of 2,048 with dropout).

    The coordinates of a unit vector are of size 1/sqrt(dim), where PyTorch's initialisation expects values of size 1:
    the first layer's weights start sqrt(dim) times larger, or thousands of steps pass before the poses spread.
    """

    def __init__(self, embedding_dim: int, joints: int, deep: bool = False) -> None:
        first = nn.Linear(embedding_dim, DEEP if deep else embedding_dim)
        layers: list[nn.Module] = [first, nn.ReLU()]
        if deep:
            layers = [first, nn.BatchNorm1d(DEEP), nn.ReLU(), nn.Linear(DEEP, DEEP), nn.BatchNorm1d(DEEP), nn.ReLU()]
        super().__init__(*layers, nn.Linear(DEEP if deep else embedding_dim, joints * 3))
        with torch.no_grad():
            first.weight.mul_(embedding_dim**0.5)

    def forward(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch coordinates"]:
        """Standardised coordinates, computed in float32 also under autocast: bf16 would round poses to about 1 mm."""
        with torch.autocast(embedding.device.type, enabled=False):
            return super().forward(embedding)
