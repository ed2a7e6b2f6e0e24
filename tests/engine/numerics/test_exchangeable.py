"""What clouds know of their shape: the tables against the Gaussian pair, where all is exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import exchangeable as exact
from engine.numerics.exchangeable import OCTAVES, TIMES
from engine.numerics.gaussian_pair import accuracy, agreement, information


HALF = 0.5  # of the pair


@pytest.fixture(scope="module")
def law():
    pair = jnp.array([[[HALF, 0, 0]], [[-HALF, 0, 0]]])
    return jax.jit(exact.law)(jax.random.key(0), pair, 1.0)


def test_one_unit_of_kappa_gives_the_numbers_of_the_specification():
    assert agreement(1.0) == pytest.approx(0.7752, abs=1e-3)
    assert accuracy(1.0) == pytest.approx(0.8413, abs=1e-3)


@pytest.mark.parametrize(("n", "t", "entropy"), [(10, 0.0, 0.2677), (100, 1.0, 0.0565)])
def test_the_chaotic_entropy_of_the_pair_is_that_of_the_specification(n, t, entropy):
    one = np.exp(-2 * t)
    measured = information(one) - information(n * one) / n
    assert measured == pytest.approx(entropy, abs=2e-3)


def test_the_tables_are_those_of_the_pair(law):
    kappa = jnp.asarray(2.0**OCTAVES * (HALF * np.exp(-TIMES[:, None])) ** 2)
    # Clouds of N points: 2 · 4096/N of them are independent, each within a deviation of 1/4 for
    # the certainty; four standard errors, and rounding.
    allowed = 4 * 0.25 / np.sqrt(2 * 4096 / 2.0**OCTAVES) + 1e-3
    few = OCTAVES < 9
    assert np.all(np.abs(law.certainty - accuracy(kappa))[:, few] < allowed[few])
    twins = jax.vmap(jax.vmap(agreement))(kappa)
    assert np.all(np.abs(law.twins - twins)[:, few] < 2 * allowed[few])
    told = jax.vmap(jax.vmap(information))(kappa)
    assert np.all(np.abs(law.information - told)[:, few] < 2 * allowed[few])
    # Between unit Gaussians that are 2am apart: 2 a²m², here from 8192 points of deviation 2am.
    error = 4 * 2 * HALF * np.exp(-TIMES) / np.sqrt(8192)
    assert np.all(np.abs(law.divergence - 2 * (HALF * np.exp(-TIMES)) ** 2) < error + 1e-4)


def test_a_table_is_read_between_its_points(law):
    at = exact.read(law.certainty, float(TIMES[5]), 16)
    assert at == pytest.approx(law.certainty[5, 4].item(), abs=1e-5)
    between = exact.read(law.certainty, float(TIMES[5]), 23)
    assert law.certainty[5, 4] < between < law.certainty[5, 5]


def test_a_divergence_is_reached_once_and_never_beyond_its_ends(law):
    level = jnp.array([0.1, 10.0])
    low, high = exact.reaches(law.divergence, level)
    # 2 a² m² = 0.1 at a² = 0.2; the table's points are a factor 1.6 apart.
    assert low == pytest.approx(-np.log(0.2) / 2, rel=0.05)
    assert np.isnan(high)


def test_points_near_each_other_decide_together(key):
    log = jax.random.normal(key, (1, 3, 40))
    x = jax.random.normal(key, (1, 40, 3))
    weight = jnp.array([0.0, 0.5, -0.5])
    wide, narrow = (exact.nearby(log, weight, x, radius, len(x[0])) for radius in (1e3, 1e-3))
    whole = jnp.broadcast_to(exact.together(log, weight, 40), log.shape)
    np.testing.assert_allclose(wide, whole, atol=1e-5)
    np.testing.assert_allclose(narrow, exact.alone(log, weight), atol=1e-5)


def test_densities_are_those_of_the_evidence(key):
    shapes, x = jax.random.normal(key, (3, 70, 2)), jax.random.normal(key, (2, 40, 2))
    told = exact.evidence(x, shapes, 0.3, 0.1).log
    np.testing.assert_allclose(exact.densities(x, shapes, 0.3, 0.1), told, atol=1e-5)
