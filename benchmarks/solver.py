"""Error of labels that are solved from clicks without calibration, on people and cameras of the rendered studio."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from benchmarks.timing import Figure
from data_modules.sources.footage.solving.clicks import Clicks
from data_modules.sources.footage.solving.solve import solve
from data_modules.sources.studio.body import make_body
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.furniture import draw_seat
from data_modules.sources.studio.motion import perform
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.geometry.canonical import to_canonical, to_root
from mcss.skeleton import JOINTS, joint_indices

SIZE_PX, SEEDS = (1280, 720), 5
HIPS = [JOINTS.index(name) for name in ("Pelvis", "LHip", "RHip")]


@dataclass(frozen=True)
class Case:
    """How clicks are made.

    Attributes:
        hidden: share of the clicks that are missing.
        wrong: share of the clicks that are anywhere in the frame.
        zoom: factor of the first camera's focal length.
        hip_bias_mm: by how much pelvis and hips are clicked too far to the person's left and front.
    """

    views: int = 4
    instants: int = 20
    noise_px: float = 3.0
    hidden: float = 0.0
    wrong: float = 0.0
    zoom: float = 1.0
    hip_bias_mm: float = 0.0


CASES = {
    **{
        f"{views} views, {instants} instants, {noise:g} px": (Case(views, instants, noise), limit)
        for (views, noise), limits in {
            (2, 3.0): (40, 36, 36, 36),
            (2, 6.0): (70, 62, 58, 58),
            (3, 3.0): (33, 31, 30, 30),
            (3, 6.0): (60, 52, 50, 50),
            (4, 3.0): (31, 28, 25, 25),
            (4, 6.0): (50, 46, 44, 44),
        }.items()
        for instants, limit in zip((5, 10, 20, 40), limits, strict=True)
    },
    "30 % of the clicks hidden": (Case(hidden=0.3), 34),
    "5 % of the clicks anywhere": (Case(wrong=0.05), 28),
    "one camera zoomed by 1.5": (Case(zoom=1.5), 25),
    "hips 10 mm off": (Case(hip_bias_mm=10.0), 32),
}
"""Each case with the largest mean error, mm, that it may have."""


def clicked(
    pose_world: Float64[np.ndarray, "instants 17 3"], cameras: list[Camera], case: Case, rng: np.random.Generator
) -> Clicks:
    """Clicks on poses as ``cameras`` see them."""
    shown = pose_world.copy()
    left = shown[:, HIPS[1]] - shown[:, HIPS[2]]
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    aside = (left + np.cross(left, [0.0, 0.0, 1.0])) / np.sqrt(2)
    shown[:, HIPS] += case.hip_bias_mm * aside[:, None]
    points = np.stack([camera.project(shown) for camera in cameras])
    points += rng.normal(0, case.noise_px, points.shape)
    is_wrong = rng.random(points.shape[:3]) < case.wrong
    points[is_wrong] = rng.uniform(0, cameras[0].size_px, (int(is_wrong.sum()), 2))
    points[rng.random(points.shape[:3]) < case.hidden] = np.nan
    names = tuple(str(number) for number in range(len(cameras)))
    return Clicks(names, tuple(camera.size_px for camera in cameras), np.arange(len(shown)) * 10.0, points)


def canonical_error_mm(
    pose_world: Float64[np.ndarray, "instants 17 3"], truth: Float64[np.ndarray, "instants 17 3"]
) -> float:
    """Mean over the solved joints of h36m16, in the canonical frame."""
    canonical = [to_canonical(to_root(torch.from_numpy(pose)))[0].numpy() for pose in (pose_world, truth)]
    errors = np.linalg.norm(canonical[0] - canonical[1], axis=-1)[:, list(joint_indices("h36m16"))]
    return float(np.nanmean(errors))


def measure() -> list[Figure]:
    """Mean canonical error of every case over ``SEEDS`` draws of person, instants and noise."""
    config = StudioConfig()
    people = []
    for subject in config.subjects[:SEEDS]:
        body = make_body(draw_person(config, subject).phenotype, config.mesh)
        seat = draw_seat(config, subject, body)
        poses = [perform(config, subject, action, 1, body, seat).joints_mm for action in config.actions]
        people.append((np.concatenate(poses), body.height_mm))
    figures, refused = [], 0
    for name, (case, limit) in CASES.items():
        errors = []
        for seed, (poses, height_mm) in enumerate(people):
            rng = np.random.default_rng(seed)
            share = min(SIZE_PX) / config.frame_size_px
            cameras = [
                camera.resized(SIZE_PX, camera.intrinsics_px[0, 0] * share * (case.zoom if number == 0 else 1.0))
                for number, camera in enumerate(list(studio_cameras(config).values())[: case.views])
            ]
            truth = poses[rng.choice(len(poses), case.instants, replace=False)]
            try:
                solution = solve(clicked(truth, cameras, case, rng), height_mm)
            except InputError:
                refused += 1
            else:
                errors.append(canonical_error_mm(solution.pose_world, truth))
        figures.append(Figure(f"error of solved labels: {name}", float(np.mean(errors)), "mm", limit))
    return [*figures, Figure(f"solved labels: refused of {len(CASES) * len(people)}", refused, "sets of clicks", 0)]
