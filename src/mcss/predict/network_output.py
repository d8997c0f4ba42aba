"""What a network says about crops, whatever runs it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class NetworkOutput(NamedTuple):
    """By the names of an exported network's outputs; the last two are None where the network does not predict them."""

    embedding: Float[np.ndarray, "batch dim"]
    """Unit length."""
    pose_mm: Float[np.ndarray, "batch 17 3"]
    """h36m17, pelvis at 0, in the network's frame."""
    facing: Float[np.ndarray, "batch 2"] | None = None
    """(cos yaw, sin yaw) times their concentration, see ``mcss.models.facing``."""
    rot_canonical_to_view: Float[np.ndarray, "batch 3 3"] | None = None
    """From the canonical frame into the axes of the view: x right and y down in the crop, z away from the camera."""
