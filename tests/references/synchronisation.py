"""The losses of synchronisation and of canonical consistency by loops."""

import math


def linear(weight, bias, values):
    return [sum(w * v for w, v in zip(row, values, strict=True)) + b for row, b in zip(weight, bias, strict=True)]


def relu(values):
    return [max(0.0, value) for value in values]


def logits(layers, one, other, fusion):
    """Two layers over the ReLU of the product or difference of two vectors."""
    fused = [a * b if fusion == "product" else a - b for a, b in zip(one, other, strict=True)]
    (first, second) = layers
    return linear(*second, relu(linear(*first, relu(fused))))


def cross_entropy(logit, is_true):
    probability = 1 / (1 + math.exp(-logit))
    return -math.log(probability if is_true else 1 - probability)


def losses(layers, anchor, positive, unsynchronised, mirrored, fusion):
    """Mean cross-entropies of synchronous against unsynchronised pairs, and of mirrored against synchronous ones."""
    synchronous, is_mirrored = [], []
    for a, b, n, m in zip(anchor, positive, unsynchronised, mirrored, strict=True):
        of_pair, of_other, of_mirror = (logits(layers, a, x, fusion) for x in (b, n, m))
        synchronous += [cross_entropy(of_pair[0], True), cross_entropy(of_other[0], False)]
        is_mirrored += [cross_entropy(of_mirror[1], True), cross_entropy(of_pair[1], False)]
    return sum(synchronous) / len(synchronous), sum(is_mirrored) / len(is_mirrored)


def spread(views):
    """Root mean square distance of poses from the mean pose of their view, over coordinates."""
    total = count = 0
    for poses in views:
        for coordinates in zip(*poses, strict=True):
            mean = sum(coordinates) / len(coordinates)
            total += sum((value - mean) ** 2 for value in coordinates)
            count += len(coordinates)
    return math.sqrt(total / count)
