"""The studio as a source: its clips are rendered instead of read."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_modules.build import Changes, build_store
from data_modules.clip_rows import BuildSettings
from data_modules.sources.base import Clip, DataSet, Instant, Source
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import RECIPE, StudioConfig
from data_modules.sources.studio.fingerprints import clip_fingerprint, settings_of_all_clips
from data_modules.sources.studio.mocap.play import motion_files, pieces
from mcss.geometry.camera import Camera

ORIGIN = "Rendered by mcss-data render with the parametric body anny (Apache-2.0 code, CC0 data) and embreex"


class StudioSource(Source):
    """Renders the clips of a configuration; it has no files."""

    name = "studio"
    has_files = False

    def __init__(self, studio_config: StudioConfig) -> None:
        super().__init__(Path())
        self.studio_config = studio_config
        self.data_set = DataSet(
            name=studio_config.name,
            subjects_test=studio_config.subjects_test,
            source=f"{ORIGIN}; everything in it is drawn from seed {studio_config.seed}",
            licence="CC0-1.0",
        )

    def clips(self) -> list[Clip]:
        """All clips of the configuration."""
        config = self.studio_config
        if not config.motion:
            return list(config.clips)
        counts = {action: pieces(config, path) for action, path in motion_files(Path(config.motion)).items()}
        return sorted((s, a, n) for s in config.subjects for a, count in counts.items() for n in range(1, count + 1))

    def files(self, clip: Clip) -> list[Path]:
        """None."""
        return []

    def config(self, settings: dict[str, Any], clips: list[Clip]) -> dict[str, Any]:
        """Settings that all clips follow from, the clips, and the version of the recipe."""
        own = settings_of_all_clips(self.studio_config) | {"layout": self.name, "recipe": RECIPE}
        return own | {"clips": clips, "subjects_test": settings["subjects_test"]}

    def fingerprint(self, clip: Clip) -> str:
        """Hash of what the clip is made of, see ``clip_fingerprint``."""
        return clip_fingerprint(self.studio_config, clip)

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """Those of the configuration."""
        return self.studio_config.cameras

    def fps(self, clip: Clip) -> float:
        """Of the frames that instants are chosen from."""
        return self.studio_config.fps

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of ``clip``, each with all cameras."""
        return _studio(self.studio_config, clip[0]).instants(*clip)

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """The cameras, which stand still."""
        return studio_cameras(self.studio_config)


def build_studio(config: StudioConfig, store_path: Path, workers: int | None = None, progress: bool = True) -> Changes:
    """Render ``config`` into a store at ``store_path``, see ``build_store``.

    Raises:
        InputError: the store that is there is another one, or pictures of ``config.backgrounds`` cannot be read.
    """
    settings = BuildSettings(crop_size_px=config.crop_size_px, step=1, step_test=1, subjects_test=config.subjects_test)
    source = StudioSource(config)
    return build_store(source, store_path, settings, source.clips(), workers, progress)


@lru_cache(maxsize=1)
def _studio(config: StudioConfig, subject: str) -> Studio:
    """The studio with one person: a process renders many clips of one after the other."""
    return Studio(config, [subject])
