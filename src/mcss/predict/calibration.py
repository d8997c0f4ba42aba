"""Intervals that hold the true joint in 90 % of the frames, from the errors of labelled people.

Split conformal prediction (Papadopoulos et al., 2002; Lei et al., 2018): the radius of a joint is its expected error,
see ``error_scale_mm``, times the 0.9 quantile of the ratio of error and expected error on the labelled frames. It holds
for other frames as far as these are exchangeable with the labelled ones. Frames of one person resemble each other, so
what counts is the number of people; and people whom the network has been trained on, even without labels, are no sample
of new people. ``Calibration.left_out`` says how far the intervals hold from one labelled person to the next.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from mcss.errors import InputError
from mcss.predict.fuse import fuse
from mcss.skeleton import JOINTS

COVERAGE = 0.9


class JointErrors(NamedTuple):
    """Errors of the fused poses of one person's frames."""

    person: str
    views: int
    """From how many each frame is fused."""
    error_mm: Float64[np.ndarray, "frames 17"]
    """Distance of each joint from the truth."""
    spread_mm: Float64[np.ndarray, "frames 17"]
    """Of the views, see ``fuse``; NaN of one view."""


class JointScales(NamedTuple):
    """How large the errors of joints are, with one number of views; 17 values each."""

    typical_mm: tuple[float, ...]
    """Median error of a joint."""
    scale: tuple[float, ...]
    """Radius that holds the truth in ``COVERAGE`` of the frames, over ``error_scale_mm``."""


@dataclass(frozen=True)
class Calibration:
    """What the errors of labelled people say about the uncertainty of joints, by the number of views."""

    by_views: dict[int, JointScales]
    left_out: dict[str, float] = field(default_factory=dict)
    """Share of a person's joints within the intervals that the other people alone give, with the most views."""

    def interval_mm(
        self, spread_mm: Float64[np.ndarray, "frames 17"], views: Float64[np.ndarray, " frames"]
    ) -> Float64[np.ndarray, "frames 17"]:
        """Radius around each joint that holds the true one with the probability ``COVERAGE``; NaN where not known."""
        interval = np.full(spread_mm.shape, np.nan)
        for count, (typical_mm, scale) in self.by_views.items():
            frames = views == count
            interval[frames] = np.array(scale) * error_scale_mm(spread_mm[frames], np.array(typical_mm))
        return interval

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        by_views = {count: scales._asdict() for count, scales in self.by_views.items()}
        content = {"coverage": COVERAGE, "joints": JOINTS, "left_out": self.left_out, "by_views": by_views}
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def error_scale_mm(
    spread_mm: Float64[np.ndarray, "frames 17"], typical_mm: Float64[np.ndarray, " 17"]
) -> Float64[np.ndarray, "frames 17"]:
    """Expected size of errors: what all views have wrong alike, and what they disagree in (nothing, of one view)."""
    return np.maximum(np.hypot(np.nan_to_num(spread_mm), typical_mm), 1.0)


def errors_by_views(
    person: str,
    pose_mm: Float[np.ndarray, "views frames 17 3"],
    confidence: Float[np.ndarray, "views frames"],
    true_mm: Float64[np.ndarray, "frames 17 3"],
) -> Iterator[JointErrors]:
    """Errors of a scene fused from one view, from two and so on to all, so that intervals are known for each number.

    Groups are of neighbouring views in the scene's order, each view in as many. Left out are frames in which a view of
    the group has no pose, or in which a joint is not labelled.
    """
    views = len(pose_mm)
    for count in range(1, views + 1):
        for first in range(views if count < views else 1):
            group = [(first + number) % views for number in range(count)]
            known = (confidence[group] > 0).all(axis=0) & np.isfinite(true_mm).all(axis=(1, 2))
            if known.any():
                poses = pose_mm[group][:, known].astype(np.float64)
                fused, spread_mm = fuse(poses, confidence[group][:, known].astype(np.float64))
                error_mm = np.linalg.norm(fused - true_mm[known], axis=-1)
                yield JointErrors(person, count, error_mm, spread_mm)


def calibrate(parts: Sequence[JointErrors]) -> Calibration:
    """Choose the scales so that ``COVERAGE`` of these errors lie within the interval, for each number of views."""
    by_views = {count: _scales([part for part in parts if part.views == count]) for count in _counts(parts)}
    most = [part for part in parts if part.views == max(by_views)]
    people = sorted({part.person for part in most})
    left_out = {}
    for person in people if len(people) > 1 else ():
        others = Calibration({max(by_views): _scales([part for part in most if part.person != person])})
        left_out[person] = round(_covered(others, [part for part in most if part.person == person]), 4)
    return Calibration(by_views, left_out)


def _counts(parts: Sequence[JointErrors]) -> list[int]:
    return sorted({part.views for part in parts})


def _scales(parts: Sequence[JointErrors]) -> JointScales:
    error_mm = np.concatenate([part.error_mm for part in parts])
    typical_mm = np.median(error_mm, axis=0)
    ratio = error_mm / error_scale_mm(np.concatenate([part.spread_mm for part in parts]), typical_mm)
    level = min(1.0, np.ceil(COVERAGE * (len(ratio) + 1)) / len(ratio))
    scale = np.quantile(ratio, level, axis=0, method="higher")
    return JointScales(tuple(typical_mm.tolist()), tuple(scale.tolist()))


def _covered(calibration: Calibration, parts: Sequence[JointErrors]) -> float:
    """Share of joints within their intervals, without the pelvis, whose error is 0."""
    held = [
        part.error_mm <= calibration.interval_mm(part.spread_mm, np.full(len(part.error_mm), float(part.views)))
        for part in parts
    ]
    return float(np.concatenate(held)[:, 1:].mean())


def read_calibration(path: Path) -> Calibration:
    """Read what ``Calibration.save`` wrote.

    Raises:
        InputError: it is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        by_views = content["by_views"].items()
        found = {int(views): JointScales(**{name: _joints(v) for name, v in s.items()}) for views, s in by_views}
        left_out = {str(person): float(share) for person, share in content.get("left_out", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a calibration ({error}); make one with mcss predict --calibrate") from None
    return Calibration(found, left_out)


def _joints(values: Sequence[float]) -> tuple[float, ...]:
    if len(values) != len(JOINTS):
        raise ValueError("not one number a joint")
    return tuple(float(value) for value in values)
