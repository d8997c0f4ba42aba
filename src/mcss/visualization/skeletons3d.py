"""Interactive 3D skeletons for HTML pages."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from mcss.skeleton import BONES
from mcss.visualization.poses import LEFT, MIDDLE, RIGHT, bone_colour

_SIDES = {LEFT: "left", RIGHT: "right", MIDDLE: "middle"}
_LEAST_REACH_MM = 900.0


def skeleton_figure(pose_true: Float[np.ndarray, "17 3"], pose_pred: Float[np.ndarray, "17 3"]) -> go.Figure:
    """Predicted skeleton over the true one, thin and dotted; both in mm in one frame with Z up and the pelvis at 0."""
    figure = go.Figure()
    for pose, name, style in (
        (pose_true, "truth", {"width": 5, "dash": "dot"}),
        (pose_pred, "prediction", {"width": 7}),
    ):
        for colour, side in _SIDES.items():
            x, y, z = _line(pose, colour).T
            figure.add_trace(
                go.Scatter3d(
                    x=x,
                    y=y,
                    z=z,
                    mode="lines",
                    line={"color": colour, **style},
                    name=f"{name}, {side}",
                    hoverinfo="name",
                )
            )
    low, high = pose_true.min(axis=0), pose_true.max(axis=0)
    reach = max(_LEAST_REACH_MM, float((high - low).max()) * 0.55)
    axes = {
        f"{axis}axis": {"range": [middle - reach, middle + reach], "showticklabels": False, "title": {"text": ""}}
        for axis, middle in zip("xyz", ((low + high) / 2).tolist(), strict=True)
    }
    figure.update_layout(
        scene={**axes, "aspectmode": "cube", "camera": {"eye": {"x": 0.85, "y": -1.6, "z": 0.4}}},
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=290,
        showlegend=False,
    )
    return figure


def _line(pose: Float[np.ndarray, "17 3"], colour: str) -> Float[np.ndarray, "points 3"]:
    """All bones of one colour as one line with gaps."""
    gap = np.full((1, 3), np.nan)
    return np.concatenate(
        [np.concatenate([pose[[parent, child]], gap]) for parent, child in BONES if bone_colour(child) == colour]
    )
