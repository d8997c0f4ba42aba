"""First cameras and joints from clicks alone: the essential matrix of two views, then the others by their poses.

The focal lengths are unknown: some usual ones are tried for every pair of views, and those are kept whose triangulated
bones are most nearly as long at every instant, and on the left as on the right.
"""

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
from jaxtyping import Float64

from data_modules.sources.footage.solving.scene import Observations, Scene
from data_modules.sources.footage.solving.terms import BONE_KIND, CHILD, LEG, PARENT

FOCAL_SHARES = (0.55, 0.75, 1.0, 1.35, 1.9)
"""Focal lengths that are tried, in longer sides of the frame."""
LEAST_SHARED, LEAST_SEEN = 24, 12
"""Clicks that two views must share to begin with, and clicks of known joints by which another view is placed."""
OUTLIER_NOISES, MOST_AWAY = 3.0, 10.0
"""Clicks farther from what two cameras say, in standard deviations, do not count in their essential matrix, nor how
much farther than that one is in the choice of a joint's place."""


def starts(known: Observations, count: int) -> list[Scene]:
    """The ``count`` most plausible scenes, best first; fewer, or none, where the clicks allow no more."""
    pairs = [
        (inconsistency(scene), first, second, scene)
        for first, second in combinations(range(len(known.points_px)), 2)
        for share in FOCAL_SHARES
        if (scene := _from_pair(known, first, second, share)) is not None
    ]
    whole = (_with_other_views(known, *pair[1:]) for pair in sorted(pairs, key=lambda pair: pair[0]))
    return [scene for scene, _ in zip(filter(None, whole), range(count), strict=False)]


def inconsistency(scene: Scene) -> float:
    """By how much bones that should be equally long differ: median deviation from the kind's median, over it."""
    lengths = np.linalg.norm(scene.points[:, CHILD] - scene.points[:, PARENT], axis=-1)
    deviations = []
    for kind in range(BONE_KIND.max() + 1):
        known = lengths[:, kind == BONE_KIND]
        known = known[np.isfinite(known)]
        if len(known) > 1:
            deviations.append(np.median(np.abs(known / np.median(known) - 1)))
    return float(np.mean(deviations)) if deviations else np.inf


def triangulated(known: Observations, scene: Scene) -> Scene:
    """The scene with the joints where its cameras see them in two or more views.

    Each joint is where all its clicks, or two of them, put it, whichever most of its clicks agree with.
    """
    views = range(len(known.points_px))
    placed = np.isfinite(scene.rotations[:, 0, 0])
    instants, joints = known.points_px.shape[1:3]
    best, least = np.full((instants, joints, 3), np.nan), np.full((instants, joints), np.inf)
    for chosen in (tuple(views), *combinations(views, 2)):
        is_chosen = placed & np.isin(views, chosen)
        points = _linear(scene, np.where(is_chosen[:, None, None, None], known.points_px, np.nan))
        away = np.linalg.norm(replace(scene, points=points).seen() - known.points_px, axis=-1)
        away = np.minimum(np.nan_to_num(away / known.noise_px[:, None, None], nan=MOST_AWAY), MOST_AWAY).sum(axis=0)
        is_better = np.isfinite(points[..., 0]) & (away < least)
        best[is_better], least[is_better] = points[is_better], away[is_better]
    return replace(scene, points=best)


def _linear(
    scene: Scene, points_px: Float64[np.ndarray, "cameras instants 17 2"]
) -> Float64[np.ndarray, "instants 17 3"]:
    """Joints by linear least squares; not a number where fewer than two cameras see one."""
    x = points_px / scene.focals_px[:, None, None, None]
    is_seen = np.isfinite(x).all(axis=-1)
    x = np.where(is_seen[..., None], x, 0.0)
    rotations = np.nan_to_num(scene.rotations)[:, None, None]
    translations = np.nan_to_num(scene.translations)[:, None, None]
    # depth * x = R[:2] p + t[:2] with depth = R[2] p + t[2]
    rows = (x[..., None] * rotations[..., 2:, :] - rotations[..., :2, :]) * is_seen[..., None, None]
    right = (translations[..., :2] - x * translations[..., 2:]) * is_seen[..., None]
    normal = np.einsum("vtjki,vtjkl->tjil", rows, rows)
    enough = is_seen.sum(axis=0) >= 2
    normal[~enough] = np.eye(3)
    points = np.linalg.solve(normal, np.einsum("vtjki,vtjk->tji", rows, right)[..., None])[..., 0]
    return np.where(enough[..., None], points, np.nan)


def _to_height(known: Observations, scene: Scene) -> Scene:
    """Give the scene its median bone lengths, and the size at which the leg is as long as the height says."""
    usual = known.usual_lengths()
    lengths = np.linalg.norm(scene.points[:, CHILD] - scene.points[:, PARENT], axis=-1)
    medians = np.full(len(usual), np.nan)
    for kind in range(len(usual)):
        own = lengths[:, kind == BONE_KIND]
        if np.isfinite(own).any():
            medians[kind] = np.nanmedian(own)
    legs = [kind for kind in LEG if np.isfinite(medians[kind])] or np.flatnonzero(np.isfinite(medians)).tolist()
    scale = usual[legs].sum() / medians[legs].sum()
    return replace(
        scene,
        translations=scene.translations * scale,
        points=scene.points * scale,
        lengths=np.where(np.isfinite(medians), medians * scale, usual),
    )


def _from_pair(known: Observations, first: int, second: int, share: float) -> Scene | None:
    """Two cameras from their essential matrix, the first at the origin; the others are not numbers."""
    clicks = known.points_px[[first, second]]
    both = np.isfinite(clicks).all(axis=(0, 3))
    if both.sum() < LEAST_SHARED:
        return None
    focals = share * known.longer_side_px
    flat_first, flat_second = clicks[0][both] / focals[first], clicks[1][both] / focals[second]
    threshold = OUTLIER_NOISES * float((known.noise_px / focals)[[first, second]].mean())
    essential, inliers = cv2.findEssentialMat(
        flat_first, flat_second, np.eye(3), method=cv2.RANSAC, prob=0.999, threshold=threshold
    )
    if essential is None or essential.shape != (3, 3):
        return None
    in_front, rotation, translation, _ = cv2.recoverPose(essential, flat_first, flat_second, np.eye(3), mask=inliers)
    if in_front < LEAST_SHARED / 2:
        return None
    views = len(known.points_px)
    rotations, translations = np.full((views, 3, 3), np.nan), np.full((views, 3), np.nan)
    rotations[first], translations[first] = np.eye(3), 0.0
    rotations[second], translations[second] = rotation, translation[:, 0]
    empty = np.full((*known.points_px.shape[1:3], 3), np.nan)
    return _to_height(known, triangulated(known, Scene(rotations, translations, focals, known.usual_lengths(), empty)))


def _with_other_views(known: Observations, first: int, second: int, scene: Scene) -> Scene | None:
    """The scene with all cameras, in the axes of camera 0, or none where one cannot be placed."""
    rotations, translations, focals = scene.rotations.copy(), scene.translations.copy(), scene.focals_px.copy()
    for view in set(range(len(rotations))) - {first, second}:
        shown = np.isfinite(known.points_px[view]).all(axis=-1) & np.isfinite(scene.points).all(axis=-1)
        if shown.sum() < LEAST_SEEN:
            return None
        points, pixels = scene.points[shown], known.points_px[view][shown]
        tried = [_placed(points, pixels, share * known.longer_side_px[view]) for share in FOCAL_SHARES]
        _, focals[view], rotations[view], translations[view] = min(tried, key=lambda placed: placed[0])
        if not np.isfinite(translations[view]).all():
            return None
    origin, shift = rotations[0], translations[0]
    in_first = replace(
        scene,
        rotations=rotations @ origin.T,
        translations=translations - rotations @ origin.T @ shift,
        focals_px=focals,
    )
    return _to_height(known, triangulated(known, in_first))


def _placed(
    points: Float64[np.ndarray, "clicks 3"], pixels: Float64[np.ndarray, "clicks 2"], focal_px: float
) -> tuple[float, float, Float64[np.ndarray, "3 3"], Float64[np.ndarray, " 3"]]:
    """Median distance in pixels, focal length, rotation and translation of the camera that sees ``points`` so best."""
    matrix = np.diag([focal_px, focal_px, 1.0])
    found, turn, shift, _ = cv2.solvePnPRansac(
        points, pixels, matrix, None, reprojectionError=0.02 * focal_px, iterationsCount=100, flags=cv2.SOLVEPNP_SQPNP
    )
    if not found:
        return np.inf, focal_px, np.eye(3), np.full(3, np.nan)
    shown = cv2.projectPoints(points, turn, shift, matrix, None)[0][:, 0]
    error = float(np.median(np.linalg.norm(shown - pixels, axis=1)))
    return error, focal_px, cv2.Rodrigues(turn)[0], shift[:, 0]
