"""Dressing a body: what its look adds to its shape, and which colour each point of its surface has."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array, vstack

from data_modules.sources.studio.anatomy import Anatomy, Place, anatomy_of
from data_modules.sources.studio.body import Body
from data_modules.sources.studio.cloth import cloth_colors
from data_modules.sources.studio.coverage import BOTTOM, HAIR, SHELL_ZONES, SHOES, TOP, ZONES, hair_line_mm, zones_of
from data_modules.sources.studio.looks import Look
from data_modules.sources.studio.shells import Shell, Wearer, garment_shell, hair_shell

HEAD, TORSO, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = range(6)
"""Parts of a body; where two of them meet in a picture, the outline is smoothed."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What colours a dressed body's surface, independent of its posture.

    Attributes:
        parts: part of the body that each triangle belongs to.
        shell_zones: what each triangle of hanging hair, a skirt, a hat or a bag is; -1 on the body itself.
        rest_mm: vertices of the bare body's rest pose, and of the shells', origin between the hips.
    """

    anatomy: Anatomy
    look: Look
    parts: Int[np.ndarray, " triangles"]
    shell_zones: Int[np.ndarray, " triangles"]
    rest_mm: Float[np.ndarray, "vertices 3"]

    def paint(
        self, triangles: Int[np.ndarray, " points"], rest_mm: Float[np.ndarray, "points 3"]
    ) -> tuple[Float[np.ndarray, "points 3"], Int[np.ndarray, " points"]]:
        """Colour (RGB in [0, 1]) of points before any light falls on them, and labels that differ where colours do.

        Args:
            triangles: index of the triangle that each point lies on.
            rest_mm: where in the rest pose each point is, interpolated from ``self.rest_mm``.
        """
        place = Place(self.anatomy, rest_mm)
        zones = zones_of(self.look, place)
        shells = self.shell_zones[triangles]
        zones[shells >= 0] = shells[shells >= 0]
        colors = cloth_colors(self.look, place, zones)
        return colors, zones + ZONES * self.parts[triangles]


def dress(body: Body, look: Look) -> tuple[Body, Surface]:
    """Put on everything that ``look`` says.

    Returns:
        the body with thicker limbs under clothes and with shells for what stands off the body, and its surface.
    """
    anatomy = anatomy_of(body)
    rest = body.rest_vertices_mm - anatomy.origin_mm
    thick = rest + _vertex_normals(rest, body.triangles) * _ease_mm(look, Place(anatomy, rest))[:, None]
    shells = _shells(look, _wearer(body, anatomy, thick))
    first = np.cumsum([len(rest), *(len(shell.vertices_mm) for _, shell in shells)])
    triangles = [body.triangles, *(s.triangles + start for (_, s), start in zip(shells, first[:-1], strict=True))]
    vertices = [thick, *(shell.vertices_mm for _, shell in shells)]
    weights = [body.weights, *(csr_array(shell.weights) for _, shell in shells)]
    dressed = replace(
        body,
        rest_vertices_mm=np.concatenate(vertices) + anatomy.origin_mm,
        weights=vstack(weights, format="csr"),
        triangles=np.concatenate(triangles),
    )
    zones = [np.full(len(body.triangles), -1), *(np.full(len(shell.triangles), zone) for zone, shell in shells)]
    parts = np.full(len(dressed.triangles), TORSO)
    parts[: len(body.triangles)] = np.sort(_vertex_parts(body)[body.triangles], axis=1)[:, 1]
    surface = Surface(anatomy, look, parts, np.concatenate(zones), np.concatenate([rest, *vertices[1:]]))
    return dressed, surface


def _vertex_parts(body: Body) -> Int[np.ndarray, " vertices"]:
    return np.array([_part_of(bone) for bone in body.vertex_bones])


def _part_of(bone: str) -> int:
    if bone.startswith(("head", "neck", "eye")):
        return HEAD
    left = bone.endswith(".L")
    if bone.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal")):
        return LEFT_ARM if left else RIGHT_ARM
    if bone.startswith(("upperleg", "lowerleg", "foot", "toe")):
        return LEFT_LEG if left else RIGHT_LEG
    return TORSO


def _vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "vertices 3"]:
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _ease_mm(look: Look, place: Place) -> Float[np.ndarray, " vertices"]:
    """How far clothes and hair stand off each vertex of the skin."""
    zones = zones_of(look, place)
    ease = np.zeros(len(zones))
    for zone, piece in ((TOP, look.top), (BOTTOM, look.bottom), (SHOES, look.shoes)):
        if piece is not None:
            ease[zones == zone] = piece.ease_mm
    # Trouser legs hang straight from the knee, they do not follow the calf.
    ease[zones == BOTTOM] *= 1 + 1.6 * np.clip(place.leg_reach[zones == BOTTOM] - 0.9, 0, 1)
    above_line = np.clip((place.height_mm - hair_line_mm(look.hair, place)) / 45, 0, 1)
    volume = look.hair.volume_mm if look.head is None else min(look.hair.volume_mm, 8.0)
    return np.where(zones == HAIR, volume * above_line, ease)


def _wearer(body: Body, anatomy: Anatomy, points: Float[np.ndarray, "vertices 3"]) -> Wearer:
    torso = ~np.isin(_vertex_parts(body), (LEFT_ARM, RIGHT_ARM))
    return Wearer(anatomy, points[torso], body.weights.toarray()[torso], body.bones)


def _shells(look: Look, wearer: Wearer) -> list[tuple[int, Shell]]:
    """Zone and mesh of everything that stands off the body."""
    pieces = {
        SHELL_ZONES[p.garment.slot]: p for p in (look.bottom, look.head, look.bag) if p and p.garment.extra != "none"
    }
    shells = [(zone, garment_shell(piece, wearer)) for zone, piece in pieces.items()]
    hair = hair_shell(look.hair, wearer, under_hat=look.head is not None)
    return shells if hair is None else [*shells, (HAIR, hair)]
