"""Peak memory does not depend on how much is imported."""

import gc
import json
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from data_modules.sources import mmpose_annotation
from data_modules.sources.footage.videos import Videos
from data_modules.sources.h36m import mks0601 as h36m_mks0601
from data_modules.sources.h36m import mmpose as h36m_mmpose
from data_modules.sources.h36m import videopose3d as h36m_videopose3d
from tests.references.layouts.videos import CAMERAS
from tests.references.video_files import write_video

pytestmark = pytest.mark.slow

ROWS, COLUMNS = 480, 640
FRAMES = 20
GROWTH_MB = 100
"""Far above what the operating system's figure varies by; the frames of the larger import take 370 MB."""

PROGRAM = """
import sys
from data_modules.cli import main
from data_modules.frames import ImageReader

def peak_after_import(source, out):
    arguments = ["--source", source, "--out", source + out, "--size", "32", "--workers", "1", "--strict"]
    main(["import", "videos", *arguments])
    # Not ru_maxrss, which a process takes over from the one that started it.
    (peak_kb,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print("peak", peak_kb)

small, large = sys.argv[1:]
peak_after_import(small, "-store")
peak_after_import(large, "-store")
kept, read = [], ImageReader.read
ImageReader.read = lambda self, image: (kept.append(read(self, image)), kept[-1])[1]
peak_after_import(large, "-again")
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


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process in /proc")
def test_ten_times_the_videos_take_no_more_memory_unless_frames_are_kept(filmed):
    output = subprocess.run([sys.executable, "-c", PROGRAM, *filmed], check=True, capture_output=True, text=True).stdout
    peaks_mb = [int(line.split()[1]) / 2**10 for line in output.splitlines() if line.startswith("peak")]
    small, large, kept = peaks_mb
    assert large - small < GROWTH_MB < kept - large, peaks_mb


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


def held_bytes(read, *arguments):
    """What a function's answer takes as long as it is kept."""
    gc.collect()
    tracemalloc.start()
    answer = read(*arguments)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert answer is not None
    return held


def test_a_row_of_mmposes_annotation_takes_little_more_than_its_numbers(tmp_path):
    rows, path = 8000, tmp_path / "h36m_train.npz"
    images = [f"S1/S1_Eating.54138969/S1_Eating.54138969_{number + 1:06d}.jpg" for number in range(rows)]
    np.savez(path, imgname=images, center=np.ones((rows, 2)), scale=np.ones(rows), S=np.ones((rows, 17, 4)))
    held = held_bytes(mmpose_annotation.read_annotation, path, h36m_mmpose.IMAGES)
    assert held < 1.2 * rows * (4 * 17 * 3 + 4 * 3 + len(images[0]) + 32 + 4 + 8)  # pose, box, names, frame, index


def test_a_row_of_a_subjects_json_files_takes_little_more_than_its_numbers(tmp_path):
    frames, joints, images, people = 500, {}, [], []
    for frame in range(frames):
        joints[str(frame)] = (0.5 + np.arange(51.0)).reshape(17, 3).tolist()
        for camera in range(1, 5):
            name = f"s_01_act_02_subact_01_ca_0{camera}"
            number = {"id": len(images), "action_idx": 2, "subaction_idx": 1, "cam_idx": camera, "frame_idx": frame}
            images.append(number | {"file_name": f"{name}/{name}_{frame + 1:06d}.jpg", "width": 1000, "height": 1002})
            people.append({"image_id": len(people), "bbox": [1.5, 2.5, 300.5, 400.5]})
    (tmp_path / "joints.json").write_text(json.dumps({"2": {"1": joints}}))
    (tmp_path / "data.json").write_text(json.dumps({"images": images, "annotations": people}))
    poses = held_bytes(h36m_mks0601._poses, tmp_path / "joints.json")
    assert poses < 2 * frames * (4 * 17 * 3 + 100)  # numbers, and an array's own description
    views = held_bytes(h36m_mks0601._people, tmp_path / "data.json")
    assert views < 1.2 * len(images) * (8 * 4 + 4 * 4 + len(images[0]["file_name"]))


def test_of_videopose3ds_poses_the_joints_that_are_imported_are_held(tmp_path):
    frames = 2000
    positions = {"S1": {"Eating": np.ones((frames, 32, 3), np.float32)}}
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=positions)
    held = held_bytes(h36m_videopose3d._read, tmp_path / "data_3d_h36m.npz")
    assert held < 1.2 * frames * 17 * 3 * 4
