"""Building the studio's store: clips in parallel, each kept when done, then one store of them all."""

import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.clips import ClipFile, Studio, make_bodies
from data_modules.sources.studio.config import StudioConfig
from data_modules.store import Row, StoreError, StoreMeta, open_store, write_store
from data_modules.store.writer import available_cores, work_folder

SOURCE = "Rendered by mcss-data render with the parametric body anny (Apache-2.0 code, CC0 data) and embreex"
LICENCE = "CC0-1.0"

Clip = tuple[str, str, int]


def build_studio(config: StudioConfig, store_path: Path, workers: int | None = None, progress: bool = True) -> None:
    """Render ``config`` into a store at ``store_path``; nothing is done when it is there already.

    Finished clips are kept in ``<store_path>.partial`` until the store is whole, so an interrupted build goes on where
    it stopped. ``workers`` is the number of processes, by default one for each core; the store does not depend on it.
    """
    if _is_built(config, store_path):
        return
    folder = work_folder(store_path, config.fingerprint())
    todo = [clip for clip in config.clips if not clip_path(folder, clip).exists()]
    crops = config.instants * len(studio_cameras(config))
    with tqdm(
        total=len(config.clips) * crops, initial=(len(config.clips) - len(todo)) * crops, unit="crop",
        desc=config.name, disable=not progress, smoothing=0.05,
    ) as bar:  # fmt: skip
        for _ in _render_all(config, folder, todo, workers or available_cores()):
            bar.update(crops)
    write_store(store_path, _rows(config, folder), studio_meta(config))
    shutil.rmtree(folder)


def studio_meta(config: StudioConfig) -> StoreMeta:
    """Describe the store that ``config`` renders."""
    cameras = studio_cameras(config)
    return StoreMeta(
        name=config.name,
        joint_set="h36m17",
        crop_size_px=config.crop_size_px,
        fps=config.fps,
        cameras=tuple(cameras),
        subjects_train=config.subjects_train,
        subjects_test=config.subjects_test,
        excluded=(),
        source=SOURCE,
        licence=LICENCE,
        config=_config_values(config),
        calibration={name: camera.to_dict() for name, camera in cameras.items()},
    )


def clip_path(folder: Path, clip: Clip) -> Path:
    """File of one clip."""
    subject, action, subaction = clip
    return folder / f"{subject}_{action}_{subaction}.npz"


def _config_values(config: StudioConfig) -> dict[str, Any]:
    """Express the configuration as JSON gives it back."""
    return config.recorded() | {"fingerprint": config.fingerprint()}


def _is_built(config: StudioConfig, store_path: Path) -> bool:
    try:
        return open_store(store_path).meta.config == _config_values(config)
    except StoreError:
        return False


def _render_all(config: StudioConfig, folder: Path, todo: list[Clip], workers: int) -> Iterator[Clip]:
    """Render the clips in ``todo`` in their own processes and yield each when its file is there."""
    if not todo:
        return
    # Spawned, because forked processes inherit the locks of torch's and warp's threads.
    with ProcessPoolExecutor(
        min(workers, len(todo)),
        multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(config, make_bodies(config), folder),
    ) as pool:
        futures = {pool.submit(_render_clip, clip): clip for clip in todo}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: dict[str, Any] = {}
"""The studio of a worker process and the folder that it fills."""


def _start_worker(config: StudioConfig, bodies: dict[str, Body], folder: Path) -> None:
    cv2.setNumThreads(1)
    _worker.update(studio=Studio(config, bodies), folder=folder)


def _render_clip(clip: Clip) -> None:
    _worker["studio"].render_clip(*clip).save(clip_path(_worker["folder"], clip))


def _rows(config: StudioConfig, folder: Path) -> Iterator[Row]:
    """All rows of the store, in its order."""
    names = tuple(studio_cameras(config))
    for clip in config.clips:
        subject, action, subaction = clip
        content = ClipFile.load(clip_path(folder, clip))
        for instant, (images, pose) in enumerate(zip(content.images, content.poses_world_mm, strict=True)):
            frame = instant * config.frame_step
            for view, name in enumerate(names):
                x, y, side = content.boxes[instant, view].tolist()
                yield Row(
                    subject=subject, action=action, subaction=subaction, frame=frame, time_s=frame / config.fps,
                    camera=name, image=images[view], box=(x, y, side), pose_world=pose,
                )  # fmt: skip
