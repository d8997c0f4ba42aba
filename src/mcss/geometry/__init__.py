"""Frames of a pose, and alignment of one pose onto another."""
