"""Agreement of predictions from different cameras at the same instant, measured without 3D labels.

Every image is a query once for each other camera of its clip. The image of that camera with the nearest embedding
shows, or does not show, the query's own instant; poses in a frame of the person's own are compared between the views.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from mcss.distributed import rows_of_ranks
from mcss.geometry.canonical import to_root
from mcss.skeleton import joint_indices

DEFINITIONS = {
    "same_instant_hit1": "share of the queries whose nearest embedding in another camera shows the query's instant",
    "same_instant_time_s": "median time between the query and its nearest embedding in another camera",
    "poses_tell_instants": "chance that another view's pose of the instant is nearer than its pose of another instant",
    "views_disagree_mm": "mean joint distance (h36m16) between two views' poses of one instant",
    "views_disagree_share": "views_disagree_mm over the same distance between instants half a clip apart",
}
"""Figures of ``ViewAgreement`` by name. Where poses say nothing of the instant, the chance is 0.5 and the share 1.

Of runs, the chance is the figure whose order is most nearly that of their true errors; ``views_disagree_mm`` alone is
small for a network that always predicts the mean pose (``benchmarks/label_free.md``).
"""
_RANKED = 256
"""At most so many queries of a pair of views count for the chance."""
_QUERIES_AT_ONCE = 1024


class _Found(NamedTuple):
    """Of the queries from one camera to another."""

    is_hit: Bool[Tensor, " queries"]
    time_s: Float64[Tensor, " queries"]
    nearer: Float64[Tensor, " ranked"]
    """Of some queries, evenly spread, the share of other instants whose poses are farther than that of their own."""
    same_mm: Float64[Tensor, " instants"]
    """Distance between the two views' poses of an instant."""
    other_mm: Float64[Tensor, " instants"]
    """The same, half of the clip's instants apart."""


class ViewAgreement(Metric):
    """Same-instant retrieval between cameras, and the disagreement of their poses (``DEFINITIONS``).

    Only clips in which two cameras see at least two common instants count. Without one, ``compute`` is empty.
    """

    is_differentiable = False
    full_state_update = False

    embedding: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dist_sync_fn": rows_of_ranks} | kwargs)
        self.joints = list(joint_indices("h36m16"))
        for state in ("embedding", "pose_mm", "clip", "camera", "instant", "time_s"):
            self.add_state(state, [], dist_reduce_fx="cat")

    def update(
        self,
        embedding: Float[Tensor, "images dim"],
        pose: Float[Tensor, "images 17 3"],
        clip: Int[Tensor, " images"],
        camera: Int[Tensor, " images"],
        instant: Int[Tensor, " images"],
        time_s: Float64[Tensor, " images"],
    ) -> None:
        """Add images: embedding, predicted pose (mm, h36m17, of a frame that all views share), and what they show.

        A joint that is never predicted is NaN in all poses, and left out.
        """
        pose_mm = to_root(pose.double())[:, self.joints]
        values = (embedding.double(), pose_mm, clip, camera, instant, time_s)
        for state, value in zip(self._defaults, values, strict=True):
            getattr(self, state).append(value.cpu())

    def compute(self) -> dict[str, float]:
        """Figures by name, over all queries and all pairs of views; empty where no two views can be compared."""
        found = list(self._pairs_of_views()) if len(self.embedding) else []
        if not found:
            return {}
        is_hit, time_s, nearer, same_mm, other_mm = (torch.cat(values) for values in zip(*found, strict=True))
        disagree_mm = float(same_mm.mean())
        figures = (float(is_hit.double().mean()), float(time_s.median()), float(nearer.mean()), disagree_mm)
        return dict(zip(DEFINITIONS, (*figures, disagree_mm / max(float(other_mm.mean()), 1e-9)), strict=True))

    def _pairs_of_views(self) -> Iterator[_Found]:
        images = [dim_zero_cat(getattr(self, state)).cpu() for state in self._defaults]
        order = images[4].argsort(stable=True)
        embedding, pose_mm, clip, camera, instant, time_s = (values[order] for values in images)
        for number in clip.unique():
            cameras = camera[clip == number].unique()
            views = [((clip == number) & (camera == name)).nonzero()[:, 0] for name in cameras]
            for queries, database in ((a, b) for a in views for b in views if a is not b):
                both = queries[torch.isin(instant[queries], instant[database])]
                same = database[torch.isin(instant[database], instant[queries])]
                if len(both) < 2:
                    continue
                nearest = database[_nearest(embedding[both], embedding[database])]
                yield _Found(
                    instant[nearest] == instant[both],
                    (time_s[nearest] - time_s[both]).abs(),
                    _own_instant_is_nearer(pose_mm[both], pose_mm[same]),
                    _distance_mm(pose_mm[both], pose_mm[same]),
                    _distance_mm(pose_mm[both], pose_mm[same].roll(len(same) // 2, dims=0)),
                )


def _nearest(
    queries: Float64[Tensor, "queries dim"], database: Float64[Tensor, "database dim"]
) -> Int[Tensor, " queries"]:
    # Not by a matrix product: an untrained network's embeddings differ in the last digits only.
    blocks = queries.split(_QUERIES_AT_ONCE)
    mode = "donot_use_mm_for_euclid_dist"
    return torch.cat([torch.cdist(block, database, compute_mode=mode).argmin(dim=1) for block in blocks])


def _distance_mm(
    one: Float64[Tensor, "poses joints 3"], other: Float64[Tensor, "poses joints 3"]
) -> Float64[Tensor, " poses"]:
    return (one - other).norm(dim=2).nanmean(dim=1)


def _own_instant_is_nearer(
    queries: Float64[Tensor, "instants joints 3"], database: Float64[Tensor, "instants joints 3"]
) -> Float64[Tensor, " ranked"]:
    """Share of the other instants whose pose is farther from a query than that of its own; of equal ones half."""
    ranked = torch.arange(0, len(queries), -(-len(queries) // _RANKED))
    known = ~queries.isnan().any(dim=(0, 2))
    pairs = zip(queries[ranked][:, known].unbind(1), database[:, known].unbind(1), strict=True)
    distance = torch.stack([torch.cdist(one, other) for one, other in pairs]).mean(dim=0)
    own = distance[torch.arange(len(ranked)), ranked][:, None]
    farther = (distance > own).double() + 0.5 * (distance == own)
    return (farther.sum(dim=1) - 0.5) / (len(queries) - 1)
