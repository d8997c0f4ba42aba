"""Who is in view: boxes of everybody in the pictures that were looked at, and the one person among them.

Nothing here knows how the boxes were found; a detector and motion give them alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.ndimage import binary_closing, median_filter

RIVAL_HEIGHT = 0.3
"""Somebody else is in view where a box has this share of the highest one's height; smaller ones are hands or leaves."""
LEAST_OVERLAP = 0.1
"""Intersection over union of the boxes of one person in two pictures that were looked at one after the other."""
FORGOTTEN_LOOKS = 10
"""Somebody who was not found in so many looks is somebody else when found again."""
MERGED_LOOKS = 25
"""For so many looks people who cross may look like one."""

Boxes = Float64[np.ndarray, "_ 4"]
"""Left, top, right, bottom, pixels."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """Boxes of everybody in some pictures of a recording."""

    looked_at: Int64[np.ndarray, " looks"]
    """Numbers of the pictures, ascending."""
    boxes: tuple[Boxes, ...]
    """Of each look, the largest first."""

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


def follow(boxes_of_looks: Sequence[Boxes]) -> Float64[np.ndarray, "looks 4"]:
    """Boxes of one person through the looks at a video: who fills most of it; not a number where not found.

    Boxes that overlap from look to look are of one person. Where that person was not found for long, the largest at
    other times is taken: somebody who was hidden is found again in another place.
    """
    tracks: list[dict[int, np.ndarray]] = []
    for look, boxes in enumerate(boxes_of_looks):
        recent = [track for track in tracks if look - max(track) <= FORGOTTEN_LOOKS]
        pairs = [
            (overlap(track[max(track)], box), t, b) for t, track in enumerate(recent) for b, box in enumerate(boxes)
        ]
        taken_tracks: set[int] = set()
        taken_boxes: set[int] = set()
        for share, t, b in sorted(pairs, reverse=True):
            if share >= LEAST_OVERLAP and t not in taken_tracks and b not in taken_boxes:
                recent[t][look] = boxes[b]
                taken_tracks.add(t)
                taken_boxes.add(b)
        tracks += [{look: box} for b, box in enumerate(boxes) if b not in taken_boxes]
    followed = np.full((len(boxes_of_looks), 4), np.nan)
    for track in sorted(tracks, key=_filled, reverse=True):
        looks = np.array(sorted(track))
        if np.isnan(followed[looks[0] : looks[-1] + 1, 0]).all():
            followed[looks] = [track[look] for look in looks.tolist()]
    return followed


def overlap(box: Float64[np.ndarray, " 4"], other: Float64[np.ndarray, " 4"]) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return float(shared / (np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - shared))


def _filled(track: dict[int, np.ndarray]) -> float:
    return float(sum(np.prod(box[2:] - box[:2]) for box in track.values()))


def _heights(boxes: Boxes) -> Float64[np.ndarray, " _"]:
    return boxes[:, 3] - boxes[:, 1]
