"""The terms of the bundle adjustment: how far a scene is from what is clicked and what is usual, with derivatives.

Every residual counts in standard deviations.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.sources.footage.solving.scene import LENGTH_SHARES, Observations, Scene
from mcss.skeleton import BONES, FLIP_ORDER, JOINTS, LEFT_HIP, PELVIS

LENGTH_SPREADS = {"RHip": 4, "RKnee": 10, "RAnkle": 4, "LElbow": 4, "LWrist": 4, "Neck": 10, "HeadTop": 10}
TRUNK_SPREAD = 12
"""Spread of a bone's length over the instants, in thousandths of the height; the trunk and the shoulders bend most."""
PERSON_SPREAD = 0.25
"""Relative spread of a person's bone lengths about the usual shares of the height."""
SCALE_SPREAD = 1e-4
"""The leg's length, which fixes the scale, is held at its usual share of the height as firmly as this."""
FOCAL_SHARE, FOCAL_SPREAD = 0.85, 0.4
"""Usual focal length of a phone's videos in longer sides of the frame, and the spread of its logarithm."""
PELVIS_SPREAD = 0.006
"""Of the pelvis about the middle of the hips, as a share of the height."""
ACROSS_SPREAD, TWIST_SPREAD = 0.25, 0.2
"""Cosine between the hips' line and both thighs (or both shins) together; sine of the trunk's twist."""
ACCELERATION_M_S2, LARGEST_GAP_S = 6.0, 0.15
"""Usual acceleration of a joint, which says little between instants that are farther apart in time than this."""
LEAST_DEPTH_M = 0.1

CAMERA_UNKNOWNS = 7
"""Turn, shift, logarithm of the focal length."""
KINDS = list(LENGTH_SHARES)
PARENT, CHILD = np.array(BONES).T
BONE_KIND = np.array([KINDS.index(JOINTS[c if JOINTS[c] in KINDS else FLIP_ORDER[c]]) for c in CHILD.tolist()])
"""Kind of each bone of ``BONES``: left and right are of one kind."""
LEG = [KINDS.index("RKnee"), KINDS.index("RAnkle")]
RIGHT_HIP = JOINTS.index("RHip")
LEGS = {part: [JOINTS.index(side + part) for side in "LR"] for part in ("Hip", "Knee", "Ankle")}
TRUNK = [JOINTS.index(name) for name in ("LHip", "RHip", "LShoulder", "RShoulder", "Thorax", "Pelvis")]
SPREADS = np.array([LENGTH_SPREADS.get(kind, TRUNK_SPREAD) for kind in KINDS]) / 1000


@dataclass(frozen=True, eq=False)
class Term:
    """Some residuals, and their derivatives as entries of a sparse matrix."""

    residual: Float64[np.ndarray, " residuals"]
    rows: Int64[np.ndarray, " entries"]
    columns: Int64[np.ndarray, " entries"]
    values: Float64[np.ndarray, " entries"]


@dataclass(frozen=True, eq=False)
class Columns:
    """Where each unknown is in the vector of all."""

    cameras: Int64[np.ndarray, "cameras 7"]
    lengths: Int64[np.ndarray, " kinds"]
    """Of their logarithms."""
    points: Int64[np.ndarray, "instants 17 3"]
    """-1 for joints that are no unknowns."""

    @property
    def is_unknown(self) -> np.ndarray:
        """Which joints are unknowns."""
        return self.points[..., 0] >= 0


def clicked(known: Observations, scene: Scene, turns: Float64[np.ndarray, "cameras 3"], at: Columns) -> Term:
    """Clicks lie where the joints are seen. ``turns`` are the rotation vectors that the unknowns hold."""
    view, instant, joint = np.nonzero(np.isfinite(known.points_px).all(axis=-1) & at.is_unknown)
    focal, noise = scene.focals_px[view, None], known.noise_px[view, None]
    rotated = np.einsum("nij,nj->ni", scene.rotations[view], scene.points[instant, joint])
    placed = rotated + scene.translations[view]
    depth = np.maximum(placed[:, 2:], LEAST_DEPTH_M)
    flat = placed[:, :2] / depth
    by_place = np.concatenate([np.broadcast_to(np.eye(2), (len(view), 2, 2)), -flat[:, :, None]], axis=2)
    by_place = by_place * (focal / depth / noise)[:, :, None]
    by_turn = -by_place @ _cross_matrix(rotated) @ _turn_derivative(turns)[view]
    by_point = by_place @ scene.rotations[view]
    values = np.concatenate([by_turn, by_place, (focal * flat / noise)[:, :, None], by_point], axis=2)
    columns = np.concatenate([at.cameras[view], at.points[instant, joint]], axis=1)
    return _term((focal * flat - known.points_px[view, instant, joint]) / noise, columns[:, None], values)


def bones(known: Observations, scene: Scene, at: Columns) -> Term:
    """Bones of a kind are equally long, on both sides and at every instant."""
    instant, bone = np.nonzero(at.is_unknown[:, PARENT] & at.is_unknown[:, CHILD])
    kind = BONE_KIND[bone]
    vector = scene.points[instant, CHILD[bone]] - scene.points[instant, PARENT[bone]]
    length = np.maximum(np.linalg.norm(vector, axis=1), 1e-9)
    spread = SPREADS[kind] * known.height_m
    along = vector / (length * spread)[:, None]
    values = np.concatenate([along, -along, -(scene.lengths[kind] / spread)[:, None]], axis=1)
    ends = at.points[instant, CHILD[bone]], at.points[instant, PARENT[bone]]
    columns = np.concatenate([*ends, at.lengths[kind][:, None]], axis=1)
    return _term(((length - scene.lengths[kind]) / spread)[:, None], columns[:, None], values[:, None])


def pelvis(known: Observations, scene: Scene, at: Columns) -> Term:
    """The pelvis is in the middle of the hips."""
    instants = np.arange(len(scene.points))[:, None]
    weights = np.tile(np.array([1.0, -0.5, -0.5]) / (PELVIS_SPREAD * known.height_m), (len(instants), 1))
    return _sums(scene, at, instants, np.array([[PELVIS, LEFT_HIP, RIGHT_HIP]]), weights)


def motion(known: Observations, scene: Scene, at: Columns) -> Term:
    """Joints accelerate as usual, where instants are near in time."""
    gaps = np.diff(known.time_s)
    middle = 1 + np.flatnonzero((gaps[:-1] <= LARGEST_GAP_S) & (gaps[1:] <= LARGEST_GAP_S))
    before, after = gaps[middle - 1], gaps[middle]
    weights = 2 * np.stack([1 / before, -1 / before - 1 / after, 1 / after], axis=1) / (before + after)[:, None]
    instants = (middle[:, None] + np.array([-1, 0, 1])).repeat(len(JOINTS), axis=0)
    joints = np.tile(np.arange(len(JOINTS)), len(middle))[:, None]
    return _sums(scene, at, instants, joints, (weights / ACCELERATION_M_S2).repeat(len(JOINTS), axis=0))


def across(known: Observations, scene: Scene, at: Columns, upper: str, lower: str) -> Term:
    """The line through the hips is across both thighs, or shins, on average: knees bend in planes."""
    joints = [LEFT_HIP, RIGHT_HIP, *LEGS[lower], *LEGS[upper]]
    whole = np.flatnonzero(at.is_unknown[:, joints].all(axis=1))
    points = scene.points[whole]
    hips = points[:, LEFT_HIP] - points[:, RIGHT_HIP]
    along = (points[:, LEGS[lower]] - points[:, LEGS[upper]]).sum(axis=1)
    usual = dict(zip(KINDS, known.usual_lengths().tolist(), strict=True))
    size = ACROSS_SPREAD * 2 * usual["RHip"] * 2 * usual[f"R{lower}"]
    values = np.stack([along, -along, hips, hips, -hips, -hips], axis=1) / size
    residual = (hips * along).sum(axis=1) / size
    return _term(residual[:, None], _flat(at.points[whole][:, joints]), _flat(values))


def twist(known: Observations, scene: Scene, at: Columns) -> Term:
    """The shoulders lie nearly in one plane with the hips: the trunk is little twisted."""
    whole = np.flatnonzero(at.is_unknown[:, TRUNK].all(axis=1))
    points = scene.points[whole][:, TRUNK]
    hips, shoulders, trunk = points[:, 0] - points[:, 1], points[:, 2] - points[:, 3], points[:, 4] - points[:, 5]
    usual = dict(zip(KINDS, known.usual_lengths().tolist(), strict=True))
    size = TWIST_SPREAD * 2 * usual["RHip"] * 2 * usual["LShoulder"] * (usual["Spine"] + usual["Thorax"])
    slopes = np.cross(shoulders, trunk), np.cross(trunk, hips), np.cross(hips, shoulders)
    values = np.stack([sign * slope for slope in slopes for sign in (1, -1)], axis=1) / size
    residual = (trunk * slopes[2]).sum(axis=1) / size
    return _term(residual[:, None], _flat(at.points[whole][:, TRUNK]), _flat(values))


def usual(known: Observations, scene: Scene, at: Columns) -> Term:
    """Bone lengths and focal lengths are as usual, and the leg is exactly as long as the height says."""
    lengths = known.usual_lengths()
    leg = lengths[LEG].sum() * SCALE_SPREAD
    residual = np.concatenate(
        [
            np.log(scene.lengths / lengths) / PERSON_SPREAD,
            np.log(scene.focals_px / (FOCAL_SHARE * known.longer_side_px)) / FOCAL_SPREAD,
            [(scene.lengths[LEG].sum() - lengths[LEG].sum()) / leg],
        ]
    )
    last = len(residual) - 1
    rows = np.concatenate([np.arange(last), [last] * len(LEG)])
    columns = np.concatenate([at.lengths, at.cameras[:, -1], at.lengths[LEG]])
    slopes = [
        np.full(len(lengths), 1 / PERSON_SPREAD),
        np.full(len(at.cameras), 1 / FOCAL_SPREAD),
        scene.lengths[LEG] / leg,
    ]
    return Term(residual, rows, columns, np.concatenate(slopes))


def _sums(
    scene: Scene,
    at: Columns,
    instants: Int64[np.ndarray, "sums _"],
    joints: Int64[np.ndarray, "_ _"],
    weights: Float64[np.ndarray, "sums 3"],
) -> Term:
    """Weighted sums of three joints are zero, where all three are unknowns."""
    columns = at.points[instants, joints]
    whole = (columns >= 0).all(axis=(1, 2))
    residual = np.einsum("nk,nki->ni", weights, scene.points[instants, joints])[whole]
    return _term(residual, columns[whole].transpose(0, 2, 1), np.repeat(weights[whole, None], 3, axis=1))


def _flat(vectors: np.ndarray) -> np.ndarray:
    """One row of entries for each group of vectors."""
    return vectors.reshape(len(vectors), 1, vectors.shape[1] * vectors.shape[2])


def _term(residual: Float64[np.ndarray, "groups size"], columns: np.ndarray, values: np.ndarray) -> Term:
    """Term of residuals in groups; ``columns`` and ``values`` have shape (groups, size, entries) after broadcasting."""
    columns, values = np.broadcast_arrays(columns, values)
    rows = np.broadcast_to(np.arange(residual.size).reshape(*residual.shape, 1), values.shape)
    return Term(residual.ravel(), rows.ravel(), columns.ravel(), values.ravel())


def _cross_matrix(vectors: Float64[np.ndarray, "count 3"]) -> Float64[np.ndarray, "count 3 3"]:
    """Matrices that multiply as the cross product with each vector does."""
    return np.cross(vectors[:, None, :], np.eye(3)).transpose(0, 2, 1)


def _turn_derivative(turns: Float64[np.ndarray, "count 3"]) -> Float64[np.ndarray, "count 3 3"]:
    """Left Jacobian of the rotation group: the turn, after ``turns``, that a small change of ``turns`` makes."""
    angle = np.maximum(np.linalg.norm(turns, axis=1), 1e-6)[:, None, None]
    cross = _cross_matrix(turns)
    return np.eye(3) + (1 - np.cos(angle)) / angle**2 * cross + (angle - np.sin(angle)) / angle**3 * cross @ cross
