"""Options of Lightning's Trainer that a user might try: each ends in a result or in one line."""

import json

import pytest

from mcss.cli import main, parse_settings

RESULTS = {
    "what is computed": (
        *("benchmark true", "detect_anomaly true", "gradient_clip_algorithm value", "gradient_clip_val 0.1"),
        *("inference_mode false", "precision bf16-mixed", "sync_batchnorm true", "use_distributed_sampler true"),
    ),
    "when": (
        *("check_val_every_n_epoch 1", "max_epochs 1", "max_time 00:00:01:00", "min_epochs 1", "min_steps 1"),
        *("num_sanity_val_steps 2", "reload_dataloaders_every_n_epochs 1", "val_check_interval 2"),
    ),
    "what is shown": (
        *("default_root_dir elsewhere", "enable_model_summary true", "enable_progress_bar true", "logger true"),
        *("log_every_n_steps 1", "profiler simple"),
    ),
    "one logger": ("logger mcss.run.history.MetricsHistory",),
    "parts": ("limit_train_batches 2", "limit_val_batches 1", "deterministic true"),
    "nothing beside": ("limit_val_batches 0", "logger false", "callbacks null"),
    "a smoke test": ("fast_dev_run true",),
}
REFUSED = {
    "accumulate_grad_batches 2": "larger batches instead",
    "barebones true": "it switches off checkpoints",
    "enable_checkpointing false": "LastCheckpoint.every_n_steps",
    "check_val_every_n_epoch 0": "limit_val_batches 0 switches validation off",
    "gradient_clip_val -1": "gradient_clip_val -1: choose a number of at least 0",
    "gradient_clip_algorithm nonsense": "gradient_clip_algorithm",
    "limit_train_batches 0": "no step was trained",
    "limit_test_batches 0": "nothing would be tested",
    "max_epochs 0": "no step was trained",
    "max_steps -1": "max_steps must be positive",
    "max_time soon": "not a valid duration",
    "overfit_batches 1": "--data.supervision 1%S1",
    "overfit_batches 0.5": "--data.supervision 1%S1",
    "precision 64-true": "weights and distances are float32",
    "precision bf16-true": "weights and distances are float32",
    "precision 12": "precision",
    "profiler nonsense": "profiler",
    "strategy nonsense": "strategy",
    "val_check_interval 0": "limit_val_batches 0 switches validation off",
    "val_check_interval 10000": "longer than an epoch",
}


@pytest.fixture
def fit(settings, tmp_path, monkeypatch):
    """A function that trains two steps with options of the Trainer, into ``run`` of the test's folder."""
    monkeypatch.chdir(tmp_path)
    small = ["--trainer.max_steps", "2", "--data.steps_per_epoch", "2", "--model.width", "8", "--run_dir", "run"]

    def run(*options):
        words = [word for name, _, value in (option.partition(" ") for option in options) for word in (name, value)]
        words[::2] = [f"--trainer.{name}" for name in words[::2]]
        main(["fit", *settings(), *small, *words])

    return run


@pytest.mark.filterwarnings("ignore")  # Lightning comments on many of these options
@pytest.mark.parametrize("options", RESULTS.values(), ids=RESULTS)
def test_options_end_in_a_result(options, fit, tmp_path):
    fit(*options)
    assert {path.name for path in tmp_path.iterdir()} <= {"run", ".run.lock"}  # what only_writer locks stays
    if "fast_dev_run true" not in options:
        assert json.loads((tmp_path / "run/run.json").read_text())["steps"] == 2
        assert (tmp_path / "run/checkpoints/last.ckpt").is_file()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("option", "message"), REFUSED.items(), ids=REFUSED)
def test_an_option_that_does_not_fit_is_one_line(option, message, fit, capsys):
    with pytest.raises(SystemExit) as caught:
        fit(option)
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]
    assert "Traceback" not in "\n".join(lines)


@pytest.mark.parametrize(("short", "name"), [("32", "32-true"), ("bf16", "bf16-mixed"), ("16", "16-mixed")])
def test_a_short_name_of_a_precision_is_the_same_setting(short, name, settings):
    """A run that was started with one is resumed with the other."""
    config = parse_settings(["fit", *settings(), "--run_dir", "absent", "--trainer.precision", short])
    assert config["trainer"]["precision"] == name
