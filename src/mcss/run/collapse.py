"""A watch for embeddings that collapse: all images get nearly the same one, and the objective teaches nothing."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_warn

from mcss.batch import TrainBatch
from mcss.errors import InputError, check_at_least
from mcss.models.module import MCSSModule

_REMEDY = "lower the objective's threshold, or lengthen its softmax_fraction"


class CollapseWatch(pl.Callback):
    """Ends a run whose objective is to spread the embedding, and does not.

    Such an objective logs ``mean_distance``, of different images of a batch. A run in which that is too small at two
    looks in a row ends, by step 750. On the validation images a collapse is warned of, whatever the objective.

    Args:
        min_mean_distance: smallest mean distance of embeddings; random unit vectors are 1.41 apart.
        min_rank: smallest effective rank of the validation images' embeddings.
        every_n_steps: between looks; the second is the first that counts, since an untrained network is collapsed.
        stops: end the run, or else only warn.

    Raises:
        InputError: ``every_n_steps`` is not positive, or (while training) the embedding has collapsed.
    """

    def __init__(
        self, min_mean_distance: float = 0.1, min_rank: float = 3.0, every_n_steps: int = 250, stops: bool = True
    ) -> None:
        check_at_least(1, **{"collapse.every_n_steps": every_n_steps})
        self.min_mean_distance, self.min_rank = min_mean_distance, min_rank
        self.every_n_steps, self.stops = every_n_steps, stops
        self._collapsed_looks = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: MCSSModule, outputs: Any, batch: TrainBatch, batch_idx: int
    ) -> None:
        """Look at the objective's mean distance.

        Raises:
            InputError: on all ranks, where it is too small on one of them.
        """
        step, mean_distance = trainer.global_step, trainer.callback_metrics.get("train/mean_distance")
        if mean_distance is None or step <= self.every_n_steps or step % self.every_n_steps:
            return
        is_collapsed = trainer.strategy.reduce_boolean_decision(bool(mean_distance < self.min_mean_distance), all=False)
        self._collapsed_looks = self._collapsed_looks + 1 if is_collapsed else 0
        if self._collapsed_looks == 2 and self.stops:
            raise InputError(
                f"collapsed embedding at step {step}: different images are {mean_distance:.3f} apart in the mean"
                f" (expected >= {self.min_mean_distance}): {_REMEDY}, or go on with --collapse.stops false"
            )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Warn if the validation images have nearly the same embedding."""
        metrics = trainer.callback_metrics
        if trainer.global_step <= self.every_n_steps or "val/mean_distance" not in metrics:
            return
        mean_distance, rank = metrics["val/mean_distance"], metrics["val/effective_rank"]
        if mean_distance < self.min_mean_distance or rank < self.min_rank:
            rank_zero_warn(
                f"COLLAPSED EMBEDDING at step {trainer.global_step}: mean distance {mean_distance:.3f}"
                f" (expected >= {self.min_mean_distance}), effective rank {rank:.1f} (expected >= {self.min_rank}):"
                f" {_REMEDY}"
            )

    def state_dict(self) -> dict[str, Any]:
        """Looks in a row at which the embedding had collapsed, for the checkpoint."""
        return {"collapsed_looks": self._collapsed_looks}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self._collapsed_looks = state_dict["collapsed_looks"]
