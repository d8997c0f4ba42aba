"""Who is in view: boxes of everybody in the pictures that were looked at, and the one person among them.

Nothing here knows how the boxes were found; a detector and motion give them alike.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, Real
from scipy.ndimage import binary_closing, median_filter

RIVAL_HEIGHT = 0.3
"""Somebody else is in view where a box has this share of the highest one's height; smaller ones are hands or leaves."""
LEAST_OVERLAP = 0.1
"""Intersection over union of the boxes of one person in two pictures that were looked at one after the other."""
FORGOTTEN_LOOKS = 10
"""Somebody who was not found in so many looks is somebody else when found again."""
MERGED_LOOKS = 25
"""For so many looks people who cross may look like one."""

OTHER_CLOTHES = 0.2
"""Difference of colours (``clothes``) between two people; other light and another side of one person give less."""
DARK = 32.0
"""Added to each colour, of 255: what is dark has no colour that can be told."""

Boxes = Float64[np.ndarray, "_ 4"]
"""Left, top, right, bottom, pixels."""
Clothes = Float64[np.ndarray, "_ 2 2"]
"""Shares of red and green in the upper and in the lower half of each person; not a number in grey pictures."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """Boxes of everybody in some pictures of a recording."""

    looked_at: Int64[np.ndarray, " looks"]
    """Numbers of the pictures, ascending."""
    boxes: tuple[Boxes, ...]
    """Of each look, the largest first."""
    clothes: tuple[Clothes, ...]

    def are_crowded(self) -> Bool[np.ndarray, " looks"]:
        """Whether more than one person, or moving thing, is in view; what only one look in three shows does not count.

        The views of two cameras cannot be told to show the same person then.
        """
        heights = [_heights(boxes) for boxes in self.boxes]
        rivals = np.array([int((own >= RIVAL_HEIGHT * own.max(initial=0)).sum()) for own in heights])
        if not len(rivals):
            return rivals > 1
        crowded = median_filter((rivals > 1).astype(np.uint8), size=3, mode="nearest") > 0
        # Two who cross are one region for a while.
        return binary_closing(np.pad(crowded, MERGED_LOOKS, mode="edge"), np.ones(MERGED_LOOKS))[
            MERGED_LOOKS:-MERGED_LOOKS
        ]


def by_size(boxes: Boxes) -> Boxes:
    """Boxes with the largest first."""
    return boxes[np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")]


def clothes(picture: Real[np.ndarray, "rows columns 3"], boxes: Boxes) -> Clothes:
    """Colours of the people in ``boxes``: of the middle third of each box, where there is little background."""
    found = np.full((len(boxes), 2, 2), np.nan)
    for number, (left, top, right, bottom) in enumerate(boxes.tolist()):
        third, half = (right - left) / 3, (bottom - top) / 2
        columns = slice(int(max(left + third, 0)), int(np.ceil(right - third)))
        for part in range(2):
            rows = slice(int(max(top + part * half, 0)), int(np.ceil(top + (part + 1) * half)))
            pixels = picture[rows, columns].reshape(-1, 3)
            if len(pixels) and (pixels != pixels[:, :1]).any():
                colour = pixels.mean(axis=0, dtype=np.float64) + DARK
                found[number, part] = colour[:2] / colour.sum()
    return found


def differ(one: Float64[np.ndarray, "2 2"], other: Float64[np.ndarray, "2 2"]) -> bool:
    """Whether two people wear other clothes, as far as their colours are known."""
    apart = np.linalg.norm(one - other, axis=1)
    return bool((apart[np.isfinite(apart)] > OTHER_CLOTHES).any())


@dataclass(frozen=True, eq=False)
class Followed:
    """One person through the looks at a recording: who fills most of it."""

    boxes: Float64[np.ndarray, "looks 4"]
    """Not a number where that person was not found."""
    clothes: Float64[np.ndarray, "2 2"]
    """Median of the looks."""
    are_others: Bool[np.ndarray, " looks"]
    """Where somebody in other clothes was found instead."""


def follow(sightings: Sightings) -> Followed:
    """Follow one person.

    Boxes that overlap from look to look are of one person. Where that person was not found for long, the largest at
    other times is taken, if the clothes are the same: somebody who was hidden is found again in another place.
    """
    looks = len(sightings.boxes)
    boxes, are_others = np.full((looks, 4), np.nan), np.zeros(looks, dtype=bool)
    worn = np.full((2, 2), np.nan)
    tracks = [
        {look: (sightings.boxes[look][number], sightings.clothes[look][number]) for look, number in track.items()}
        for track in _tracks(sightings.boxes)
    ]
    for track in sorted(tracks, key=_filled, reverse=True):
        seen = np.array(sorted(track))
        if not np.isnan(boxes[seen[0] : seen[-1] + 1, 0]).all():
            continue
        own = np.ma.median(np.ma.masked_invalid([track[look][1] for look in seen.tolist()]), axis=0).filled(np.nan)
        if differ(own, worn):
            are_others[seen] = True
            continue
        boxes[seen] = [track[look][0] for look in seen.tolist()]
        worn = np.where(np.isnan(worn), own, worn)
    return Followed(boxes, worn, are_others & np.isnan(boxes[:, 0]))


def _tracks(boxes_of_looks: tuple[Boxes, ...]) -> list[dict[int, int]]:
    """People by the numbers of their boxes in each look in which they were found."""
    tracks: list[dict[int, int]] = []
    for look, boxes in enumerate(boxes_of_looks):
        recent = [(track, max(track)) for track in tracks if look - max(track) <= FORGOTTEN_LOOKS]
        pairs = [
            (overlap(boxes_of_looks[last][track[last]], box), t, b)
            for t, (track, last) in enumerate(recent)
            for b, box in enumerate(boxes)
        ]
        taken_tracks: set[int] = set()
        taken_boxes: set[int] = set()
        for share, t, b in sorted(pairs, reverse=True):
            if share >= LEAST_OVERLAP and t not in taken_tracks and b not in taken_boxes:
                recent[t][0][look] = b
                taken_tracks.add(t)
                taken_boxes.add(b)
        tracks += [{look: b} for b in range(len(boxes)) if b not in taken_boxes]
    return tracks


def overlap(box: Float64[np.ndarray, " 4"], other: Float64[np.ndarray, " 4"]) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return float(shared / (np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - shared))


def _filled(track: dict[int, tuple[np.ndarray, np.ndarray]]) -> float:
    return float(sum(np.prod(box[2:] - box[:2]) for box, _ in track.values()))


def _heights(boxes: Boxes) -> Float64[np.ndarray, " _"]:
    return boxes[:, 3] - boxes[:, 1]
