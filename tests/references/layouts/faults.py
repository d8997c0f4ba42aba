"""What can be wrong with files of a layout: for each, how to break a miniature so, and what the one line must name."""

import json
import os

import numpy as np

FAULTS = {}
"""(layout, fault) -> (function that breaks a miniature's folder, words of the message)."""


def fault(layout, *words):
    """Register a function that breaks a miniature; its name is the fault's."""

    def register(breaks):
        FAULTS[layout, breaks.__name__.strip("_")] = (breaks, words)
        return breaks

    return register


def edit_json(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def truncate(path, share=0.5):
    os.truncate(path, int(path.stat().st_size * share))


def edit_text(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit_npz(path, **changes):
    with np.load(path, allow_pickle=True) as values:
        contents = dict(values)
    contents.update({key: change(contents[key]) for key, change in changes.items()})
    np.savez(path, **contents)


class Foreign:
    """What a pickle must not hold."""
