import numpy as np
from scipy.spatial.transform import Rotation

from data_modules.sources.footage.solving.bundle import Bundle
from data_modules.sources.footage.solving.scene import LENGTH_SHARES, Observations, Scene


def test_derivatives_are_those_of_finite_differences():
    """With a joint unknown, a click missing, instants near in time, and turns away from zero."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4, 17, 3)) * 0.4 + [0, 0, 4]
    points[1, 4] = np.nan
    turns = Rotation.from_rotvec(0.2 * rng.normal(size=(3, 3))).as_matrix()
    lengths = np.array(list(LENGTH_SHARES.values())) * 1.7
    scene = Scene(turns, 0.2 * rng.normal(size=(3, 3)), np.array([900.0, 1000, 1100]), lengths, points)
    clicks = scene.seen() + rng.normal(size=(3, 4, 17, 2))
    clicks[0, 2, 5] = np.nan
    known = Observations(clicks, np.full(3, 3.0), np.full(3, 1280.0), np.arange(4) * 0.04, 1.75)
    bundle = Bundle(known, scene)
    unknowns = 0.05 * rng.normal(size=len(bundle.is_free))
    exact = bundle.jacobian(bundle.terms(unknowns)).toarray()

    def residual(values):
        return np.concatenate([term.residual for term in bundle.terms(values)])

    step = 1e-6 * np.eye(len(unknowns))[bundle.is_free]
    numeric = np.stack([(residual(unknowns + one) - residual(unknowns - one)) / 2e-6 for one in step], axis=1)
    np.testing.assert_allclose(exact, numeric, rtol=1e-5, atol=1e-4)
