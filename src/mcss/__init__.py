"""Multiview-Consistent Semi-Supervised Learning for 3D Human Pose Estimation (CVPR 2020) on PyTorch Lightning."""
