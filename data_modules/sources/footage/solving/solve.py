"""Cameras and poses from clicks: the solver as a whole."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.sources.footage.solving.bundle import Bundle
from data_modules.sources.footage.solving.clicks import Clicks, Solution
from data_modules.sources.footage.solving.scene import Observations, Scene
from data_modules.sources.footage.solving.start import LEAST_SEEN, starts, triangulated
from data_modules.sources.footage.solving.upright import ANKLE_SHARE, find_ground, knees_forward, metre
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.skeleton import PELVIS

FIRST_NOISE = 0.003
"""Noise of clicks that is assumed at first, as a share of the frame's longer side."""
LEAST_NOISE, MOST_NOISE = 0.0002, 0.012
"""Noise that is believed; with more, the clicks are not of one person in still, synchronised cameras."""
OUTLIER_NOISES = 5.0
MOST_OUTLIERS = 0.2
"""Share of the clicks that may lie farther than this many standard deviations from the solution."""
JOINT_UNKNOWNS = 2.5
"""Of each joint's three coordinates, what the bone lengths do not know already."""
LEAST_INSTANTS = 3
START_COUNT, STEPS = 5, 40
"""Scenes that are refined, and steps of each: two views do not tell which of the usual focal lengths is nearest."""
ROUNDS = 3
"""Of leaving out wrong clicks; a joint has at most as many."""
MOST_INSTANTS, PART = 60, 100
"""Instants that cameras are solved from, and that joints are solved together when the cameras are known."""
FAR_UNCERTAIN_M = 0.1
"""A joint whose clicks leave it this uncertain is missing: two cameras that face each other see no distance."""
LEAST_CERTAIN = 0.5
"""Share of the joints that must not be so."""
MIRROR_COST = 1.5
"""A mirrored world may cost this much more than the best before it is ruled out."""
CHECK_CLICKS = (
    "check that the videos are synchronised, that the cameras stand still and apart from each other, and that left and "
    "right are the person's in every camera"
)


def solve(clicks: Clicks, height_mm: float) -> Solution:
    """Solve cameras and poses of one person of known height, sole to head top, whom still cameras show.

    Raises:
        InputError: the clicks are too few, contradict each other, or do not fix a world.
    """
    _require_enough(clicks)
    known = _observations(clicks, height_mm)
    chosen = _spread(clicks)
    scene, noise = _with_cameras(replace(known, points_px=known.points_px[:, chosen], time_s=known.time_s[chosen]))
    known = replace(known, noise_px=noise * known.longer_side_px)
    if len(chosen) < len(clicks.time_s):
        scene = _with_known_cameras(known, scene)
    return _in_world(clicks, known, scene)


def _require_enough(clicks: Clicks) -> None:
    is_shared = clicks.is_clicked.sum(axis=0) >= 2
    if len(clicks.cameras) < 2:
        raise InputError(f"joints are given in {len(clicks.cameras)} camera; give them in two or more")
    if (count := int(is_shared.any(axis=1).sum())) < LEAST_INSTANTS:
        raise InputError(f"{count} instants have joints in two or more cameras; at least {LEAST_INSTANTS} are needed")
    for camera, is_clicked in zip(clicks.cameras, clicks.is_clicked, strict=True):
        if (count := int((is_clicked & is_shared).sum())) < LEAST_SEEN:
            raise InputError(
                f"camera {camera} has {count} clicks of joints that another camera shows at the same instant; give "
                f"{LEAST_SEEN} or more, or leave the camera out"
            )


def _observations(clicks: Clicks, height_mm: float) -> Observations:
    size = np.array(clicks.size_px, dtype=np.float64)
    longer = size.max(axis=1)
    centred = clicks.points_px - size[:, None, None] / 2
    return Observations(centred, FIRST_NOISE * longer, longer, clicks.time_s, height_mm / 1000)


def _spread(clicks: Clicks) -> Int64[np.ndarray, " chosen"]:
    """Instants to solve the cameras from: all, or those with many clicks, evenly over the time."""
    shared = (clicks.is_clicked.sum(axis=0) >= 2).sum(axis=1)
    useful = np.flatnonzero(shared >= (np.median(shared) if len(shared) > MOST_INSTANTS else 1))
    return useful[np.unique(np.linspace(0, len(useful) - 1, min(MOST_INSTANTS, len(useful))).round().astype(int))]


def _with_cameras(known: Observations) -> tuple[Scene, float]:
    """Scene of the clicks, and their noise as a share of the frame's longer side."""
    found = [Bundle(known, start).solve(STEPS) for start in starts(known, START_COUNT)]
    if not found:
        raise InputError(f"no arrangement of the cameras fits the clicks; {CHECK_CLICKS}")
    scene, cost = min(found, key=lambda pair: pair[1])
    if knees_forward(scene) <= 0:
        mirrored, mirrored_cost = Bundle(known, _mirrored(scene)).solve(STEPS)
        allowed = MIRROR_COST if knees_forward(mirrored) > 0 else 1.0
        scene = mirrored if mirrored_cost < allowed * cost else scene
    for _ in range(ROUNDS):
        noise = _noise(known, scene)
        known = replace(known, noise_px=noise * known.longer_side_px)
        known, scene = _without_outliers(known, scene)
        scene, _ = Bundle(known, scene).solve(STEPS)
    if knees_forward(scene) < 0:
        raise InputError("the knees bend forwards: left and right are exchanged in all cameras; left is the person's")
    return scene, _noise(known, scene)


def _mirrored(scene: Scene) -> Scene:
    """The scene that looks the same from far away: depth reversed about the middle of the person's places."""
    middle = np.nanmean(scene.points, axis=(0, 1))
    flip = np.diag([1.0, 1.0, -1.0])
    return replace(
        scene,
        rotations=flip @ scene.rotations @ flip,
        translations=scene.translations + scene.rotations @ middle - flip @ scene.rotations @ flip @ middle,
        points=(scene.points - middle) @ flip + middle,
    )


def _noise(known: Observations, scene: Scene) -> float:
    """Standard deviation of clicks along one axis as a share of the frame's longer side, without gross outliers."""
    residual = (scene.seen() - known.points_px) / known.longer_side_px[:, None, None, None]
    size = np.linalg.norm(residual[np.isfinite(residual).all(axis=-1)], axis=1)
    size = size[size <= OUTLIER_NOISES * np.median(size)]
    freedom = 2 * len(size) - JOINT_UNKNOWNS * np.isfinite(scene.points).all(axis=-1).sum()
    noise = float(np.sqrt((size**2).sum() / max(freedom, len(size) / 2)))
    if noise > MOST_NOISE:
        raise InputError(
            f"the clicks contradict each other by {100 * noise:.1f} % of the frame's longer side; {CHECK_CLICKS}"
        )
    return max(noise, LEAST_NOISE)


def _without_outliers(known: Observations, scene: Scene) -> tuple[Observations, Scene]:
    """Leave out each joint's worst click if it is far from the joint as seen, and place the joint by the others."""
    residual = np.linalg.norm(scene.seen() - known.points_px, axis=-1) / known.noise_px[:, None, None]
    is_clicked = np.isfinite(known.points_px).all(axis=-1) & np.isfinite(scene.points).all(axis=-1)
    residual = np.where(is_clicked, np.nan_to_num(residual, nan=np.inf), 0.0)
    # A wrong click moves the joint, and so the residuals of the right ones.
    is_outlier = (residual > OUTLIER_NOISES) & (residual == residual.max(axis=0))
    if is_outlier.sum() > MOST_OUTLIERS * is_clicked.sum():
        raise InputError(f"{is_outlier.sum()} of {is_clicked.sum()} clicks contradict the others; {CHECK_CLICKS}")
    points_px = np.where(is_outlier[..., None], np.nan, known.points_px)
    is_fixed = (np.isfinite(points_px).all(axis=-1)).sum(axis=0) >= 2
    return replace(known, points_px=points_px), replace(
        scene, points=np.where(is_fixed[..., None], scene.points, np.nan)
    )


def _with_known_cameras(known: Observations, scene: Scene) -> Scene:
    """All joints by the cameras and bone lengths of ``scene``, some instants at a time."""
    parts = []
    for first in range(0, len(known.time_s), PART):
        part = slice(first, first + PART)
        own = replace(known, points_px=known.points_px[:, part], time_s=known.time_s[part])
        found = triangulated(own, scene)
        for _ in range(ROUNDS):
            found, _ = Bundle(own, found, fixed_cameras=True).solve(STEPS)
            own, found = _without_outliers(own, found)
        parts.append(found.points)
    return replace(scene, points=np.concatenate(parts))


def _uncertainty(known: Observations, scene: Scene) -> Float64[np.ndarray, "instants 17"]:
    """Standard deviation of each joint along the direction that its clicks fix worst, in units of the scene."""
    turned = np.einsum("vij,tkj->vtki", scene.rotations, scene.points) + scene.translations[:, None, None]
    flat = turned[..., :2] / turned[..., 2:]
    inner = np.concatenate([np.broadcast_to(np.eye(2), (*flat.shape, 2)), -flat[..., None]], axis=-1)
    precision = scene.focals_px / known.noise_px
    slope = inner @ scene.rotations[:, None, None] * (precision[:, None, None] / turned[..., 2])[..., None, None]
    slope[~np.isfinite(known.points_px).all(axis=-1) | ~np.isfinite(slope).all(axis=(-2, -1))] = 0.0
    information = np.einsum("vtjki,vtjkl->tjil", slope, slope)
    least = np.linalg.eigvalsh(information)[..., 0]
    return np.where(np.isfinite(scene.points[..., 0]), np.maximum(least, 1e-9) ** -0.5, np.nan)


def _in_world(clicks: Clicks, known: Observations, scene: Scene) -> Solution:
    """Turn the vertical up, make a unit a millimetre, and drop joints that their clicks do not fix."""
    uncertainty = _uncertainty(known, scene)
    is_certain = uncertainty <= FAR_UNCERTAIN_M
    if is_certain.sum() < LEAST_CERTAIN * np.isfinite(uncertainty).sum():
        raise InputError(f"the clicks do not tell how far from the cameras the person is; {CHECK_CLICKS}")
    points = np.where(is_certain[..., None], scene.points, np.nan)
    scene = replace(scene, points=points)
    ground, scale_mm = find_ground(scene), 1000 * metre(scene, known.height_m)
    right = scene.rotations[0, 0] - (scene.rotations[0, 0] @ ground.up) * ground.up
    right /= np.linalg.norm(right)
    to_world = np.stack([right, np.cross(ground.up, right), ground.up])
    middle = np.nanmean(points[:, PELVIS], axis=0)
    sole = ground.height - ANKLE_SHARE * 1000 * known.height_m / scale_mm
    origin = middle + (sole - middle @ ground.up) * ground.up
    cameras = {}
    for index, (name, (width, height)) in enumerate(zip(clicks.cameras, clicks.size_px, strict=True)):
        focal = float(scene.focals_px[index])
        cameras[name] = Camera(
            scene.rotations[index] @ to_world.T,
            scale_mm * (scene.rotations[index] @ origin + scene.translations[index]),
            np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]]),
            np.zeros(5),
            (width, height),
        )
    pose_world = scale_mm * (points - origin) @ to_world.T
    shown = np.stack([camera.project(pose_world) for camera in cameras.values()])
    residual_px = np.linalg.norm(shown - clicks.points_px, axis=-1)
    noise_px = float(known.noise_px.mean())
    return Solution(cameras, clicks.time_s, pose_world, residual_px, scale_mm * uncertainty, noise_px)
