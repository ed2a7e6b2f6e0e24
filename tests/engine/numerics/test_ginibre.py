"""Exact draws at β = 2: moduli against their law, configurations against their density."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import gamma, kstest

from engine.numerics import cumulants, ginibre


@pytest.mark.parametrize("shape", [0.5, 1.0, 7.5, 300.0])
def test_gamma_draws_follow_their_law(key, shape):
    drawn = jax.jit(ginibre.gamma_draws)(key, jnp.full(20_000, shape))
    # One in a thousand runs of a true law has a p-value below this; the seed is fixed.
    assert kstest(np.asarray(drawn, float), gamma(shape).cdf).pvalue > 1e-3


def test_moduli_are_independent_and_their_mean_square_is_k_over_n(key):
    r = ginibre.moduli(key, 20, 2, 4000)
    # ⟨r_k²⟩ = k/N with a standard deviation of √k/N: 5 errors of 4000 draws.
    k = np.arange(1, 21)
    assert (np.abs(np.mean(r**2, axis=0) - k / 20) < 5 * np.sqrt(k / 4000) / 20).all()


@pytest.mark.parametrize("power", [2, 4])
def test_the_quadrature_knows_the_moments_of_each_modulus(power):
    with jax.enable_x64(True):
        r, weight = ginibre.law(30, power)
        y = 2 * 30 * r**power / power
        shape = 2 / power * np.arange(1, 31)
        share = weight / jnp.sum(weight, axis=1, keepdims=True)
        np.testing.assert_allclose(jnp.sum(share * y, axis=1), shape, rtol=1e-5)
        second, third, fourth = cumulants.cumulants(y, weight)
        np.testing.assert_allclose(second, shape, rtol=1e-4)
        np.testing.assert_allclose(third, 2 * shape, rtol=1e-3)
        np.testing.assert_allclose(fourth, 6 * shape, rtol=1e-2)


@pytest.mark.parametrize("power", [2, 4])
def test_a_configuration_has_the_moduli_and_the_repulsion_of_the_process(power):
    n, draws = 8, 600
    keys = jax.random.split(jax.random.key(3), draws)
    position = jax.jit(jax.vmap(lambda key: ginibre.configuration(key, n, power)))(keys)
    r = np.linalg.norm(position, axis=2)
    # Σ|x|^p ~ Gamma(2N/p + N(N−1)/p, p/2N), as for any β: mean and variance within 5 errors.
    shape, scale = (2 * n + n * (n - 1)) / power, power / (2 * n)
    total = np.sum(r**power, axis=1)
    assert abs(total.mean() - shape * scale) < 5 * np.sqrt(shape / draws) * scale
    assert total.var() == pytest.approx(shape * scale**2, rel=5 * np.sqrt(2 / draws))
    # ⟨Σ_{i≠j} xᵢ·xⱼ⟩ = −Σₖ |⟨k + 1| z |k⟩|²: what moduli know nothing of.
    k = np.arange(1, n)
    steps = np.exp(gammaln(2 * (k + 1) / power) - gammaln(2 * k / power))
    exact = -np.sum(steps) * (power / (2 * n)) ** (2 / power)
    together = np.sum(np.sum(position, axis=1) ** 2, axis=1) - np.sum(r**2, axis=1)
    assert float(together.mean()) == pytest.approx(
        exact, abs=5 * float(together.std()) / draws**0.5
    )
