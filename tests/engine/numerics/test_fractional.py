"""Fractional noise as a sum of relaxations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from engine.numerics.fractional import (
    LAGS,
    ROUGHEST,
    SMOOTHEST,
    covariances,
    exact_variance,
    expected_moments,
    fitted,
    likelihood,
    memories,
    moments,
    overlap,
    rates,
    step_variances,
    table,
    variance,
    weights,
)


def test_the_overlap_with_a_relaxation_is_its_integral():
    for hurst in (0.2, 0.5, 0.8):
        for g in (0.05, 1.0, 20.0):
            # ∫₀¹ dt ∫₀ᵗ e^{−γs} s^{H−½}/Γ(H+½) ds = ∫₀¹ (1 − s) e^{−γs} s^{H−½} ds / Γ(H+½)
            whole = quad(
                lambda s, g=g: (1 - s) * np.exp(-g * s),
                0,
                1,
                weight="alg",
                wvar=(hurst - 0.5, 0),
                epsabs=1e-13,
            )[0]
            assert overlap(hurst, np.array([g]))[0] == pytest.approx(
                whole / gamma(hurst + 0.5), abs=1e-10
            )


def squared_error(hurst, modes):
    """∫E(B̂ − B)² over ∫E B²."""
    g, omega = rates(modes), fitted(hurst, modes)
    both = g[:, None] + g
    a = (1 + np.expm1(-both) / both) / both
    whole = 1 / ((2 * hurst + 1) * 2 * hurst * gamma(hurst + 0.5) ** 2)
    return (whole - 2 * omega @ overlap(hurst, g) + omega @ a @ omega) / whole


def test_five_relaxations_miss_fractional_noise_by_what_the_spec_found():
    found = [squared_error(h, 5) for h in (0.1, 0.2, 0.3, 0.7, 0.9)]
    # Half a unit of the last digit that the spec prints, and 1 % of the ridge.
    np.testing.assert_allclose(found, [0.229, 0.047, 0.0078, 1.3e-4, 6e-5], rtol=0.04)
    assert squared_error(0.5, 5) < 1e-5


def test_more_relaxations_miss_less():
    for hurst in (0.1, 0.3, 0.8):
        errors = [squared_error(hurst, k) for k in (3, 5, 7, 9)]
        assert errors == sorted(errors, reverse=True)


def test_variances_are_those_of_the_spec():
    for hurst, near, exact in ((0.3, 1.2374, 1.2296), (0.7, 0.8453, 0.8473), (0.9, 0.7045, 0.7057)):
        measured = variance(weights(hurst, 5), jnp.ones(1))[0].item()
        assert measured == pytest.approx(near, abs=1e-3)
        assert exact_variance(hurst, jnp.ones(())).item() == pytest.approx(exact, abs=1e-4)
    assert variance(weights(0.5, 5), jnp.ones(1))[0].item() == pytest.approx(1, abs=1e-3)
    assert exact_variance(0.5, jnp.asarray(0.3)).item() == pytest.approx(
        0.3, rel=1e-4
    )  # e^{2 ln Γ}, in float32


@pytest.mark.parametrize("modes", [3, 5, 9])
def test_the_table_of_weights_is_the_solution_anywhere(modes):
    of = jax.jit(lambda h: weights(h, modes))
    for hurst in (ROUGHEST, 0.123, 0.5, 0.777, SMOOTHEST):
        exact = fitted(hurst, modes)
        # Forty terms in float32 round at below 1e-6 of the largest of them.
        largest = np.abs(table(modes)).max()
        np.testing.assert_allclose(of(hurst), exact, atol=1e-6 * largest + 1e-5)


def test_in_a_trap_the_variance_of_brownian_motion_is_that_of_ornstein_and_uhlenbeck():
    t = jnp.array([0.05, 0.3, 1.0])
    for pull in (0.05, 1.0, 10.0):  # the first is the rate of a relaxation itself
        exact = -np.expm1(-2 * pull * t) / (2 * pull)
        # Five relaxations are white noise to 1e-3, above all at its shortest times.
        np.testing.assert_allclose(variance(weights(0.5, 5), t, pull), exact, rtol=5e-3)


def test_the_covariances_are_symmetric_positive_and_have_the_variances():
    table = covariances((0.05, 0.5, 0.9), 20, 5)
    np.testing.assert_array_equal(table, np.swapaxes(table, 1, 2))
    assert np.linalg.eigvalsh(table.astype(float)).min() > -1e-5
    t = jnp.arange(1, 21) / 20
    for h, c in zip((0.05, 0.5, 0.9), table, strict=True):
        # The squares of weights of 275 cancel in float64; a float32 of h is right to 3e-5.
        np.testing.assert_allclose(np.diag(c), variance(weights(h, 5), t), rtol=2e-3)
    np.testing.assert_allclose(table[1], np.minimum(t[:, None], t), atol=5e-3)  # Brownian


def test_the_likelihood_is_the_gaussian_density_of_the_paths_seen_so_far():
    from scipy.stats import multivariate_normal

    table = covariances((0.3, 0.8), 6, 5)
    paths = np.random.default_rng(1).standard_normal((3, 6)).astype(np.float32)
    known = np.array([1, 1, 1, 1, 0, 0], np.float32)
    found = likelihood(jnp.asarray(paths), jnp.asarray(known), 0.1, jnp.asarray(table))
    for value, c in zip(found, table, strict=True):
        law = multivariate_normal(np.zeros(4), c[:4, :4] + 0.01 * np.eye(4))
        exact = law.logpdf(paths[:, :4]).sum() + 3 * 4 / 2 * np.log(2 * np.pi)
        assert value.item() == pytest.approx(exact, rel=1e-3)


def test_neighbouring_increments_are_correlated_by_their_hurst_index():
    def exact(hurst):
        """From the covariance of fractional noise of type II itself."""
        t = np.arange(1, 11) / 10
        c = np.empty((10, 10))
        for i, j in np.ndindex(10, 10):
            low, high = min(t[i], t[j]), max(t[i], t[j])
            power = hurst - 0.5
            if low == high:
                c[i, j] = low ** (2 * hurst) / (2 * hurst)
            else:
                c[i, j] = quad(
                    lambda u, gap=high - low, power=power: (u + gap) ** power,
                    0,
                    low,
                    weight="alg",
                    wvar=(power, 0),
                )[0]
        step = np.diff(np.diff(c, axis=0), axis=1)
        square = np.diag(step)
        return np.diag(step, 1).sum() / ((square[1:] + square[:-1]) / 2).sum()

    indices = (0.3, 0.5, 0.8)
    # Seven relaxations, the fastest twice as fast as the increments are long.
    found = memories(indices, 10, 7)
    np.testing.assert_allclose(found, [exact(h) for h in indices], atol=0.03)
    # Type II begins at 0, so it has not quite the stationary 2^{2H−1} − 1 of −0.242, 0, 0.516.
    np.testing.assert_allclose(found, [-0.242, 0, 0.516], atol=0.08)


def test_steps_of_brownian_motion_have_the_moments_of_a_gaussian():
    (found,) = step_variances((0.5,), 50, 5)
    variances = jnp.asarray(found)
    np.testing.assert_allclose(variances, np.broadcast_to(LAGS[:, None] / 50, (5, 42)), rtol=1e-3)
    for power, factor in ((1.0, np.sqrt(2 / np.pi)), (2.0, 1.0), (4.0, 3.0)):
        exact = factor * (LAGS / 50) ** (power / 2)
        np.testing.assert_allclose(expected_moments(variances, power), exact, rtol=1e-3)


def test_moments_are_of_what_is_known_and_silent_where_nothing_is():
    paths = jnp.array([[0.0, 1, 3, 3, 5, 9, 9, 9, 9, 9], [0.0, 0, 0, 0, 0, 9, 9, 9, 9, 9]])
    known = (jnp.arange(10) < 5).astype(float)
    found = moments(paths, known, 2.0)
    # Over 1: 1, 4, 0, 4 and four noughts; over 2: 9, 4, 4 and three; over 3: 9, 16 and two.
    np.testing.assert_allclose(found[:3], [9 / 8, 17 / 6, 25 / 4])
    assert np.isnan(found[3:]).all()
    # A motionless path has a moment of 0 and no not-a-number, for small powers too.
    assert moments(paths[1:], known, 0.5)[0] == 0
