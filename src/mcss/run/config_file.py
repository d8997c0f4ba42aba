"""Saves the configuration of a training as ``config.yaml``, from which it is tested."""

from pathlib import Path

import pytorch_lightning as pl
import yaml
from pytorch_lightning.cli import SaveConfigCallback

from mcss.run.folder import CONFIG_FILE


class SaveFitConfig(SaveConfigCallback):
    """Logs the configuration; in training, also saves it as ``config.yaml`` in the run's folder."""

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
