"""Losses: pure functions of tensors, and thin modules that hold their settings."""
