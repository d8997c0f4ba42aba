"""Which clips of a store to hold out for tuning, where nobody has named some."""

import numpy as np
import pandas as pd

from data_modules.store.index import Index
from data_modules.training.supervision import SupervisionError

SHARE = 0.1
"""Of the training subjects' clips."""


def proposed_validation_clips(index: Index, share: float = SHARE) -> list[str]:
    """Names of clips to hold out: ``share`` of the training subjects' clips, at least one.

    They are spread over subjects first, then over actions; clips with 3D labels come first. Every subject keeps a clip
    for training, and one with labels if it has any.

    Raises:
        SupervisionError: no subject can spare a clip.
    """
    first = np.unique(index.clip, return_index=True)[1]
    clips = pd.DataFrame(
        {
            "name": index.clip_names,
            "subject": index.subject[first],
            "action": index.action[first],
            "is_labelled": np.maximum.reduceat(index.has_pose, first),
        }
    )
    clips = clips[clips["subject"].isin(index.subjects_train)]
    chosen = clips[:0]
    while len(chosen) < max(1, round(share * len(clips))):
        left = clips.drop(chosen.index)
        kept, labelled = (left.groupby("subject")["is_labelled"].transform(count) for count in ("size", "sum"))
        spare = left[(kept > 1) & ~(left["is_labelled"] & (labelled == 1))]
        if spare.empty:
            break
        taken = {f"of_{key}": spare[key].map(chosen[key].value_counts()).fillna(0) for key in ("subject", "action")}
        ranked = spare.assign(**taken, unlabelled=~spare["is_labelled"])
        best = ranked.sort_values(["of_subject", "unlabelled", "of_action"], kind="stable").index[0]
        chosen = clips.loc[[*chosen.index, best]]
    if chosen.empty:
        raise SupervisionError("no training subject can spare a clip: film a second one of somebody")
    return chosen.sort_index()["name"].tolist()
