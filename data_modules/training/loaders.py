"""Loaders whose position is the trainer's global step, so that a resumed run goes on with the batches of that step."""

from collections.abc import Callable, Iterator

import torch
from pytorch_lightning.utilities import CombinedLoader
from torch.utils.data import DataLoader, Dataset, Sampler

from data_modules.training.streams import LabelledStream, MultiviewStream
from mcss.errors import InputError
from mcss.stop_signals import ignore_stop_signals


class StepSampler(Sampler[int]):
    """Global steps from where training stands to the end of the epoch.

    Lightning knows only the position in the epoch when it resumes, and would replay the epoch from its first batch;
    asking the trainer at the start of every iteration is what makes a resumed run equal an uninterrupted one.
    """

    def __init__(self, global_step: Callable[[], int], steps_per_epoch: int) -> None:
        self.global_step = global_step
        self.steps_per_epoch = steps_per_epoch

    def __iter__(self) -> Iterator[int]:
        start = self.global_step()
        return iter(range(start, (start // self.steps_per_epoch + 1) * self.steps_per_epoch))

    def __len__(self) -> int:
        return self.steps_per_epoch


class StepLoader(DataLoader):
    """A loader whose position is the trainer's global step; its state says which stream that step belongs to.

    Raises:
        InputError: on resuming a run whose batches were drawn otherwise.
    """

    def __init__(self, stream: Dataset, sampler: StepSampler, identity: dict[str, int], num_workers: int) -> None:
        super().__init__(
            stream,
            batch_size=None,
            sampler=sampler,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=ignore_stop_signals,
        )
        self.identity = identity

    def state_dict(self) -> dict[str, int]:
        """Everything besides the step that a batch depends on."""
        return dict(self.identity)

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Refuse to continue a run with other batches than it began with."""
        changed = [f"{key} {state.get(key)} -> {value}" for key, value in self.identity.items() if state[key] != value]
        if changed:
            raise InputError(f"the checkpoint was made with other batches ({', '.join(changed)}): resume as it began")


def loaders_in_step(
    streams: dict[str, MultiviewStream | LabelledStream], steps: StepSampler, identity: dict[str, int], num_workers: int
) -> CombinedLoader:
    """Loaders of the streams by the same names, whose batches of one step come together."""
    loaders = {name: StepLoader(stream, steps, identity, num_workers) for name, stream in streams.items()}
    return CombinedLoader(loaders, mode="min_size")
