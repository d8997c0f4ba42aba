"""Mean-PA-MPJPE@K and Hit@K as a torchmetrics class, for images that come in batches and on several ranks."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float, Float64, Int
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from mcss.distributed import rows_of_ranks
from mcss.geometry.canonical import to_root
from mcss.geometry.similarity import finite_float64
from mcss.metrics.retrieval import HIT_MM, KS, means, retrieve
from mcss.metrics.retrieval_search import CASES, Images, make_images
from mcss.skeleton import joint_indices


class MeanPAMPJPEAtK(Metric):
    """Mean-PA-MPJPE@K and Hit@K of images by embedding, oracle and random ranking, in mm (paper, Fig. 6 and Table 3).

    The mean over queries of the mean PA-MPJPE of the K nearest images of the query's database, and the share of queries
    with at least one hit among them. See ``mcss.metrics.retrieval`` for database, ties and small databases.

    Args:
        ks: numbers of nearest images.
        hit_mm: largest PA-MPJPE of a hit.
        joint_set: the joints that count, by name (``mcss.skeleton.JOINT_SETS``).

    Raises:
        ValueError: no K or one below 1, or an unknown joint set.
    """

    is_differentiable = False
    full_state_update = False

    embedding: list[Tensor]

    def __init__(
        self, ks: Sequence[int] = KS, hit_mm: float = HIT_MM, joint_set: str = "h36m16", **kwargs: Any
    ) -> None:
        super().__init__(**{"dist_sync_fn": rows_of_ranks} | kwargs)
        if not ks or min(ks) < 1:
            raise ValueError(f"ks {list(ks)}: name at least one K, each 1 or more")
        self.ks, self.hit_mm = tuple(ks), hit_mm
        self.joints = list(joint_indices(joint_set))
        for state in ("embedding", "pose_mm", "subject", "camera", "instant"):
            self.add_state(state, [], dist_reduce_fx="cat")

    def update(
        self,
        embedding: Float[Tensor, "images dim"],
        pose: Float[Tensor, "images 17 3"],
        subject: Int[Tensor, " images"],
        camera: Int[Tensor, " images"],
        instant: Int[Tensor, " images"],
    ) -> None:
        """Add images: unit embedding, pose in mm (h36m17, any frame), and who, which camera, which instant, as numbers.

        An instant's number belongs to one subject and one pose.

        Raises:
            ValueError: a coordinate is not finite.
        """
        pose_mm = finite_float64(to_root(pose)[:, self.joints])[0]
        for state, values in zip(self._defaults, (embedding, pose_mm, subject, camera, instant), strict=True):
            getattr(self, state).append(values)

    def images(self) -> Images:
        """All images that were added, on all ranks once they are synchronised.

        Raises:
            RuntimeError: there is none.
            ValueError: an image was added twice, or the views of an instant differ in pose.
        """
        if len(self.embedding) == 0:
            raise RuntimeError("MeanPAMPJPEAtK of no images is undefined: update it before computing it")
        return make_images(*(dim_zero_cat(getattr(self, state)) for state in self._defaults))

    def compute(self) -> dict[str, Float64[Tensor, ""]]:
        """Figures by name: ``cross/embedding_mm@5``, ``cross/oracle_hit@5``, ``all/above_oracle_mm@1``, ...

        ``above_oracle_mm`` is ``embedding_mm`` less ``oracle_mm``. A case in which no query has a database is left out.
        """
        images = self.images()
        return {
            f"{case}/{name}@{k}": value
            for case in CASES
            for name, values in means(retrieve(images, case, self.ks, self.hit_mm)).items()
            for k, value in zip(self.ks, values, strict=True)
        }
