"""A training run on disk: its folder, record, history, checkpoints, guards and loggers."""
