"""Tables in Markdown and CSV that compare groups of runs."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mcss.metrics.reported import METRICS
from mcss.results.groups import described, groups, notes, settings_of
from mcss.results.headlines import headlines_table
from mcss.results.layout import (
    ACROSS_FRAMES,
    CALIBRATION,
    CREDITED_BY,
    CURVE_METHODS,
    PUBLISHED_AS,
    README_LEVELS,
    REFERENCE,
    TABLES,
    VARIANTS,
)

_ALIKE = ("supervision", "steps", "world_size", "partial", "test_images")


def readme_table(runs: pd.DataFrame) -> str:
    """Mean and standard deviation over seeds of the groups of ``CURVE_METHODS``, and the notes on them."""
    shown = groups(runs)
    shown = shown[shown["method"].isin(CURVE_METHODS) & shown["supervision"].isin(README_LEVELS)]
    if shown.empty:
        return "No runs yet: `make curve` runs them, `make report RUNS=...` adds finished ones."
    rows = [
        {
            "3D labels": group["supervision"],
            "method": _marked(group),
            "seeds": group["seeds"],
            "steps": _thousands(group["steps"]),
            "images seen": _thousands(group["images_seen"]),
            **{reported.heading: _with_spread(group, name) for name, reported in METRICS.items()},
            "N-MPJPE of each": _by_subject(group, "n_mpjpe_mm"),
            "N-MPJPE of filmed people": _with_spread(group, "filmed_n_mpjpe_mm"),
            "N-MPJPE of each filmed": _by_subject(group, "filmed_n_mpjpe_mm"),
        }
        for _, group in shown.iterrows()
    ]
    mean_pose = dict.fromkeys(rows[0], "") | {"method": "always the mean training pose"}
    rows.append(mean_pose | {"MPJPE": f"{shown['mean_pose_mpjpe_mm'].mean():.1f}"})
    return "\n\n".join([_markdown(rows), *([" ".join(lines)] if (lines := notes(shown)) else [])])


def cells(runs: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Content of all tables: one row for each table, group and metric, in mm on the test subjects."""
    grouped = groups(runs)
    grouped = grouped.assign(credited=_credited(grouped))
    return pd.DataFrame(
        [
            {"table": name, **_cell(group, metric, grouped, published)}
            for name, table in TABLES.items()
            for level in table.levels
            for method in table.methods
            for _, group in grouped[(grouped["supervision"] == level) & (grouped["method"] == method)].iterrows()
            for metric in table.metrics
        ]
    )


def _credited(grouped: pd.DataFrame) -> list[str]:
    """``yes`` and ``no`` for ``VARIANTS`` that are tested and validated alike; empty for other groups."""
    alike = [*_ALIKE, "seeds", "frame"]
    known = grouped[grouped["method"].isin(VARIANTS) & ~grouped[CREDITED_BY].isna()]
    credited = pd.Series("", index=grouped.index)
    for _, members in known.groupby([known["method"].map(VARIANTS), *alike]):
        names = members["method"]
        if len(members) == names.nunique() == list(VARIANTS.values()).count(VARIANTS[names.iloc[0]]):
            credited[members.index] = "no"
            credited[members[CREDITED_BY].idxmin()] = "yes"
    return credited.tolist()


def _cell(group: pd.Series, metric: str, grouped: pd.DataFrame, published: pd.DataFrame) -> dict[str, Any]:
    alike = [*_ALIKE] + ([] if metric == ACROSS_FRAMES else ["frame"])
    reference = grouped[(grouped["method"] == REFERENCE) & grouped[alike].eq(group[alike]).all(axis=1)]
    theirs = published[(published["dataset"] == "h36m") & (published["supervision"] == group["supervision"])]
    theirs = theirs[theirs["method"] == PUBLISHED_AS.get(group["method"], group["method"])]
    if metric != ACROSS_FRAMES:
        theirs = theirs[theirs["frame"] == group["frame"]]
    return {
        **{key: group[key] for key in ("supervision", "labels_2d", "method", "partial", "frame", "credited")},
        "metric": metric,
        "seeds": group["seeds"],
        "runs": group["runs"],
        "mean_mm": round(group[metric], 4),
        "sd_mm": round(group[f"sd:{metric}"], 4),
        "by_subject": _by_subject(group, metric),
        "filmed_mean_mm": round(group[f"filmed_{metric}"], 4),
        "filmed_sd_mm": round(group[f"sd:filmed_{metric}"], 4),
        "filmed_by_subject": _by_subject(group, f"filmed_{metric}"),
        "validation_mm": round(group[f"validation_{metric}"], 4),
        # Not defined if several groups of the reference match.
        "mcss_ratio": round(reference.iloc[0][metric] / group[metric], 3) if len(reference) == 1 else float("nan"),
        "mean_pose_ratio": round(group["mpjpe_mm"] / group["mean_pose_mpjpe_mm"], 3),
        "published_h36m_mm": theirs.iloc[0][metric] if len(theirs) else "",
        "settings": described(settings_of(group)),
    }


def tables_page(runs: pd.DataFrame, published: pd.DataFrame, data: str) -> str:
    """All tables as Markdown, each with the notes on its groups."""
    every, grouped = cells(runs, published), groups(runs)
    parts = [
        f"# Tables, {data}\n\nErrors in mm (h36m16, mean over images), each in its own frame: mean ± sample standard"
        " deviation over seeds, on *new people*, the test subjects, and on *filmed people*, held-out clips of training"
        " subjects without labels (of all, where everybody has labels). *Of mean pose*: MPJPE divided by that of always"
        " predicting the mean training pose; near 1, a run has learned next to nothing. *Validation*: on the clips by"
        " which settings are chosen. Of two variants of a published method, the one with the lower N-MPJPE there is"
        " *credited*.\n\n## Headlines\n\nN-MPJPE of a method over that of the baseline, with the labels of one person:"
        f" mean over seeds (95 % interval).\n\n{headlines_table({data: runs}, published)}\n"
    ]
    for name, table in TABLES.items():
        shown = every[every["table"] == name] if len(every) else every
        compared = grouped["supervision"].isin(table.levels) & grouped["method"].isin(table.methods)
        content = _by_frame(shown) + _as_list(notes(grouped[compared])) if len(shown) else "No runs yet."
        parts.append(f"\n## {table.title}\n\n{content}\n")
    return "".join(parts)


def _by_frame(shown: pd.DataFrame) -> str:
    """Cells as Markdown, apart for each frame of the pose; and what compares across frames, if there are several."""
    frames = shown["frame"].unique().tolist()
    if len(frames) == 1:
        return _cells_as_markdown(shown)
    parts = {f"In the {frame} frame": shown[shown["frame"] == frame] for frame in frames}
    if (across := shown[shown["metric"] == ACROSS_FRAMES]).size:
        parts["Across frames"] = across
    return "\n\n".join(f"### {heading}\n\n{_cells_as_markdown(part)}" for heading, part in parts.items())


def _cells_as_markdown(shown: pd.DataFrame) -> str:
    return _markdown(
        [
            {
                "3D labels": cell["supervision"],
                "2D labels": cell["labels_2d"],
                "method": _marked(cell),
                "frame": cell["frame"],
                "metric": METRICS[cell["metric"]].heading,
                "seeds": cell["seeds"],
                "new people": _mean_and_sd(cell["mean_mm"], cell["sd_mm"]),
                "of each": cell["by_subject"],
                "filmed people": _mean_and_sd(cell["filmed_mean_mm"], cell["filmed_sd_mm"]),
                "of each filmed": cell["filmed_by_subject"],
                "validation": _mean_and_sd(cell["validation_mm"], float("nan")),
                "of mean pose": f"{cell['mean_pose_ratio']:.2f}",
                "mcss / this": "" if pd.isna(cell["mcss_ratio"]) else f"{cell['mcss_ratio']:.3f}",
                "published, Human3.6M": cell["published_h36m_mm"],
            }
            for _, cell in shown.iterrows()
        ]
    )


def difficulty(runs: pd.DataFrame) -> str:
    """Sentence on the difficulty of the data: errors of the long baseline with all labels and with those of S1."""
    grouped = groups(runs)
    long = grouped[(grouped["method"] == CALIBRATION) & grouped["partial"].eq("no")]
    everybody, one = (long[long["supervision"] == level] for level in ("all", "S1"))
    if len(everybody) != 1:
        return (
            f"Not measured ({len(everybody) or 'no'} groups of `METHOD={CALIBRATION}` with `SUPERVISION=all`):"
            " it takes one, and one with `SUPERVISION=S1`."
        )
    best = everybody.iloc[0]
    error, mean_pose = best["mpjpe_mm"], best["mean_pose_mpjpe_mm"]
    sentence = (
        f"Trained for long (`METHOD={CALIBRATION}`: {int(best['steps']):,} steps, {best['wall_s'] / 60:.0f} minutes),"
        f" the baseline reaches an MPJPE of {error:.1f} mm\nwith the labels of all training subjects,"
        f" {error / mean_pose:.2f} times the mean pose's {mean_pose:.1f} mm"
    )
    if len(one) != 1:
        return f"{sentence}; with those of S1 alone it has not been measured."
    with_one = one.iloc[0]["mpjpe_mm"]
    return f"{sentence}, and {with_one:.1f} mm with those of S1 alone, {with_one / error:.2f} times as much."


def write_into(page: str, name: str, text: str) -> str:
    """``page`` with ``text`` between the marks of block ``name``."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)


def read_published(path: Path) -> pd.DataFrame:
    """Published results, every cell as text; empty if there is no file."""
    if not path.is_file():
        return pd.DataFrame(columns=["dataset", "supervision", "method", "frame", *METRICS], dtype=str)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _marked(group: pd.Series) -> str:
    credited = ", credited" if group.get("credited") == "yes" else ""
    return f"{group['method']}{credited}{' (PARTIAL test)' if group['partial'] == 'yes' else ''}"


def _thousands(count: str) -> str:
    return f"{int(count):,}" if count.isdigit() else count


def _with_spread(group: pd.Series, metric: str) -> str:
    return _mean_and_sd(group[metric], group[f"sd:{metric}"])


def _mean_and_sd(mean: float, deviation: float) -> str:
    if pd.isna(mean):
        return "unknown"
    return f"{mean:.1f}" if pd.isna(deviation) else f"{mean:.1f} ± {deviation:.1f}"


def _by_subject(group: pd.Series, metric: str) -> str:
    """Text such as ``S9 112.1, S11 98.0``."""
    known = {name.partition(":")[2]: group[name] for name in group.index if name.startswith(f"{metric}:")}
    values = {subject: value for subject, value in known.items() if not pd.isna(value)}
    return ", ".join(f"{subject} {value:.1f}" for subject, value in values.items()) or "unknown"


def _markdown(rows: Sequence[dict[str, Any]]) -> str:
    frame = pd.DataFrame(rows).map(lambda value: str(value).replace("|", "\\|"))
    return frame.to_markdown(index=False, disable_numparse=True)


def _as_list(lines: Iterable[str]) -> str:
    return "".join(["\n", *(f"\n- {line}" for line in lines)]) if lines else ""
