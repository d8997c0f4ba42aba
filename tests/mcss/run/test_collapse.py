import warnings
from types import SimpleNamespace

import pytest
import torch

from mcss.errors import InputError
from mcss.run.collapse import CollapseWatch


def hook(name, watch, step, **metrics):
    """Call a hook as the trainer does at a step at which these values have been logged."""
    strategy = SimpleNamespace(reduce_boolean_decision=lambda decision, all: decision)
    logged = {key.replace("__", "/"): torch.tensor(value) for key, value in metrics.items()}
    trainer = SimpleNamespace(strategy=strategy, global_step=step, callback_metrics=logged)
    # __wrapped__: the stand-in for a trainer has only what is used, which the checked signature refuses.
    getattr(type(watch), name).__wrapped__(watch, trainer, None, *[None] * (3 if "train" in name else 0))


def train(watch, mean_distance):
    for step in range(1, 2001):
        hook("on_train_batch_end", watch, step, train__mean_distance=mean_distance(step))


def test_a_collapsed_embedding_ends_the_run_within_its_first_thousand_steps():
    message = r"at step 750: different images are 0\.010 apart in the mean .*, or go on with --collapse.stops false"
    with pytest.raises(InputError, match=message):
        train(CollapseWatch(), lambda step: 0.01)
    train(CollapseWatch(), lambda step: 0.01 if step <= 500 else 0.9)  # it recovers
    train(CollapseWatch(stops=False), lambda step: 0.01)
    hook("on_train_batch_end", CollapseWatch(), 750)  # of an objective that does not spread the embedding


def test_looks_are_counted_over_an_interruption():
    first, resumed = CollapseWatch(), CollapseWatch()
    hook("on_train_batch_end", first, 500, train__mean_distance=0.01)
    resumed.load_state_dict(first.state_dict())
    with pytest.raises(InputError, match="at step 750"):
        hook("on_train_batch_end", resumed, 750, train__mean_distance=0.01)


def test_an_interval_of_no_steps_is_refused():
    with pytest.raises(InputError, match=r"collapse.every_n_steps 0: choose a number of at least 1"):
        CollapseWatch(every_n_steps=0)


@pytest.mark.parametrize("figures", [(0.05, 9.0), (0.9, 1.2)], ids=["a point", "a line"])
def test_a_point_and_a_line_are_called_collapsed(figures):
    mean_distance, rank = figures
    validated = {"val__mean_distance": mean_distance, "val__effective_rank": rank}
    with pytest.warns(UserWarning, match="COLLAPSED EMBEDDING at step 500"):
        hook("on_validation_end", CollapseWatch(), 500, **validated)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hook("on_validation_end", CollapseWatch(), 250, **validated)  # not yet trained
        hook("on_validation_end", CollapseWatch(), 500, val__mean_distance=0.9, val__effective_rank=9.0)
        hook("on_validation_end", CollapseWatch(), 500)
