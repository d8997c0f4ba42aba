"""Random draws that depend on the seed and the name of what is drawn alone: in every process, in any order."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

Option = TypeVar("Option", bound=str)


def stream(seed: int, *keys: str | int) -> np.random.Generator:
    """Random numbers of one thing, named by ``keys``."""
    return np.random.default_rng(np.random.SeedSequence(list("/".join(map(str, (seed, *keys))).encode())))


def choose(seed: int, *keys: str | int, weights: Mapping[Option, float]) -> Option:
    """Choose an option with probability proportional to its weight.

    Each option draws its own waiting time, and the first one is chosen. So a new option changes those choices alone
    that it wins.
    """
    waiting = {name: stream(seed, *keys, name).exponential() / weight for name, weight in weights.items()}
    return min(waiting, key=lambda name: waiting[name])
