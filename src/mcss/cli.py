"""``mcss fit``, ``validate`` and ``test``."""

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytorch_lightning as pl
import torch
import yaml
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI, SaveConfigCallback

from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.errors import InputError, message_in_one_line
from mcss.models.checkpoint import check_exists, read_checkpoint
from mcss.models.module import MCSSModule
from mcss.run.callbacks import CollapseWatch, ValidationErrors
from mcss.run.checkpoints import LAST_CHECKPOINT, LastCheckpoint, RunCheckpointIO, intact_checkpoint
from mcss.run.evaluation import ResultsWriter
from mcss.run.folder import CONFIG_FILE, config_hash, default_run_dir
from mcss.run.guard import NonFiniteGuard
from mcss.run.identity import training_facts
from mcss.run.loggers import configure_loggers, start_wandb
from mcss.run.options import check_trainer_options
from mcss.run.preemption import Preemption
from mcss.run.record import RunRecord
from mcss.run.resume import check_resumable

NETWORK_SETTINGS = ("backbone", "width", "batchnorm_affine", "embedding_dim", "image_size_px", "pose_frame")
"""Settings of the model that say what a checkpoint's network is, and in which frame it predicts."""


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
        if stage == "fit" and trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
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
        parser.link_arguments("seed_everything", "model.contrastive.seed")
        parser.link_arguments("model.image_size_px", "data.image_size_px")
        parser.link_arguments("model.contrastive.gather", "data.same_subject_on_ranks")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse the command line, and keep it: ``_take_network_settings`` parses it again."""
        self._args = args
        super().parse_arguments(parser, args)

    def _parse_ckpt_path(self) -> None:
        """Nothing: Lightning would replace typed settings by the checkpoint's here, see ``_take_network_settings``."""

    def before_instantiate_classes(self) -> None:
        """Fill in what depends on the run's folder and on this machine, and refuse settings that would be ignored.

        Raises:
            InputError: a setting is not supported, or contradicts the checkpoint.
        """
        config = self.config[self.subcommand]
        check_trainer_options(config)
        if self.subcommand != "fit":
            config.trainer.precision = "32-true"  # errors of bf16 poses would be rounded to 1 mm
        elif config.trainer.precision is None:
            config.trainer.precision = default_precision(config.trainer.accelerator)
        if config.run_dir is None:
            config.run_dir = default_run_dir(self.settings())
        folder = Path(config.run_dir)
        config.trainer.default_root_dir = str(folder)
        if self.subcommand == "test":
            config.verbose = False  # ResultsWriter prints the table, with what defines it
        configure_loggers(config.trainer.logger, folder, config_hash(self.settings()), str(self.subcommand))
        self._choose_checkpoint(folder)

    def _choose_checkpoint(self, folder: Path) -> None:
        """Set the checkpoint that is resumed or tested; a ``fast_dev_run`` of fit starts from the beginning."""
        config = self.config[self.subcommand]
        is_resumable = (folder / LAST_CHECKPOINT).is_file() and not config.trainer.fast_dev_run
        if config.ckpt_path is None and (self.subcommand != "fit" or is_resumable):
            config.ckpt_path = str(folder / LAST_CHECKPOINT)
        if config.ckpt_path is None:
            return
        checkpoint = Path(config.ckpt_path)
        check_exists(checkpoint)
        if self.subcommand == "fit":
            check_resumable(checkpoint, self.settings())
        else:
            self._take_network_settings(checkpoint)

    def _take_network_settings(self, checkpoint: Path) -> None:
        """Take the model's settings from the checkpoint.

        Raises:
            InputError: the command line names another network than the checkpoint's.
        """
        hparams = read_checkpoint(checkpoint).get("hyper_parameters", {})
        network = {f"model.{name}": hparams[name] for name in NETWORK_SETTINGS if name in hparams}
        # As defaults: what the command line or a configuration file names remains, and can be compared.
        self._subcommand_parsers[str(self.subcommand)].set_defaults(network)
        asked = self.parser.parse_args(self._args)[str(self.subcommand)]  # type: ignore[arg-type]
        differ = [f"{name} {value} -> {asked[name]}" for name, value in network.items() if asked[name] != value]
        if differ:
            raise InputError(
                f"{checkpoint}: its network has other settings ({'; '.join(differ)}): leave these out, or name another"
                " checkpoint"
            )
        config = self.config[self.subcommand]
        config.model, config.data = asked.model, asked.data
        # The weights come from the checkpoint: no file or download that training started from is needed.
        config.model.weights, config.model.init_from = "none", None

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
        configured = self.config[self.subcommand].trainer.callbacks or []
        if not any(callback.class_path.endswith(".LastCheckpoint") for callback in configured):
            callbacks.append(LastCheckpoint())
        self.trainer_defaults = {"callbacks": callbacks}
        plugins = self.config_init[self.subcommand].trainer.plugins or []
        plugins = [*(plugins if isinstance(plugins, list) else [plugins]), RunCheckpointIO()]
        try:
            trainer = super().instantiate_trainer(plugins=plugins, **kwargs)
        except (ValueError, TypeError, RuntimeError, MisconfigurationException) as error:
            raise InputError(f"trainer: {error}") from error
        start_wandb(trainer.loggers, str(self.subcommand))
        return trainer

    def before_fit(self) -> None:
        """Resume from the checkpoint before the last if the last is damaged."""
        config = self.config_init["fit"]
        if config.ckpt_path is not None:
            config.ckpt_path = str(intact_checkpoint(Path(config.ckpt_path)))

    def after_fit(self) -> None:
        """Test the weights that training ended with, if ``then_test`` is set.

        Raises:
            InputError: the trainer's options ended training before its first step.
        """
        if self.trainer.global_step == 0:
            raise InputError("no step was trained: see trainer.max_epochs, max_time and limit_train_batches")
        if self.config["fit"].then_test:
            last = Path(self.trainer.default_root_dir) / LAST_CHECKPOINT
            smoke = self.trainer.fast_dev_run  # type: ignore[attr-defined]  # wrote none: one that is there is another's
            ckpt_path = str(last) if last.is_file() and not smoke else None
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
    except (InputError, MisconfigurationException) as error:
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
