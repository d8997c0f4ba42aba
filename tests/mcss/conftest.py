from pathlib import Path

import pytest
import yaml

from mcss.cli import main
from mcss.models.module import MCSSModule
from tests.references.synthetic_store import make_store

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
OFTEN = {"class_path": "mcss.run.checkpoints.LastCheckpoint", "init_args": {"every_n_steps": 4}}


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    """A synthetic store for reading only."""
    return make_store(tmp_path_factory.mktemp("data") / "synthetic", size_px=48, instants=12)


@pytest.fixture(scope="session")
def settings(store_path):
    """Arguments of a run of a few seconds on the synthetic store, after which others may follow."""

    def arguments(method="mcss"):
        return [
            *("--config", str(EXPERIMENTS / "base.yaml")),
            *("--config", str(EXPERIMENTS / "data/tiny.yaml")),
            *("--config", str(EXPERIMENTS / f"method/{method}.yaml")),
            *("--config", str(EXPERIMENTS / "logger/csv.yaml")),
            *("--data.store", str(store_path)),
            *("--data.validation_clips", "[S5/Walking/1]"),
            *("--data.filmed_test_clips", "[S5/Directions/1]"),
            *("--data.min_gap_s", "0.5"),
            *("--trainer.enable_progress_bar", "false"),
            *("--trainer.accelerator", "cpu"),
        ]

    return arguments


@pytest.fixture(scope="session")
def frequent_checkpoints(tmp_path_factory):
    """An overlay that saves a checkpoint every 4 steps."""
    path = tmp_path_factory.mktemp("overlay") / "checkpoints.yaml"
    path.write_text(yaml.safe_dump({"trainer": {"callbacks": [OFTEN]}}))
    return path


@pytest.fixture(scope="session")
def averaged(tmp_path_factory):
    """An overlay that saves a checkpoint every 4 steps and averages the weights, as mcss_plus does."""
    overlay = yaml.safe_load((EXPERIMENTS / "method/mcss_plus.yaml").read_text())
    path = tmp_path_factory.mktemp("overlay") / "averaged.yaml"
    path.write_text(yaml.safe_dump({"trainer": {"callbacks": [OFTEN, *overlay["trainer"]["callbacks+"]]}}))
    return path


@pytest.fixture(scope="session")
def trained(settings, tmp_path_factory):
    """Folder of a finished MCSS run, trained and tested."""
    folder = tmp_path_factory.mktemp("runs") / "trained"
    main(["fit", *settings(), "--run_dir", str(folder)])
    main(["test", "--config", str(folder / "config.yaml"), "--run_dir", str(folder)])
    return folder


@pytest.fixture
def fit_killed(monkeypatch):
    """A function that runs ``mcss fit`` with arguments until an exception in the training step at ``step``."""

    def fit(step, *arguments):
        training_step = MCSSModule.training_step

        def crashing_step(self, batch, batch_idx):
            if batch.step == step:
                raise RuntimeError("killed")
            return training_step(self, batch, batch_idx)

        with monkeypatch.context() as patch:
            patch.setattr(MCSSModule, "training_step", crashing_step)
            with pytest.raises(RuntimeError, match="killed"):
                main(["fit", *arguments])

    return fit
