"""Figures of skeletons, images and curves."""
