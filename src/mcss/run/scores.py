"""Computes the errors of a test for ``results.json`` and formats them for printing."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
from jaxtyping import Float
from torch import Tensor

from mcss import distributed
from mcss.batch import EvalBatch
from mcss.metrics.reported import METRICS
from mcss.models.module import MCSSModule
from mcss.run.agreement import agreement_text
from mcss.run.camera_frame import FRAME, in_camera_frame, yaw_figures, yaw_text
from mcss.run.datamodule import datamodule_of
from mcss.run.predictions import pck_results, pose_errors, prediction_errors

AVERAGES = {"micro": "mean over images", "macro": "mean over actions of the mean over the action's images"}
HEADLINE = ("h36m16", "micro")
"""Joint set and average of the errors shown in tables of several runs."""
_JOINT_SETS = ("h36m16", "h36m17")
PCK_DATA = "mpi-inf-3dhp-test"
"""Name of the only data set for which 3D PCK and AUC are reported, as in publications."""
_LABELLED_IMAGES = 1024


def headline(results: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Value of each metric in ``results`` on the joint set and average of ``HEADLINE``."""
    return {r["metric"]: r["value"] for r in results if (r["joint_set"], r["average"]) == HEADLINE}


def results_text(record: Mapping[str, Any]) -> str:
    """Markdown table of errors in mm: each joint set and average, each test subject, and the mean training pose."""
    lines: dict[str, dict[str, float]] = {}
    for prefix, results in (("", record["results"]), ("mean pose: ", record["mean_pose_results"])):
        for result in results:
            name = f"{prefix}{result['joint_set']}, {result['average']}"
            lines.setdefault(name, {})[METRICS[result["metric"]].heading] = result["value"]
    subjects = {
        f"{subject}: {', '.join(HEADLINE)}": {METRICS[name].heading: value for name, value in errors.items()}
        for subject, errors in record["by_subject"].items()
    }
    of_others = {
        "filmed_people": "filmed people",
        "validation_errors": "validation clips, for tuning",
        "labelled_errors": "labelled training images",
    }
    for name, title in of_others.items():
        if record.get(name):
            errors = {METRICS[metric].heading: record[name][metric] for metric in METRICS}
            subjects[f"{title}: {', '.join(HEADLINE)}"] = errors
    for result in record.get("camera_frame_results", ()):
        name = f"camera frame: {result['joint_set']}, {result['average']}"
        subjects.setdefault(name, {})[METRICS[result["metric"]].heading] = result["value"]
    table = pd.DataFrame.from_dict(lines | subjects, orient="index").rename_axis("joints, average")
    images = f"{record['test_images']} images"
    if record["partial"]:
        limits = " ".join(f"{name}={value}" for name, value in record["test_limits"].items())
        images = f"PARTIAL TEST of {record['test_images']} of {record['test_images_of_store']} images ({limits})"
    items = record.get("pck_results", ())
    percentages = (f"{item['metric']} ({item['joint_set']}): {item['value']:.1f}" for item in items)
    yaw = yaw_text(record["yaw"]) if "yaw" in record else ""
    pck = "".join(f"{line}\n" for line in percentages)
    return (
        f"\n{record['method'] or 'method unknown'}, 3D labels: {record['supervision'] or 'unknown'},"
        f" test subjects {' '.join(record['test_subjects'])}, {images}, {record['frame']} frame, mm\n\n"
        f"{table.to_markdown(floatfmt='.1f')}\n{pck}{yaw}{agreement_text(record.get('view_agreement', {}))}"
    )


def errors_of(trainer: pl.Trainer, pl_module: MCSSModule, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Errors of the network and of the mean training pose; those of the network also by subject and by action."""
    data, rows = datamodule_of(trainer), predictions["row"]
    mean_pose = pl_module.target(*data.training_poses()).nanmean(dim=0, keepdim=True)
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
        **_in_camera_frame(predictions, action),
    }


def _in_camera_frame(predictions: Mapping[str, np.ndarray], action: np.ndarray) -> dict[str, Any]:
    """Errors in the camera's frame and those of yaw, where the network predicts it and a camera is known."""
    in_camera = in_camera_frame(predictions)
    if in_camera is None:
        return {}
    return {"camera_frame_results": _results(in_camera, action, FRAME), "yaw": yaw_figures(predictions)}


def _results(predictions: Mapping[str, np.ndarray], action: np.ndarray, frame: str) -> list[dict[str, Any]]:
    """One entry for each metric, joint set and average, with its definition."""
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


def training_errors(trainer: pl.Trainer, pl_module: MCSSModule, settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Errors on other people than the test's, h36m16: ``labelled_errors``, ``filmed_people`` and ``validation_errors``.

    They are on (at most 1,024 of) the labelled training images, on ``filmed_test_clips`` and on the validation clips by
    which settings are chosen (``rows_tuning``), each beside the error of the mean training pose on the same images. All
    are empty where this test has other labels or leaves out other clips than the training did.
    """
    data = datamodule_of(trainer)
    labels = {
        "data.labelled_store": data.labelled_store.content_hash,
        "data.supervision": data.supervision,
        "data.validation_clips": list(data.validation_clips) or None,
        "data.filmed_test_clips": list(data.filmed_test_clips) or None,
        "data.leave_out_cameras": list(data.leave_out_cameras) or None,
    }
    known = settings is not None and all(settings.get(name) == value for name, value in labels.items())
    mean_pose = pl_module.target(*data.training_poses()).nanmean(dim=0)
    loaders = {
        "labelled_errors": data.labelled_dataloader(_LABELLED_IMAGES) if known and len(data.rows_labelled) else None,
        "filmed_people": data.filmed_dataloader() if known and len(data.rows_filmed) else None,
        "validation_errors": data.tuning_dataloader() if known and len(data.rows_tuning) else None,
    }
    return {
        name: _errors_on(loader, trainer, pl_module, mean_pose, data.labelled_store.subject) if loader else {}
        for name, loader in loaders.items()
    }


def _errors_on(
    loader: Iterable[EvalBatch],
    trainer: pl.Trainer,
    pl_module: MCSSModule,
    mean_pose: Float[Tensor, "17 3"],
    subject: np.ndarray,
) -> dict[str, Any]:
    """Number of images, the mean over them of each metric, h36m16, also by subject, and the mean pose's MPJPE."""
    errors = []
    for batch in loader:
        on_device = trainer.strategy.batch_to_device(batch)
        pose_pred = pl_module(on_device.images).pose.float().cpu()
        pose_true = pl_module.target(on_device.pose_world, on_device.geometry).cpu()
        of_mean_pose = pose_errors(mean_pose.expand(len(pose_true), -1, -1), pose_true)["mpjpe_mm"]
        of_batch = pose_errors(pose_pred, pose_true).assign(mean_pose_mpjpe_mm=of_mean_pose)
        errors.append(of_batch.assign(subject=subject[batch.row.cpu().numpy()]))
    gathered = pd.concat([part for share in distributed.gather_objects(errors) for part in share])
    by_subject = gathered.groupby("subject").mean().round(3).to_dict("index")
    values = gathered.drop(columns="subject").mean().round(3).to_dict()
    return {"images": len(gathered), **values, "by_subject": by_subject}
