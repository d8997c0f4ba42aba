"""Options of Lightning's Trainer that a user might try: each ends in a result or in one line."""

import json

import pytest

from mcss.cli import main

RESULT = ""
FIT_OPTIONS = {
    "accumulate_grad_batches 2": "larger batches instead",
    "barebones true": "it switches off checkpoints",
    "benchmark true": RESULT,
    "callbacks null": RESULT,
    "check_val_every_n_epoch 1": RESULT,
    "default_root_dir elsewhere": RESULT,
    "detect_anomaly true": RESULT,
    "deterministic true": RESULT,
    "enable_checkpointing false": "LastCheckpoint.every_n_steps",
    "enable_model_summary true": RESULT,
    "enable_progress_bar true": RESULT,
    "fast_dev_run true": RESULT,
    "gradient_clip_algorithm value": RESULT,
    "gradient_clip_algorithm nonsense": "gradient_clip_algorithm",
    "gradient_clip_val 0.1": RESULT,
    "inference_mode false": RESULT,
    "limit_train_batches 2": RESULT,
    "limit_train_batches 0": "no step was trained",
    "limit_val_batches 1": RESULT,
    "limit_val_batches 0": RESULT,
    "limit_test_batches 0": "nothing would be tested",
    "log_every_n_steps 1": RESULT,
    "logger false": RESULT,
    "logger true": RESULT,
    "max_epochs 1": RESULT,
    "max_epochs 0": "no step was trained",
    "max_steps -1": "max_steps must be positive",
    "max_time 00:00:01:00": RESULT,
    "max_time soon": "not a valid duration",
    "min_epochs 1": RESULT,
    "min_steps 1": RESULT,
    "num_sanity_val_steps 2": RESULT,
    "overfit_batches 1": "--data.supervision 1%S1",
    "overfit_batches 0.5": "--data.supervision 1%S1",
    "precision bf16-mixed": RESULT,
    "precision 64-true": "weights and distances are float32",
    "precision bf16-true": "weights and distances are float32",
    "precision 12": "precision",
    "profiler simple": RESULT,
    "profiler nonsense": "profiler",
    "reload_dataloaders_every_n_epochs 1": RESULT,
    "strategy nonsense": "strategy",
    "sync_batchnorm true": RESULT,
    "use_distributed_sampler true": RESULT,
    "val_check_interval 2": RESULT,
    "val_check_interval 10000": "longer than an epoch",
}


@pytest.mark.filterwarnings("ignore")  # Lightning comments on many of these options
@pytest.mark.parametrize(("option", "message"), FIT_OPTIONS.items(), ids=FIT_OPTIONS)
def test_every_option_ends_in_a_result_or_in_one_line(option, message, settings, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, _, value = option.partition(" ")
    small = ["--trainer.max_steps", "2", "--data.steps_per_epoch", "2", "--model.width", "8"]
    arguments = ["fit", *settings(), *small, "--run_dir", "run", f"--trainer.{name}", value]
    if message:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert message in lines[-1]
        assert "Traceback" not in "\n".join(lines)
    else:
        main(arguments)
        if name != "fast_dev_run":
            assert json.loads((tmp_path / "run/run.json").read_text())["steps"] == 2
            assert (tmp_path / "run/checkpoints/last.ckpt").is_file()
