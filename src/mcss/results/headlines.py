"""The headlines: errors on new and on filmed people relative to the baseline's, over seeds and drawn studios."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64
from scipy import stats

from mcss.results.record import read_table

DRAWS = ("studio", "studio-b")
"""Data sets whose people, rooms and cameras are drawn independently; a headline averages over both."""
METHODS, BASELINE = ("mcss", "mcss_plus"), "baseline"
ONE_PERSON = ("S1", "P1")
"""Levels that label one person, in ``studio`` and in ``studio-b``."""
PEOPLE = {"new": "n_mpjpe_mm", "filmed": "filmed_n_mpjpe_mm"}
"""Error of each headline: of test people, and of held-out clips of training people without labels."""
CONFIDENCE = 0.95
_PAIRED = ["draw", "steps", "world_size", "seed"]


def read_draws(folder: Path) -> dict[str, pd.DataFrame]:
    """Tables of the runs on each of ``DRAWS`` in the folder of all results; those that there are."""
    paths = {draw: folder / draw / "runs.csv" for draw in DRAWS}
    return {draw: read_table(path) for draw, path in paths.items() if path.is_file()}


def pairs(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row for each run of a method that has a run of the baseline of the same draw, steps and seed beside it.

    Both have the labels of one person. ``new`` and ``filmed`` are the method's N-MPJPE over the baseline's;
    ``gap_new`` and ``gap_filmed`` the label gap closed, (baseline - method) / (baseline - baseline with all labels),
    NaN where that run is missing. Seeds that were run with several settings of a method are left out.
    """
    runs = [_numbers(table).assign(draw=draw) for draw, table in tables.items()]
    whole = pd.concat(runs) if runs else pd.DataFrame(columns=["draw", "method", "supervision"])
    everybody = _one_each(whole, BASELINE, ("all",))
    baseline = _one_each(whole, BASELINE, ONE_PERSON)
    rows = []
    for method in METHODS:
        for key, ours in _one_each(whole, method, ONE_PERSON).iterrows():
            if key not in baseline.index:
                continue
            theirs, best = baseline.loc[key], everybody.loc[key] if key in everybody.index else None
            row = {"method": method, **dict(zip(_PAIRED, key, strict=True))}
            for name, metric in PEOPLE.items():
                row[name] = ours[metric] / theirs[metric]
                gap = float("nan") if best is None else theirs[metric] - _on_same_people(best, theirs, metric)
                row[f"gap_{name}"] = (theirs[metric] - ours[metric]) / gap
            rows.append(row)
    columns = ["method", *_PAIRED, *PEOPLE, *(f"gap_{name}" for name in PEOPLE)]
    return pd.DataFrame(rows, columns=columns)


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Whole tests, their errors as numbers."""
    errors = [name for name in table.columns if name.partition(":")[0] in PEOPLE.values()]
    whole = table[table["partial"] == "no"]
    return whole.assign(**{name: pd.to_numeric(whole[name], errors="coerce") for name in errors})


def _one_each(runs: pd.DataFrame, method: str, levels: Sequence[str]) -> pd.DataFrame:
    chosen = runs[(runs["method"] == method) & runs["supervision"].isin(levels)]
    return chosen.drop_duplicates(_PAIRED, keep=False).set_index(_PAIRED) if len(chosen) else chosen


def _on_same_people(run: pd.Series, like: pd.Series, metric: str) -> float:
    """Error of a run on the people on whom another was tested: with all labels, filmed people are others."""
    people = [name for name in run.index if str(name).startswith(f"{metric}:") and not pd.isna(like[name])]
    return float(run[people].mean()) if people else float(run[metric])


def headlines_table(tables: Mapping[str, pd.DataFrame], published: pd.DataFrame) -> str:
    """Markdown: mean and interval over ``pairs``, the mean of each draw, and the published figures."""
    paired = pairs(tables)
    if paired.empty:
        return "No runs yet of a method beside the baseline, with the labels of one person."
    rows = []
    for (method, steps), members in paired.groupby(["method", "steps"], sort=False):
        count = ", ".join(f"{draw} {number}" for draw, number in members["draw"].value_counts(sort=False).items())
        headings = {"method": method, "steps": f"{int(steps):,}", "seeds": count}
        values = {heading: _with_interval(members, name) for heading, name in _columns().items()}
        rows.append(headings | values)
    rows.append(_published_row(published))
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def _columns() -> dict[str, str]:
    ratios = {f"{name} people, of baseline": name for name in PEOPLE}
    return ratios | {f"label gap closed, {name} people": f"gap_{name}" for name in PEOPLE}


def _with_interval(members: pd.DataFrame, name: str) -> str:
    """Text such as ``0.71 (0.66 to 0.76; studio 0.70, studio-b 0.72)``."""
    known = members.dropna(subset=name)
    if known.empty:
        return "unknown"
    draws = known.groupby("draw", sort=False)[name].mean()
    each = [f"{draw} {value:.2f}" for draw, value in draws.items()] if len(draws) > 1 else []
    low_high = interval(known[name].to_numpy(np.float64))
    between = [] if low_high is None else [f"{low_high[0]:.2f} to {low_high[1]:.2f}"]
    inside = "; ".join([*between, *([", ".join(each)] if each else [])])
    return f"{known[name].mean():.2f}{f' ({inside})' if inside else ''}"


def interval(values: Float64[np.ndarray, " runs"]) -> tuple[float, float] | None:
    """Interval of the mean at ``CONFIDENCE`` by Student's t; None for a single value.

    >>> low, high = interval(np.array([1.0, 2.0, 3.0]))
    >>> round(low, 3), round(high, 3)  # 2 -+ 4.303 / sqrt(3)
    (-0.484, 4.484)
    """
    if len(values) < 2:
        return None
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values))
    return float(values.mean()) - half, float(values.mean()) + half


def _published_row(published: pd.DataFrame) -> dict[str, str]:
    """The paper's, on Human3.6M."""
    of_paper = published[(published["dataset"] == "h36m") & (published["frame"] == "canonical")]
    error = pd.to_numeric(of_paper.set_index(["method", "supervision"])["n_mpjpe_mm"], errors="coerce")
    baseline, mcss = error[BASELINE, "S1"], error["mcss", "S1"]
    values = {"new": mcss / baseline, "gap_new": (baseline - mcss) / (baseline - error[BASELINE, "all"])}
    texts = {heading: f"{values[name]:.2f}" if name in values else "" for heading, name in _columns().items()}
    return {"method": "mcss, published, Human3.6M", "steps": "", "seeds": "", **texts}
