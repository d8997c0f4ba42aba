"""Miniatures of the layouts that importers read. Nothing here uses the importers' code: see each module's sources."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.references.layouts import (
    h36m_fetch,
    h36m_karfly,
    h36m_mks0601,
    h36m_original,
    h36m_videopose3d,
    mmpose,
    mpi_inf_3dhp,
    mpi_inf_3dhp_test,
    videos,
)

CORNERS = {name: name for name in ("54138969", "55011271", "58860488", "60457274")}
SAME_CLIPS = {
    ("S1", "Directions", 1): ("S1", "Directions", 1),
    ("S1", "Walking", 2): ("S1", "Walking", 2),
    ("S9", "Directions", 1): ("S9", "Directions", 1),
}


@dataclass(frozen=True)
class Miniature:
    """How a layout's miniature is written, and what its store must hold."""

    write: Callable
    fps: dict = field(default_factory=lambda: dict.fromkeys(SAME_CLIPS, 50.0))
    """Frame rate by the store's clip."""
    first_frame: int = 0
    """Source frame of the film's first instant."""
    frame_step: int = 1
    """Source frames from one of the film's instants to the next."""
    cameras: dict = field(default_factory=lambda: CORNERS)
    """Film's camera by the store's."""
    clips: dict = field(default_factory=lambda: SAME_CLIPS)
    """Film's clip by the store's."""
    arguments: tuple[str, ...] = ("--step", "1")
    """Of the import."""


def layout_of(miniature):
    """Source that a miniature has; a second one of a layout is called "<layout> with ..."."""
    return miniature.split(" ")[0]


MINIATURES = {
    "h36m": Miniature(h36m_original.write),
    "h36m with extracted": Miniature(h36m_original.write_extracted),
    "h36m-fetch": Miniature(h36m_fetch.write),
    "h36m-fetch with world poses": Miniature(h36m_fetch.write_with_world_poses),
    "h36m-fetch with extracted poses": Miniature(h36m_fetch.write_with_extracted_poses),
    "h36m-karfly with videos": Miniature(h36m_karfly.write_beside_videos),
    "h36m-karfly": Miniature(h36m_karfly.write),
    "h36m-mks0601": Miniature(h36m_mks0601.write),
    "h36m-mmpose": Miniature(mmpose.write_h36m, frame_step=mmpose.STEP),
    "h36m-videopose3d": Miniature(h36m_videopose3d.write),
    "h36m-videopose3d with images": Miniature(h36m_videopose3d.write_beside_images),
    "mpi-inf-3dhp": Miniature(
        mpi_inf_3dhp.write, fps=mpi_inf_3dhp.FPS, cameras=mpi_inf_3dhp.CAMERAS, clips=mpi_inf_3dhp.CLIPS
    ),
    "mpi-inf-3dhp with images": Miniature(
        mpi_inf_3dhp.write_with_images, fps=mpi_inf_3dhp.FPS, cameras=mpi_inf_3dhp.CAMERAS, clips=mpi_inf_3dhp.CLIPS
    ),
    "mpi-inf-3dhp-test": Miniature(mpi_inf_3dhp_test.write, clips=mpi_inf_3dhp_test.CLIPS),
    "mpi-inf-3dhp-mmpose": Miniature(
        mmpose.write_mpi_inf_3dhp, fps=mpi_inf_3dhp.FPS, cameras=mpi_inf_3dhp.CAMERAS, clips=mpi_inf_3dhp.CLIPS
    ),
    "videos": Miniature(
        videos.write,
        fps=dict.fromkeys(videos.CLIPS, 25.0),
        first_frame=2,
        cameras=videos.CAMERAS,
        clips=videos.CLIPS,
        arguments=("--test-subjects", "Zoe"),
    ),
}
