"""`mcss-data`: what it prints, and one line with exit code 2 for whatever is wrong with the input."""

import json
import sys
from dataclasses import asdict, dataclass
from types import ModuleType

import pytest

from data_modules.build import Changes
from data_modules.cli import main
from data_modules.store import write_store
from tests.references.synthetic_store import make_meta, make_store, synthetic_rows


@dataclass(frozen=True)
class FakeConfig:
    seed: int = 0
    crop_size_px: int = 32
    instants: int = 3


@pytest.fixture
def studio(monkeypatch):
    """The studio's interface with noise images; records what was built and drawn."""
    calls = []

    def build_studio(config, store_path, workers=None):
        is_new = not store_path.exists()
        if is_new:
            calls.append((config, workers))
            make_store(store_path, instants=config.instants, size_px=config.crop_size_px, config=asdict(config))
        return Changes(built=("S1/Walking/1",), is_new=is_new)

    def render_frames(config, subject, action, subaction, camera, size_px, folder):
        if action == "Flying":
            raise ValueError("no such clip")
        calls.append((config, subject, action, subaction, camera, size_px, folder))
        return [folder / "000000.jpg"]

    contents = {
        "config": {"PRESETS": {"studio": FakeConfig(), "tiny": FakeConfig(instants=1)}},
        "source": {"build_studio": build_studio},
        "frames": {"render_frames": render_frames},
        "contact_sheet": {"write_contact_sheet": lambda store_path, image_path: calls.append((store_path, image_path))},
    }
    for name, values in contents.items():
        module = ModuleType(name)
        module.__dict__.update(values)
        monkeypatch.setitem(sys.modules, f"data_modules.sources.studio.{name}", module)
    return calls


def fails_in_one_line(capsys, args, code=2):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == code
    message = capsys.readouterr().err
    assert message.startswith("mcss-data")
    assert message.count("\n") == 1
    assert "Traceback" not in message
    return message


def test_render(studio, tmp_path, capsys):
    main(
        ["render", "--preset", "tiny", "--out", str(tmp_path / "tiny"), "--seed", "3", "--size", "48", "--workers", "2"]
    )
    sheet = tmp_path / "tiny/contact_sheet.jpg"
    assert studio == [(FakeConfig(seed=3, crop_size_px=48, instants=1), 2), (tmp_path / "tiny", sheet)]
    assert capsys.readouterr().out == f"{tmp_path / 'tiny'}: 36 images\nwritten: {sheet}\n"


def test_render_skips_what_is_there(studio, tmp_path, capsys):
    args = ["render", "--out", str(tmp_path / "studio"), "--instants", "2"]
    main(args)
    (tmp_path / "studio/contact_sheet.jpg").touch()
    main(args)
    assert len(studio) == 2
    assert capsys.readouterr().out.endswith(f"{tmp_path / 'studio'}: already rendered\n")


def test_contact_sheet_of_a_store_that_is_there(studio, tmp_path):
    args = ["render", "--out", str(tmp_path / "studio")]
    main(args)
    main([*args, "--contact-sheet", str(tmp_path / "sheet.jpg")])
    assert studio[2:] == [(tmp_path / "studio", tmp_path / "sheet.jpg")]


def test_unknown_preset(studio, tmp_path, capsys):
    message = fails_in_one_line(capsys, ["render", "--preset", "huge", "--out", str(tmp_path / "store")])
    assert "--preset huge: choose one of studio, tiny" in message


def test_interrupted_render_says_how_to_go_on(studio, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["data_modules.sources.studio.source"], "build_studio", interrupt)
    message = fails_in_one_line(capsys, ["render", "--out", str(tmp_path / "store")], code=130)
    assert "run the same command again to go on" in message


def test_frames(studio, tmp_path, capsys):
    args = ["frames", "--preset", "tiny", "--clip", "S1/Walking/2", "--camera", "cam1", "--size", "640x360"]
    main([*args, "--out", str(tmp_path)])
    assert studio == [(FakeConfig(instants=1), "S1", "Walking", 2, "cam1", (640, 360), tmp_path)]
    assert capsys.readouterr().out == f"{tmp_path}: 1 frames\n"


def test_frames_of_no_clip(studio, tmp_path, capsys):
    args = ["frames", "--clip", "S1/Flying/1", "--camera", "cam1", "--out", str(tmp_path)]
    assert "no such clip" in fails_in_one_line(capsys, args)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["frames", "--out", "x", "--clip", "S1/Walking"], "'S1/Walking' is not SUBJECT/ACTION/SUBACTION, such as S1/"),
        (["frames", "--out", "x", "--size", "640"], "'640' is not WIDTHxHEIGHT, such as 1280x720"),
        ([], "the following arguments are required: COMMAND"),
        (["draw"], "invalid choice: 'draw'"),
        (["render"], "the following arguments are required: --out"),
        (["render", "--out", "store", "--size", "big"], "argument --size: invalid integer value: 'big'"),
        (["render", "--out", "store", "--size", "0"], "argument --size: 0 is less than 16"),
        (["render", "--out", "store", "--instants", "0"], "argument --instants: 0 is less than 1"),
        (["render", "--out", "store", "--seed", "-1"], "argument --seed: -1 is less than 0"),
        (["render", "--out", "store", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["check"], "the following arguments are required: store"),
        (["check", "nowhere"], "nowhere: there is no store; make one with `mcss-data render --out nowhere`"),
        (["stats", "nowhere"], "nowhere: there is no store"),
    ],
)
def test_bad_arguments(capsys, args, message):
    assert message in fails_in_one_line(capsys, args)


def test_check_of_an_intact_store(store_path, capsys):
    main(["check", str(store_path)])
    assert capsys.readouterr().out == f"{store_path}: 216 images, no problems\n"


def test_check_prints_every_problem(tmp_path, capsys):
    path = make_store(tmp_path / "store")
    description = json.loads((path / "store.json").read_text())
    description["content_hash"] = "0"
    description["rows_per_subject"]["S1"] = 1
    (path / "store.json").write_text(json.dumps(description))
    with pytest.raises(SystemExit) as caught:
        main(["check", str(path)])
    assert caught.value.code == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert printed.err == f"mcss-data: {path} breaks its promises; make it again\n"


def test_stats_for_programs(store_path, capsys):
    main(["stats", str(store_path), "--json"])
    assert json.loads(capsys.readouterr().out)["images"] == 216


def test_stats_for_people(store_path, capsys):
    main(["stats", str(store_path)])
    card = capsys.readouterr().out
    for line in (
        "synthetic: 216 images of 32 px by 4 cameras",
        "time     10 frames a second in the source; instants 0.5 s apart",
        "views    4 of each instant",
        "excluded S11/Directions/2: the source's video is damaged",
        "S9       test        3        18       72         18",
    ):
        assert line in card.splitlines()
    assert "(h36m16)" in card


def test_stats_state_a_range_where_there_is_one(tmp_path, capsys):
    rows = list(synthetic_rows())
    del rows[4:7]  # all views but one of the second instant
    del rows[5:9]  # the third instant
    write_store(tmp_path / "store", rows, make_meta())
    main(["stats", str(tmp_path / "store")])
    card = capsys.readouterr().out
    assert "views    1 to 4 (median 4) of each instant" in card
    assert "instants 0.5 to 1 (median 0.5) s apart" in card


def test_stats_of_a_store_without_poses_and_spacing(tmp_path, capsys):
    main(["stats", str(make_store(tmp_path / "store", instants=1, labelled=False))])
    card = capsys.readouterr().out
    assert "mean training pose" not in card
    assert "apart" not in card
