"""``mcss fit``, ``validate`` and ``test``."""

import logging
import os
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytorch_lightning as pl
import torch
import yaml
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.errors import InputError, message_in_one_line
from mcss.models.checkpoint import read_checkpoint
from mcss.models.module import MCSSModule
from mcss.run.callbacks import CollapseWatch, ValidationErrors
from mcss.run.checkpoints import LAST_CHECKPOINT, RunCheckpointIO, intact_checkpoint
from mcss.run.evaluation import ResultsWriter
from mcss.run.folder import CONFIG_FILE, check_same_settings, config_hash, default_run_dir
from mcss.run.guard import NonFiniteGuard
from mcss.run.identity import training_facts
from mcss.run.loggers import start_wandb
from mcss.run.preemption import Preemption
from mcss.run.record import RunRecord


class OneLineParser(LightningArgumentParser):
    """Reports a bad argument or configuration key in one line, without the usage text of some hundred options."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the message and exit with code 2."""
        self.exit(2, f"mcss: {' '.join(message.split())}\n")


class SaveFitConfig(SaveConfigCallback):
    """Gives loggers the whole configuration; when training, saves it as ``config.yaml`` of the run's folder."""

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Write the file on the first rank."""
        settings = yaml.safe_load(self.parser.dump(self.config, skip_none=False))
        for logger in trainer.loggers:
            logger.log_hyperparams({key: settings[key] for key in ("seed_everything", "model", "data", "trainer")})
        if stage == "fit" and trainer.is_global_zero:
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            self.parser.save(
                self.config, folder / CONFIG_FILE, skip_none=False, overwrite=True, multifile=self.multifile
            )


class MCSSCommandLine(LightningCLI):
    """LightningCLI with a folder for the run, and everything of the run in it."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Those of Lightning without predict, which is a program of its own."""
        return {name: skipped for name, skipped in LightningCLI.subcommands().items() if name != "predict"}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run's own settings, and say which settings follow from others."""
        parser.add_argument(
            "--run_dir",
            type=str | None,
            default=None,
            help="Folder of everything this run writes; by default runs/DATA-METHOD-SUPERVISION-seedN-SETTINGS.",
        )
        parser.add_argument("--method", type=str, default="mcss", help="Name of the method, for tables.")
        parser.add_argument("--then_test", type=bool, default=False, help="After fit, test the last checkpoint.")
        parser.add_lightning_class_args(NonFiniteGuard, "nonfinite")
        parser.link_arguments("seed_everything", "data.seed")
        parser.link_arguments("model.image_size_px", "data.image_size_px")
        parser.link_arguments("model.contrastive.gather", "data.same_subject_on_ranks")

    def _parse_ckpt_path(self) -> None:
        """Take the model's settings from the checkpoint, as Lightning does, once it is known to be one."""
        path = self.config[self.config["subcommand"]].get("ckpt_path")
        if path and Path(path).is_file():
            read_checkpoint(Path(path))
        super()._parse_ckpt_path()

    def before_instantiate_classes(self) -> None:
        """Fill in what depends on the run's folder and on this machine."""
        config = self.config[self.subcommand]
        if config.trainer.precision is None:
            config.trainer.precision = default_precision(config.trainer.accelerator)
        if config.run_dir is None:
            config.run_dir = default_run_dir(self.settings())
        folder = Path(config.run_dir)
        config.trainer.default_root_dir = str(folder)
        if self.subcommand == "test":
            config.verbose = False  # ResultsWriter prints the table, with what defines it
        if (config.trainer.accumulate_grad_batches or 1) != 1:
            raise InputError(
                "trainer.accumulate_grad_batches: a batch is a step here; take larger batches instead (--data.pairs,"
                " --data.labelled_images), or more ranks with --model.contrastive.gather true"
            )
        self._place_loggers(config.trainer.logger, folder)
        if self.subcommand == "fit":
            check_same_settings(folder, self.settings())
        if config.ckpt_path is None and (self.subcommand != "fit" or (folder / LAST_CHECKPOINT).is_file()):
            config.ckpt_path = str(folder / LAST_CHECKPOINT)
        if config.ckpt_path is not None and not Path(config.ckpt_path).is_file():
            raise InputError(f"{config.ckpt_path}: no such checkpoint; train first, or name one with --ckpt_path")

    def _place_loggers(self, loggers: Any, folder: Path) -> None:
        """Let all loggers write into the run's folder; give W&B one run, however often this one is resumed."""
        for logger in loggers if isinstance(loggers, list) else []:
            logger.init_args.save_dir = str(folder)
            if logger.class_path.endswith("WandbLogger"):
                name = re.sub(r"[^\w.+-]", "_", folder.name)
                logger.init_args.name = folder.name
                if not os.environ.get("WANDB_SWEEP_ID"):  # a sweep's agent has named the run already
                    logger.init_args.id = f"{name}-{config_hash(self.settings())[:8]}"

    def settings(self) -> dict[str, Any]:
        """The configuration as the saved file has it."""
        return yaml.safe_load(self.parser.dump(self.config, skip_none=False))[self.subcommand]

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Add the callbacks that every run has."""
        callbacks: list[pl.Callback] = [
            ValidationErrors(),
            CollapseWatch(),
            RunRecord(training_facts(self.settings()) if self.subcommand == "fit" else None),
            ResultsWriter(),
            Preemption(),
        ]
        if self.config[self.subcommand].trainer.enable_progress_bar is not False:
            callbacks.append(TQDMProgressBar(refresh_rate=20))
        self.trainer_defaults = {"callbacks": callbacks}
        plugins = self.config_init[self.subcommand].trainer.plugins or []
        plugins = [*(plugins if isinstance(plugins, list) else [plugins]), RunCheckpointIO()]
        trainer = super().instantiate_trainer(plugins=plugins, **kwargs)
        start_wandb(trainer.loggers)
        return trainer

    def before_fit(self) -> None:
        """Go on from the checkpoint before the last one where the last one is damaged."""
        config = self.config_init["fit"]
        if config.ckpt_path is not None:
            config.ckpt_path = str(intact_checkpoint(Path(config.ckpt_path)))

    def after_fit(self) -> None:
        """Test the weights that training ended with, where that was asked for."""
        if self.config["fit"].then_test:
            last = Path(self.trainer.default_root_dir) / LAST_CHECKPOINT
            ckpt_path = str(last) if last.is_file() else None
            self.trainer.test(self.model, datamodule=self.datamodule, ckpt_path=ckpt_path, verbose=False)


class SettingsReader(MCSSCommandLine):
    """Reads a command line to the end without building or running anything."""

    def instantiate_classes(self) -> None:
        """Build nothing."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Run nothing."""


def default_precision(accelerator: str) -> str:
    """bf16 autocast where the hardware computes in it, else 32 bits: twice as fast on such CPUs."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    on_cpu = accelerator == "cpu" or not torch.backends.mps.is_available()
    # Emulated on CPUs without these instructions, and slower there than 32 bits.
    has_bf16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bf16-mixed" if on_cpu and has_bf16 else "32-true"


def prepare_process() -> None:
    """Set what W&B and the warnings of a program are like, before any run is read or started."""
    # Without a key nobody is asked for one, and nothing waits for the network; a sweep's agent has its own login.
    if not any(os.environ.get(name) for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_SWEEP_ID")):
        os.environ["WANDB_MODE"] = "offline"
    os.environ.setdefault("WANDB_SILENT", "true")
    # Of Lightning's messages only warnings: the run itself says what it does.
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # Lightning 2.6 on PyTorch 2.14; nothing that a user could mend.
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    # Decoded images in memory (cache_images) need no workers: a batch is one copy.
    warnings.filterwarnings("ignore", message=r".*does not have many workers")
    # A sweep reads the settings of its runs, and has arguments of its own.
    warnings.filterwarnings("ignore", message=r".*LightningCLI's args parameter")


def parse_settings(args: Sequence[str]) -> dict[str, Any]:
    """All settings of the run that these arguments would start, as its ``config.yaml`` has them.

    Raises:
        InputError: the run's folder holds a run with other settings.
        SystemExit: code 2 after one line on stderr where an argument is at fault.
    """
    return _command_line(SettingsReader, args).settings()


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr where the input is at fault.
    """
    prepare_process()
    try:
        _command_line(MCSSCommandLine, args)
    except InputError as error:
        print(f"mcss: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


def _command_line(kind: type[MCSSCommandLine], args: Sequence[str] | None) -> MCSSCommandLine:
    return kind(
        MCSSModule,
        MultiviewPoseDataModule,
        save_config_callback=SaveFitConfig,
        seed_everything_default=0,
        parser_class=OneLineParser,
        auto_configure_optimizers=False,
        parser_kwargs={"description": "MCSS: few 3D labels, many synchronised views. See also: mcss predict --help"},
        args=None if args is None else list(args),
    )
