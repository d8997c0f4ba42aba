"""Supervision levels: who is labelled, that fractions are nested and spread evenly, and what is refused."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data_modules.training.supervision import SupervisionError, held_out_rows, labelled_rows, training_rows
from tests.references.synthetic_index import make_index, studio_like

STUDIO = studio_like()
VALIDATION = ("S1/Action03/2", "S5/Action07/1")


def subjects_of(rows, index=STUDIO):
    return sorted(set(index.subject[rows].tolist()))


@pytest.mark.parametrize(
    ("spec", "subjects", "instants"),
    [
        ("none", [], 0),
        ("S1", ["S1"], 29 * 40),
        ("S1+S5", ["S1", "S5"], 2 * 29 * 40),
        ("all", ["S1", "S5"], 2 * 29 * 40),
        ("50%S1", ["S1"], 580),
        ("10%S1", ["S1"], 116),
        ("5%S1", ["S1"], 58),
        ("2.5%S1", ["S1"], 29),
        ("100%S1", ["S1"], 29 * 40),
        ("10%S1+S5", ["S1", "S5"], 232),
        ("10%all", ["S1", "S5"], 232),
    ],
)
def test_levels(spec, subjects, instants):
    rows = labelled_rows(STUDIO, spec, VALIDATION)
    assert subjects_of(rows) == subjects
    assert len(rows) == 4 * instants
    assert np.all(np.diff(rows) > 0)
    assert not set(VALIDATION) & {STUDIO.clip_names[clip] for clip in STUDIO.clip[rows]}


def test_fractions_keep_all_views_of_an_instant():
    views = Counter(STUDIO.instant[labelled_rows(STUDIO, "5%S1")].tolist())
    assert set(views.values()) == {4}


def test_rows_without_a_pose_are_not_labelled():
    index = make_index({"S1/A/1": 10, "S1/B/1": 10}, unlabelled=["S1/A/1"])
    assert {index.clip_names[clip] for clip in index.clip[labelled_rows(index, "S1")]} == {"S1/B/1"}
    assert len(labelled_rows(index, "50%S1")) == 5 * 4


clip_lengths = st.lists(st.integers(1, 60), min_size=1, max_size=12)
percents = st.floats(0.5, 100).map(lambda percent: round(percent, 1))


def labelled_or_empty(index, percent):
    try:
        return labelled_rows(index, f"{percent}%S1")
    except SupervisionError:
        return np.array([], dtype=np.int64)


@given(clip_lengths, percents, percents)
def test_smaller_fractions_are_nested_in_larger_ones(lengths, percent, other):
    index = make_index({f"S1/A/{clip}": length for clip, length in enumerate(lengths)}, views=2)
    smaller, larger = (labelled_or_empty(index, p) for p in sorted((percent, other)))
    assert set(smaller.tolist()) <= set(larger.tolist())


@given(clip_lengths, percents)
def test_fractions_are_spread_evenly_over_clips(lengths, percent):
    index = make_index({f"S1/A/{clip}": length for clip, length in enumerate(lengths)}, views=1)
    rows = labelled_or_empty(index, percent)
    assert len(rows) == int(np.floor(percent / 100 * sum(lengths) + 0.5))
    expected = len(rows) * np.array(lengths) / sum(lengths)
    counts = np.bincount(index.clip[rows], minlength=len(lengths))
    # A clip cannot be served better than to one instant; the total shifts the threshold by up to one more.
    assert np.abs(counts - expected).max() < 2


@pytest.mark.parametrize(("percent", "widest"), [(50, 4), (10, 20), (5, 40)])
def test_fractions_are_spread_evenly_inside_clips(percent, widest):
    """No stretch of a clip without labels is longer than twice the mean distance, 100 / percent."""
    index = make_index({"S1/A/1": 400}, views=1)
    frames = labelled_rows(index, f"{percent}%S1")
    gaps = np.diff(np.concatenate([[-1], frames, [400]]))
    assert gaps.max() <= widest


def test_equal_clips_differ_by_at_most_one_instant():
    for percent in (50, 10, 5, 3, 1):
        rows = labelled_rows(STUDIO, f"{percent}%S1")
        counts = np.bincount(STUDIO.clip[rows[::4]], minlength=30)[:30]
        assert counts.max() - counts.min() <= 1


def test_training_and_validation_split_the_training_subjects():
    training, validation = training_rows(STUDIO, VALIDATION), held_out_rows(STUDIO, VALIDATION)
    assert {STUDIO.clip_names[clip] for clip in STUDIO.clip[validation]} == set(VALIDATION)
    assert not set(training.tolist()) & set(validation.tolist())
    union = np.sort(np.concatenate([training, validation]))
    np.testing.assert_array_equal(union, np.flatnonzero(np.isin(STUDIO.subject, ["S1", "S5"])))


def test_a_person_is_held_out_with_all_clips():
    held_out = ("S5", "S1/Action03/2")
    training, validation = training_rows(STUDIO, held_out), held_out_rows(STUDIO, held_out)
    assert subjects_of(training) == ["S1"]
    assert subjects_of(labelled_rows(STUDIO, "all", held_out)) == ["S1"]
    expected = np.flatnonzero((STUDIO.subject == "S5") | (STUDIO.clip == STUDIO.clip_names.index("S1/Action03/2")))
    np.testing.assert_array_equal(validation, expected)
    with pytest.raises(SupervisionError, match="no instant with a pose is left"):
        labelled_rows(STUDIO, "S5", held_out)


def test_no_validation_clips():
    assert len(held_out_rows(STUDIO, ())) == 0
    assert subjects_of(training_rows(STUDIO)) == ["S1", "S5"]


@settings(max_examples=200)
@given(st.text(max_size=8))
def test_any_other_word_is_refused_in_one_line(spec):
    assume(spec not in ("none", "all", "S1", "S5"))
    with pytest.raises(SupervisionError, match=r"\Asupervision .*\Z"):  # the dot matches no line break
        labelled_rows(STUDIO, spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "supervision '': write none, all, subjects such as S1.S5, or a share"),
        ("S2", "no subject 'S2' .the training subjects are S1, S5"),
        ("s1", "no subject 's1'"),
        ("S1+", "no subject ''"),
        ("S1,S5", "no subject 'S1,S5'"),
        ("S1+S9", "S9 is a test subject"),
        ("10%S9", "S9 is a test subject"),
        ("10%", "write none, all"),
        ("%S1", "write none, all"),
        ("ten%S1", "write none, all"),
        ("-5%S1", "write none, all"),
        ("10%none", "no subject 'none'"),
        ("0%S1", "0% is not in the range .0, 100."),
        ("101%S1", "101% is not in the range"),
        ("0.01%S1", "no instant with a pose is left"),
    ],
)
def test_bad_level_is_refused(spec, message):
    with pytest.raises(SupervisionError, match=message):
        labelled_rows(STUDIO, spec)


def test_subject_without_poses_is_refused():
    index = make_index({"S1/A/1": 3}, unlabelled=["S1/A/1"])
    with pytest.raises(SupervisionError, match="no instant with a pose is left"):
        labelled_rows(index, "S1")


@pytest.mark.parametrize(
    "function", [training_rows, held_out_rows, lambda *args: labelled_rows(args[0], "S1", args[1])]
)
@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ("S1/Action03", "there is no such clip; clips are named like S1/Action00/1"),
        ("S9/Action03/1", "of a test subject"),
        ("S9", "of a test subject"),
        ("S7", "there is no such clip"),
    ],
)
def test_bad_validation_clip_is_refused(function, clip, message):
    with pytest.raises(SupervisionError, match=message):
        function(STUDIO, (clip,))
