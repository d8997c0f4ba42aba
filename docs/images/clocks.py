"""Draws clocks.png of docs/footage.md: where the clocks of three videos lie on the shared clock, by the code itself.

python docs/images/clocks.py
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from data_modules.sources.footage.recordings import on_shared_clock

OFFSETS_S = {"a": 0.0, "b": 0.5, "c": -1.0}
DURATION_S = 3


def clocks_figure() -> Figure:
    """A bar for each video on the shared clock, with what its own clock shows."""
    figure = Figure(figsize=(7.5, 2.6), layout="constrained")
    axes = figure.subplots()
    for row, (name, offset_s) in enumerate(OFFSETS_S.items()):
        own_s = np.arange(DURATION_S + 1.0)
        shared_s = on_shared_clock(own_s, {"offset_s": str(offset_s)}, Path(name))
        axes.barh(row, DURATION_S, left=shared_s[0], height=0.55, color=f"C{row}", alpha=0.35)
        for own, shared in zip(own_s.tolist(), shared_s.tolist(), strict=True):
            axes.plot([shared, shared], [row - 0.28, row + 0.28], color=f"C{row}")
            axes.annotate(f"{own:.0f} s", (shared, row), (3, 0), textcoords="offset points", va="center", fontsize=9)
    axes.axvline(0, color="black", linestyle="--")
    axes.annotate("the shared clock is at 0", (0, -0.75), (4, 0), textcoords="offset points", fontsize=9)
    axes.set_yticks(range(len(OFFSETS_S)), [f"{name}, offset_s {offset:+.1f}" for name, offset in OFFSETS_S.items()])
    axes.set_ylim(len(OFFSETS_S) - 0.5, -1)
    axes.set_xlim(-0.7, 4.4)
    axes.set_xlabel("shared clock, s; in the bars: what the video's own clock shows")
    return figure


if __name__ == "__main__":
    clocks_figure().savefig(Path(__file__).with_suffix(".png"), dpi=110)
