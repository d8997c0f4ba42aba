import numpy as np
import pytest

from data_modules.sources.studio.furniture import FREE_RADIUS_MM, Seat
from data_modules.sources.studio.ways import TIGHTEST_MM, Way, draw_way


def test_a_way_is_walked_by_its_length():
    angle = np.linspace(0, 2 * np.pi, 721)
    way = Way(1000 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    assert way.length_mm == pytest.approx(2000 * np.pi, rel=1e-4)
    np.testing.assert_allclose(way.at(500 * np.pi), [0, 1000], atol=1)
    np.testing.assert_allclose(way.at(-500 * np.pi), [0, -1000], atol=1)
    assert way.heading_rad(0.0) == pytest.approx(np.pi / 2, abs=0.01)
    assert way.bend_rad_per_mm(700.0) == pytest.approx(1e-3, rel=0.02)


@pytest.mark.parametrize("distance_mm", [500.0, 650.0, 800.0, 1000.0])
def test_ways_keep_clear_of_the_chair_and_within_the_room(distance_mm):
    rng = np.random.default_rng(0)
    for azimuth in (0.0, 1.0, 2.5, 4.0):
        seat = Seat(distance_mm * np.array([np.cos(azimuth), np.sin(azimuth)]), 0.0, 450.0)
        way = draw_way(seat, rng)
        points = np.array([way.at(along) for along in np.linspace(0, way.length_mm, 60)])
        assert np.linalg.norm(points, axis=1).max() < FREE_RADIUS_MM - 100
        assert np.linalg.norm(points - seat.center_mm, axis=1).min() > 700
        assert max(way.bend_rad_per_mm(along) for along in np.linspace(0, way.length_mm, 30)) < 1.3 / TIGHTEST_MM
        assert way.length_mm > 3500
