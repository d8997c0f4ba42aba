import pytest

from data_modules.cli import main
from data_modules.training.supervision import SupervisionError
from data_modules.training.validation_clips import proposed_validation_clips
from tests.references.synthetic_index import make_index
from tests.references.synthetic_store import make_store


def test_clips_are_spread_over_people_and_actions():
    names = [f"{s}/{a}/{k}" for s in ("S1", "S5", "S9") for a in ("Eating", "Posing", "Walking") for k in (1, 2)]
    index = make_index(dict.fromkeys(names, 2))
    assert proposed_validation_clips(index, 0.25) == [
        "S1/Eating/1",
        "S1/Walking/1",
        "S5/Posing/1",
    ]
    assert len(proposed_validation_clips(index)) == 1


def test_everybody_keeps_a_clip_and_a_labelled_one():
    clips = {"S1/A/1": 2, "S1/B/1": 2, "S1/C/1": 2, "S5/A/1": 2, "S5/B/1": 2}
    index = make_index(clips, unlabelled=("S1/A/1", "S1/C/1", "S5/A/1", "S5/B/1"))
    assert proposed_validation_clips(index, 1.0) == ["S1/A/1", "S1/C/1", "S5/B/1"]
    index = make_index(clips, unlabelled=("S5/A/1", "S5/B/1", "S1/A/1"))
    assert proposed_validation_clips(index, 0.2) == ["S1/B/1"]  # of two that are labelled
    with pytest.raises(SupervisionError, match="no training subject can spare a clip"):
        proposed_validation_clips(make_index({"S1/A/1": 2, "S5/A/1": 2}))


def test_the_command_prints_one_line_to_paste(tmp_path, capsys):
    main(["validation", str(make_store(tmp_path / "store"))])
    assert capsys.readouterr().out == "  validation_clips: [S1/Directions/1]\n"
