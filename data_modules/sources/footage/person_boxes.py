"""Where the boxes of own recordings come from: the rows of boxes.csv, else a person detector, else motion."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_modules.sources.footage.recordings import Recording, recording_name
from data_modules.sources.footage.tables import BOXES_FILE, rows_by
from data_modules.sources.footage.tracks import Track, found_track, written_track

if TYPE_CHECKING:
    from data_modules.sources.footage.detector_boxes import Detector

MOTION = "motion"
"""In place of a detector's weights."""


class PersonBoxes:
    """Boxes of the recordings under ``source``; finds those that its boxes.csv lacks by a detector, if one was chosen.

    It travels to worker processes, which find boxes themselves.
    """

    def __init__(self, source: Path) -> None:
        self._table = source / BOXES_FILE
        self._detector: Detector | None = None
        self._tracks: dict[Path, Track] = {}
        """Of the clip at hand, whose remarks and instants both need them."""

    def use_detector(self, weights: str) -> None:
        """Find people by a detector with ``weights``, or by their ``motion``.

        Raises:
            InputError: the weights cannot be had.
        """
        if weights == MOTION:
            return
        from data_modules.sources.footage.detector_boxes import Detector  # torchvision's networks take seconds to load

        self._detector = Detector(weights)

    def prefer_detector(self, recordings: Sequence[Path]) -> str | None:
        """Take torchvision's detector where its weights can be had, if one of ``recordings`` has no rows.

        Returns a line about the choice, or None where there is none.
        """
        if not self._are_lacking(recordings):
            return None
        from data_modules.sources.footage.detector_boxes import NETWORK, available_detector

        self._detector = available_detector()
        if self._detector:
            return (
                f"boxes that boxes.csv lacks: by {NETWORK} {self._detector.weights}; --detector {MOTION} takes motion"
            )
        return (
            "boxes that boxes.csv lacks: from motion, which finds somebody who walks about; the weights of a person"
            " detector cannot be had here, --detector FILE names some"
        )

    def options(self) -> dict[str, str]:
        """Weights of the detector, if one is used, as a store's configuration names them."""
        return {"detector": self._detector.id} if self._detector else {}

    def assumptions(self, recordings: Sequence[Path]) -> list[str]:
        """What is taken to hold for ``recordings``: what found boxes cannot tell, and given ones are not asked."""
        lines = []
        if self._are_lacking(recordings):
            lines.append("that one and the same person is in all views of a clip where people are dressed alike")
        if self._detector or not self._are_lacking(recordings, every=True):
            lines.append("that cameras stood still, on which mcss-data solve and replaced backgrounds build")
        return lines

    def track(self, recording: Recording) -> Track:
        """The person's boxes in every picture of ``recording``.

        Raises:
            InputError: a row of boxes.csv is no box, or nobody can be found.
        """
        if recording.path not in self._tracks:
            if self._tracks and next(iter(self._tracks)).parent != recording.path.parent:
                self._tracks.clear()
            name = recording_name(recording.path)
            rows = rows_by(self._table, "video", name.rpartition("/")[0] + "/").get(name)
            self._tracks[recording.path] = (
                found_track(recording, self._detector) if rows is None else written_track(recording, rows, self._table)
            )
        return self._tracks[recording.path]

    def _are_lacking(self, recordings: Sequence[Path], every: bool = False) -> bool:
        """Whether one of ``recordings``, or every one, has no rows."""
        boxed = rows_by(self._table, "video")
        are_lacking = (recording_name(path) not in boxed for path in recordings)
        return all(are_lacking) if every else any(are_lacking)
