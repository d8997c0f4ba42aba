"""Peak memory does not depend on how much is imported."""

import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from data_modules.importers.videos import Videos
from tests.references.layouts.videos import CAMERAS
from tests.references.video_files import write_video

ROWS, COLUMNS = 480, 640
FRAMES = 40
GROWTH_MB = 200
"""Far above what the operating system's figure varies by; the frames of the larger import take 740 MB."""

PROGRAM = """
import resource, sys
from data_modules.cli import main
from data_modules.importers.images import ImageReader

kept, read = [], ImageReader.read
if sys.argv[1] == "keep":
    ImageReader.read = lambda self, image: (kept.append(read(self, image)), kept[-1])[1]
for source in sys.argv[2:]:
    arguments = ["--source", source, "--out", source + "-store", "--size", "32", "--workers", "1", "--strict"]
    main(["import", "videos", *arguments])
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def film(folder, frames):
    """Two cameras, and a block that moves in front of them."""
    pictures = []
    for frame in range(frames):
        picture = np.full((ROWS, COLUMNS, 3), 90, np.uint8)
        left = 80 + 320 * (frame % FRAMES) // FRAMES
        picture[120:400, left : left + 120] = (220, 40, 40)
        pictures.append(picture)
    for camera in ("left", "right"):
        write_video(folder / f"{camera}.mp4", pictures, 25)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Videos of a lab, and ten times as many."""
    folder = tmp_path_factory.mktemp("memory")
    film(folder / "small/Ann/walk", FRAMES)
    film(folder / "large/Ann/walk", 5 * FRAMES)
    shutil.copytree(folder / "large/Ann/walk", folder / "large/Ann/again")
    return [str(folder / name) for name in ("small", "large")]


@pytest.mark.parametrize("keeps", ["nothing", "keep"], ids=["as-it-is", "if-frames-were-kept"])
def test_ten_times_the_videos_take_no_more_memory(filmed, keeps):
    for source in filmed:
        shutil.rmtree(f"{source}-store", ignore_errors=True)
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM, keeps, *filmed], check=True, capture_output=True, text=True
    ).stdout
    small, large = (int(line.split()[1]) for line in output.splitlines() if line.startswith("peak"))
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    grown_mb = (large - small) / per_mb
    assert (grown_mb > GROWTH_MB) == (keeps == "keep"), f"{grown_mb:.0f} MB"


def test_rows_of_other_clips_boxes_are_not_held(sources, tmp_path):
    peaks = []
    for number, rows in enumerate((1000, 1000, 10000)):
        source = shutil.copytree(sources("videos"), tmp_path / str(number))
        with (source / "boxes.csv").open("a") as file:
            file.writelines(f"{frame},9,1,1,Ann/walk/front,9\n" for frame in range(100, 100 + rows))
        tracemalloc.start()
        next(Videos(source).instants(("Zoe", "talk", 1), tuple(CAMERAS)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1], peaks
