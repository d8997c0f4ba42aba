"""Which frames of a source are imported, whatever frames it has."""

import pytest

from data_modules.clip_rows import BuildSettings, ClipRows
from data_modules.skips import Skips
from data_modules.sources.base import Instant
from data_modules.sources.exclusions import Exclusion
from data_modules.sources.h36m.mks0601 import H36mMks0601
from data_modules.sources.registry import LAYOUTS, make_layout

SPARSE = range(0, 330, 5)
"""As the labels of learnable-triangulation have them, and the files of mmpose."""


@pytest.fixture
def imported_frames(sources, monkeypatch):
    """A function that gives the frames which are imported of those that a source has."""
    camera = "54138969"
    layout = H36mMks0601(sources("h36m-mks0601"))
    shown = next(layout.instants(("S9", "Directions", 1), (camera,)))
    monkeypatch.setattr(H36mMks0601, "cameras", lambda self, clip: (camera,))

    def imported(frames, step, **settings):
        instants = [Instant(frame, frame / 50, shown.views, shown.pose_world) for frame in frames]
        monkeypatch.setattr(H36mMks0601, "instants", lambda self, clip, cameras: iter(instants))
        chosen = BuildSettings(crop_size_px=16, step=5, step_test=step, subjects_test=("S9",), **settings)
        return [row["frame"] for row in ClipRows(layout, ("S9", "Directions", 1), chosen, Skips())]

    return imported


def test_every_64th_frame_is_tested(imported_frames):
    assert imported_frames(range(200), 64) == [0, 64, 128, 192]


def test_a_sparse_source_gives_the_next_frame_a_step_behind_the_last(imported_frames):
    assert imported_frames(SPARSE, 64) == [0, 65, 130, 195, 260, 325]
    assert imported_frames([0, 3, 64, 70, 128], 64) == [0, 64, 128]


def test_instants_may_be_chosen_by_time(imported_frames):
    """At 50 frames a second; 0.07 s are 3.5 frames, so that the next one is 4 behind."""
    assert imported_frames(range(40), 64, every_s=0.2) == [0, 10, 20, 30]
    assert imported_frames(range(20), 64, every_s=0.07) == [0, 4, 8, 12, 16]
    assert imported_frames([0, 3, 10, 19, 20, 31], 64, every_s=0.2) == [0, 10, 20, 31]


def test_what_is_excluded_does_not_shift_what_follows(imported_frames):
    rain = Exclusion(("S9", "Directions", 1), "rain", (60, 70))
    assert imported_frames(range(200), 64, exclusions=(rain,)) == [0, 128, 192]


@pytest.mark.parametrize("name", sorted(name for name in LAYOUTS if name.startswith("h36m")))
def test_all_layouts_of_human36m_follow_the_protocol_of_the_field(name, tmp_path):
    assert make_layout(name, tmp_path).step_test == 64
