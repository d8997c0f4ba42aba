"""Pose errors over a data set as torchmetrics with sums and counts as state, so that any batches and ranks add up."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn
from torchmetrics import Metric

from mcss.geometry.canonical import to_root
from mcss.metrics.functional import mpjpe, n_mpjpe, pa_mpjpe
from mcss.skeleton import joint_indices

MIN_JOINTS = 4
"""A similarity has 7 degrees of freedom: it fits 2 joints exactly, and 3 joints up to the shape of their triangle."""

PerPoseError = Callable[[Float[Tensor, "poses joints 3"], Float[Tensor, "poses joints 3"]], Float64[Tensor, " poses"]]


def over_known_joints(
    pose_error: PerPoseError, pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]
) -> tuple[Float64[Tensor, " poses"], int]:
    """Error of each pose over the joints that are NaN in neither pose, and how many joints were compared in all.

    The error is NaN where the target has fewer than ``MIN_JOINTS`` known joints (or than there are): such a pose is to
    be left out of an average and counted.

    Raises:
        ValueError: a pose with that many known joints has too few predicted ones, or a coordinate is infinite.
    """
    known = ~(pred.isnan() | target.isnan()).any(dim=2)
    if known.all():
        return pose_error(pred, target), known.numel()
    least = min(MIN_JOINTS, known.shape[1])
    is_compared = (~target.isnan()).all(dim=2).sum(dim=1) >= least
    if (few := is_compared & (known.sum(dim=1) < least)).any():
        raise ValueError(
            f"{int(few.sum())} of {len(pred)} poses have fewer than {MIN_JOINTS} joints that are known and predicted,"
            f" the first is pose {int(few.nonzero()[0])}"
        )
    known &= is_compared[:, None]
    error = torch.full((len(pred),), torch.nan, dtype=torch.float64)
    patterns, pattern_of_pose = known.unique(dim=0, return_inverse=True)
    for number, joints in enumerate(patterns):
        if not joints.any():
            continue
        chosen = pattern_of_pose == number
        error[chosen.cpu()] = pose_error(pred[chosen][:, joints], target[chosen][:, joints]).cpu()
    return error, int(known.sum())


class _PoseError(Metric):
    """Average over poses of a per-pose error on a named joint set, each pose relative to its own pelvis.

    Args:
        joint_set: the joints that count, by name (``mcss.skeleton.JOINT_SETS``).
        average: ``micro``, the mean over poses; or ``macro``, the mean over groups (actions) of the group's mean, where
            groups without a pose do not count.
        num_groups: how many groups there are. Metrics with the same joint set and number of groups have the same
            state, so a ``MetricCollection`` updates ``micro`` and ``macro`` together.

    Raises:
        ValueError: unknown joint set, no group, or ``macro`` over fewer than two groups.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    error_sum: Float64[Tensor, " groups"]
    pose_count: Int[Tensor, " groups"]
    joint_count: Int[Tensor, ""]
    """Joints that were compared, over all poses; ``pose_count * len(joints)`` where none was missing."""
    left_out: Int[Tensor, ""]
    """Poses that do not count because fewer than ``MIN_JOINTS`` of their joints are known."""

    def __init__(
        self,
        joint_set: str = "h36m16",
        average: Literal["micro", "macro"] = "micro",
        num_groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_groups < (2 if average == "macro" else 1):
            raise ValueError(f"{average} average over {num_groups} groups: micro needs 1 or more, macro 2 or more")
        self.joints = list(joint_indices(joint_set))
        self.joint_set = joint_set
        self.average = average
        self.add_state("error_sum", torch.zeros(num_groups, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("pose_count", torch.zeros(num_groups, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("joint_count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("left_out", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @staticmethod
    def pose_error(
        pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]
    ) -> Float64[Tensor, " poses"]:
        """Compute the error of each pose, in mm."""
        raise NotImplementedError

    def update(
        self,
        pred: Float[Tensor, "poses 17 3"],
        target: Float[Tensor, "poses 17 3"],
        group: Int[Tensor, " poses"] | None = None,
    ) -> None:
        """Add the errors of poses in joint order ``h36m17``, in mm, both in the same frame.

        ``group`` is the group of each pose, 0 to ``num_groups`` - 1; it may be left out if there is one group. Joints
        that are NaN in the target (not labelled) or in the prediction (never labelled in training) are left out, and so
        are poses with fewer than ``MIN_JOINTS`` labelled joints, which ``left_out`` counts.

        Raises:
            ValueError: a pose has too few predicted joints, a coordinate is infinite, or ``group`` is missing or out of
                range.
        """
        groups = len(self.error_sum)
        error, joints = over_known_joints(
            self.pose_error, to_root(pred)[:, self.joints], to_root(target)[:, self.joints]
        )
        if group is None:
            if groups > 1:
                raise ValueError(f"this metric averages over {groups} groups: pass the group of each pose")
            group = torch.zeros(len(error), dtype=torch.int64)
        elif ((group < 0) | (group >= groups)).any():
            raise ValueError(f"groups {group.unique().tolist()} are not all in the range 0 to {groups - 1}")
        counted = ~error.isnan()
        self.left_out = self.left_out + int((~counted).sum())
        error, group = error[counted], group.to(counted.device)[counted].to(self.error_sum.device)
        self.error_sum = self.error_sum.index_add(0, group, error.to(self.error_sum.device))
        self.pose_count = self.pose_count.index_add(0, group, torch.ones_like(group))
        self.joint_count = self.joint_count + joints

    def compute(self) -> Float64[Tensor, ""]:
        """Average the errors, in mm, of everything that was added, on all ranks.

        Raises:
            RuntimeError: no pose was added.
        """
        if not self.pose_count.any():
            raise RuntimeError(f"{type(self).__name__} of no poses is undefined: update it before computing it")
        if self.average == "micro":
            return self.error_sum.sum() / self.pose_count.sum()
        filled = self.pose_count > 0
        return (self.error_sum[filled] / self.pose_count[filled]).mean()

    def _apply(self, fn: Callable, exclude_state: Any = "") -> nn.Module:
        # The state follows the module to its device, but stays float64 when the module is cast. On mps, which has no
        # float64, the metric stays on the CPU.
        device = fn(torch.empty(0)).device
        return self if device.type == "mps" else super()._apply(lambda state: state.to(device), exclude_state)


class MPJPE(_PoseError):
    """Mean per-joint position error in mm, see ``mcss.metrics.functional.mpjpe``.

    >>> target = torch.zeros(2, 17, 3)
    >>> pred = target.clone()
    >>> pred[0, 1:, 0] = 10.0
    >>> metric = MPJPE("h36m16")
    >>> metric.update(pred, target)
    >>> metric.compute().item()
    5.0
    """

    pose_error = staticmethod(mpjpe)


class NMPJPE(_PoseError):
    """MPJPE after the prediction is scaled, see ``mcss.metrics.functional.n_mpjpe``."""

    pose_error = staticmethod(n_mpjpe)


class PAMPJPE(_PoseError):
    """MPJPE after the best similarity transform, see ``mcss.metrics.functional.pa_mpjpe``."""

    pose_error = staticmethod(pa_mpjpe)
