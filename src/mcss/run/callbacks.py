"""What watches a run: errors on validation clips, the embedding's health, the record of the training itself."""

import json
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn

from mcss import distributed
from mcss.batch import EvalBatch, Prediction
from mcss.losses.contrastive import effective_rank
from mcss.models.module import MCSSModule
from mcss.results.metrics import METRICS
from mcss.run.folder import RUN_FILE
from mcss.run.history import MetricsHistory


class ValidationErrors(pl.Callback):
    """Pose errors on the validation clips, for tuning, never for results: h36m16, micro, the network's pose frame."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Begin anew."""
        self.metrics = {
            f"val/{name}": reported.metric("h36m16", dist_sync_fn=distributed.gather_states)
            for name, reported in METRICS.items()
        }

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add the errors of a batch's labelled poses."""
        labelled = batch.pose_world.isfinite().all(dim=(1, 2))
        pose_true = pl_module.target(batch.pose_world[labelled]).cpu()
        for metric in self.metrics.values():
            metric.update(outputs.pose[labelled].float().cpu(), pose_true)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Log them, where any rank has a pose: computing them is a collective."""
        poses = sum(distributed.gather_objects(int(self.metrics["val/mpjpe_mm"].pose_count.sum())))
        for name, metric in self.metrics.items():
            if poses:
                pl_module.log(name, metric.compute().float(), prog_bar=name == "val/n_mpjpe_mm", rank_zero_only=True)


class CollapseWatch(pl.Callback):
    """Warns when all images get (nearly) the same embedding: nothing is learned from pairs any more.

    Measured on the validation images: mean distance of embeddings of different images, and their effective rank.

    Args:
        min_mean_distance: below this, the run counts as collapsed; unit vectors drawn at random are 1.41 apart.
        min_rank: likewise for the effective rank.
        max_images: how many validation images are compared.
    """

    def __init__(self, min_mean_distance: float = 0.1, min_rank: float = 3.0, max_images: int = 1024) -> None:
        self.min_mean_distance = min_mean_distance
        self.min_rank = min_rank
        self.max_images = max_images

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Begin anew."""
        self.parts: list[tuple[torch.Tensor, torch.Tensor]] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch's rows and embeddings."""
        self.parts.append((batch.row.cpu(), outputs.embedding.float().cpu()))

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Log both figures; warn where they tell of a collapse."""
        parts = [part for share in distributed.gather_objects(self.parts) for part in share]
        row, embedding = (torch.cat(column) for column in zip(*parts, strict=True))
        embedding = embedding[row.argsort()]
        # Evenly spread over the clips, which follow one another.
        embedding = embedding[:: -(-len(embedding) // self.max_images)]
        if len(embedding) < 2:
            return
        mean_distance = torch.pdist(embedding).mean()
        rank = effective_rank(embedding)
        pl_module.log("val/mean_distance", mean_distance, rank_zero_only=True)
        pl_module.log("val/effective_rank", rank, rank_zero_only=True)
        if not trainer.sanity_checking and (mean_distance < self.min_mean_distance or rank < self.min_rank):
            rank_zero_warn(
                f"COLLAPSED EMBEDDING at step {trainer.global_step}: mean distance {mean_distance:.3f}"
                f" (expected >= {self.min_mean_distance}), effective rank {rank:.1f} (expected >= {self.min_rank})."
                " Lower model.contrastive.threshold, or lengthen model.contrastive.warmup_steps."
            )


class RunRecord(pl.Callback):
    """Writes ``run.json``: steps, images seen and wall time of training, summed over all attempts.

    Args:
        facts: about the run, copied into the record (method, supervision, seed, commit, hashes).
    """

    def __init__(self, facts: dict[str, Any] | None = None) -> None:
        self.facts = facts or {}
        self.wall_s = 0.0
        self.images_seen = 0

    def setup(self, trainer: pl.Trainer, pl_module: MCSSModule, stage: str) -> None:
        """Tell the loggers where the run comes from."""
        for logger in trainer.loggers:
            logger.log_hyperparams(self.facts)

    def on_train_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Start the clock; forget what was logged beyond the point at which training resumes."""
        for logger in trainer.loggers:
            if isinstance(logger, MetricsHistory):
                logger.forget_after(trainer.global_step)
        self._started_s = time.monotonic() - self.wall_s
        data, folder = pl_module.data, Path(trainer.default_root_dir)
        rank_zero_print(
            f"{folder}: steps {trainer.global_step} to {trainer.max_steps}, {trainer.precision} on"
            f" {pl_module.device.type} x {trainer.world_size}; {_batch_sizes(data, trainer.world_size)};"
            f" {len(data.rows_labelled)} images of {data.labelled_instants} instants labelled"
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: MCSSModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count."""
        self.images_seen += len(batch.images) * trainer.world_size
        self.wall_s = time.monotonic() - self._started_s

    def on_train_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Write the record."""
        data = pl_module.data
        replaced_images = sum(distributed.gather_objects(data.replaced_images))
        record = {
            **self.facts,
            "steps": trainer.global_step,
            "images_seen": self.images_seen,
            "wall_s": round(self.wall_s, 1),
            "world_size": trainer.world_size,
            "precision": str(trainer.precision),
            "replaced_images": replaced_images,
            **_embedding_health(trainer),
            "labelled_images": len(data.rows_labelled),
            "labelled_instants": data.labelled_instants,
            "data": data.data_name,
            "data_hash": data.data_hash,
        }
        self._write(Path(trainer.default_root_dir) / RUN_FILE, record)

    @staticmethod
    @rank_zero_only
    def _write(path: Path, record: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    def state_dict(self) -> dict[str, Any]:
        """What must survive a kill."""
        return {"wall_s": self.wall_s, "images_seen": self.images_seen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.wall_s, self.images_seen = state_dict["wall_s"], state_dict["images_seen"]


def _embedding_health(trainer: pl.Trainer) -> dict[str, float]:
    """The last of what ``CollapseWatch`` measured; nothing where there are no validation clips."""
    last = {name: trainer.callback_metrics.get(f"val/{name}") for name in ("mean_distance", "effective_rank")}
    return {f"val_{name}": round(value.item(), 3) for name, value in last.items() if value is not None}


def _batch_sizes(data: Any, world_size: int) -> str:
    """What a step works on, per rank and in total."""
    pairs, labelled = data.pairs, data.labelled_images if len(data.rows_labelled) else 0
    text = f"{pairs} pairs + {labelled} labelled images a step"
    if world_size == 1:
        return text
    return f"{text} and rank, {pairs * world_size} + {labelled * world_size} in all"


@rank_zero_only
def rank_zero_print(line: str) -> None:
    """Say something to the person who waits."""
    print(line, flush=True)
