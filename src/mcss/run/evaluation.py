"""Tests a checkpoint and writes ``results.json``: the record of its training, what was tested, and the errors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger, WandbLogger

from data_modules.store import Store
from mcss.batch import EvalBatch, Prediction
from mcss.geometry.canonical import is_degenerate, to_root
from mcss.models.module import MCSSModule
from mcss.run.agreement import agreement_of_test, untrained_copy, write_unlabelled
from mcss.run.checkpoints import log_step_of_weights
from mcss.run.datamodule import datamodule_of
from mcss.run.figures import extreme_poses_figure
from mcss.run.folder import RESULTS_FILE, TEST_PREDICTIONS_FILE
from mcss.run.history import MetricsHistory, read_history
from mcss.run.identity import settings_hash
from mcss.run.predictions import batch_predictions, embedding_spread, gathered, prediction_errors
from mcss.run.record import RunRecord, checkpoint_record
from mcss.run.scores import errors_of, headline, results_text, training_errors
from mcss.visualization.curves import curves_figure


class ResultsWriter(pl.Callback):
    """Measures a checkpoint on the test subjects and writes ``results.json``, ``test_predictions.npz`` and two figures.

    Errors are measured in the frame that the network predicts; predictions in the world's frame are not made canonical.
    For comparison the same errors are computed for a constant prediction, the mean of all training poses.

    A test of a part of the images (``limit_test_batches``, ``fast_dev_run``) is marked ``partial``. It is written to
    files with ``_partial`` in their names if the folder has the results of a whole test. Of test subjects without any
    label only the figures that need none are measured, and written to ``view_agreement.json``.
    """

    def on_test_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Start without predictions."""
        self.parts: list[dict[str, np.ndarray]] = []
        self.untrained = untrained_copy(pl_module.embedder)

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the predictions of a batch."""
        untrained_embedding = self.untrained(batch.images).float().cpu().numpy()
        predictions = batch_predictions(pl_module, batch, outputs)
        self.parts.append({**predictions, "untrained_embedding": untrained_embedding})

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Gather the predictions of all ranks; compute, write and print the results."""
        predictions = gathered(self.parts)
        untrained_embedding = predictions.pop("untrained_embedding")
        store, folder = datamodule_of(trainer).test_store, Path(trainer.default_root_dir)
        agreement = agreement_of_test(store, predictions, untrained_embedding, pl_module)
        if not store.has_pose[predictions["row"]].any():
            if trainer.is_global_zero:
                write_unlabelled(folder, store, agreement)
            return
        trained = _trained(trainer, pl_module)
        tested = _tested(trainer, pl_module, predictions)
        of_training = {} if tested["partial"] else training_errors(trainer, pl_module, trained["settings"])
        errors = errors_of(trainer, pl_module, predictions)
        prefix = "test_partial" if tested["partial"] else "test"  # so that a log keeps the values of a whole test
        log_step_of_weights(trainer, pl_module)
        pl_module.log_dict(
            {f"{prefix}/{name}": value for name, value in headline(errors["results"]).items()}, rank_zero_only=True
        )
        if not trainer.is_global_zero:
            return
        if trained["settings"] is not None:  # the store of this test may differ from that of the training
            trained["settings"] = trained["settings"] | {"data.test_store": tested["test_data_hash"]}
            trained["settings_hash"] = settings_hash(trained["settings"])
        tested |= {"view_agreement": agreement}
        spread = {f"test_{name}": round(value, 3) for name, value in embedding_spread(predictions["embedding"]).items()}
        record = {**trained, **tested, "labelled_errors": {}, **of_training, **spread, **errors}
        written = _write(folder, record, predictions, store)
        _show_in_wandb(trainer.loggers, written, record)
        print(results_text(record))
        print(f"written: {', '.join(map(str, written))}")


def _trained(trainer: pl.Trainer, pl_module: MCSSModule) -> dict[str, Any]:
    """Record of the training of the weights that are tested."""
    if trainer.ckpt_path:
        return checkpoint_record(Path(trainer.ckpt_path))
    (run_record,) = (callback for callback in trainer.callbacks if isinstance(callback, RunRecord))  # type: ignore[attr-defined]
    return {"checkpoint": None, "checkpoint_hash": None, **run_record.content(trainer, pl_module)}


def _tested(trainer: pl.Trainer, pl_module: MCSSModule, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Record of what was tested: frame, store, subjects, images and limits."""
    data, rows = datamodule_of(trainer), predictions["row"]
    store = data.test_store
    limits = {
        name: value
        for name in ("limit_test_batches", "fast_dev_run")
        if (value := getattr(trainer, name)) not in (0, False, None) and not (value == 1.0 and isinstance(value, float))
    }
    return {
        "frame": pl_module.pose_frame,
        "test_precision": str(pl_module.dtype).removeprefix("torch."),
        "test_store": str(store.path),
        "test_source": store.meta.source,
        "test_data_hash": store.content_hash,
        "test_subjects": np.unique(store.subject[rows]).tolist(),
        "test_images": len(rows),
        "test_images_of_store": len(data.rows_test),
        "test_limits": limits,
        "partial": "fast_dev_run" in limits or len(rows) < len(data.rows_test),
        "excluded": list(store.meta.excluded),
        "poses_left_out": int(prediction_errors(predictions)["mpjpe_mm"].isna().sum()),
        "poses_without_yaw": int(is_degenerate(to_root(torch.from_numpy(store.pose_world[rows]))).sum()),
    }


def _write(folder: Path, record: Mapping[str, Any], predictions: Mapping[str, np.ndarray], store: Store) -> list[Path]:
    """Write the files of the test; a partial test does not overwrite the files of a whole one."""
    results = folder / RESULTS_FILE
    whole_exists = _is_whole_test(results)
    names = [RESULTS_FILE, TEST_PREDICTIONS_FILE, "test_poses.png", "curves.png"]
    beside = [folder / f"{Path(name).stem}_partial{Path(name).suffix}" for name in names]
    if not record["partial"]:
        for path in beside:
            path.unlink(missing_ok=True)
    results, arrays, poses, curves = beside if record["partial"] and whole_exists else [folder / name for name in names]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arrays, allow_pickle=False, **predictions)
    results.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    extreme_poses_figure(folder.name, store, record["frame"], predictions).savefig(poses, dpi=110)
    history = read_history(folder / MetricsHistory.FILE)
    if history:
        curves_figure(history, folder.name).savefig(curves, dpi=110)
    return [path for path in (results, arrays, poses, curves) if path.is_file()]


def _is_whole_test(results: Path) -> bool:
    """Whether there is such a file, of a test of all images; a damaged one counts as none."""
    try:
        return not json.loads(results.read_text(encoding="utf-8")).get("partial", False)
    except (OSError, ValueError, AttributeError):
        return False


def _show_in_wandb(loggers: Iterable[Logger], written: Sequence[Path], record: Mapping[str, Any]) -> None:
    """Log the figures and the table of all errors to W&B."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            for path in written:
                if path.suffix == ".png":
                    logger.log_image(path.stem, [str(path)])
            columns = list(record["results"][0])
            logger.log_table(
                written[0].stem, columns, [[entry[column] for column in columns] for entry in record["results"]]
            )
