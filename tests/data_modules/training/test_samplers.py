"""Invariants of both samplers, for any data: hypothesis draws clips, gaps, batch sizes and ranks."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data_modules.training.samplers import LabelledSampler, PairSampler
from data_modules.training.supervision import training_rows
from mcss.errors import InputError
from tests.references.synthetic_index import make_index, studio_like

STUDIO = studio_like()
STUDIO_ROWS = training_rows(STUDIO)


# Two training subjects and a test subject; clips of uneven length with uneven spacing, some very dense. Drawn as plain
# values: hypothesis forbids the random numbers of the run-time type checker inside strategies.
clip_names = ("S1/A/1", "S1/A/2", "S5/A/1", "S9/A/1")
spacings_s = st.lists(st.sampled_from([0.02, 0.1, 0.5, 3.0]), min_size=4, max_size=30)
data = st.fixed_dictionaries({"views": st.integers(2, 4), **dict.fromkeys(clip_names, spacings_s)})
pair_settings = st.fixed_dictionaries(
    {
        "pairs": st.integers(1, 5),
        "min_gap_s": st.sampled_from([0.0, 0.1, 0.3, 1.0]),
        "seed": st.integers(0, 2**32),
        "world_size": st.integers(1, 3),
        "same_subject_on_ranks": st.booleans(),
    }
)


def index_of(drawn):
    return make_index({name: np.cumsum(drawn[name]) for name in clip_names}, views=drawn["views"])


def samplers_of_all_ranks(index, world_size, **settings):
    rows = training_rows(index)
    try:
        return [PairSampler(index, rows, rank=rank, world_size=world_size, **settings) for rank in range(world_size)]
    except InputError:
        assume(False)


def assert_gaps(index, anchor, min_gap_s):
    gap_s = np.abs(index.time_s[anchor][:, None] - index.time_s[anchor])
    other_clip = index.clip[anchor][:, None] != index.clip[anchor]
    assert np.all((gap_s >= min_gap_s - 1e-6) | other_clip | np.eye(len(anchor), dtype=bool))


@given(data, pair_settings)
def test_a_batch_is_of_one_subject_in_two_views_with_gaps(drawn, settings):
    index = index_of(drawn)
    for sampler in samplers_of_all_ranks(index, **settings):
        for anchor, positive in islice(sampler, sampler.steps_per_pass):
            assert len(anchor) == settings["pairs"]
            assert len(set(index.subject[anchor].tolist())) == 1
            assert index.subject[anchor[0]] in index.subjects_train
            np.testing.assert_array_equal(index.instant[anchor], index.instant[positive])
            assert np.all(index.camera[anchor] != index.camera[positive])
            assert_gaps(index, anchor, settings["min_gap_s"])


@given(data, pair_settings, st.integers(0, 3))
def test_in_a_pass_an_instant_is_used_once_over_all_ranks(drawn, settings, pass_number):
    index = index_of(drawn)
    samplers = samplers_of_all_ranks(index, **settings)
    steps = samplers[0].steps_per_pass
    first = pass_number * steps
    used = [index.instant[s.batch(step).anchor] for s in samplers for step in range(first, first + steps)]
    counts = np.unique(np.concatenate(used), return_counts=True)[1]
    assert counts.max() == 1


@given(data, pair_settings)
def test_ranks_draw_the_same_subject_with_gaps_across_ranks_when_asked_to(drawn, settings):
    index = index_of(drawn)
    samplers = samplers_of_all_ranks(index, **{**settings, "same_subject_on_ranks": True})
    for step in range(2 * samplers[0].steps_per_pass):
        anchor = np.concatenate([sampler.batch(step).anchor for sampler in samplers])
        assert len(set(index.subject[anchor].tolist())) == 1
        assert_gaps(index, anchor, settings["min_gap_s"])


def test_dense_clips_keep_the_gap_across_ranks():
    """Frames 0.02 s apart, of which a batch of one rank may hold every fiftieth."""
    index = make_index({"S1/A/1": 3000}, spacing_s=0.02, subjects_train=("S1",))
    samplers = samplers_of_all_ranks(index, 2, pairs=20, min_gap_s=0.99, seed=0, same_subject_on_ranks=True)
    assert samplers[0].steps_per_pass == 50  # one of each group of 60 instants
    for step in range(50):
        assert_gaps(index, np.concatenate([sampler.batch(step).anchor for sampler in samplers]), 0.99)


def test_what_a_seed_draws_stays_what_it_was():
    """Committed results name their seed: another order of draws would make other runs of the same settings."""
    sampler = PairSampler(STUDIO, STUDIO_ROWS, pairs=4, min_gap_s=1.0, seed=3)
    drawn = [[rows.tolist() for rows in sampler.batch(step)] for step in (0, sampler.steps_per_pass)]
    assert drawn == [
        [[13241, 13027, 12834, 13363], [13242, 13025, 12835, 13360]],
        [[10595, 11131, 9792, 10650], [10594, 11129, 9793, 10649]],
    ]


@given(data, pair_settings, st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_a_step_is_the_same_however_it_is_reached(drawn, settings, steps):
    index = index_of(drawn)
    (sampler, *_), (other, *_) = (samplers_of_all_ranks(index, **settings) for _ in range(2))
    iterated = list(islice(other, 201))
    for step in steps:
        for drawn_rows, expected in zip(sampler.batch(step), iterated[step], strict=True):
            np.testing.assert_array_equal(drawn_rows, expected)


def test_a_pass_uses_nearly_everything():
    sampler = PairSampler(STUDIO, STUDIO_ROWS, pairs=22, min_gap_s=1.0, seed=0)
    # 2 subjects, each 1200 instants in 2 groups of 600: 27 batches a group.
    assert sampler.steps_per_pass == 2 * 2 * 27


def test_subjects_occur_in_proportion_to_their_instants():
    index = make_index({"S1/A/1": 900, "S5/A/1": 300})
    sampler = PairSampler(index, training_rows(index), pairs=10, min_gap_s=0.5, seed=0)
    subjects = [index.subject[anchor[0]] for anchor, _ in islice(sampler, sampler.steps_per_pass)]
    assert (subjects.count("S1"), subjects.count("S5")) == (90, 30)
    assert subjects[:90] != ["S1"] * 90


def test_mixed_batches_come_from_all_subjects_and_keep_the_gaps():
    sampler = PairSampler(STUDIO, STUDIO_ROWS, pairs=22, min_gap_s=1.0, seed=0, mix_subjects=True)
    for step in range(20):
        anchor, positive = sampler.batch(step)
        assert set(STUDIO.subject[anchor].tolist()) == {"S1", "S5"}
        assert (STUDIO.instant[anchor] == STUDIO.instant[positive]).all()
        for clip in set(STUDIO.clip[anchor]):
            times = np.sort(STUDIO.time_s[anchor[STUDIO.clip[anchor] == clip]])
            assert (np.diff(times) > 1.0 - 1e-9).all()


def test_passes_differ_and_leave_out_other_instants():
    sampler = PairSampler(STUDIO, STUDIO_ROWS, pairs=32, min_gap_s=1.0, seed=0)
    steps = sampler.steps_per_pass
    passes = [[sampler.batch(step) for step in range(k * steps, (k + 1) * steps)] for k in range(4)]
    used = [np.concatenate([STUDIO.instant[batch.anchor] for batch in batches]) for batches in passes]
    assert not np.array_equal(used[0], used[1])
    left_out = [set(STUDIO.instant[STUDIO_ROWS].tolist()) - set(instants.tolist()) for instants in used]
    assert all(left_out)
    assert set.intersection(*left_out) == set()


def test_cameras_of_an_instant_change_and_all_pairs_occur():
    index = make_index({"S1/A/1": 20, "S5/A/1": 20}, views=3)
    sampler = PairSampler(index, training_rows(index), pairs=10, min_gap_s=0.5, seed=0)
    seen = set()
    for anchor, positive in islice(sampler, 200):
        chosen = index.instant[anchor] == 0
        seen |= set(zip(index.camera[anchor][chosen].tolist(), index.camera[positive][chosen].tolist(), strict=True))
    assert len(seen) == 6


def test_seeds_differ():
    first, second = (PairSampler(STUDIO, STUDIO_ROWS, pairs=22, min_gap_s=1.0, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.batch(0).anchor, second.batch(0).anchor)


def test_world_size_is_part_of_the_function():
    """Together the ranks of a step see other batches than one rank alone would see in turn only by their number."""
    alone = PairSampler(STUDIO, STUDIO_ROWS, pairs=22, min_gap_s=1.0, seed=0)
    ranks = [PairSampler(STUDIO, STUDIO_ROWS, 22, 1.0, seed=0, rank=rank, world_size=2) for rank in range(2)]
    for step in range(10):
        for rank in range(2):
            np.testing.assert_array_equal(ranks[rank].batch(step).anchor, alone.batch(2 * step + rank).anchor)


def test_instants_with_one_view_are_not_used():
    index = make_index({"S1/A/1": 20, "S5/A/1": 20}, views=2)
    rows = training_rows(index)
    rows = rows[rows % 6 != 0]  # the first view of every third instant is gone
    sampler = PairSampler(index, rows, pairs=3, min_gap_s=0.5, seed=0)
    used = {instant for batch in islice(sampler, 100) for instant in index.instant[batch.anchor].tolist()}
    assert used == {instant for instant in range(40) if instant % 3}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": 1201}, "no batch of 1201 pairs, min_gap_s 1, from subject S1 on 1 rank.s.: it has 1200 instants"),
        ({"min_gap_s": 30.0}, "no batch of 32 pairs, min_gap_s 30, from subject S1"),
        ({"world_size": 40, "same_subject_on_ranks": True}, "from subject S1 on 40 rank"),
        ({"world_size": 100}, "72 batch.es. of 32 pairs, min_gap_s 1, for 100 ranks"),
        ({"pairs": 0}, "pairs .0. must be positive"),
        ({"rank": 1}, "rank .1. below the world size .1."),
    ],
)
def test_settings_without_a_batch_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        PairSampler(STUDIO, STUDIO_ROWS, **{"pairs": 32, "min_gap_s": 1.0, "seed": 0, **settings})


@pytest.mark.parametrize(
    ("spacing_s", "min_gap_s", "gap_s"),
    [(0.4, 0.8, 0.8), (0.4, 1.2, 1.2), (0.4, 1.0, 1.2), (0.1, 0.3, 0.3), (1 / 30, 0.1, 0.1), (0.02, 0.02, 0.02)],
)
def test_the_gap_is_not_lengthened_by_rounding(spacing_s, min_gap_s, gap_s):
    """0.4 s apart, 2.8 - 2.0 is less than 0.8 in binary, and with it every second instant would be too near."""
    index = make_index({"S1/A/1": 60, "S1/A/2": 60}, spacing_s=spacing_s)
    sampler = PairSampler(index, training_rows(index), pairs=4, min_gap_s=min_gap_s, seed=0)
    assert sampler.gap_s == pytest.approx(gap_s)
    batches = [index.instant[batch.anchor] for batch in islice(sampler, sampler.steps_per_pass)]
    apart = [np.diff(np.sort(batch[batch // 60 == clip])) for batch in batches for clip in (0, 1)]
    assert min(steps.min() for steps in apart if len(steps)) == round(gap_s / spacing_s)


def test_a_short_subject_is_left_out_with_a_line():
    index = make_index({"S1/A/1": 40, "S5/A/1": 12})
    sampler = PairSampler(index, training_rows(index), pairs=4, min_gap_s=2.0, seed=0)
    (line,) = sampler.left_out
    assert line == (
        "no batch of 4 pairs, min_gap_s 2, from subject S5 on 1 rank(s): it has 12 instants with two or more views of "
        "about 13 that a batch needs; film it for 6 s or more, or lower pairs or min_gap_s"
    )
    drawn = {name for batch in islice(sampler, 50) for name in index.subject[batch.anchor].tolist()}
    assert drawn == {"S1"}
    as_long_as_said = make_index({"S1/A/1": 40, "S5/A/1": 13})
    assert not PairSampler(as_long_as_said, training_rows(as_long_as_said), pairs=4, min_gap_s=2.0, seed=0).left_out


def test_a_single_camera_is_refused():
    index = make_index({"S1/A/1": 20}, views=1)
    with pytest.raises(InputError, match=r"subject S1 .* it has 0 instants with two or more views"):
        PairSampler(index, training_rows(index), pairs=2, min_gap_s=0.5, seed=0)


# Labelled stream.

labelled_settings = st.fixed_dictionaries(
    {"batch_size": st.integers(1, 30), "seed": st.integers(0, 2**32), "world_size": st.integers(1, 4)}
)


@given(st.integers(1, 40), labelled_settings)
def test_each_pass_uses_every_row_once_over_all_ranks(size, settings):
    rows = np.arange(size) * 7 + 3
    samplers = [LabelledSampler(rows, rank=rank, **settings) for rank in range(settings["world_size"])]
    dealt = np.concatenate([sampler.batch(step) for step in range(2 * size) for sampler in samplers])
    for start in range(0, len(dealt) - size + 1, size):
        np.testing.assert_array_equal(np.sort(dealt[start : start + size]), rows)


@given(st.integers(1, 40), labelled_settings, st.integers(0, 50))
def test_labelled_batches_are_found_directly(size, settings, step):
    rows = np.arange(size)
    direct = LabelledSampler(rows, **settings).batch(step)
    iterated = next(islice(LabelledSampler(rows, **settings), step, None))
    assert direct.shape == (settings["batch_size"],)
    np.testing.assert_array_equal(direct, iterated)


def test_labelled_passes_differ():
    sampler = LabelledSampler(np.arange(100), batch_size=100, seed=0)
    assert not np.array_equal(sampler.batch(0), sampler.batch(1))
    assert not np.array_equal(sampler.batch(0), LabelledSampler(np.arange(100), 100, seed=1).batch(0))


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([], {"batch_size": 2}, "no labelled rows"),
        ([1], {"batch_size": 0}, "batch size .0. must be positive"),
        ([1], {"batch_size": 1, "rank": 2, "world_size": 2}, "rank .2. below 2 ranks"),
    ],
)
def test_bad_labelled_settings_are_refused(rows, settings, message):
    with pytest.raises(InputError, match=message):
        LabelledSampler(np.array(rows, dtype=np.int64), seed=0, **settings)
