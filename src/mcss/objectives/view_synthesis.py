"""Painting one view from another (Rhodin et al., ECCV 2018).

"Unsupervised geometry-aware representation for 3D human pose estimation": the network's vector is read as points in
space. From the points turned by the rotation between two views, from how the person looks and from what is behind, a
decoder has to paint the other view. To serve after any turn, the points must say where the body is.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mcss.batch import TrainBatch, donors
from mcss.errors import InputError
from mcss.geometry.canonical import between_views
from mcss.objectives.base import Encoded, Needs, NetworkSizes, Objective, ObjectiveTerms, PairStep
from mcss.objectives.decoder import PICTURE_SIDE_PX, PointDecoder, pyramid_l1


class ViewSynthesis(Objective):
    """L1 of pictures of each view, painted from the other view of the pair.

    The points are the embedding times the root of its length: what pose regressor and retrieval read. How the person
    looks comes from another instant of the same subject (``mcss.batch.donors``), so that it cannot carry the pose; both
    instants and the background are varied in colour alike.

    Args:
        appearance_dim: numbers that say how the person looks. Paper: 128.
        dropout: of the decoder. Paper: 0.3.
        person_weight: of a pixel that shows the person; others count once. Paper: 1.
        levels: sizes of the pictures that are compared.

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    def __init__(
        self, appearance_dim: int = 16, dropout: float = 0.3, person_weight: float = 5.0, levels: int = 3
    ) -> None:
        super().__init__()
        if appearance_dim < 1 or not 0 <= dropout < 1 or person_weight <= 0 or levels not in (1, 2, 3):
            raise InputError(
                f"appearance_dim {appearance_dim} and person_weight {person_weight:g} must be positive, dropout"
                f" {dropout:g} a share below 1, levels {levels} from 1 to 3"
            )
        self.appearance_dim, self.dropout = appearance_dim, dropout
        self.person_weight, self.levels = person_weight, levels

    @property
    def needs(self) -> Needs:
        """Calibrated views, their backgrounds, and colours that a pair and its donor share."""
        return Needs(objective=type(self).__name__, geometry=True, background=True, shared_colours=True)

    def connect(self, sizes: NetworkSizes, seed: int) -> None:
        """Build the decoder, and the layer that reads how a person looks."""
        self.appearance = nn.Linear(sizes.channels, self.appearance_dim)
        self.decoder = PointDecoder(number_of_points(sizes), self.appearance_dim, 3, 3, self.dropout)

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Paint both views of each pair from the other."""
        rotation = step.geometry.rot_world_to_view
        true, background, weight = self._pictures(step.batch)
        # Of each view, what is known of it from the pair's other view.
        points = torch.stack([as_points(view) for view in step.views[:2]]).flip(0)
        features = torch.stack([view.features.mean(dim=(2, 3)) for view in step.views[:2]]).flip(0)
        looks = self.appearance(features[:, donors(step.batch.pairs)])

        def loss(rotation: Float[Tensor, "2 pairs 3 3"]) -> Float[Tensor, ""]:
            turned = between_views(points, rotation.flip(0), rotation)
            painted = self.decoder(turned.flatten(0, 1), looks.flatten(0, 1), background)
            return pyramid_l1(painted, true, weight, self.levels)

        losses = {"view_synthesis": loss(rotation)}
        checks = {}
        if step.is_logged:
            with torch.no_grad():
                checks["view_synthesis_wrong_rotation"] = loss(rotation.roll(1, dims=1))
                checks["view_synthesis_background_only"] = pyramid_l1(background, true, weight, self.levels)
        return ObjectiveTerms(losses, checks)

    def _pictures(
        self, batch: TrainBatch
    ) -> tuple[
        Float[Tensor, "pictures 3 side side"],
        Float[Tensor, "pictures 3 side side"],
        Float[Tensor, "pictures 1 side side"],
    ]:
        """Both views of each pair, what is behind the person in them, and how much each pixel counts."""
        if batch.backgrounds is None or batch.masks is None:
            raise ValueError("the batch has no backgrounds and masks, which the objective needs")
        both = slice(2 * batch.pairs)
        true, background = (at_picture_size(images[both]) for images in (batch.images, batch.backgrounds))
        return true, background, 1 + (self.person_weight - 1) * at_picture_size(batch.masks[both, None])


def number_of_points(sizes: NetworkSizes) -> int:
    """How many points an embedding is read as.

    Raises:
        InputError: its length is not a multiple of 3.
    """
    if sizes.embedding_dim % 3:
        raise InputError(
            f"model.embedding_dim {sizes.embedding_dim} is no number of coordinates of points in space: choose a"
            f" multiple of 3, such as {3 * (sizes.embedding_dim // 2)}"
        )
    return sizes.embedding_dim // 3


def as_points(encoded: Encoded) -> Float[Tensor, "images points 3"]:
    """The embedding as points, in the axes of the view, with a root mean square of 1."""
    return (encoded.embedding * encoded.embedding.shape[1] ** 0.5).unflatten(1, (-1, 3))


def at_picture_size(images: Float[Tensor, "images channels side side"]) -> Float[Tensor, "images channels 32 32"]:
    """Images at the size of painted pictures, averaged over areas."""
    return interpolate(images.float(), size=(PICTURE_SIDE_PX, PICTURE_SIDE_PX), mode="area")
