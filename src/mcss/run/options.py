"""Options of Lightning's Trainer that a run cannot have, each with its reason and what to use instead."""

from typing import Any

from mcss.errors import InputError

_UNSUPPORTED = {
    "accumulate_grad_batches": (
        (None, 1),
        "a batch is a step here; take larger batches instead (--data.pairs, --data.labelled_images), or more ranks with"
        " --model.contrastive.gather true",
    ),
    "overfit_batches": (
        (None, 0, 0.0),
        "the batch of a step follows from the seed and the step, so none can be repeated; name few images instead"
        " (--data.supervision 1%S1) and switch augmentation off (--data.augment)",
    ),
    "barebones": ((None, False), "it switches off checkpoints and logging, which are the result of a run"),
    "enable_checkpointing": (
        (None, True),
        "the last checkpoint is the result of a run; to write it seldom set LastCheckpoint.every_n_steps",
    ),
}
_PRECISIONS: tuple = ("32-true", "bf16-mixed", "16-mixed", "32", 32, "bf16", "16", 16)


def check_trainer_options(config: Any) -> None:
    """Refuse options that contradict how a run works, and remove callbacks that need a logger where there is none.

    Args:
        config: of a subcommand; changed in place.

    Raises:
        InputError: an option is not supported.
    """
    trainer = config.trainer
    for name, (allowed, reason) in _UNSUPPORTED.items():
        if trainer.get(name) not in allowed:
            raise InputError(f"trainer.{name} {trainer[name]} is not supported: {reason}")
    if trainer.precision not in (None, *_PRECISIONS):
        raise InputError(
            f"trainer.precision {trainer.precision} is not supported: weights and distances are float32; use one of"
            f" {', '.join(_PRECISIONS[:3])}"
        )
    if trainer.limit_test_batches == 0:
        raise InputError("trainer.limit_test_batches 0 is not supported: nothing would be tested")
    interval, steps = trainer.val_check_interval, config.data.steps_per_epoch
    if isinstance(interval, int) and interval > steps and trainer.check_val_every_n_epoch is not None:
        raise InputError(
            f"trainer.val_check_interval {interval} is longer than an epoch (data.steps_per_epoch {steps}): set"
            " trainer.check_val_every_n_epoch null to count steps over epochs"
        )
    if config.run_dir is None and trainer.default_root_dir is not None:
        raise InputError("trainer.default_root_dir is not supported: the folder of a run is set by --run_dir")
    if trainer.logger is False:
        callbacks = trainer.callbacks or []
        trainer.callbacks = [c for c in callbacks if not c.class_path.endswith("LearningRateMonitor")]
