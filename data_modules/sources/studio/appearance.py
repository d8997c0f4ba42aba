"""What colours a body: which part a point of its surface belongs to, and what its look paints there."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.looks import Color, Garment, Look

HEAD, TORSO, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG, SEAT = range(7)
"""Parts of the scene that a ray can meet; they also mark where an outline needs smoothing."""

SEAT_COLOR: Color = (0.42, 0.30, 0.20)
OPENING_MM = 105.0
"""Half of the width at which a shirt is open in front."""
WRIST_REACH, ANKLE_REACH = 1.93, 1.9
"""Positions along a limb (0 = shoulder or hip, 1 = elbow or knee, 2 = wrist or ankle) where hands and shoes begin."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What colours a body's surface, independent of its posture.

    Attributes:
        parts: part of the body that each triangle belongs to.
        reach: position of each vertex along its limb (0 = shoulder or hip, 2 = wrist or ankle), 0 on head and torso.
        rest_mm: vertices of the rest pose, origin between the hips.
        waist_mm, brow_mm, nape_mm: heights in the rest pose; the hair begins behind the ears and above the brow.
    """

    parts: Int[np.ndarray, " triangles"]
    reach: Float[np.ndarray, " vertices"]
    rest_mm: Float[np.ndarray, "vertices 3"]
    waist_mm: float
    brow_mm: float
    nape_mm: float
    ear_mm: float


def _part_of(bone: str) -> int:
    if bone.startswith(("head", "neck", "eye")):
        return HEAD
    left = bone.endswith(".L")
    if bone.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal")):
        return LEFT_ARM if left else RIGHT_ARM
    if bone.startswith(("upperleg", "lowerleg", "foot", "toe")):
        return LEFT_LEG if left else RIGHT_LEG
    return TORSO


def _reach_of(bone: str, vertex: Float[np.ndarray, " 3"], heads: dict[str, Float[np.ndarray, " 3"]]) -> float:
    """Position along the limb of a vertex that ``bone`` moves."""
    stem, _, letter = bone.partition(".")
    if stem.startswith(("wrist", "finger", "metacarpal", "toe", "foot")):
        return 2.0 + (0.3 if not stem.startswith("foot") else 0.1)
    chains = {"upperarm": ("upperarm01", "lowerarm01", 0), "lowerarm": ("lowerarm01", "wrist", 1),
              "upperleg": ("upperleg01", "lowerleg01", 0), "lowerleg": ("lowerleg01", "foot", 1)}  # fmt: skip
    if stem[:-2] not in chains:
        return 0.0
    start, end, base = chains[stem[:-2]]
    origin, axis = heads[f"{start}.{letter}"], heads[f"{end}.{letter}"] - heads[f"{start}.{letter}"]
    return base + float(np.clip((vertex - origin) @ axis / (axis @ axis), 0.0, 1.0))


def surface_of(body: Body) -> Surface:
    """Map a body's mesh for ``paint``."""
    heads = dict(zip(body.bones, body.rest_heads_mm, strict=True))
    origin = (heads["upperleg01.L"] + heads["upperleg01.R"]) / 2
    vertices = body.rest_vertices_mm
    bones = body.vertex_bones
    vertex_parts = np.array([_part_of(bone) for bone in bones])
    corner_parts = np.sort(vertex_parts[body.triangles], axis=1)
    reach = np.array([_reach_of(bone, vertex, heads) for bone, vertex in zip(bones, vertices, strict=True)])
    top, chin = vertices[:, 2].max(), heads["neck03"][2]
    return Surface(
        parts=corner_parts[:, 1],
        reach=reach,
        rest_mm=vertices - origin,
        waist_mm=float(heads["spine04"][2] - origin[2]) + 10.0,
        brow_mm=float(chin + 0.78 * (top - chin) - origin[2]),
        nape_mm=float(chin - 0.25 * (top - chin) - origin[2]),
        ear_mm=float(heads["head"][1] - origin[1]) + 5.0,
    )


def _mix(
    garment: Garment, rest_mm: Float[np.ndarray, "points 3"], reach: Float[np.ndarray, " points"]
) -> Float[np.ndarray, " points"]:
    """Share of the accent colour at points of the rest pose."""
    # Along limbs the pattern runs with the limb, which hangs at an angle in the rest pose.
    along = np.where(reach > 0, 300.0 * reach, rest_mm[:, 2]) / garment.period_mm
    across = np.where(reach > 0, rest_mm[:, 1], rest_mm[:, 0]) / garment.period_mm
    if garment.pattern == "stripes":
        return (along % 1.0 < 0.45).astype(np.float64)
    if garment.pattern == "checks":
        return 0.5 * (along % 1.0 < 0.5) + 0.5 * (across % 1.0 < 0.5)
    return np.zeros(len(rest_mm))


def _cloth(
    garment: Garment, rest_mm: Float[np.ndarray, "points 3"], reach: Float[np.ndarray, " points"]
) -> Float[np.ndarray, "points 3"]:
    share = _mix(garment, rest_mm, reach)[:, None]
    return (1 - share) * np.array(garment.color) + share * np.array(garment.accent)


def paint(
    look: Look,
    surface: Surface,
    parts: Int[np.ndarray, " points"],
    reach: Float[np.ndarray, " points"],
    rest_mm: Float[np.ndarray, "points 3"],
) -> Float[np.ndarray, "points 3"]:
    """Colour (RGB in [0, 1]) of points of the scene before any light falls on them."""
    colors = np.empty((len(parts), 3))
    colors[:] = look.skin
    arm, leg, torso = np.isin(parts, (LEFT_ARM, RIGHT_ARM)), np.isin(parts, (LEFT_LEG, RIGHT_LEG)), parts == TORSO
    shirt = (torso & (rest_mm[:, 2] >= surface.waist_mm)) | (arm & (reach < min(look.shirt.reach, WRIST_REACH)))
    trousers = (torso & ~shirt) | (leg & (reach < min(look.trousers.reach, ANKLE_REACH)))
    colors[shirt] = _cloth(look.shirt, rest_mm[shirt], reach[shirt])
    # At rest the body faces -Y.
    open_front = shirt & torso & (rest_mm[:, 1] < 0) & (np.abs(rest_mm[:, 0]) < OPENING_MM)
    colors[open_front] = look.undershirt
    colors[trousers] = _cloth(look.trousers, rest_mm[trousers], reach[trousers])
    colors[leg & (reach >= ANKLE_REACH)] = look.shoes
    hair_end = surface.nape_mm + look.hair_line * (surface.brow_mm - surface.nape_mm)
    behind = (rest_mm[:, 1] > surface.ear_mm) & (rest_mm[:, 2] > hair_end)
    colors[(parts == HEAD) & (behind | (rest_mm[:, 2] > surface.brow_mm))] = look.hair
    colors[parts == SEAT] = SEAT_COLOR
    return colors
