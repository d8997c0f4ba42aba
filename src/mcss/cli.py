"""``mcss fit``, ``validate`` and ``test``."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytorch_lightning as pl
import yaml
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities import rank_zero_only

from data_modules.store.lock import only_writer
from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.errors import InputError, message_in_one_line
from mcss.models.checkpoint import check_exists, read_checkpoint
from mcss.models.module import MCSSModule
from mcss.models.network import NETWORK_SETTINGS
from mcss.run.checkpoints import LAST_CHECKPOINT, LastCheckpoint, RunCheckpointIO, intact_checkpoint
from mcss.run.collapse import CollapseWatch
from mcss.run.config_file import SaveFitConfig
from mcss.run.evaluation import ResultsWriter
from mcss.run.folder import check_writable
from mcss.run.guard import NonFiniteGuard
from mcss.run.identity import default_run_dir, training_facts
from mcss.run.loggers import configure_loggers, start_wandb
from mcss.run.options import prepare_trainer_options
from mcss.run.preemption import Preemption
from mcss.run.process import prepare_process
from mcss.run.record import RunRecord, training_record
from mcss.run.resume import check_resumable, differences, plain_settings
from mcss.run.validation import ValidationFigures


class OneLineParser(LightningArgumentParser):
    """Reports a bad argument or configuration key in one line, without the usage text of all options."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the message and exit with code 2."""
        self.exit(2, f"mcss: {' '.join(message.split())}\n")


class MCSSCommandLine(LightningCLI):
    """LightningCLI whose subcommands write everything into the folder of a run."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Lightning's subcommands except predict, which ``mcss.predict`` replaces."""
        return {name: skipped for name, skipped in LightningCLI.subcommands().items() if name != "predict"}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the settings of a run, and link settings that follow from others."""
        parser.add_argument(
            "--run_dir",
            type=str | None,
            default=None,
            help="Folder that the run writes to; by default runs/DATA-METHOD-SUPERVISION-seedN-SETTINGS.",
        )
        parser.add_argument("--method", type=str, default="baseline", help="Name of the method, for tables.")
        parser.add_argument("--then_test", type=bool, default=False, help="After fit, test the last checkpoint.")
        parser.add_lightning_class_args(NonFiniteGuard, "nonfinite")
        parser.add_lightning_class_args(CollapseWatch, "collapse")
        parser.link_arguments("seed_everything", "data.seed")
        parser.link_arguments("seed_everything", "model.seed")
        parser.link_arguments("model.image_size_px", "data.image_size_px")
        parser.link_arguments("model", "data.needs", compute_fn=lambda model: model.needs, apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse the command line, and keep it for ``_take_network_settings``, which parses it again.

        Raises:
            InputError: ``seed_everything`` is no seed of numpy, or a file of settings is no text.
        """
        self._args = args
        try:
            super().parse_arguments(parser, args)
        except UnicodeDecodeError as error:
            raise InputError(f"--config: a file is not text in UTF-8 ({error})") from None
        seed = self.config[self.config.subcommand].seed_everything
        if not 0 <= seed < 2**32:
            raise InputError(f"seed_everything {seed}: choose a number from 0 to {2**32 - 1}")

    def _parse_ckpt_path(self) -> None:
        """Does nothing: Lightning would replace given settings by the checkpoint's; see ``_take_network_settings``."""

    def before_instantiate_classes(self) -> None:
        """Set what depends on the run's folder and on this machine, and refuse settings that would be ignored.

        Raises:
            InputError: a setting is not supported, or contradicts the checkpoint.
        """
        config = self.config[self.subcommand]
        training = self.subcommand == "fit"
        if self.subcommand == "validate" and not config.data.validation_clips:
            raise InputError("nothing to validate: name clips of training subjects (data.validation_clips)")
        prepare_trainer_options(config, training=training)
        folder = Path(config.run_dir or default_run_dir(self.settings()))
        check_writable(folder)
        config.run_dir = config.trainer.default_root_dir = str(folder)
        if self.subcommand == "test":
            config.verbose = False  # ResultsWriter prints the table
        is_resumable = (folder / LAST_CHECKPOINT).is_file() and not config.trainer.fast_dev_run
        if config.ckpt_path is None and (is_resumable or not training):
            config.ckpt_path = str(folder / LAST_CHECKPOINT)
        self._identify_run(folder)

    def _identify_run(self, folder: Path) -> None:
        """Determine the training that begins or is tested, and configure the loggers for it."""
        config = self.config[self.subcommand]
        is_fit = self.subcommand == "fit"
        self._facts = self._training_facts() if is_fit else self._tested_record(Path(config.ckpt_path))
        configure_loggers(config.trainer.logger, folder, self._facts, str(self.subcommand))

    def _training_facts(self) -> dict[str, Any]:
        """Facts of the run that begins, after checking that it may resume from the checkpoint, if there is one."""
        config, facts = self.config["fit"], training_facts(self.settings())
        if config.ckpt_path is not None:
            check_exists(Path(config.ckpt_path))
            check_resumable(Path(config.ckpt_path), facts, config.trainer.precision)
        return facts

    def _tested_record(self, checkpoint: Path) -> dict[str, Any]:
        """Record of the training of the tested checkpoint, after taking the settings of its network."""
        record = training_record(checkpoint)
        self._take_network_settings(checkpoint, record)
        return record

    def _take_network_settings(self, checkpoint: Path, record: Mapping[str, Any]) -> None:
        """Take the model's settings from the checkpoint; print which others were given that its training did not have.

        Raises:
            InputError: the command line names another network than the checkpoint's.
        """
        config = self.config[self.subcommand]
        hparams = read_checkpoint(checkpoint).get("hyper_parameters", {})
        network = {f"model.{name}": hparams[name] for name in NETWORK_SETTINGS if name in hparams}
        trained = {name: value for name, value in plain_settings(record).items() if name in config}
        # Set as defaults, so that settings from the command line or a file remain and can be compared.
        self._subcommand_parsers[str(self.subcommand)].set_defaults(trained | network)
        asked = self.parser.parse_args(self._args)[str(self.subcommand)]  # type: ignore[arg-type]
        given = {name: asked[name] for name in trained | network}
        if differ := differences(network, given):
            raise InputError(
                f"{checkpoint}: its network has other settings ({differ}): leave these out, or name another checkpoint"
            )
        if differ := differences(trained, given):
            rank_zero_only(print)(f"{checkpoint}: what is tested was trained with other settings than given: {differ}")
        config.model, config.data.image_size_px = asked.model, asked.model.image_size_px
        # The weights come from the checkpoint, so the files that training started from are not needed.
        config.model.weights, config.model.init_from, config.model.objective = "none", None, None

    def settings(self) -> dict[str, Any]:
        """The configuration as in ``config.yaml``."""
        return yaml.safe_load(self.parser.dump(self.config, skip_none=False))[self.subcommand]

    def instantiate_classes(self) -> None:
        """Instantiate everything; raise the InputError that caused an error of the parser instead of the latter.

        Raises:
            InputError: a setting is refused.
        """
        try:
            super().instantiate_classes()
        except ValueError as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, InputError):
                cause = cause.__cause__ or cause.__context__
            raise cause or error from None

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Add the callbacks that every run has."""
        callbacks: list[pl.Callback] = [
            ValidationFigures(),
            RunRecord(self._facts if self.subcommand == "fit" else None),
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
        if not self.config[self.subcommand].data.validation_clips:
            kwargs["limit_val_batches"] = 0  # else Lightning warns of an empty list of loaders
        try:
            trainer = super().instantiate_trainer(plugins=plugins, **kwargs)
        except (ValueError, TypeError, RuntimeError, MisconfigurationException) as error:
            raise InputError(f"trainer: {error}") from error
        start_wandb(trainer.loggers, str(self.subcommand))
        return trainer

    def _run_subcommand(self, subcommand: str) -> None:
        """Run it; a run is trained by one process at a time, and another is refused (``only_writer``)."""
        trains = subcommand == "fit" and self.trainer.is_global_zero
        with only_writer(Path(self.trainer.default_root_dir), "run") if trains else contextlib.nullcontext():
            super()._run_subcommand(subcommand)

    def before_fit(self) -> None:
        """Resume from the previous checkpoint if the last is damaged."""
        config = self.config_init["fit"]
        if config.ckpt_path is not None:
            config.ckpt_path = str(intact_checkpoint(Path(config.ckpt_path)))

    def after_fit(self) -> None:
        """Test the final weights if ``then_test`` is set.

        Raises:
            InputError: the trainer's options ended training before its first step.
        """
        if self.trainer.global_step == 0:
            raise InputError("no step was trained: see trainer.max_epochs, max_time and limit_train_batches")
        if self.config["fit"].then_test:
            last = Path(self.trainer.default_root_dir) / LAST_CHECKPOINT
            smoke = self.trainer.fast_dev_run  # type: ignore[attr-defined]  # writes none; an existing one is of another run
            ckpt_path = str(last) if last.is_file() and not smoke else None
            self.trainer.test(self.model, datamodule=self.datamodule, ckpt_path=ckpt_path, verbose=False)


class SettingsReader(MCSSCommandLine):
    """Parses a command line without building or running anything."""

    def _identify_run(self, folder: Path) -> None:
        """Does nothing, so neither stores nor checkpoints are read."""

    def instantiate_classes(self) -> None:
        """Does nothing."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Does nothing."""


def parse_settings(args: Sequence[str]) -> dict[str, Any]:
    """Settings of the run that these arguments would start, as in its ``config.yaml``.

    Raises:
        InputError: a setting is not supported; without ``run_dir`` also: a file that the settings name is absent.
        SystemExit: code 2 after one line on stderr if an argument is invalid.
    """
    return _command_line(SettingsReader, args).settings()


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` default to the command line's.

    Raises:
        SystemExit: code 2 after one line on stderr if the input is invalid.
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
