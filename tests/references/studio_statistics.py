"""How hard a set of poses is, in numpy: oracles for the studio's motion."""

import numpy as np


def canonical(poses_mm):
    """Poses (poses, 17, 3) about their pelvis, turned about Z so that the left hip lies on +X."""
    rooted = poses_mm - poses_mm[:, :1]
    yaw = -np.arctan2(rooted[:, 4, 1], rooted[:, 4, 0])
    turn = np.zeros((len(yaw), 3, 3))
    turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1], turn[:, 2, 2] = (
        np.cos(yaw), -np.sin(yaw), np.sin(yaw), np.cos(yaw), 1.0,
    )  # fmt: skip
    return np.einsum("nij,nkj->nki", turn, rooted)


def aligned_errors_mm(poses, targets):
    """PA-MPJPE of each pose (poses, joints, 3)."""
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (poses, targets))
    left, singular, right = np.linalg.svd(np.einsum("nji,njk->nik", x, y))
    reflected = np.linalg.det(left @ right) < 0
    left[reflected, :, 2] *= -1
    singular[reflected, 2] *= -1
    scale = singular.sum(axis=1) / (x**2).sum(axis=(1, 2))
    return np.linalg.norm(scale[:, None, None] * x @ (left @ right) - y, axis=-1).mean(axis=1)


def nearest_other_subject_mm(poses, subjects, queries, shortlist=40):
    """PA-MPJPE of each query to the nearest pose of another subject, among the ``shortlist`` nearest by shape."""
    shapes = poses - poses.mean(axis=1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
    flat = shapes.reshape(len(poses), -1)
    likeness = flat[queries] @ flat.T
    likeness[subjects[queries][:, None] == subjects] = -np.inf
    near = np.argpartition(-likeness, shortlist, axis=1)[:, :shortlist]
    targets = np.repeat(poses[queries], shortlist, axis=0)
    errors = aligned_errors_mm(poses[near].reshape(-1, *poses.shape[1:]), targets)
    return errors.reshape(-1, shortlist).min(axis=1)


def nearest_other_label(poses, subjects, labels):
    """Label of the nearest pose of another subject, for each pose."""
    flat = poses.reshape(len(poses), -1)
    distances = (flat**2).sum(axis=1)[:, None] + (flat**2).sum(axis=1) - 2 * flat @ flat.T
    distances[subjects[:, None] == subjects] = np.inf
    return labels[distances.argmin(axis=1)]
