"""Checks and completes the options of Lightning's Trainer; refuses unsupported ones with reason and alternative."""

from typing import Any

import torch

from mcss.errors import InputError, check_at_least

_UNSUPPORTED = {
    "accumulate_grad_batches": (
        (None, 1),
        "a batch is a step here; take larger batches instead (--data.pairs, --data.labelled_images), or more ranks with"
        " --model.objective.gather true",
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
_PRECISIONS = {"32": "32-true", "16": "16-mixed", "bf16": "bf16-mixed"}
"""Short names of the supported precisions."""


def prepare_trainer_options(config: Any, *, training: bool) -> None:
    """Refuse unsupported options, and set those that depend on the machine or on other options.

    The precision is set to ``default_precision`` where none is given, and to 32 bits where nothing is trained: poses
    in bf16 would be rounded to 1 mm. Without a logger, callbacks that need one are removed.

    Args:
        config: of a subcommand; changed in place.
        training: whether the subcommand trains.

    Raises:
        InputError: an option is not supported.
    """
    trainer = config.trainer
    for name, (allowed, reason) in _UNSUPPORTED.items():
        if trainer.get(name) not in allowed:
            raise InputError(f"trainer.{name} {trainer[name]} is not supported: {reason}")
    precision = str(trainer.precision or default_precision(trainer.accelerator))
    precision = _PRECISIONS.get(precision, precision)
    if precision not in _PRECISIONS.values():
        raise InputError(
            f"trainer.precision {precision} is not supported: weights and distances are float32; use one of"
            f" {', '.join(_PRECISIONS.values())}"
        )
    trainer.precision = precision if training else "32-true"
    for name in ("check_val_every_n_epoch", "val_check_interval"):
        if trainer[name] == 0:
            raise InputError(f"trainer.{name} 0 is not supported: trainer.limit_val_batches 0 switches validation off")
    check_at_least(0, **{"trainer.gradient_clip_val": trainer.gradient_clip_val or 0})
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


def default_precision(accelerator: str) -> str:
    """bf16 autocast if the hardware has bf16 instructions, which makes such CPUs twice as fast; else 32 bits."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    on_cpu = accelerator == "cpu" or not torch.backends.mps.is_available()
    # CPUs without these instructions emulate bf16, slower than 32 bits.
    has_bf16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bf16-mixed" if on_cpu and has_bf16 else "32-true"
