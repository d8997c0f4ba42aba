"""Pose errors by loops over poses and joints; alignment by Horn's quaternion, not by singular values."""

import math

import numpy as np


def mpjpe(pred, target):
    """Mean over joints of the distance of p_j and g_j."""
    return [sum(math.dist(p, g) for p, g in zip(*pair, strict=True)) / len(pair[0]) for pair in pairs(pred, target)]


def n_mpjpe(pred, target):
    """The same after scaling by s = <p, g> / <p, p>."""
    scaled = [(p * g).sum() / (p * p).sum() * p for p, g in pairs(pred, target)]
    return mpjpe(np.stack(scaled), target)


def pa_mpjpe(pred, target):
    """The same after the best similarity."""
    return mpjpe(np.stack([horn_align(p, g) for p, g in pairs(pred, target)]), target)


def horn_align(pred, target):
    """Closed-form absolute orientation with unit quaternions (Horn 1987): rotation = top eigenvector of N, equation 4A.

    Scale is the asymmetric least-squares one, sum g . R p / sum |p|^2.
    """
    p, g = pred - pred.mean(0), target - target.mean(0)
    s = p.T @ g
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = s
    n = np.array(
        [
            [xx + yy + zz, yz - zy, zx - xz, xy - yx],
            [yz - zy, xx - yy - zz, xy + yx, zx + xz],
            [zx - xz, xy + yx, yy - xx - zz, yz + zy],
            [xy - yx, zx + xz, yz + zy, zz - xx - yy],
        ]
    )
    w, x, y, z = np.linalg.eigh(n)[1][:, -1]
    rotation = np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )
    turned = p @ rotation.T
    return (g * turned).sum() / (p * p).sum() * turned + target.mean(0)


def pairs(pred, target):
    return list(zip(np.asarray(pred, np.float64), np.asarray(target, np.float64), strict=True))
