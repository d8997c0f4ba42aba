"""Rhodin's and Chen's losses with plain loops, from their definitions."""

import numpy as np


def consistency(poses_a, poses_b, rotations_a, rotations_b, kept_a, kept_b):
    """Both terms of Rhodin et al. (CVPR 2018), of float64 arrays (pairs, joints, 3)."""
    together = drift = 0.0
    for i in range(len(poses_a)):
        a, b, kept = (x / np.linalg.norm(x) for x in (poses_a[i], poses_b[i], kept_a[i]))
        kept_other = kept_b[i] / np.linalg.norm(kept_b[i])
        for joint in range(a.shape[0]):
            world_a, world_b = rotations_a[i].T @ a[joint], rotations_b[i].T @ b[joint]
            together += ((world_a - world_b) ** 2).sum()
            drift += ((a[joint] - kept[joint]) ** 2).sum() + ((b[joint] - kept_other[joint]) ** 2).sum()
    return together / len(poses_a), drift / 2 / len(poses_a)


def pyramid_l1(painted, true, weight, levels):
    """Weighted L1 over sizes, of float64 arrays (pictures, channels, side, side); the weight has one channel."""
    total = 0.0
    for level in range(levels):
        cell = 2**level
        cells = painted.shape[-1] // cell
        above = below = 0.0
        for picture in range(len(painted)):
            for row in range(cells):
                for column in range(cells):
                    here = np.s_[picture, :, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
                    difference = np.abs(painted[here].mean(axis=(1, 2)) - true[here].mean(axis=(1, 2))).mean()
                    above += weight[here].mean() * difference
                    below += weight[here].mean()
        total += above / below
    return total / levels


def limb_map(start, end, side_px, width):
    """Picture of a limb between two positions in [-1, 1], ``width`` a share of the side: pixel by pixel."""
    picture = np.zeros((side_px, side_px))
    for row in range(side_px):
        for column in range(side_px):
            point = np.array([(column + 0.5) / side_px, (row + 0.5) / side_px])
            places = np.linspace(0, 1, 2001)[:, None]
            on_limb = (1 + start) / 2 * (1 - places) + (1 + end) / 2 * places
            picture[row, column] = np.linalg.norm(on_limb - point, axis=1).min() <= width / 2
    return picture


def cross_entropy(logits, limbs):
    """Mean over all entries that are not NaN."""
    known = ~np.isnan(limbs)
    share = 1 / (1 + np.exp(-logits[known]))
    return -(limbs[known] * np.log(share) + (1 - limbs[known]) * np.log(1 - share)).mean()
