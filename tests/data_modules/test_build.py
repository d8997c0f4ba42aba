"""Long imports: what is done stays done, in any number of processes, and bad parts are counted and named."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from data_modules import build
from data_modules.cli import main
from data_modules.clip_rows import BuildSettings, ClipRows
from data_modules.parts import Parts
from data_modules.skips import Skips
from data_modules.sources.base import Crop, DataSet, Instant, Source, View
from data_modules.sources.exclusions import DEFAULT_FILE, read_exclusions
from data_modules.sources.h36m.mks0601 import H36mMks0601
from data_modules.store import open_store
from data_modules.store import writer as store_writer
from mcss.errors import InputError
from mcss.skeleton import JOINTS
from tests.references.schema1_store import write_schema1_store

pytestmark = pytest.mark.slow

LAYOUT = "h36m-mks0601"
IMAGE = "images/s_01_act_14_subact_02_ca_03/s_01_act_14_subact_02_ca_03_000002.jpg"
EVERY_FRAME = BuildSettings(crop_size_px=32, step=1, step_test=1)


def import_args(source, out, *more):
    return ["import", LAYOUT, "--source", str(source), "--out", str(out), "--size", "32", "--step", "1", *more]


@pytest.fixture
def imported_clips(monkeypatch):
    """Names of the clips that were worked on."""
    clips = []

    build_clip = build.build_clip

    def watched(source, clip, *more):
        clips.append("/".join(map(str, clip)))
        build_clip(source, clip, *more)

    monkeypatch.setattr(build, "build_clip", watched)
    return clips


def test_a_repaired_source_continues_with_the_clips_that_are_not_done(copied_source, tmp_path, imported_clips, capsys):
    source, out = copied_source(LAYOUT), tmp_path / "store"
    image = (source / IMAGE).read_bytes()
    (source / IMAGE).unlink()
    with pytest.raises(SystemExit):
        main(import_args(source, out, "--strict", "--workers", "1"))
    assert imported_clips == ["S1/Directions/1", "S1/Walking/2"]
    (source / IMAGE).write_bytes(image)
    main(import_args(source, out, "--strict", "--workers", "1"))
    assert imported_clips[2:] == ["S1/Walking/2", "S9/Directions/1"]
    assert len(open_store(out)) == 72
    assert not (tmp_path / "store.partial").exists()
    main(import_args(source, out))
    assert len(imported_clips) == 4
    assert "already imported" in capsys.readouterr().out


def test_kill_9_costs_the_clips_in_flight(copied_source, tmp_path, imported_clips):
    source = copied_source(LAYOUT)
    damaged = "s_01_act_02_subact_01_ca_01"
    os.truncate(source / f"images/{damaged}/{damaged}_000001.jpg", 100)
    program = (
        "import sys, time\n"
        "from data_modules.cli import main\n"
        "from data_modules.frames import ImageReader\n"
        "read = ImageReader.read\n"
        f"ImageReader.read = lambda self, image: time.sleep(99) if {IMAGE!r} in str(image) else read(self, image)\n"
        "main(sys.argv[1:])\n"
    )
    arguments = import_args(source, tmp_path / "store", "--workers", "1")
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=subprocess.DEVNULL)
    done = tmp_path / "store.partial" / "S1/Directions/1.json"
    deadline = time.monotonic() + 300
    while not done.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert done.exists()
    assert not (tmp_path / "store").exists()
    main(arguments)
    assert imported_clips == ["S1/Walking/2", "S9/Directions/1"]
    assert len(open_store(tmp_path / "store")) == 68


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_processes_and_clusters_make_the_same_store(sources, tmp_path, backend):
    joblib = pytest.importorskip("joblib")
    layout = H36mMks0601(sources(LAYOUT))
    clips = build.chosen_clips(layout, EVERY_FRAME)
    build.build_store(layout, tmp_path / "one", EVERY_FRAME, clips, workers=1, progress=False)
    with local_cluster(backend), joblib.parallel_config(backend):
        build.build_store(layout, tmp_path / "many", EVERY_FRAME, clips, workers=2, progress=False)
    one, many = (open_store(tmp_path / name) for name in ("one", "many"))
    assert one.content_hash == many.content_hash
    assert [bytes(one.jpeg(row)) for row in range(72)] == [bytes(many.jpeg(row)) for row in range(72)]


def local_cluster(backend):
    if backend == "loky":
        import contextlib

        return contextlib.nullcontext()
    distributed = pytest.importorskip("distributed")
    return distributed.Client(processes=False, dashboard_address=None, n_workers=1, threads_per_worker=2)


def test_memory_does_not_grow_with_a_clip(sources, tmp_path, monkeypatch):
    instants = list(
        H36mMks0601(sources(LAYOUT)).instants(("S1", "Directions", 1), EVERY_FRAME.cameras or ("54138969",))
    )

    def repeated(self, clip, cameras):
        for frame in range(self.length):
            shown = instants[frame % len(instants)]
            yield Instant(frame, frame / 50, shown.views, shown.pose_world)

    monkeypatch.setattr(H36mMks0601, "instants", repeated)
    monkeypatch.setattr(H36mMks0601, "cameras", lambda self, clip: ("54138969",))
    monkeypatch.setattr(store_writer, "ROWS_PER_RECORD_BATCH", 16)
    peaks = []
    for length in (32, 32, 320):
        layout = H36mMks0601(sources(LAYOUT))
        layout.length = length
        tracemalloc.start()
        rows = ClipRows(layout, ("S1", "Directions", 1), EVERY_FRAME, Skips())
        assert Parts(tmp_path / str(length)).write(("S1", "Directions", 1), rows) == length
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1], peaks


def test_exclusions_are_left_out_with_their_reason_and_can_be_switched_off(sources, tmp_path, capsys):
    own = tmp_path / "own.yaml"
    own.write_text(
        "h36m:\n- {clip: S1/Walking/2, frames: [2, 4], reason: a dog}\n- {clip: S9/Directions/1, reason: rain}\n"
    )
    main(import_args(sources(LAYOUT), tmp_path / "own", "--exclusions", str(own), "--workers", "1"))
    store = open_store(tmp_path / "own")
    assert Counter(store.clip_names[clip] for clip in store.clip) == {"S1/Directions/1": 24, "S1/Walking/2": 12}
    assert store.meta.excluded == (
        {"sequence": "S1/Walking/2 frames 2 to 4", "reason": "a dog"},
        {"sequence": "S9/Directions/1", "reason": "rain"},
    )
    main(import_args(sources(LAYOUT), tmp_path / "all", "--exclusions", "none", "--workers", "1"))
    assert len(open_store(tmp_path / "all")) == 72
    capsys.readouterr()
    main(import_args(sources(LAYOUT), tmp_path / "own", "--exclusions", "none", "--workers", "1"))
    assert "clips: 2 imported, 1 kept as they were" in capsys.readouterr().out
    assert open_store(tmp_path / "own").content_hash == open_store(tmp_path / "all").content_hash


def test_the_projects_exclusions_name_the_known_clips():
    names = {item.sequence for item in read_exclusions("default", "h36m")}
    assert names == {"S11/Directions/2", "S9/Greeting/2", "S9/SittingDown/2", "S9/Waiting/1"}
    (flipped,) = read_exclusions("default", "mpi-inf-3dhp")
    assert flipped.frames == (3759, 5852)
    settings = BuildSettings(step=1, step_test=1, exclusions=(flipped,))
    assert settings.excludes(flipped.clip, 3759)
    assert not settings.excludes(flipped.clip, 5853)


@pytest.mark.parametrize("text", ["h36m: [{clip: S1}]", "- a list", "h36m: [{clip: S1/A/1}]", "a: [b: c"])
def test_unreadable_exclusions_are_refused(tmp_path, text):
    path = tmp_path / "exclusions.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"--exclusions {path}: unreadable .* write it like {DEFAULT_FILE}"):
        read_exclusions(str(path), "h36m")


def test_subjects_and_cameras_are_chosen(sources, tmp_path, capsys):
    chosen = ["--subjects", "S1", "--cameras", "58860488", "60457274", "--test-subjects"]
    main(import_args(sources(LAYOUT), tmp_path / "store", *chosen, "--workers", "1"))
    store = open_store(tmp_path / "store")
    assert set(store.camera) == {"58860488", "60457274"}
    assert (set(store.subject), store.meta.subjects_test) == ({"S1"}, ())
    config = json.loads((tmp_path / "store/store.json").read_text())["meta"]["config"]
    assert config["clips"] == [["S1", "Directions", 1], ["S1", "Walking", 2]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "layout 'nowhere': choose one of h36m"),
        ([LAYOUT, "--source", "nowhere"], "--source nowhere: there is no such folder"),
        ([LAYOUT, "--subjects", "S2", "S1"], "has no subject S2; there are S1, S9"),
        ([LAYOUT, "--test-subjects", "S9", "S99"], "--test-subjects S99: not there; there are S1, S9"),
        ([LAYOUT, "--exclusions", "gone.yaml"], "--exclusions gone.yaml: no such file"),
        ([LAYOUT, "--every", "0"], "argument --every: 0 is no time in seconds, such as 0.2"),
        ([LAYOUT, "--every", "0.2", "--step", "5"], "argument --step: not allowed with argument --every"),
        ([LAYOUT, "--step", "100", "--subjects", "S1", "--cameras", "12"], "no view of camera 12"),
    ],
)
def test_bad_arguments_of_the_import(sources, tmp_path, capsys, arguments, message):
    source = [] if "--source" in arguments else ["--source", str(sources(LAYOUT))]
    with pytest.raises(SystemExit) as caught:
        main(["import", *arguments, *source, "--out", str(tmp_path / "store"), "--workers", "1"])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


# What follows: a store that is there is brought up to date.


@pytest.fixture
def grown(copied_source, tmp_path, imported_clips):
    """A miniature, a function that imports it, and the names of the clips that were worked on since the first time."""
    source = copied_source(LAYOUT)

    def again(*more):
        imported_clips.clear()
        main(import_args(source, tmp_path / "store", "--workers", "1", *more))
        return open_store(tmp_path / "store")

    again("--subjects", "S1")
    return source, again, imported_clips


def test_a_new_subject_costs_its_clips_alone(grown):
    _, again, imported = grown
    assert len(again()) == 72
    assert imported == ["S9/Directions/1"]
    again()
    assert imported == []


def test_a_grown_store_is_the_store_of_all_clips_at_once(grown, tmp_path):
    source, again, _ = grown
    grown_store = again()
    main(import_args(source, tmp_path / "at once", "--workers", "1"))
    at_once = open_store(tmp_path / "at once")
    assert (tmp_path / "store/data-00000-of-00001.arrow").read_bytes() == (
        tmp_path / "at once/data-00000-of-00001.arrow"
    ).read_bytes()
    assert grown_store.meta == at_once.meta
    assert grown_store.content_hash == at_once.content_hash


def test_a_changed_clip_is_made_again_and_only_it(grown, capsys):
    source, again, imported = grown
    again()
    shutil.copy(source / IMAGE.replace("000002", "000003"), source / IMAGE)
    again()
    assert imported == ["S1/Walking/2"]
    assert "clips: 1 imported, 2 kept as they were" in capsys.readouterr().out


def test_a_clip_that_is_gone_is_dropped_and_named(grown, capsys):
    _, again, imported = grown
    again()
    store = again("--subjects", "S9")
    assert set(store.subject) == {"S9"}
    assert imported == []
    assert "not chosen: S1/Directions/1, S1/Walking/2" in capsys.readouterr().out


def test_strict_does_not_take_a_clip_of_which_something_was_skipped(grown, capsys):
    source, again, _ = grown
    os.truncate(source / IMAGE, 100)
    again()
    with pytest.raises(SystemExit):
        again("--strict")
    assert f"S1/Walking/2 frame 1: {source / IMAGE}: not a whole image" in capsys.readouterr().err


def test_another_source_does_not_replace_a_store_unasked(grown, tmp_path, capsys):
    source, _, _ = grown
    shutil.copytree(source, tmp_path / "other", copy_function=shutil.copy)
    with pytest.raises(SystemExit):
        main(import_args(tmp_path / "other", tmp_path / "store", "--workers", "1"))
    assert f"holds other data (of {source}); remove it or choose another --out" in capsys.readouterr().err


def test_one_clip_more_than_fifty_costs_one_clip(tmp_path, monkeypatch):
    """The clips are counted where they are rendered, not by the builder."""
    source = FiftyClips()
    build.build_store(source, tmp_path / "store", EVERY_FRAME, source.clips(), workers=1, progress=False)
    assert len(source.rendered) == 50
    source.rendered.clear()
    source.count = 51
    changes = build.build_store(source, tmp_path / "store", EVERY_FRAME, source.clips(), workers=1, progress=False)
    assert source.rendered == [("S1", "Act50", 1)]
    assert (len(changes.built), len(changes.kept), len(open_store(tmp_path / "store"))) == (1, 50, 102)


def test_a_joint_that_is_not_known_is_stored_as_such(tmp_path):
    source = FiftyClips()
    source.count, source.pose = 1, np.zeros((17, 3))
    source.pose[JOINTS.index("Thorax"), 2] = 500
    source.pose[JOINTS.index("LWrist")] = np.nan
    build.build_store(source, tmp_path / "store", EVERY_FRAME, source.clips(), workers=1, progress=False)
    store = open_store(tmp_path / "store")
    np.testing.assert_array_equal(store.pose_world[0], source.pose)
    assert store.has_pose.all()
    assert store.meta.excluded == ()


def test_a_store_of_schema_1_of_the_same_configuration_is_left_alone(tmp_path):
    source = FiftyClips()
    source.count = 2
    build.build_store(source, tmp_path / "new", EVERY_FRAME, source.clips(), workers=1, progress=False)
    new = open_store(tmp_path / "new")
    rows = [new.row(row) for row in range(4)]
    meta = json.loads((tmp_path / "new/store.json").read_text())["meta"]
    write_schema1_store(tmp_path / "old", rows, meta, new.content_hash)
    source.rendered.clear()
    changes = build.build_store(source, tmp_path / "old", EVERY_FRAME, source.clips(), workers=1, progress=False)
    assert (changes.is_new, source.rendered) == (False, [])


class FiftyClips(Source):
    """Finished crops of one colour."""

    name = "fifty"
    has_files = False
    data_set = DataSet(name="fifty", subjects_test=(), source="made up", licence="none")

    def __init__(self):
        super().__init__(Path())
        self.count = 50
        self.pose = None
        self.rendered = []

    def clips(self):
        return [("S1", f"Act{number:02d}", 1) for number in range(self.count)]

    def files(self, clip):
        return []

    def cameras(self, clip):
        return ("a", "b")

    def fps(self, clip):
        return 25.0

    def instants(self, clip, cameras):
        self.rendered.append(clip)
        crop = Crop(simplejpeg.encode_jpeg(np.full((32, 32, 3), 90, np.uint8)), (0.0, 0.0, 32.0))
        yield Instant(0, 0.0, tuple(View(camera, crop) for camera in cameras), self.pose)
