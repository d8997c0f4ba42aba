"""Which rows a step of training sees: pure functions of (seed, global step, rank, world size).

Both samplers compute any step directly, so a resumed run continues with the very batches that it would have seen.
"""

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.store.index import Index
from mcss.errors import InputError

PAIR_STREAM, LABELLED_STREAM = 1, 2
"""Part of each stream's random key, so that equal seeds do not correlate the streams."""
TIME_TOLERANCE_S = 1e-6
"""Times are sums of rounded numbers: 2.8 - 2.0 is less than 0.8."""


class PairRows(NamedTuple):
    """Rows of a batch of pairs; ``anchor[i]`` and ``positive[i]`` show the same instant by different cameras."""

    anchor: Int64[np.ndarray, "*batch pairs"]
    positive: Int64[np.ndarray, "*batch pairs"]


class _Subject(NamedTuple):
    """The instants that a batch is drawn from, one subject's as a rule, sorted by clip and time."""

    instants: Int64[np.ndarray, " instants"]
    """Their numbers among the sampler's instants."""
    clip: Int64[np.ndarray, " instants"]
    stride: int
    """Two instants of a clip that are at least this many places apart keep the gap in time."""
    gap_s: float
    """Smallest time between two of them; infinite where no clip has two."""
    blocks: int
    """How many blocks a pass has of this subject: batches, or with equal subjects on all ranks joint batches of all."""


class PairSampler:
    """Batches of pairs of one subject, for the contrastive loss.

    A batch holds ``pairs`` instants of one subject, each seen by two different cameras; two instants of the same clip
    are at least ``min_gap_s`` apart, also across ranks where all draw the same subject (their batches are one *block*,
    otherwise each is a block). In a pass over the data each instant is used at most once, over all ranks; what
    does not fill a batch is left out, other instants in each pass. Subjects occur in proportion to their instants.

    How: a subject's clips are laid one after the other in random order, and every ``stride``-th instant goes into the
    same group. Whatever is taken from one group keeps the gap. Groups are shuffled and cut into blocks. Their sizes are
    the same in every pass, hence so is the number of steps, and any step is found without those before it.

    Args:
        index: the columns of the store.
        rows: rows to draw from, ascending. Instants with a single view among them are not used.
        pairs: pairs in a batch of one rank.
        min_gap_s: smallest time between two instants of a clip in one batch, seconds.
        seed: of the whole run.
        rank: whose batches these are.
        world_size: number of ranks, which draw disjoint batches.
        same_subject_on_ranks: whether all ranks draw the same subject in a step, as negatives across ranks require.
        mix_subjects: draw a batch from all subjects as if they were one (an ablation; the paper's have one).

    Attributes:
        left_out: a line about each subject that does not fill a batch, or with ``same_subject_on_ranks`` one on every
            rank: no pair is drawn from it.
        gap_s: smallest time between two instants of a clip in one batch: the time of whole instants that is at least
            ``min_gap_s``.

    Raises:
        InputError: no subject fills a batch.
    """

    def __init__(
        self,
        index: Index,
        rows: Int64[np.ndarray, " training"],
        pairs: int,
        min_gap_s: float,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        same_subject_on_ranks: bool = False,
        mix_subjects: bool = False,
    ) -> None:
        if pairs < 1 or not 0 <= rank < world_size:
            raise InputError(f"pairs ({pairs}) must be positive and rank ({rank}) below the world size ({world_size})")
        self._seed, self._rank, self._pairs = seed, rank, pairs
        _, first, views = np.unique(index.instant[rows], return_index=True, return_counts=True)
        self._rows, self._first, self._views = rows, first[views > 1], views[views > 1]
        self._ranks_alike = world_size if same_subject_on_ranks else 1
        names = np.unique(index.subject[rows]).tolist()
        groups = [
            _group_subjects(index, rows[self._first], together, pairs, self._ranks_alike, min_gap_s)
            for together in ([names] if mix_subjects else [[name] for name in names])
        ]
        self._subjects = [group for group in groups if isinstance(group, _Subject)]
        self.left_out = tuple(group for group in groups if isinstance(group, str))
        if not self._subjects:
            raise InputError(self.left_out[0])
        self.gap_s = min(subject.gap_s for subject in self._subjects)
        blocks = sum(subject.blocks for subject in self._subjects)
        self._grid = (blocks * self._ranks_alike // world_size, world_size, pairs)
        if not self.steps_per_pass:
            raise InputError(f"{blocks} batch(es) of {pairs} pairs, min_gap_s {min_gap_s:g}, for {world_size} ranks")
        self._pass_number = -1
        self._pass = self._draw_pass(0)

    @property
    def steps_per_pass(self) -> int:
        """Steps until the sampler starts over with a new shuffle."""
        return self._grid[0]

    def batch(self, step: int) -> PairRows:
        """Rows of this rank's batch at global step ``step``, counted from 0."""
        pass_number, place = divmod(step, self.steps_per_pass)
        if pass_number != self._pass_number:
            self._pass, self._pass_number = self._draw_pass(pass_number), pass_number
        return PairRows(self._pass.anchor[place, self._rank], self._pass.positive[place, self._rank])

    def __iter__(self) -> Iterator[PairRows]:
        return map(self.batch, itertools.count())

    def _draw_pass(self, pass_number: int) -> PairRows:
        """All batches of a pass, of shape (steps, ranks, pairs)."""
        rng = np.random.default_rng([self._seed, PAIR_STREAM, pass_number])
        blocks = np.concatenate([self._draw_subject(subject, rng) for subject in self._subjects])
        rng.shuffle(blocks)
        steps, ranks, pairs = self._grid
        instants = blocks.reshape(-1, pairs)[: steps * ranks].reshape(self._grid)
        views = self._views[instants]
        anchor = rng.integers(views)
        positive = (anchor + 1 + rng.integers(views - 1)) % views
        first = self._first[instants]
        return PairRows(self._rows[first + anchor], self._rows[first + positive])

    def _draw_subject(self, subject: _Subject, rng: np.random.Generator) -> Int64[np.ndarray, "blocks ranks pairs"]:
        """Blocks of the subject in a pass; the batches of a block go to different ranks at the same step."""
        clip_place = rng.permutation(subject.clip.max() + 1)
        order = subject.instants[np.argsort(clip_place[subject.clip], kind="stable")]
        blocks = []
        for start in range(subject.stride):
            group = rng.permutation(order[start :: subject.stride])
            full = len(group) - len(group) % (self._ranks_alike * self._pairs)
            blocks.append(group[:full].reshape(-1, self._ranks_alike, self._pairs))
        return rng.permutation(np.concatenate(blocks))


def _group_subjects(
    index: Index,
    first_row: Int64[np.ndarray, " instants"],
    names: list[str],
    pairs: int,
    ranks_alike: int,
    min_gap_s: float,
) -> _Subject | str:
    """Instants of the subjects called ``names`` among those that begin at ``first_row``.

    Where they do not fill a block of ``ranks_alike`` batches, a line about it instead.
    """
    instants = np.flatnonzero(np.isin(index.subject[first_row], names))
    rows, size = first_row[instants], pairs * ranks_alike
    clip, time_s = index.clip[rows], index.time_s[rows]
    # A longer stride leaves fewer than `size` instants in every group.
    longest = len(instants) // max(size - 1, 1)
    stride = _smallest_stride(clip, time_s, min_gap_s, longest)
    smaller, larger_groups = divmod(len(instants), stride)
    blocks = larger_groups * ((smaller + 1) // size) + (stride - larger_groups) * (smaller // size)
    if blocks:
        return _Subject(instants, clip, stride, _gap_s(clip, time_s, stride), blocks)
    needed = (size - 1) * _smallest_stride(clip, time_s, min_gap_s, len(instants)) + 1
    return (
        f"no batch of {pairs} pairs, min_gap_s {min_gap_s:g}, from subject {'+'.join(names)} on {ranks_alike} rank(s): "
        f"it has {len(instants)} instants with two or more views of about {needed} that a batch needs; film it for "
        f"{(size - 1) * min_gap_s:.0f} s or more, or lower pairs or min_gap_s"
    )


def _smallest_stride(
    clip: Int64[np.ndarray, " instants"], time_s: Float64[np.ndarray, " instants"], min_gap_s: float, longest: int
) -> int:
    """Smallest number of places at which two instants of a clip are ``min_gap_s`` apart; at most ``longest`` + 1."""
    for stride in range(1, longest + 1):
        if _gap_s(clip, time_s, stride) >= min_gap_s - TIME_TOLERANCE_S:
            return stride
    return longest + 1


def _gap_s(clip: Int64[np.ndarray, " instants"], time_s: Float64[np.ndarray, " instants"], stride: int) -> float:
    """Smallest time between two instants of a clip that are ``stride`` places apart; infinite where there are none."""
    same_clip = clip[stride:] == clip[:-stride]
    return float(np.min((time_s[stride:] - time_s[:-stride])[same_clip], initial=np.inf))


class LabelledSampler:
    """Batches of labelled rows, endless: one shuffle of all rows after the other, dealt to the ranks in turn.

    In a pass each row is used once, over all ranks. A batch may hold the end of one pass and the beginning of the next,
    and several passes where it is larger than the set.

    Args:
        rows: the labelled rows of the store.
        batch_size: rows in a batch of one rank.
        seed: of the whole run.
        rank: whose batches these are.
        world_size: number of ranks.

    Raises:
        InputError: there are no rows, or a number is out of range.
    """

    def __init__(
        self,
        rows: Int64[np.ndarray, " labelled"],
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if not len(rows):
            raise InputError("no labelled rows to draw from; supervision `none` has no labelled stream")
        if batch_size < 1 or not 0 <= rank < world_size:
            raise InputError(f"batch size ({batch_size}) must be positive and rank ({rank}) below {world_size} ranks")
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self._rank, self._world_size = rank, world_size

    def batch(self, step: int) -> Int64[np.ndarray, " batch_size"]:
        """Rows of this rank's batch at global step ``step``, counted from 0."""
        start = (step * self._world_size + self._rank) * self._batch_size
        passes, places = np.divmod(np.arange(start, start + self._batch_size), len(self._rows))
        chosen = np.empty(self._batch_size, dtype=np.int64)
        for number in np.unique(passes).tolist():
            here = passes == number
            chosen[here] = _shuffle(len(self._rows), self._seed, number)[places[here]]
        return self._rows[chosen]

    def __iter__(self) -> Iterator[Int64[np.ndarray, " batch_size"]]:
        return map(self.batch, itertools.count())


# A batch touches few passes, and the next batch mostly the same one.
@lru_cache(maxsize=4)
def _shuffle(size: int, seed: int, pass_number: int) -> Int64[np.ndarray, " size"]:
    return np.random.default_rng([seed, LABELLED_STREAM, pass_number]).permutation(size)
