"""Figures of images with true and predicted 3D skeletons."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.axes3d import Axes3D

from mcss.skeleton import BONES, JOINTS

LEFT, RIGHT, MIDDLE = "#1f77b4", "#d62728", "#444444"
"""Colours of the limbs' sides: the person's left is blue, right is red."""


def bone_colour(child: int) -> str:
    """Colour of the bone that ends in joint ``child`` of h36m17."""
    return {"L": LEFT, "R": RIGHT}.get(JOINTS[child][0], MIDDLE)


def draw_pose(axes: Axes3D, pose: Float[np.ndarray, "17 3"], *, dashed: bool = False) -> None:
    """Add a skeleton (mm, Z up) to 3D axes; dashed and pale for the reference that another is compared with."""
    for parent, child in BONES:
        axes.plot(
            *pose[[parent, child]].T,
            color=bone_colour(child),
            linewidth=1.2 if dashed else 2.2,
            linestyle=(0, (2, 1)) if dashed else "-",
            alpha=0.55 if dashed else 1.0,
        )


def frame_pose_axes(axes: Axes3D, pose: Float[np.ndarray, "17 3"]) -> None:
    """Give 3D axes one scale in all directions around ``pose``, seen a little from the person's front left."""
    centre = (pose.max(axis=0) + pose.min(axis=0)) / 2
    reach = max(900.0, float((pose.max(axis=0) - pose.min(axis=0)).max()) / 2 * 1.05)
    for setter, middle in zip((axes.set_xlim, axes.set_ylim, axes.set_zlim), centre, strict=True):
        setter(middle - reach, middle + reach)
    axes.set_box_aspect((1, 1, 1), zoom=1.35)
    axes.view_init(elev=12, azim=-65)
    axes.set_xticklabels([])
    axes.set_yticklabels([])
    axes.set_zticklabels([])
    axes.tick_params(length=0)


def pose_figure(
    images: UInt8[np.ndarray, "examples height width 3"],
    pose_true: Float[np.ndarray, "examples 17 3"],
    poses_pred: Mapping[str, Float[np.ndarray, "examples 17 3"]],
    titles: Sequence[str],
    heading: str,
) -> Figure:
    """One column for each example: image, true skeleton, and one row for each named set of predictions.

    Poses share one frame with the pelvis at 0, in mm. All skeletons are drawn from the same side and at one scale; the
    true skeleton is drawn dashed under each prediction.
    """
    rows, columns = 2 + len(poses_pred), len(images)
    figure = Figure(figsize=(2.1 * columns, 2.2 * rows), layout="constrained")
    figure.suptitle(heading, fontsize=10)
    for column in range(columns):
        axes = figure.add_subplot(rows, columns, column + 1)
        axes.imshow(images[column], interpolation="nearest")
        axes.set_title(titles[column], fontsize=7)
        axes.set_xticks([])
        axes.set_yticks([])
        for row, (name, pose_pred) in enumerate([("truth", None), *poses_pred.items()], start=1):
            skeleton_axes = figure.add_subplot(rows, columns, row * columns + column + 1, projection="3d")
            draw_pose(skeleton_axes, pose_true[column], dashed=pose_pred is not None)
            if pose_pred is not None:
                draw_pose(skeleton_axes, pose_pred[column])
            frame_pose_axes(skeleton_axes, pose_true[column])
            if column == 0:
                skeleton_axes.text2D(-0.05, 0.5, name, rotation=90, fontsize=9, transform=skeleton_axes.transAxes)
    return figure
