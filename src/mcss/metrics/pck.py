"""3D PCK and AUC: percentages of joints whose predicted position is within a distance of the true one.

As in MPI-INF-3DHP's evaluation (Mehta et al., 3DV 2017; mpii_compute_3d_pck.m), a joint counts if its distance is less
than the threshold; PCK is at 150 mm; AUC is the mean of PCK at 0, 5, ..., 150 mm. No joint passes the first of these 31
thresholds, so AUC is at most 30 / 31 of 100. All joints of all poses have equal weight. The paper's joints are the set
``mpi14``; its poses are relative to the pelvis.
"""

from typing import Any

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torchmetrics import Metric

from mcss.geometry.canonical import to_root
from mcss.skeleton import joint_indices

PCK_MM = 150.0
AUC_MM = tuple(range(0, 151, 5))
"""Thresholds that AUC averages over."""
_PCK_INDEX = AUC_MM.index(int(PCK_MM))


def joints_within(
    pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]
) -> tuple[Int[Tensor, " thresholds"], int]:
    """Number of joints nearer than each of ``AUC_MM``, and number of joints that are NaN in neither pose.

    Raises:
        ValueError: a coordinate is infinite.
    """
    if pred.isinf().any() or target.isinf().any():
        raise ValueError("PCK of coordinates that are infinite: check the prediction and the labels")
    distance = (pred.cpu().double() - target.cpu().double()).norm(dim=-1)  # mps has no float64
    distance = distance[~distance.isnan()]
    thresholds = torch.tensor(AUC_MM, dtype=torch.float64)
    return (distance[None] < thresholds[:, None]).sum(dim=1), len(distance)


def pck(pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]) -> Float64[Tensor, ""]:
    """Percentage of joints nearer than ``PCK_MM``, mm; NaN where no joint is known.

    Raises:
        ValueError: a coordinate is infinite.

    >>> pck(torch.tensor([[[0.0, 0, 149], [0, 0, 150]]]), torch.zeros(1, 2, 3)).item()
    50.0
    """
    within, count = joints_within(pred, target)
    return 100 * within[_PCK_INDEX].double() / count


def auc(pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]) -> Float64[Tensor, ""]:
    """Mean of the percentages of joints nearer than each of ``AUC_MM``; NaN where no joint is known.

    Raises:
        ValueError: a coordinate is infinite.

    >>> round(auc(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)).item(), 3)
    96.774
    """
    within, count = joints_within(pred, target)
    return 100 * within.double().mean() / count


class _JointsWithin(Metric):
    """Counts of joints by distance, over all poses, each relative to its own pelvis.

    Args:
        joint_set: the joints that count, by name (``mcss.skeleton.JOINT_SETS``).

    Raises:
        ValueError: unknown joint set.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    within: Int[Tensor, " thresholds"]
    joint_count: Int[Tensor, ""]

    def __init__(self, joint_set: str = "mpi14", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.joints = list(joint_indices(joint_set))
        self.joint_set = joint_set
        self.add_state("within", torch.zeros(len(AUC_MM), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("joint_count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, pred: Float[Tensor, "poses 17 3"], target: Float[Tensor, "poses 17 3"]) -> None:
        """Add poses in joint order ``h36m17``, in mm, both in the same frame.

        Joints that are NaN in the prediction or the target are left out, and so are poses whose pelvis is NaN.

        Raises:
            ValueError: a coordinate is infinite.
        """
        within, count = joints_within(to_root(pred)[:, self.joints], to_root(target)[:, self.joints])
        self.within = self.within + within.to(self.within.device)
        self.joint_count = self.joint_count + count

    def _percent(self) -> Float64[Tensor, " thresholds"]:
        """Percentage of joints nearer than each threshold.

        Raises:
            RuntimeError: no joint was added.
        """
        if not self.joint_count:
            raise RuntimeError(f"{type(self).__name__} of no joints is undefined: update it before computing it")
        return 100 * self.within.cpu().double() / self.joint_count.cpu()


class PCK3D(_JointsWithin):
    """Percentage of joints nearer than 150 mm, see ``pck``.

    >>> target = torch.zeros(1, 17, 3)
    >>> pred = target.clone()
    >>> pred[0, :8, 0] = 200.0  # the pelvis is among them: the others are 200 mm away from where they should be
    >>> metric = PCK3D("h36m17")
    >>> metric.update(pred, target)
    >>> round(metric.compute().item(), 1)
    47.1
    """

    def compute(self) -> Float64[Tensor, ""]:
        """Percentage over everything that was added, on all ranks.

        Raises:
            RuntimeError: no joint was added.
        """
        return self._percent()[_PCK_INDEX]


class AUC3D(_JointsWithin):
    """Mean of PCK over thresholds from 0 to 150 mm, see ``auc``."""

    def compute(self) -> Float64[Tensor, ""]:
        """Mean over the thresholds and everything that was added, on all ranks.

        Raises:
            RuntimeError: no joint was added.
        """
        return self._percent().mean()
