"""Joint angles over time as a picture."""

from pathlib import Path

from matplotlib.figure import Figure

from mcss.predict.angles import joint_angles_deg
from mcss.predict.motion import Motion

SIDES = (("right", "tab:red"), ("left", "tab:blue"))
TRUNK = (
    ("trunk_flexion", "flexion"),
    ("trunk_bending_right", "bending right"),
    ("trunk_rotation_left", "rotation left"),
)
PAIRS = ("hip_flexion", "hip_abduction", "knee_flexion", "shoulder_elevation", "shoulder_plane", "elbow_flexion")


def write_plot(motion: Motion, path: Path) -> None:
    """Draw a panel for each angle, right red and left blue; frames that were bridged are grey, gaps are left out."""
    angles = joint_angles_deg(motion.pose_mm)
    figure = Figure(figsize=(12, 11), layout="constrained")
    panels = figure.subplots(4, 2, sharex=True).ravel()
    for panel, name in zip(panels, PAIRS, strict=False):
        for side, colour in SIDES:
            panel.plot(motion.time_s, angles[f"{name}_{side}"], color=colour, label=side, linewidth=1.2)
        panel.set_title(name.replace("_", " "))
    for name, label in TRUNK:
        panels[len(PAIRS)].plot(motion.time_s, angles[name], label=label, linewidth=1.2)
    panels[len(PAIRS)].set_title("trunk")
    panels[-1].set_axis_off()
    for panel in panels[: len(PAIRS) + 1]:
        for time_s in motion.time_s[motion.is_bridged]:
            panel.axvspan(time_s - 0.5 / motion.fps, time_s + 0.5 / motion.fps, color="0.85", linewidth=0)
        panel.set_ylabel("degrees")
        panel.tick_params(labelbottom=True)
        panel.grid(alpha=0.3)
        panel.legend(loc="upper right", fontsize="small")
        panel.set_xlabel("time, s")
    figure.savefig(path, dpi=100)
