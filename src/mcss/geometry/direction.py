"""Angles and their uncertainty from vectors (cos, sin) times the concentration of a von Mises distribution."""

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import ive


def angle_deg(concentrated: Float[np.ndarray, "*batch 2"]) -> Float64[np.ndarray, "*batch"]:
    """Angle of each vector, from -180 to 180 degrees.

    >>> angle_deg(np.array([[3.0, 0.0], [0.0, -2.0]])).tolist()
    [0.0, -90.0]
    """
    values = concentrated.astype(np.float64)
    return np.degrees(np.arctan2(values[..., 1], values[..., 0]))


def standard_deviation_deg(concentrated: Float[np.ndarray, "*batch 2"]) -> Float64[np.ndarray, "*batch"]:
    """Circular standard deviation, sqrt(-2 log R) with the mean resultant length R = I1(k) / I0(k), in degrees.

    >>> standard_deviation_deg(np.array([[100.0, 0.0]])).round(2).tolist()  # nearly 1 / sqrt(k) radians
    [5.74]
    """
    concentration = np.maximum(np.linalg.norm(concentrated.astype(np.float64), axis=-1), 1e-6)
    return np.degrees(np.sqrt(-2 * np.log(ive(1, concentration) / ive(0, concentration))))
