"""Which part of the look covers a point of the body."""

import numpy as np
from jaxtyping import Bool, Float, Int

from data_modules.sources.studio.anatomy import Place
from data_modules.sources.studio.garments import Slot
from data_modules.sources.studio.looks import Hair, Look, Piece
from data_modules.sources.studio.shells import bag_side

SKIN, FACE, LIPS, HAIR, TOP, BOTTOM, SHOES, HEADWEAR, BAG = range(9)
ZONES = 9

Values = Float[np.ndarray, " points"]
Mask = Bool[np.ndarray, " points"]

SHELL_ZONES: dict[Slot, int] = {"bottom": BOTTOM, "dress": BOTTOM, "head": HEADWEAR, "bag": BAG}
"""What the mesh that a piece brings with it is."""
BRIEFS_REACH = 0.12
"""How far down the legs what is worn under a skirt goes."""
V_WIDTH_MM = 75.0


def zones_of(look: Look, place: Place) -> Int[np.ndarray, " points"]:
    """Zone of each point of the body."""
    zones = np.full(len(place.points_mm), SKIN)
    head = np.flatnonzero(place.height_mm > place.anatomy.neck_mm)
    zones[head] = _face_zones(look, Place(place.anatomy, place.points_mm[head]), zones[head])
    if look.bottom is not None:
        end = BRIEFS_REACH if look.bottom.garment.extra == "skirt" else look.bottom.leg
        zones[~place.is_arm & (place.height_mm < place.anatomy.waist_mm) & (place.leg_reach < end)] = BOTTOM
    if look.top is not None:
        zones[_covers_top(look.top, place)] = TOP
    if look.shoes is not None:
        zones[place.is_leg & (place.leg_reach > look.shoes.leg)] = SHOES
    if look.bag is not None:
        zones[_straps(look.bag, place)] = BAG
    return zones


def _covers_top(piece: Piece, place: Place) -> Mask:
    bare_arm = place.by_arm & (place.arm_reach > piece.sleeve)
    lower = place.anatomy.waist_mm + piece.hem_mm
    return ~bare_arm & (place.is_arm | (place.height_mm > lower)) & (place.height_mm < _neckline_mm(piece, place))


def _neckline_mm(piece: Piece, place: Place) -> Values:
    """Height of the upper edge of a top, where it crosses the point's place on the neck or chest."""
    anatomy = place.anatomy
    x, y = place.mirrored[:, 0], place.points_mm[:, 1]
    if piece.garment.neckline == "high":
        return np.full(len(x), anatomy.neck_mm + 0.55 * (anatomy.chin_mm - anatomy.neck_mm) + 15) + 0.3 * (
            y - anatomy.ear_y_mm
        )
    middle_y = anatomy.arm.start_mm[1]
    front = np.clip((middle_y + 20 - y) / 60, 0, 1)
    depth = piece.collar_mm * (np.maximum(1 - x / V_WIDTH_MM, 0) if piece.garment.neckline == "v" else 1.0)
    return anatomy.neck_mm + 12 + 0.25 * (y - middle_y) - front * depth


def hair_line_mm(hair: Hair, place: Place) -> Values:
    """Height above which a head is covered with hair: the brow's in front, the nape's behind the ears."""
    anatomy = place.anatomy
    eye = anatomy.eye_mm[2]
    share = np.clip((anatomy.ear_y_mm + 12 - place.points_mm[:, 1]) / 50, 0, 1)
    temple = 0.25 * np.maximum(place.mirrored[:, 0] - 35, 0)
    front, nape = eye + hair.front_mm - temple, eye - hair.nape * (eye - anatomy.chin_mm)
    return nape + (front - nape) * share * share * (3 - 2 * share)


def _face_zones(look: Look, place: Place, zones: Int[np.ndarray, " points"]) -> Int[np.ndarray, " points"]:
    """Zones of points of the head: hair, beard, eyes, brows and lips over ``zones``."""
    anatomy, hair = place.anatomy, look.hair
    x, y, z = place.mirrored.T
    eye_x, _, eye_z = anatomy.eye_mm
    in_front = y < anatomy.face_y_mm + 55
    mouth = eye_z - 0.78 * (eye_z - anatomy.chin_mm)
    if hair.beard_mm:
        cheek = mouth + 8 + 0.5 * np.maximum(x - 22, 0)
        zones[(y < anatomy.ear_y_mm - 15) & (z < cheek) & (z > anatomy.chin_mm - hair.beard_mm)] = HAIR
    zones[in_front & ((x / 24) ** 2 + ((z - mouth) / 7) ** 2 < 1)] = LIPS
    zones[in_front & (((x - eye_x) / 15) ** 2 + ((z - eye_z) / 6.5) ** 2 < 1)] = FACE
    brow = eye_z + 20 + 4 * np.sin(np.clip((x - 10) / 45, 0, 1) * np.pi)
    zones[in_front & (np.abs(z - brow) < 4) & (np.abs(x - eye_x) < 20)] = HAIR
    zones[(z > hair_line_mm(hair, place)) & (z < eye_z + hair.top_mm)] = HAIR
    return zones


def _straps(bag: Piece, place: Place) -> Mask:
    """Straps over the trunk that a bag hangs on."""
    trunk = ~place.is_arm & (place.height_mm < place.anatomy.neck_mm + 30) & (place.height_mm > 0)
    shoulder = place.anatomy.arm.start_mm
    if bag.garment.extra == "backpack":
        return (
            trunk
            & (np.abs(place.mirrored[:, 0] - 0.58 * shoulder[0]) < 22)
            & (place.height_mm > place.anatomy.waist_mm + 40)
        )
    # From one shoulder across to the other hip.
    x = bag_side(bag) * place.points_mm[:, 0]
    share = (place.height_mm - 30) / (shoulder[2] + 50 - 30)
    line = 165 - share * (165 + 0.5 * shoulder[0])
    return trunk & (np.abs(x - line) < 20) & (share > 0)
