"""Long imports: what is done stays done, in any number of processes, and bad parts are counted and named."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter

import pytest

from data_modules import build
from data_modules.cli import main
from data_modules.clip_build import ImportSettings, import_clip
from data_modules.sources.base import Instant
from data_modules.sources.exclusions import DEFAULT_FILE, read_exclusions
from data_modules.sources.h36m.mks0601 import H36mMks0601
from data_modules.store import open_store
from data_modules.store import writer as store_writer
from mcss.errors import InputError

LAYOUT = "h36m-mks0601"
IMAGE = "images/s_01_act_14_subact_02_ca_03/s_01_act_14_subact_02_ca_03_000002.jpg"
EVERY_FRAME = ImportSettings(crop_size_px=32, step=1, step_test=1)


def import_args(source, out, *more):
    return ["import", LAYOUT, "--source", str(source), "--out", str(out), "--size", "32", "--step", "1", *more]


@pytest.fixture
def imported_clips(monkeypatch):
    """Names of the clips that were worked on."""
    clips = []

    def watched(layout, clip, settings, path):
        clips.append("/".join(map(str, clip)))
        import_clip(layout, clip, settings, path)

    monkeypatch.setattr(build, "import_clip", watched)
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
    done = tmp_path / "store.partial" / "S1/Directions/1.arrow"
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
    build.import_layout(layout, tmp_path / "one", EVERY_FRAME, clips, workers=1, progress=False)
    with local_cluster(backend), joblib.parallel_config(backend):
        build.import_layout(layout, tmp_path / "many", EVERY_FRAME, clips, workers=2, progress=False)
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
        import_clip(layout, ("S1", "Directions", 1), EVERY_FRAME, tmp_path / f"{length}.arrow")
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
    with pytest.raises(SystemExit):
        main(import_args(sources(LAYOUT), tmp_path / "own", "--exclusions", "none"))
    assert "it differs in clips, exclusions" in capsys.readouterr().err


def test_the_projects_exclusions_name_the_known_clips():
    names = {item.sequence for item in read_exclusions("default", "h36m")}
    assert names == {"S11/Directions/2", "S9/Greeting/2", "S9/SittingDown/2", "S9/Waiting/1"}
    (flipped,) = read_exclusions("default", "mpi-inf-3dhp")
    assert flipped.frames == (3759, 5852)
    settings = ImportSettings(step=1, step_test=1, exclusions=(flipped,))
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
