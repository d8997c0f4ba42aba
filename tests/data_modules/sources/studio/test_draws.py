import numpy as np
import pytest

from data_modules.sources.studio.draws import choose, stream

WEIGHTS = {"red": 1.0, "green": 2.0, "blue": 5.0}
KEYS = [f"P{number}" for number in range(1500)]


def test_a_stream_depends_on_its_seed_and_keys_alone():
    assert stream(3, "hair", "S1").random() == stream(3, "hair", "S1").random()
    others = {stream(*keys).random() for keys in ((3, "hair", "S1"), (4, "hair", "S1"), (3, "hair", "S2"), (3, "S1"))}
    assert len(others) == 4


def test_options_are_chosen_as_often_as_they_weigh():
    chosen = [choose(0, "color", key, weights=WEIGHTS) for key in KEYS]
    shares = np.array([chosen.count(name) for name in WEIGHTS]) / len(KEYS)
    np.testing.assert_allclose(shares, np.array(list(WEIGHTS.values())) / 8, atol=0.04)


def test_a_new_option_changes_those_choices_alone_that_it_wins():
    before = [choose(0, "color", key, weights=WEIGHTS) for key in KEYS]
    after = [choose(0, "color", key, weights={"new": 2.0, **WEIGHTS}) for key in KEYS]
    changed = [new for old, new in zip(before, after, strict=True) if new != old]
    assert set(changed) == {"new"}
    assert len(changed) / len(KEYS) == pytest.approx(0.2, abs=0.04)
