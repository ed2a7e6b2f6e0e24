"""Points of a torus in ten dimensions."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.embedded_torus import BLUR, DIMENSIONS, TUBE, UNIT, covariance, on_torus


N = 40_000


@pytest.fixture
def points(key):
    place = jnp.eye(DIMENSIONS)[:3]
    x, ring = on_torus(key, N, place)
    return np.asarray(x) * UNIT**0.5, np.asarray(ring), np.asarray(covariance(place)) * UNIT


def test_points_lie_on_the_tube_but_for_the_blur(points):
    x, ring, _ = points
    out = np.hypot(x[:, 0], x[:, 1]) - 1
    radius = np.hypot(out, x[:, 2])
    blur = BLUR * UNIT**0.5
    assert np.mean(radius) == pytest.approx(TUBE, abs=2 * blur**2 / TUBE)  # blur²/2r of curvature
    assert np.std(radius) == pytest.approx(blur, rel=0.05)
    np.testing.assert_allclose(np.cos(np.arctan2(x[:, 1], x[:, 0]) - ring), 1, atol=0.06)


def test_points_are_as_dense_on_all_of_the_surface(points):
    x, ring, _ = points
    about = np.arctan2(x[:, 2], np.hypot(x[:, 0], x[:, 1]) - 1)
    # Area within |v| < π/2: ½ + r/π. Four standard errors are 2/√N.
    assert np.mean(np.abs(about) < np.pi / 2) == pytest.approx(0.5 + TUBE / np.pi, abs=2 / N**0.5)
    assert np.mean(np.cos(ring)) == pytest.approx(0, abs=4 / (2 * N) ** 0.5)


def test_their_covariance_is_exact(points):
    x, _, known = points
    found = np.cov(x, rowvar=False)
    np.testing.assert_allclose(found, known, atol=4 * 0.62 / N**0.5)
