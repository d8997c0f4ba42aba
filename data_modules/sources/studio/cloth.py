"""Colours of the zones of a look: patterns, prints and details of cloth."""

import numpy as np
from jaxtyping import Bool, Float, Int

from data_modules.sources.studio.anatomy import Place
from data_modules.sources.studio.coverage import BAG, BOTTOM, FACE, HAIR, HEADWEAR, LIPS, SHOES, SKIN, TOP
from data_modules.sources.studio.looks import Look, Motif, Piece, mix

Values = Float[np.ndarray, " points"]
Colors = Float[np.ndarray, "points 3"]

SOLE_MM = 22.0
SIDE_STRIPE_RAD = 0.22
LIP_RED = (0.55, 0.22, 0.22)
BUTTON_GAP_MM, BUTTON_MM = 85.0, 6.0


def cloth_colors(look: Look, place: Place, zones: Int[np.ndarray, " points"]) -> Colors:
    """Colour of each point, given its zone."""
    palette = {SKIN: look.skin, FACE: look.eyes, LIPS: mix(look.skin, LIP_RED, 0.5), HAIR: look.hair.color}
    colors = np.empty((len(zones), 3))
    for zone, color in palette.items():
        colors[zones == zone] = color
    pieces = {TOP: look.top, BOTTOM: look.bottom, SHOES: look.shoes, HEADWEAR: look.head, BAG: look.bag}
    for zone, piece in pieces.items():
        chosen = np.flatnonzero(zones == zone)
        if piece is not None and len(chosen):
            is_skirt = zone == BOTTOM and piece.garment.extra == "skirt"
            colors[chosen] = _piece_colors(piece, zone, Place(place.anatomy, place.points_mm[chosen], not is_skirt))
    return colors


def _piece_colors(piece: Piece, zone: int, place: Place) -> Colors:
    cloth = piece.cloth
    share = _accent_share(piece, place)
    if zone == SHOES:
        share = (place.height_mm < place.anatomy.floor_mm + SOLE_MM).astype(float)
    elif zone == TOP:
        share = np.where(_top_details(piece, place), 1.0, share)
    elif zone == BOTTOM and piece.has_side_stripe:
        around = place.anatomy.leg.around(place.mirrored, place.leg_reach)
        share = np.where(np.abs(around - np.pi / 2) < SIDE_STRIPE_RAD, 1.0, share)
    shade = 1 - 0.25 * _seams(piece, zone, place)
    return ((1 - share)[:, None] * cloth.color + share[:, None] * cloth.accent) * shade[:, None]


def _accent_share(piece: Piece, place: Place) -> Values:
    """Share of the accent colour in the pattern."""
    pattern, period = piece.cloth.pattern, piece.cloth.period_mm
    if pattern == "plain":
        return np.zeros(len(place.points_mm))
    row = place.row_mm / period
    if pattern == "stripes":
        return (row % 1.0 < 0.45).astype(float)
    if pattern == "blocks":
        return (place.height_mm > place.anatomy.waist_mm + 210).astype(float)
    column = place.column_mm / period
    if pattern == "pinstripes":
        return (column % 1.0 < 0.16).astype(float)
    if pattern == "checks":
        return 0.5 * (row % 1.0 < 0.5) + 0.5 * (column % 1.0 < 0.5)
    if pattern == "dots":
        shifted = column + 0.5 * (np.floor(row) % 2)
        return ((row % 1.0 - 0.5) ** 2 + (shifted % 1.0 - 0.5) ** 2 < 0.07).astype(float)
    waves = np.sin(2 * np.pi * (row + 0.35 * np.sin(4.4 * column)))
    return (waves + np.cos(2 * np.pi * (column + 0.3 * np.sin(5.1 * row))) > 0.5).astype(float)


def _top_details(piece: Piece, place: Place) -> Bool[np.ndarray, " points"]:
    """Points of a motif or of a button."""
    x, _, z = place.points_mm.T
    above_waist = z - place.anatomy.waist_mm
    details = np.zeros(len(x), dtype=bool)
    if piece.motif is not None:
        details |= _in_motif(piece.motif, x, above_waist) & (place.is_front == piece.motif.is_front) & ~place.is_arm
    if piece.has_buttons:
        along = above_waist % BUTTON_GAP_MM - BUTTON_GAP_MM / 2
        details |= place.is_front & ~place.is_arm & (x**2 + along**2 < BUTTON_MM**2)
    return details


def _in_motif(motif: Motif, x: Values, above_waist: Values) -> Bool[np.ndarray, " points"]:
    across = (x - motif.center_mm[0]) / motif.half_mm[0]
    up = (above_waist - motif.center_mm[1]) / motif.half_mm[1]
    if motif.bars == 0:
        return across**2 + up**2 < 1
    return (np.abs(across) < 1) & (np.abs(up) < 1) & ((up + 1) / 2 * motif.bars % 1.0 < 0.6)


def _seams(piece: Piece, zone: int, place: Place) -> Bool[np.ndarray, " points"]:
    """Points on the edge of a pocket or beside a row of buttons."""
    x, _, z = place.points_mm.T
    above_waist = z - place.anatomy.waist_mm
    seams = np.zeros(len(x), dtype=bool)
    if zone == TOP and piece.has_buttons:
        seams |= place.is_front & ~place.is_arm & (np.abs(np.abs(x) - 14) < 1.5)
    if piece.has_pocket:
        if zone == TOP:
            across, up, chosen = np.abs(x - 70) / 42, np.abs(above_waist - 210) / 50, place.is_front
        else:
            across, up, chosen = np.abs(np.abs(x) - 75) / 48, np.abs(above_waist + 130) / 60, ~place.is_front
        edge = np.maximum(across, up)
        seams |= chosen & ~place.is_arm & (edge < 1) & (edge > 0.9)
    return seams
