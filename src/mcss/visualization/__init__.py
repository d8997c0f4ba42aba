"""Pictures: skeletons, images, curves."""
