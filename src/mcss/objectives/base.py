"""What an objective is: it reads the pairs of a step, may bring heads of its own, and returns losses and checks.

A run has one objective or none: ``model.objective: {class_path, init_args}``. The total loss of a step is
L_pose + objective_weight * L_objective. Objectives exist in training only: a checkpoint is read for inference, for
export or as ``init_from`` without the tensors of its objective, and names no class that would have to be imported.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from mcss.batch import TrainBatch, ViewGeometry


@dataclass(frozen=True)
class Needs:
    """What the batch must bring to an objective besides two views of every pose.

    The data module supplies it, or refuses in one line that names the store and the objective.

    Attributes:
        objective: who needs it, for messages; empty where there is no objective.
        labels: 3D labels of some images.
        geometry: how each image sees the person (``mcss.batch.ViewGeometry``), and with it calibrated cameras.
        facing: the same of the labelled images, as far as their cameras are known.
        background: what each camera would see without the person, and where the person is.
        shared_colours: a pair and its donor (``mcss.batch.donors``), of one subject, are varied in colour alike.
        joints_2d: 2D joints of all training subjects, which are labels: results name them.
        unsynchronised: another instant of the anchor's clip, seen by another camera.
        mirrored: the positive once more, mirrored; pairs are then mirrored at random, both views alike.
        same_subject_on_ranks: pairs of one subject on all ranks.
    """

    objective: str = ""
    labels: bool = False
    geometry: bool = False
    facing: bool = False
    background: bool = False
    shared_colours: bool = False
    joints_2d: bool = False
    unsynchronised: bool = False
    mirrored: bool = False
    same_subject_on_ranks: bool = False


class NetworkSizes(NamedTuple):
    """Sizes of what an objective's heads read."""

    channels: int
    """Of the backbone's feature map."""
    image_size_px: int
    embedding_dim: int


class Encoded(NamedTuple):
    """What the network makes of images, from early to late."""

    features: Float[Tensor, "images channels rows columns"]
    """Feature map of the backbone's last stage."""
    vector: Float[Tensor, "images dim"]
    """Output of the fully connected layer, float32."""
    embedding: Float[Tensor, "images dim"]
    """The vector over its length."""


class PairViews(NamedTuple):
    """Row i of all views is pair i; those that the objective does not need are None."""

    anchor: Encoded
    positive: Encoded
    unsynchronised: Encoded | None = None
    mirrored: Encoded | None = None


@runtime_checkable
class PoseNetwork(Protocol):
    """What an objective may ask of the network beyond what the views hold."""

    @property
    def pose_frame(self) -> str:
        """Frame of the poses."""

    def regress(self, encoded: Encoded) -> Float[Tensor, "images 16 3"]:
        """Predict standardised coordinates of h36m16, with gradient."""

    def regress_mm(self, encoded: Encoded) -> Float[Tensor, "images 17 3"]:
        """Predict poses (``pose_frame``, mm, h36m17, pelvis at 0), with gradient."""

    def twin(self) -> nn.Module:
        """Make a network of the same sizes without objective; like this one, it predicts from images."""

    def own_state(self) -> dict[str, Tensor]:
        """State of the network without its objective's, for a twin."""


class PairStep(NamedTuple):
    """One step of training as an objective sees it."""

    views: PairViews
    batch: TrainBatch
    network: PoseNetwork
    progress: float
    """Share of the run that is done, in [0, 1)."""
    is_logged: bool = True
    """Whether the checks of this step are looked at; an objective may leave them out otherwise."""

    @property
    def geometry(self) -> ViewGeometry:
        """Geometry of the anchors and of the positives (``Needs.geometry``), each field of shape (2, pairs, ...)."""
        if self.batch.geometry is None:
            raise ValueError("the batch has no geometry, which the objective needs: mcss.batch.ViewGeometry")
        both = slice(2 * self.batch.pairs)
        return ViewGeometry(*(values[both].unflatten(0, (2, self.batch.pairs)) for values in self.batch.geometry))


class ObjectiveTerms(NamedTuple):
    """What an objective says about a step.

    ``losses`` add up to the objective; NAME is logged as train/loss_NAME. ``checks`` have no gradient and show whether
    the objective is solved by a shortcut; NAME is logged as train/NAME.
    """

    losses: dict[str, Float[Tensor, ""]]
    checks: dict[str, Float[Tensor, ""]]


class Objective(nn.Module, ABC):
    """Base of all objectives."""

    @property
    def needs(self) -> Needs:
        """What the batch must bring."""
        return Needs(objective=type(self).__name__)

    def connect(self, sizes: NetworkSizes, seed: int) -> None:
        """Build the heads, which read a network of these sizes; ``seed`` is the run's, for random choices of a step."""

    def attach(self, network: PoseNetwork) -> None:
        """Look at the network that the objective belongs to, once its layers exist."""

    @abstractmethod
    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Compute losses and checks: a function of the step, the settings and the seed."""
