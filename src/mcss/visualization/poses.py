"""Images beside their true and predicted 3D skeletons."""

from collections.abc import Sequence

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
    pose_pred: Float[np.ndarray, "examples 17 3"],
    pose_true: Float[np.ndarray, "examples 17 3"],
    titles: Sequence[str],
    heading: str,
) -> Figure:
    """One column an example: the image, the true skeleton, the prediction over the truth (dashed).

    Poses share one frame with the pelvis at 0, in mm; every skeleton is drawn from the same side and at one scale.
    """
    columns = len(images)
    figure = Figure(figsize=(2.1 * columns, 6.6), layout="constrained")
    figure.suptitle(heading, fontsize=10)
    for column in range(columns):
        axes = figure.add_subplot(3, columns, column + 1)
        axes.imshow(images[column], interpolation="nearest")
        axes.set_title(titles[column], fontsize=7)
        axes.set_xticks([])
        axes.set_yticks([])
        true_axes = figure.add_subplot(3, columns, columns + column + 1, projection="3d")
        draw_pose(true_axes, pose_true[column])
        pred_axes = figure.add_subplot(3, columns, 2 * columns + column + 1, projection="3d")
        draw_pose(pred_axes, pose_true[column], dashed=True)
        draw_pose(pred_axes, pose_pred[column])
        for skeleton_axes in (true_axes, pred_axes):
            frame_pose_axes(skeleton_axes, pose_true[column])
        if column == 0:
            axes.set_ylabel("image", fontsize=9)
            true_axes.text2D(-0.05, 0.5, "truth", rotation=90, fontsize=9, transform=true_axes.transAxes)
            pred_axes.text2D(-0.05, 0.5, "prediction", rotation=90, fontsize=9, transform=pred_axes.transAxes)
    return figure
