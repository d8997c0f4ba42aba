"""Equal poses in all views, after the known rotation between them (Rhodin et al., CVPR 2018).

"Learning monocular 3D human pose estimation from multi-view images": a network that a few labels have trained goes on
with pairs of calibrated views. Its predictions for the two views must agree once one is turned into the axes of the
other. One constant pose would agree as well, so predictions must stay near those of the first stage, whose network is
kept as it was.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from mcss.errors import InputError
from mcss.geometry.canonical import rotate
from mcss.objectives.base import Needs, Objective, ObjectiveTerms, PairStep, PoseNetwork


class Consistency(Objective):
    r"""Squared distance between the poses of two views, and of each from the first stage's, all of norm 1.

    With :math:`\bar p = p / \lVert p \rVert`, views a and b, their rotations from the world :math:`R_a, R_b` and the
    first stage's predictions :math:`\bar q`, the mean over pairs of

    .. math:: \lVert R_a^T \bar p_a - R_b^T \bar p_b \rVert^2
        + w \left( \lVert \bar p_a - \bar q_a \rVert^2 + \lVert \bar p_b - \bar q_b \rVert^2 \right) / 2

    The paper divides by the norm because calibration in the field leaves the scale open. The predictions have to be in
    the axes of their views: ``pose_frame: camera``.

    Args:
        drift_weight: w. The paper's text as it is known here does not give it.
        first_stage_fraction: share of the run that is the first stage, on labels alone. With 0 the network that
            training starts from (``model.init_from``) is the first stage's.

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    is_first_stage_over: Tensor

    def __init__(self, drift_weight: float = 1.0, first_stage_fraction: float = 1 / 3) -> None:
        super().__init__()
        if drift_weight < 0 or not 0 <= first_stage_fraction < 1:
            raise InputError(
                f"drift_weight {drift_weight:g} must not be negative, and first_stage_fraction {first_stage_fraction:g}"
                " is a share of the run: choose 0 to less than 1"
            )
        self.drift_weight, self.first_stage_fraction = drift_weight, first_stage_fraction
        self.register_buffer("is_first_stage_over", torch.zeros((), dtype=torch.bool))
        self.first_stage = nn.Module()

    @property
    def needs(self) -> Needs:
        """Calibrated views, and labels for the first stage."""
        return Needs(objective=type(self).__name__, geometry=True, labels=True)

    def attach(self, network: PoseNetwork) -> None:
        """Make room for the first stage's network.

        Raises:
            InputError: the network's poses are not in the axes of their views.
        """
        if network.pose_frame != "camera":
            raise InputError(f"objective Consistency needs pose_frame camera, not {network.pose_frame}")
        self.first_stage = network.twin().requires_grad_(False)

    def train(self, mode: bool = True) -> "Consistency":
        """Leave the first stage's BatchNorm as it was, too."""
        super().train(mode)
        self.first_stage.eval()
        return self

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Compute both terms; 0 in the first stage."""
        if step.progress < self.first_stage_fraction:
            return ObjectiveTerms({"consistency": step.batch.images.new_zeros(())}, {})
        if not self.is_first_stage_over:
            self.first_stage.load_state_dict(step.network.own_state())
            self.is_first_stage_over.fill_(True)
        pairs = step.batch.pairs
        pose_mm = torch.stack([step.network.regress_mm(view) for view in step.views[:2]])
        with torch.no_grad():
            kept_mm = self.first_stage(step.batch.images[: 2 * pairs]).pose.unflatten(0, (2, pairs))
        rotation = step.geometry.rot_world_to_view
        losses = {
            "consistency": squared_distance(*rotate(of_norm_1(pose_mm), rotation.mT)),
            "drift": self.drift_weight * squared_distance(of_norm_1(pose_mm), of_norm_1(kept_mm)),
        }
        return ObjectiveTerms(losses, self._checks(pose_mm.detach(), rotation) if step.is_logged else {})

    @staticmethod
    def _checks(
        pose_mm: Float[Tensor, "2 pairs 17 3"], rotation: Float[Tensor, "2 pairs 3 3"]
    ) -> dict[str, Float[Tensor, ""]]:
        """How far the two views' poses are apart, and how far from one constant pose, mean over joints in mm."""
        apart = rotate(pose_mm, rotation.mT).diff(dim=0).norm(dim=-1)
        spread = (pose_mm - pose_mm.mean(dim=1, keepdim=True)).norm(dim=-1)
        return {"views_apart_mm": apart[..., 1:].nanmean(), "pose_spread_mm": spread[..., 1:].nanmean()}


def of_norm_1(pose: Float[Tensor, "*batch joints 3"]) -> Float[Tensor, "*batch joints 3"]:
    """Poses divided by their norm over all joints; joints that the network never learned (NaN) are 0."""
    return normalize(pose.nan_to_num(0.0).flatten(-2), dim=-1).unflatten(-1, pose.shape[-2:])


def squared_distance(
    one: Float[Tensor, "*batch joints 3"], other: Float[Tensor, "*batch joints 3"]
) -> Float[Tensor, ""]:
    """Mean over poses of the squared distance, summed over joints."""
    return (one - other).square().sum(dim=(-2, -1)).mean()
