"""From a code of 3D points to small pictures, and what is compared in them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

CODE_SIDE = 4
"""Rows and columns of the map that the code becomes."""
CHANNELS = (128, 64, 32, 16)
"""Of the maps of 4, 8, 16 and 32 pixels: 15 million multiplications a picture."""
PICTURE_SIDE_PX = CODE_SIDE * 2 ** (len(CHANNELS) - 1)


class PointDecoder(nn.Module):
    """Points to a picture of 32 x 32 pixels: a linear layer, then one 3 x 3 convolution after each doubling of size.

    The appearance is the same at every pixel of the first map, and what else is known of the picture joins before the
    last layer, so that neither tells where the person is. That layer starts with handing it on. Rhodin et al. (ECCV
    2018) start at 16 pixels, end at 128, and have two convolutions a size.

    Args:
        points: number of 3D points.
        appearance_dim: numbers that say how the person looks; 0 for none.
        extra_channels: of pictures that join before the last layer: as many as ``out_channels``, or 0.
        out_channels: of the picture.
        dropout: share of the first map that is left out in training. Paper: 0.3.
    """

    def __init__(
        self, points: int, appearance_dim: int, extra_channels: int, out_channels: int, dropout: float
    ) -> None:
        super().__init__()
        first = CHANNELS[0] * CODE_SIDE**2
        self.start = nn.Sequential(nn.Linear(3 * points, first), nn.Dropout(dropout), nn.ReLU())
        inputs = (CHANNELS[0] + appearance_dim, *CHANNELS[1:-1])
        self.levels = nn.ModuleList(
            nn.Conv2d(wide, narrow, kernel_size=3, padding=1) for wide, narrow in zip(inputs, CHANNELS[1:], strict=True)
        )
        self.last = nn.Conv2d(CHANNELS[-1] + extra_channels, out_channels, kernel_size=3, padding=1)
        if extra_channels:
            nn.init.dirac_(self.last.weight.data[:, CHANNELS[-1] :])

    def forward(
        self,
        points: Float[Tensor, "pictures points 3"],
        appearance: Float[Tensor, "pictures dim"] | None = None,
        extra: Float[Tensor, "pictures channels side side"] | None = None,
    ) -> Float[Tensor, "pictures out side side"]:
        """Paint the points as the view sees them in whose axes they are."""
        maps = self.start(points.flatten(1)).view(-1, CHANNELS[0], CODE_SIDE, CODE_SIDE)
        if appearance is not None:
            maps = torch.cat([maps, appearance[:, :, None, None].expand(-1, -1, CODE_SIDE, CODE_SIDE)], dim=1)
        for level in self.levels:
            maps = level(interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)).relu()
        return self.last(maps if extra is None else torch.cat([maps, extra], dim=1))


def pyramid_l1(
    painted: Float[Tensor, "pictures channels side side"],
    true: Float[Tensor, "pictures channels side side"],
    weight: Float[Tensor, "pictures 1 side side"],
    levels: int,
) -> Float[Tensor, ""]:
    """Mean over ``levels`` sizes, each half of the one before, of the weighted mean absolute difference of pictures.

    Rhodin et al. (ECCV 2018) compare features of a network that ImageNet has trained beside the pixels. Smaller
    pictures take their place here, where nothing is trained elsewhere: they compare what lies in a neighbourhood.
    """
    losses = []
    for level in range(levels):
        small, small_true, small_weight = (avg_pool2d(x, 2**level) for x in (painted, true, weight))
        difference = (small - small_true).abs().mean(dim=1, keepdim=True)
        losses.append((small_weight * difference).sum() / small_weight.sum())
    return torch.stack(losses).mean()
