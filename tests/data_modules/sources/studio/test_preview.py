import cv2
import numpy as np
import pytest

from data_modules.cli import main

pytestmark = pytest.mark.slow


def _picture(folder, *options):
    main(["preview", "--out", str(folder / "x.png"), "--size", "64", "--views", "2", *options])
    return cv2.imread(str(folder / "x.png")).astype(int)


def test_people_stand_below_each_other_and_their_views_beside_each_other(tmp_path):
    both = _picture(tmp_path, "--person", "S1", "S5")
    assert both.shape == (128, 128, 3)
    alone = _picture(tmp_path, "--person", "S5")
    np.testing.assert_array_equal(both[64:], alone)
    assert np.abs(both[:64] - both[64:]).mean() > 2


@pytest.mark.parametrize("options", [["--pose", "squat"], ["--garment", "hat"], ["--seed", "1"], ["--skeleton"]])
def test_every_option_changes_the_picture(tmp_path, options):
    assert np.abs(_picture(tmp_path, *options) - _picture(tmp_path)).max() > 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pose", "fly"], "mcss-data: --pose fly: choose one of stand, "),
        (["--garment", "toga"], "mcss-data: --garment toga: choose one of t-shirt, "),
        (["--out", "x.gif"], "mcss-data: --out x.gif: end its name in .png or .jpg"),
    ],
)
def test_what_is_unknown_is_named(tmp_path, capsys, options, message):
    with pytest.raises(SystemExit, match="2"):
        main(["preview", "--out", str(tmp_path / "x.png"), *options])
    assert capsys.readouterr().err.startswith(message)
