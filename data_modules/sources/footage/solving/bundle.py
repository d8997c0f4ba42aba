"""Bundle adjustment: the cameras, joints and bone lengths that explain clicks best.

Unknown are every camera's rotation, translation and focal length, the joints, and one length for each kind of bone.
"""

import numpy as np
from jaxtyping import Bool, Float64
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from data_modules.sources.footage.solving import terms
from data_modules.sources.footage.solving.scene import LENGTH_SHARES, Observations, Scene
from data_modules.sources.footage.solving.terms import CAMERA_UNKNOWNS, Columns, Term

HUBER = 2.0
"""Standard deviations beyond which a residual counts linearly."""
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-9, 1e8
LEAST_GAIN = 1e-4
"""Share of the cost by which a step must lower it to be followed by another."""


class Bundle:
    """The least-squares problem of a scene whose joints that are numbers are unknowns.

    An unknown counts from ``start``: of each camera a turn, a shift and the logarithm of the focal length; the
    logarithm of each bone length; each joint's shift.

    Args:
        known: the clicks and the height.
        start: where the unknowns are zero.
        fixed_cameras: leave cameras and bone lengths as they are.
    """

    def __init__(self, known: Observations, start: Scene, fixed_cameras: bool = False) -> None:
        self.known, self.start = known, start
        is_unknown = np.isfinite(start.points).all(axis=-1)
        cameras, lengths = len(start.focals_px) * CAMERA_UNKNOWNS, len(LENGTH_SHARES)
        points = np.full(start.points.shape, -1)
        points[is_unknown] = cameras + lengths + np.arange(3 * is_unknown.sum()).reshape(-1, 3)
        self.at = Columns(np.arange(cameras).reshape(-1, CAMERA_UNKNOWNS), cameras + np.arange(lengths), points)
        self.is_free: Bool[np.ndarray, " unknowns"] = np.ones(cameras + lengths + 3 * int(is_unknown.sum()), dtype=bool)
        # The first camera is the origin of the axes: its focal length alone is unknown.
        self.is_free[: cameras + lengths if fixed_cameras else CAMERA_UNKNOWNS - 1] = False

    def solve(self, steps: int) -> tuple[Scene, float]:
        """Scene of least cost that at most ``steps`` steps find, and its cost: Levenberg and Marquardt's method.

        SciPy's ``least_squares`` has only an iterative solver for sparse problems of this size, and that one stops
        early here: focal lengths and distances nearly balance each other. So the normal equations are factorised.
        """
        unknowns, damping = np.zeros(len(self.is_free)), FIRST_DAMPING
        found = self.terms(unknowns)
        for _ in range(steps):
            cost, normal, gradient = _cost(found), *self._normal_equations(found)
            while damping < MOST_DAMPING:
                step = np.zeros(len(unknowns))
                step[self.is_free] = _solved(normal, damping, -gradient)
                tried = self.terms(unknowns + step)
                if _cost(tried) < cost:
                    break
                damping *= 10
            else:
                break
            unknowns, found, damping = unknowns + step, tried, max(damping / 10, LEAST_DAMPING)
            if cost - _cost(found) < LEAST_GAIN * cost:
                break
        return self.scene(unknowns), _cost(found)

    def scene(self, unknowns: Float64[np.ndarray, " unknowns"]) -> Scene:
        """Scene that the unknowns describe."""
        cameras = unknowns[self.at.cameras]
        points = self.start.points.copy()
        points[self.at.is_unknown] += unknowns[self.at.points[self.at.is_unknown]]
        return Scene(
            Rotation.from_rotvec(cameras[:, :3]).as_matrix() @ self.start.rotations,
            self.start.translations + cameras[:, 3:6],
            self.start.focals_px * np.exp(cameras[:, 6]),
            self.start.lengths * np.exp(unknowns[self.at.lengths]),
            points,
        )

    def terms(self, unknowns: Float64[np.ndarray, " unknowns"]) -> list[Term]:
        """All that a scene costs."""
        known, scene, at = self.known, self.scene(unknowns), self.at
        return [
            terms.clicked(known, scene, unknowns[at.cameras[:, :3]], at),
            terms.bones(known, scene, at),
            terms.pelvis(known, scene, at),
            terms.motion(known, scene, at),
            terms.across(known, scene, at, "Hip", "Knee"),
            terms.across(known, scene, at, "Knee", "Ankle"),
            terms.twist(known, scene, at),
            terms.usual(known, scene, at),
        ]

    def jacobian(self, found: list[Term]) -> csc_array:
        """Derivatives of the residuals of all terms, one below the other, by the free unknowns."""
        starts = np.cumsum([0, *(len(term.residual) for term in found)])
        rows = np.concatenate([start + term.rows for start, term in zip(starts[:-1], found, strict=True)])
        columns, values = (np.concatenate([getattr(term, name) for term in found]) for name in ("columns", "values"))
        return coo_array((values, (rows, columns)), (starts[-1], len(self.is_free))).tocsc()[:, self.is_free]

    def _normal_equations(self, found: list[Term]) -> tuple[csc_array, Float64[np.ndarray, " free"]]:
        residual = np.concatenate([term.residual for term in found])
        weights = HUBER / np.maximum(np.abs(residual), HUBER)
        jacobian = self.jacobian(found)
        return (jacobian.T @ jacobian.multiply(weights[:, None])).tocsc(), jacobian.T @ (weights * residual)


def _solved(normal: csc_array, damping: float, right: Float64[np.ndarray, " free"]) -> Float64[np.ndarray, " free"]:
    damped = (normal + diags_array(damping * normal.diagonal() + LEAST_DAMPING)).tocsc()
    # From the last to the first: joints, which have to do with those of near instants, before cameras and lengths,
    # which have to do with all. So the factors stay sparse.
    factors = splu(damped[::-1, ::-1], permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factors.solve(right[::-1])[::-1]


def _cost(found: list[Term]) -> float:
    """Huber's loss, summed."""
    size = np.abs(np.concatenate([term.residual for term in found]))
    return float(np.where(size <= HUBER, size**2 / 2, HUBER * (size - HUBER / 2)).sum())
