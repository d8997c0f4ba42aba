"""The test of a checkpoint: ``results.json``, a record of what was trained, what was tested, and the errors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger, WandbLogger

from mcss import distributed
from mcss.batch import EvalBatch, Prediction
from mcss.geometry.canonical import is_degenerate, to_root
from mcss.losses.contrastive import effective_rank
from mcss.metrics.reported import METRICS
from mcss.models.module import MCSSModule
from mcss.run.folder import RESULTS_FILE, TEST_PREDICTIONS_FILE
from mcss.run.history import MetricsHistory, read_history
from mcss.run.identity import settings_hash
from mcss.run.predictions import extreme_poses_figure, merged, pck_results, pose_errors, prediction_errors
from mcss.run.record import RunRecord, checkpoint_record
from mcss.visualization.curves import curves_figure

AVERAGES = {"micro": "mean over images", "macro": "mean over actions of the mean over the action's images"}
HEADLINE = ("h36m16", "micro")
"""Joint set and average of the errors that stand for a run in tables of several runs."""
_JOINT_SETS = ("h36m16", "h36m17")
PCK_DATA = "mpi-inf-3dhp-test"
"""Name of the data whose published numbers are 3D PCK and AUC: only for it are they reported."""
_LABELLED_IMAGES = 1024
_EMBEDDINGS = 1024


class ResultsWriter(pl.Callback):
    """Measures a checkpoint on the test subjects and writes ``results.json``, ``test_predictions.npz`` and two figures.

    The network is scored in the frame that it predicts; a prediction in the world's frame is never made canonical
    first. For comparison the same errors are given for the prediction that is always the mean of all training poses.

    A test of a part of the images (``limit_test_batches``, ``fast_dev_run``) is marked ``partial``. It is written to
    files with ``_partial`` in their names if the folder has the results of a whole test.
    """

    def on_test_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Start without predictions."""
        self.parts: list[dict[str, np.ndarray]] = []

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
        self.parts.append(
            {
                "row": batch.row.cpu().numpy(),
                "pose_pred_mm": outputs.pose.float().cpu().numpy(),
                "pose_true_mm": pl_module.target(batch.pose_world).cpu().numpy(),
                "embedding": outputs.embedding.float().cpu().numpy(),
            }
        )

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Bring the predictions of all ranks together; measure, write and print."""
        predictions = merged(part for share in distributed.gather_objects(self.parts) for part in share)
        trained = _trained(trainer, pl_module)
        tested = _tested(trainer, pl_module, predictions)
        labelled = {} if tested["partial"] else _labelled_errors(trainer, pl_module, trained["settings"])
        errors = _errors(pl_module, predictions)
        prefix = "test_partial" if tested["partial"] else "test"  # the values of a whole test stay in every log
        pl_module.log_dict(
            {f"{prefix}/{name}": value for name, value in headline(errors["results"]).items()}, rank_zero_only=True
        )
        if not trainer.is_global_zero:
            return
        if trained["settings"] is not None:  # on the data of this test, which may be other than the run's own
            trained["settings"] = trained["settings"] | {"data.test_store": tested["test_data_hash"]}
            trained["settings_hash"] = settings_hash(trained["settings"])
        record = {**trained, **tested, "labelled_errors": labelled, **_embedding_spread(predictions), **errors}
        folder = Path(trainer.default_root_dir)
        written = _write(folder, record, predictions, pl_module)
        _show_in_wandb(trainer.loggers, written, record)
        print(results_text(record))
        print(f"written: {', '.join(map(str, written))}")


def headline(results: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Value of each metric in ``results`` on the joint set and average of ``HEADLINE``."""
    return {r["metric"]: r["value"] for r in results if (r["joint_set"], r["average"]) == HEADLINE}


def results_text(record: Mapping[str, Any]) -> str:
    """Errors in mm as a Markdown table: each joint set and average, each test subject, and the mean training pose's."""
    lines: dict[str, dict[str, float]] = {}
    for prefix, results in (("", record["results"]), ("mean pose: ", record["mean_pose_results"])):
        for result in results:
            name = f"{prefix}{result['joint_set']}, {result['average']}"
            lines.setdefault(name, {})[METRICS[result["metric"]].heading] = result["value"]
    subjects = {
        f"{subject}: {', '.join(HEADLINE)}": {METRICS[name].heading: value for name, value in errors.items()}
        for subject, errors in record["by_subject"].items()
    }
    if record["labelled_errors"]:
        errors = {METRICS[name].heading: record["labelled_errors"][name] for name in METRICS}
        subjects[f"labelled training images: {', '.join(HEADLINE)}"] = errors
    table = pd.DataFrame.from_dict(lines | subjects, orient="index").rename_axis("joints, average")
    images = f"{record['test_images']} images"
    if record["partial"]:
        limits = " ".join(f"{name}={value}" for name, value in record["test_limits"].items())
        images = f"PARTIAL TEST of {record['test_images']} of {record['test_images_of_store']} images ({limits})"
    items = record.get("pck_results", ())
    percentages = (f"{item['metric']} ({item['joint_set']}): {item['value']:.1f}" for item in items)
    pck = "".join(f"{line}\n" for line in percentages)
    return (
        f"\n{record['method'] or 'method unknown'}, 3D labels: {record['supervision'] or 'unknown'},"
        f" test subjects {' '.join(record['test_subjects'])}, {images}, {record['frame']} frame, mm\n\n"
        f"{table.to_markdown(floatfmt='.1f')}\n{pck}"
    )


def _trained(trainer: pl.Trainer, pl_module: MCSSModule) -> dict[str, Any]:
    """What is known of the training of the weights under test."""
    if trainer.ckpt_path:
        return checkpoint_record(Path(trainer.ckpt_path))
    (run_record,) = (callback for callback in trainer.callbacks if isinstance(callback, RunRecord))  # type: ignore[attr-defined]
    return {"checkpoint": None, "checkpoint_hash": None, **run_record.content(trainer, pl_module)}


def _tested(trainer: pl.Trainer, pl_module: MCSSModule, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What exactly was tested."""
    data, rows = pl_module.data, predictions["row"]
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


def _errors(pl_module: MCSSModule, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Errors of the network and of the mean training pose; those of the network also by subject and by action."""
    data, rows = pl_module.data, predictions["row"]
    mean_pose = pl_module.target(data.training_pose_world().to(pl_module.device)).nanmean(dim=0, keepdim=True).cpu()
    always_mean = {**predictions, "pose_pred_mm": mean_pose.expand(len(rows), -1, -1).numpy()}
    action, subject = data.test_store.action[rows], data.test_store.subject[rows]
    errors = prediction_errors(predictions)
    is_pck_data = data.test_store.meta.name == PCK_DATA
    return {
        **({"pck_results": pck_results(predictions, pl_module.pose_frame)} if is_pck_data else {}),
        "results": _results(predictions, action, pl_module.pose_frame),
        "mean_pose_results": _results(always_mean, action, pl_module.pose_frame),
        "by_subject": errors.groupby(subject).mean().round(3).to_dict("index"),
        "by_action": errors.groupby(action).mean().round(3).to_dict("index"),
    }


def _results(predictions: Mapping[str, np.ndarray], action: np.ndarray, frame: str) -> list[dict[str, Any]]:
    """One entry for each metric, joint set and average, with all that defines it."""
    results = []
    for joint_set in _JOINT_SETS:
        errors = prediction_errors(predictions, joint_set)
        averages = {"micro": errors.mean()}
        if len(np.unique(action)) > 1:
            averages["macro"] = errors.groupby(action).mean().mean()
        results += [
            {
                "metric": name,
                "value": round(float(value), 3),
                "joint_set": joint_set,
                "average": average,
                "frame": frame,
                "definition": f"{METRICS[str(name)].definition}; {AVERAGES[average]}",
            }
            for average, values in averages.items()
            for name, value in values.items()
        ]
    return results


def _labelled_errors(trainer: pl.Trainer, pl_module: MCSSModule, settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Errors on (at most 1,024 of) the labelled training images, h36m16; empty where this test has other labels."""
    data = pl_module.data
    labels = {
        "data.labelled_store": data.labelled_store.content_hash,
        "data.supervision": data.supervision,
        "data.validation_clips": list(data.validation_clips) or None,
        "data.leave_out_cameras": list(data.leave_out_cameras) or None,
    }
    known = settings is not None and all(settings.get(name) == value for name, value in labels.items())
    if not known or not len(data.rows_labelled):
        return {}
    errors = []
    for batch in data.labelled_dataloader(_LABELLED_IMAGES):
        on_device = trainer.strategy.batch_to_device(batch)
        pose_pred = pl_module(on_device.images).pose.float().cpu()
        errors.append(pose_errors(pose_pred, pl_module.target(on_device.pose_world).cpu()))
    gathered = pd.concat([part for share in distributed.gather_objects(errors) for part in share])
    return {"images": len(gathered), **gathered.mean().round(3).to_dict()}


def _embedding_spread(predictions: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Mean distance and effective rank of the embeddings of at most 1,024 test images, evenly spread."""
    embedding = torch.from_numpy(predictions["embedding"])
    embedding = embedding[:: -(-len(embedding) // _EMBEDDINGS)]
    if len(embedding) < 2:
        return {}
    spread = {"test_mean_distance": torch.pdist(embedding).mean(), "test_effective_rank": effective_rank(embedding)}
    return {name: round(float(value), 3) for name, value in spread.items()}


def _write(
    folder: Path, record: Mapping[str, Any], predictions: Mapping[str, np.ndarray], pl_module: MCSSModule
) -> list[Path]:
    """Write the files of the test; those of a partial test beside, never over, those of a whole one."""
    results = folder / RESULTS_FILE
    whole_exists = results.is_file() and not json.loads(results.read_text(encoding="utf-8")).get("partial", False)
    names = [RESULTS_FILE, TEST_PREDICTIONS_FILE, "test_poses.png", "curves.png"]
    beside = [folder / f"{Path(name).stem}_partial{Path(name).suffix}" for name in names]
    if not record["partial"]:
        for path in beside:
            path.unlink(missing_ok=True)
    results, arrays, poses, curves = beside if record["partial"] and whole_exists else [folder / name for name in names]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arrays, allow_pickle=False, **predictions)
    results.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    store = pl_module.data.test_store
    extreme_poses_figure(folder.name, store, record["frame"], predictions).savefig(poses, dpi=110)
    history = read_history(folder / MetricsHistory.FILE)
    if history:
        curves_figure(history, folder.name).savefig(curves, dpi=110)
    return [path for path in (results, arrays, poses, curves) if path.is_file()]


def _show_in_wandb(loggers: Iterable[Logger], written: Sequence[Path], record: Mapping[str, Any]) -> None:
    """Add the figures and the table of all errors to the run's page."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            for path in written:
                if path.suffix == ".png":
                    logger.log_image(path.stem, [str(path)])
            columns = list(record["results"][0])
            logger.log_table(
                written[0].stem, columns, [[entry[column] for column in columns] for entry in record["results"]]
            )
