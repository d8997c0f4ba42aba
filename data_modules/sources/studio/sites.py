"""Places to film in: where the cameras stand, how the walls look, where the lamp hangs."""

from dataclasses import dataclass

import numpy as np

from data_modules.sources.studio.looks import Color


@dataclass(frozen=True)
class Site:
    """What a place is like, beyond the sizes that ``StudioConfig`` holds.

    Attributes:
        cameras: their names, sorted.
        azimuths_rad: where each stands around the middle of the room, counted from +X towards +Y.
        height_offsets_mm: of each, from the configuration's height.
        wall_kinds: of the walls at -X, +X, -Y, +Y: 0 bricks, 1 boards, 2 wallpaper, 3 plaster.
        wall_colors: likewise.
        floor_color: of the planks.
        rug_color: of the round rug in the middle.
        lamp_mm: position of the lamp.
    """

    cameras: tuple[str, ...]
    azimuths_rad: tuple[float, ...]
    height_offsets_mm: tuple[float, ...]
    wall_kinds: tuple[int, int, int, int]
    wall_colors: tuple[Color, Color, Color, Color]
    floor_color: Color
    rug_color: Color
    lamp_mm: tuple[float, float, float]


SITES: dict[str, Site] = {
    # Four cameras, each a little off a corner of the room, named after Human3.6M's.
    "a": Site(
        cameras=("54138969", "55011271", "58860488", "60457274"),
        azimuths_rad=tuple(
            np.pi / 4 + corner * np.pi / 2 + off for corner, off in enumerate((0.03, -0.05, 0.06, -0.02))
        ),
        height_offsets_mm=(0.0, 60.0, -80.0, 30.0),
        wall_kinds=(0, 1, 2, 3),
        wall_colors=((0.62, 0.70, 0.72), (0.74, 0.66, 0.56), (0.60, 0.66, 0.56), (0.70, 0.64, 0.70)),
        floor_color=(0.55, 0.45, 0.36),
        rug_color=(0.50, 0.52, 0.58),
        lamp_mm=(500.0, -700.0, 2800.0),
    ),
    # Five cameras around the room at different heights, none where one of the first site stands.
    "b": Site(
        cameras=("B1", "B2", "B3", "B4", "B5"),
        azimuths_rad=tuple(0.1 + 2 * np.pi / 5 * place for place in range(5)),
        height_offsets_mm=(-500.0, 250.0, -150.0, 500.0, 0.0),
        wall_kinds=(3, 2, 1, 0),
        wall_colors=((0.46, 0.52, 0.66), (0.78, 0.76, 0.68), (0.52, 0.44, 0.40), (0.72, 0.56, 0.46)),
        floor_color=(0.44, 0.46, 0.48),
        rug_color=(0.62, 0.40, 0.32),
        lamp_mm=(-900.0, 600.0, 2850.0),
    ),
}
"""By name."""
