"""The result of a run: errors on the test subjects, with the definition, the data and the settings beside them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
from jaxtyping import Float
from pytorch_lightning.loggers import Logger, WandbLogger
from torch import Tensor

from data_modules.store import Store
from mcss import distributed
from mcss.batch import EvalBatch, Prediction
from mcss.geometry.canonical import is_degenerate, to_root
from mcss.models.module import MCSSModule
from mcss.results.figures import test_poses_figure
from mcss.results.metrics import METRICS
from mcss.results.table import headline, results_table
from mcss.run.folder import RESULTS_FILE, RUN_FILE, TEST_PREDICTIONS_FILE
from mcss.run.history import MetricsHistory, read_history
from mcss.visualization.curves import curves_figure

AVERAGES = {"micro": "mean over images", "macro": "mean over actions of the mean over the action's images"}
_JOINT_SETS = ("h36m16", "h36m17")


class PoseErrorTable:
    """Every pose error of a set of predictions: three metrics, two joint sets, two averages, and each action's own."""

    def __init__(self, actions: tuple[str, ...]) -> None:
        self.actions = actions
        averages: list[Literal["micro", "macro"]] = ["micro", "macro"] if len(actions) > 1 else ["micro"]
        self.figures = {
            (name, joint_set, average): reported.metric(
                joint_set, average, num_groups=len(actions), dist_sync_fn=distributed.gather_states
            )
            for name, reported in METRICS.items()
            for joint_set in _JOINT_SETS
            for average in averages
        }

    def update(
        self, pose_pred: Float[Tensor, "poses 17 3"], pose_true: Float[Tensor, "poses 17 3"], action: Tensor
    ) -> None:
        """Add poses (mm, h36m17, one frame) with the index of their action."""
        for metric in self.figures.values():
            metric.update(pose_pred, pose_true, action)

    def results(self, frame: str) -> list[dict[str, Any]]:
        """One entry a figure, each with all that defines it."""
        return [
            {
                "metric": name,
                "value": round(metric.compute().item(), 3),
                "joint_set": joint_set,
                "average": average,
                "frame": frame,
                "definition": f"{METRICS[name].definition}; {AVERAGES[average]}",
            }
            for (name, joint_set, average), metric in self.figures.items()
        ]

    def action_results(self) -> dict[str, dict[str, float]]:
        """Errors of each action that has poses (h36m16)."""
        errors: dict[str, dict[str, float]] = {action: {} for action in self.actions}
        for name in METRICS:
            metric = self.figures[name, "h36m16", "micro"]
            with metric.sync_context(dist_sync_fn=distributed.gather_states):
                sums, counts = metric.error_sum.tolist(), metric.pose_count.tolist()
            for action, total, count in zip(self.actions, sums, counts, strict=True):
                if count:
                    errors[action][name] = round(total / count, 3)
        return {action: values for action, values in errors.items() if values}


class ResultsWriter(pl.Callback):
    """Measures the test subjects; writes ``results.json``, ``test_predictions.npz``, two figures, and prints a table.

    The network is scored in the frame that it predicts; a world-frame prediction is never made canonical first.
    Beside it stands the mean-pose predictor: always the mean of all training poses.
    """

    def on_test_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Begin anew."""
        data = pl_module.data
        self.network = PoseErrorTable(data.actions)
        self.mean_pose = PoseErrorTable(data.actions)
        self.mean_pose_pred = pl_module.target(data.training_pose_world()).mean(dim=0, keepdim=True)
        self.parts: list[dict[str, np.ndarray]] = []
        self.degenerate = 0

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add a batch."""
        pose_true = pl_module.target(batch.pose_world).cpu()
        pose_pred, action = outputs.pose.float().cpu(), batch.action.cpu()
        self.network.update(pose_pred, pose_true, action)
        self.mean_pose.update(self.mean_pose_pred.expand_as(pose_true), pose_true, action)
        self.degenerate += int(is_degenerate(to_root(batch.pose_world)).sum())
        self.parts.append(
            {
                "row": batch.row.cpu().numpy(),
                "pose_pred_mm": pose_pred.numpy(),
                "pose_true_mm": pose_true.numpy(),
                "embedding": outputs.embedding.float().cpu().numpy(),
            }
        )

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Bring the ranks' shares together and write."""
        frame = pl_module.pose_frame
        results = self.network.results(frame)
        mean_pose = self.mean_pose.results(frame)
        by_action = self.network.action_results()
        parts = [part for share in distributed.gather_objects(self.parts) for part in share]
        degenerate = sum(distributed.gather_objects(self.degenerate))
        pl_module.log_dict(
            {f"test/{metric}": value for metric, value in headline(results).items()}, rank_zero_only=True
        )
        if not trainer.is_global_zero:
            return
        folder = Path(trainer.default_root_dir)
        predictions = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.argsort(predictions["row"])
        predictions = {name: values[order] for name, values in predictions.items()}
        meta = pl_module.data.test_store.meta
        record = {
            **_run_record(folder),
            "frame": frame,
            "test_subjects": list(meta.subjects_test),
            "test_images": len(order),
            "test_data_hash": pl_module.data.test_store.content_hash,
            "excluded": list(meta.excluded),
            "poses_without_yaw": degenerate,
            "results": results,
            "mean_pose_results": mean_pose,
            "by_action": by_action,
        }
        _write(folder, record, predictions)
        _write_figures(folder, pl_module.data.test_store, record, predictions)
        _show_in_wandb(trainer.loggers, folder, record)
        print(results_table(record))
        print(f"written: {folder}/results.json, test_poses.png, curves.png, test_predictions.npz")


def _run_record(folder: Path) -> dict[str, Any]:
    path = folder / RUN_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(folder: Path, record: dict[str, Any], predictions: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / TEST_PREDICTIONS_FILE, allow_pickle=False, **predictions)
    (folder / RESULTS_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _write_figures(folder: Path, store: Store, record: dict[str, Any], predictions: dict[str, np.ndarray]) -> None:
    test_poses_figure(folder.name, store, record["frame"], predictions).savefig(folder / "test_poses.png", dpi=110)
    history = read_history(folder / MetricsHistory.FILE)
    if history:
        curves_figure(history, folder.name).savefig(folder / "curves.png", dpi=110)


def _show_in_wandb(loggers: Iterable[Logger], folder: Path, record: dict[str, Any]) -> None:
    """Add the figures and the whole table to the run's page."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            figures = [path for name in ("test_poses.png", "curves.png") if (path := folder / name).is_file()]
            for path in figures:
                logger.log_image(path.stem, [str(path)])
            columns = list(record["results"][0])
            logger.log_table("results", columns, [[entry[column] for column in columns] for entry in record["results"]])
