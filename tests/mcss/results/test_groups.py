import pytest

from mcss.results.groups import groups, notes


def test_seeds_are_averaged_with_their_sample_standard_deviation(table):
    (group,) = groups(table({"value": 100.0}, {"value": 110.0, "seed": 1})).to_dict("records")
    assert (group["seeds"], group["runs"]) == (2, 2)
    assert (group["mpjpe_mm"], group["n_mpjpe_mm"], group["mpjpe_mm:S9"]) == (105, 106, 95)
    assert group["sd:mpjpe_mm"] == pytest.approx(50**0.5)
    assert notes(groups(table({"value": 100.0}, {"value": 110.0, "seed": 1}))) == []


def test_runs_of_one_seed_that_differ_in_the_learning_rate_are_not_two_seeds(table):
    """They were printed as ``2 seeds, 129.5 +- 29.0``."""
    grouped = groups(table({"value": 100.0}, {"value": 159.0, "settings": {"model.lr": 0.5}}))
    assert grouped["seeds"].tolist() == [1, 1]
    assert grouped["mpjpe_mm"].tolist() == [100, 159]
    (note,) = notes(grouped)
    assert note == ("mcss with the labels of S1: 2 groups that are not merged, in order: model.lr 0.002; model.lr 0.5.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": {"trainer.sync_batchnorm": True}}, "trainer.sync_batchnorm off; trainer.sync_batchnorm True"),
        (
            {"settings": {"data.labelled_store": "rendered anew"}},
            "data.labelled_store off; data.labelled_store rendered",
        ),
        ({"steps": 2000}, "steps 3000; steps 2000"),
        ({"world_size": 8}, "world_size 1; world_size 8"),
        ({"partial": True, "test_images": 32}, "partial no, test_images 144; partial yes, test_images 32"),
    ],
)
def test_a_run_that_differs_in_anything_else_is_another_group_and_what_differs_is_said(table, change, said):
    grouped = groups(table({}, {"seed": 1, **change}))
    assert len(grouped) == 2
    assert said in notes(grouped)[0]


def test_precision_and_commit_keep_no_run_apart_but_a_mixture_is_said(table):
    other = {"seed": 1, "precision": "bf16-mixed", "commit": "d" * 40, "dirty": True}
    grouped = groups(table({}, other))
    assert grouped["seeds"].tolist() == [2]
    assert notes(grouped) == [
        "mcss with the labels of S1: mixes commits cccccccc, dddddddd with changes.",
        "mcss with the labels of S1: mixes precisions 32-true, bf16-mixed.",
        "The table mixes runs of 2 commits: cccccccc, dddddddd with changes.",
    ]


def test_a_seed_run_twice_counts_once_with_the_mean_of_its_runs(table):
    again = {"value": 120.0, "checkpoint_hash": "again"}
    grouped = groups(table({"value": 100.0}, again, {"value": 130.0, "seed": 1}))
    assert (grouped.loc[0, "seeds"], grouped.loc[0, "runs"]) == (2, 3)
    assert grouped.loc[0, "mpjpe_mm"] == 120
    assert "3 runs of 2 seeds; repetitions of a seed count once." in notes(grouped)[0]


def test_runs_without_recorded_settings_are_merged_neither_with_one_another_nor_with_others(table):
    unknown = {"settings": None, "settings_hash": None}
    grouped = groups(table({}, {**unknown, "checkpoint_hash": "a"}, {**unknown, "checkpoint_hash": "b"}))
    assert grouped["runs"].tolist() == [1, 1, 1]
    apart, said = notes(grouped)
    assert "in order: checkpoint off, settings off; checkpoint a, settings not recorded; checkpoint b, " in apart
    assert said == "The settings of 2 groups are not recorded: their runs may differ in any of them."
