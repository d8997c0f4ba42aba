"""3D PCK and AUC by loops over poses, joints and thresholds, with the joints of MPI-INF-3DHP's protocol by name."""

import math

MPI14 = (
    "HeadTop", "Thorax", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RAnkle",
    "LHip", "LKnee", "LAnkle",
)  # fmt: skip
"""Head top, neck, arms, legs: mpii_joint_groups.m; the data set's neck is h36m17's Thorax."""


def percent_within(pred, target, joints, threshold_mm):
    near = total = 0
    for p, g in zip(pred.tolist(), target.tolist(), strict=True):
        for joint in joints:
            distance = math.sqrt(
                sum(((p[joint][axis] - p[0][axis]) - (g[joint][axis] - g[0][axis])) ** 2 for axis in range(3))
            )
            if not math.isnan(distance):
                total += 1
                near += distance < threshold_mm
    return 100 * near / total


def auc(pred, target, joints):
    values = [percent_within(pred, target, joints, threshold) for threshold in range(0, 151, 5)]
    return sum(values) / 31
