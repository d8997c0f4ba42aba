"""The contrastive losses by loops over pairs."""

import math


def distances(anchor, positive):
    return [[math.dist(a, p) for p in positive.tolist()] for a in anchor.tolist()]


def negatives(d, i, threshold):
    """Distances larger than the threshold: of anchor i to other positives, and of positive i to other anchors."""
    others = [k for k in range(len(d)) if k != i]
    return [d[i][k] for k in others if d[i][k] > threshold], [d[k][i] for k in others if d[k][i] > threshold]


def both_negatives(d, i, threshold):
    row, column = negatives(d, i, threshold)
    return row + column


def hinge(candidates, margin, power=1):
    return max(0.0, margin - min(candidates)) ** power if candidates else 0.0


def hardest_negative(anchor, positive, margin, threshold, power=1):
    """mean_i( D_ii^power + max(0, margin - d_i)^power ), d_i the least of both directions."""
    d = distances(anchor, positive)
    terms = [d[i][i] ** power + hinge(both_negatives(d, i, threshold), margin, power) for i in range(len(d))]
    return sum(terms) / len(terms)


def hardest_negative_each(anchor, positive, margin, threshold, power=1):
    """The same with the mean of one hinge a direction."""
    d = distances(anchor, positive)
    total = 0.0
    for i in range(len(d)):
        row, column = negatives(d, i, threshold)
        total += d[i][i] ** power + (hinge(row, margin, power) + hinge(column, margin, power)) / 2
    return total / len(d)


def info_nce(anchor, positive, temperature):
    """-log of the softmax of cosine similarity over temperature, mean over both directions and pairs; unit vectors."""
    total = 0.0
    for first, second in ((anchor.tolist(), positive.tolist()), (positive.tolist(), anchor.tolist())):
        for i, query in enumerate(first):
            weight = [math.exp(sum(q * k for q, k in zip(query, key, strict=True)) / temperature) for key in second]
            total -= math.log(weight[i] / sum(weight))
    return total / (2 * len(anchor))
