"""Groups runs that differ in the seed only, and describes how other groups differ."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from mcss.metrics.reported import METRICS
from mcss.results.record import FILMED, NOT_RECORDED, VALIDATION

_KEYS = (
    *("method", "supervision", "labels_2d", "settings", "steps", "world_size", "partial", "test_images", "frame"),
    "images_seen",
)
"""Runs that are equal in all of these columns belong to one group."""
_SHOWN_KEYS = ("steps", "world_size", "partial", "test_images", "frame")
_FIRST = ("labelled_instants", "mean_pose_mpjpe_mm")


def groups(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each group of rows of ``runs.csv`` that differ in the seed only.

    A group has its ``_KEYS``, the number of ``seeds`` and of ``runs``, for each error the mean over seeds and its
    sample standard deviation (``sd:NAME``; NaN for one seed), and the ``commits`` and ``precisions`` of its runs.
    A seed that was run more than once counts as one seed, with the mean of its runs.
    """
    known = {*METRICS, *FILMED, *VALIDATION}
    errors = [name for name in runs.columns if name.partition(":")[0] in known]
    numbers = runs.assign(**{name: pd.to_numeric(runs[name], errors="coerce") for name in [*errors, *_FIRST]})
    return pd.DataFrame(
        [
            _group(dict(zip(_KEYS, keys, strict=True)), members, errors)
            for keys, members in numbers.groupby(list(_KEYS), sort=False)
        ],
        columns=None if len(runs) else [*_KEYS, *_FIRST, *METRICS, *FILMED, *VALIDATION, "seeds", "runs"],
    )


def _group(keys: dict[str, Any], members: pd.DataFrame, errors: Sequence[str]) -> dict[str, Any]:
    by_seed = members.groupby("seed")[list(errors)].mean()
    commits = members["commit"] + members["dirty"].eq("yes").map({True: " with changes", False: ""})
    return {
        **keys,
        **members.iloc[0][list(_FIRST)],
        "seeds": len(by_seed),
        "runs": len(members),
        **by_seed.mean(),
        **by_seed.std().add_prefix("sd:"),
        "wall_s": pd.to_numeric(members["wall_s"], errors="coerce").mean(),
        "commits": sorted(set(commits)),
        "precisions": sorted(set(members["precision"])),
    }


def settings_of(group: pd.Series) -> dict[str, Any]:
    """Everything that decides the result of a group except method and supervision, flat."""
    settings = json.loads(group["settings"]) | {key: group[key] for key in _SHOWN_KEYS}
    settings.pop("data.supervision", None)
    return settings


def differing(members: pd.DataFrame) -> list[dict[str, Any]]:
    """For each group its values of the settings in which the groups differ; None for a setting that is off.

    Groups whose settings are recorded are compared with one another, others with all in what every run has.
    """
    settings = [settings_of(group) for _, group in members.iterrows()]
    recorded = [one for one, text in zip(settings, members["settings"], strict=True) if is_recorded(text)]
    varied = {name for one in recorded for name in one if len({json.dumps(other.get(name)) for other in recorded}) > 1}
    varied |= {name for name in _SHOWN_KEYS if len({one[name] for one in settings}) > 1}
    if "steps" in varied:  # which then tell the same
        varied.discard("trainer.max_steps")
    if len(recorded) < len(settings):
        varied |= {*NOT_RECORDED, "checkpoint"} & {name for one in settings for name in one}
    return [{name: one.get(name) for name in sorted(varied) if one in recorded or name in one} for one in settings]


def described(values: dict[str, Any]) -> str:
    """Text such as ``model.lr 0.01, trainer.max_steps 20``; settings without a value read ``off``."""
    return ", ".join(f"{name} {'off' if value is None else value}" for name, value in values.items())


def notes(grouped: pd.DataFrame) -> list[str]:
    """Notes on a table of these groups: in what groups differ, and where a group mixes commits or precisions."""
    lines = []
    for (method, supervision), members in grouped.groupby(["method", "supervision"], sort=False):
        name = f"{method} with the labels of {supervision}"
        if len(members) > 1:
            parts = [described(values) for values in differing(members)]
            lines.append(f"{name}: {len(members)} groups that are not merged, in order: {'; '.join(parts)}.")
        for _, group in members.iterrows():
            if group["runs"] > group["seeds"]:
                lines.append(
                    f"{name}: {group['runs']} runs of {group['seeds']} seeds; repetitions of a seed count once."
                )
            lines += [
                f"{name}: mixes {what} {', '.join(_short(value) for value in group[what])}."
                for what in ("commits", "precisions")
                if len(group[what]) > 1
            ]
            if group["partial"] == "yes":
                lines.append(f"{name}: a PARTIAL test, of {group['test_images']} images.")
    commits = sorted({commit for group in grouped["commits"] for commit in group}) if len(grouped) else []
    if len(commits) > 1:
        lines.append(f"The table mixes runs of {len(commits)} commits: {', '.join(map(_short, commits))}.")
    if unrecorded := sum(not is_recorded(settings) for settings in grouped["settings"]):
        lines.append(f"The settings of {unrecorded} groups are not recorded: their runs may differ in any of them.")
    return lines


def is_recorded(settings: str) -> bool:
    """Whether the settings of a row of ``runs.csv`` are those of a record."""
    return not NOT_RECORDED.items() <= json.loads(settings).items()


def _short(commit: str) -> str:
    return re.sub(r"[0-9a-f]{40}", lambda match: match[0][:8], commit)
