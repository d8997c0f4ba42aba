"""Numbers of two public implementations of the pose errors, and of HardNet's own code for the loss.

A small part is committed; the full set lies beside the repository on some machines and is compared where it is found.
"""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "small": ROOT / "tests/data/pose_errors_and_loss.npz",
    "full": ROOT.parent / "shared/golden/pose_errors_and_loss.npz",
}


def load(part):
    """The arrays by name; skips the calling test if the full set is absent."""
    if part == "full" and not FILES[part].exists():
        pytest.skip("the full golden set is not beside the repository: the committed part was compared")
    with np.load(FILES[part]) as arrays:
        return dict(arrays)
