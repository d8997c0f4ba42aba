"""Steps of training as an objective sees them, of given embeddings."""

import torch

from mcss.batch import TrainBatch
from mcss.objectives.base import Encoded, PairStep, PairViews


def encoded(vector, is_embedding=True):
    """A view whose embedding is ``vector``, or its direction; the feature map repeats the vector."""
    embedding = vector if is_embedding else torch.nn.functional.normalize(vector, dim=-1)
    return Encoded(vector[:, :, None, None], vector, embedding)


def pair_step(anchor, positive, step=0, progress=0.0, is_logged=True, network=None):
    """A step with these embeddings and no labelled images."""
    batch = TrainBatch(torch.zeros(0, 3, 1, 1), len(anchor), torch.zeros(0, 17, 3), torch.zeros(0, dtype=bool), step)
    return PairStep(PairViews(encoded(anchor), encoded(positive)), batch, network, progress, is_logged)
