"""Cumulants kept as sums, and theory of linear statistics that they are held against."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstat

from engine.numerics import cumulants, linear_statistics


def test_k_statistics_are_those_of_scipy_however_the_samples_came():
    samples = np.random.default_rng(0).gamma(2.0, size=4000).astype(np.float32) + 5
    groups = cumulants.nothing(cumulants.GROUPS)
    for part in (samples[:1600], samples[1600:3200]):
        rows = jnp.asarray(part).reshape(cumulants.GROUPS, -1)
        groups = cumulants.merged(groups, cumulants.of(rows))
    for k, value in enumerate(samples[3200:]):
        groups = cumulants.dealt(groups, jnp.float32(value), k % cumulants.GROUPS)
    found, error = cumulants.estimated(groups)
    exact = [kstat(samples.astype(float), q) for q in (2, 3, 4)]
    np.testing.assert_allclose(found, exact, rtol=1e-3)  # rounding of 800 single additions
    # Cumulants of this law are 2, 4 and 12; the errors are honest to a factor.
    assert (np.abs(found - np.array([2, 4, 12])) < 5 * error).all()
    assert error[0] == pytest.approx(np.sqrt((12 + 2 * 4) / 4000), rel=0.6)


def test_too_few_samples_say_nothing():
    few = cumulants.of(jnp.ones((cumulants.GROUPS, 3)))
    found, error = cumulants.estimated(few)
    assert np.isnan(error).all()
    assert np.isnan(cumulants.estimated(cumulants.nothing(cumulants.GROUPS))[0]).all()
    assert (found == 0).all()  # all equal, 48 of them: that much is known


@pytest.mark.parametrize("beta", [1.0, 2.0, 20.0])
def test_the_cumulants_of_smooth_functions_are_those_of_the_paper(beta):
    """In a parabola: κ₃ = f′(1)³/2β²N and κ₄ = f′(1)³ (f′(1) + 2f″(1))/2β³N²."""
    for f, slope, bend, inside in (
        (lambda r: r**2, 2.0, 2.0, 1.0),
        (lambda r: r**4, 4.0, 12.0, 2.0),
        (lambda r: jnp.exp(-(r**2)), -2 / np.e, 2 / np.e, (1 - 5 * np.exp(-2)) / 4 * 2),
    ):
        found = linear_statistics.cumulants(f, 2, beta)
        third = slope**3 / (2 * beta**2)
        fourth = slope**3 * (slope + 2 * bend) / (2 * beta**3)
        np.testing.assert_allclose(found[1:], [third, fourth], rtol=1e-5)
        if slope > 0:
            assert found[0] == pytest.approx(inside / beta, rel=1e-5)
    assert linear_statistics.cumulants(lambda r: jnp.exp(-(r**2)), 2, 2.0)[0] == pytest.approx(
        0.14850, abs=1e-5
    )


def test_the_variance_of_a_wave_is_that_of_the_determinantal_process():
    """At β = 2: Tr f² − Tr f f, with the matrix of f between the N functions zᵏ e^{−Nr²/2}."""
    q, n = 2.0, 60
    r, angle = (np.arange(400) + 0.5) / 250, 2 * np.pi * np.arange(256) / 256
    k = np.arange(n)[:, None]
    log = (k + 1) / 2 * np.log(n) + k * np.log(r) - n * r**2 / 2
    log -= 0.5 * (np.cumsum(np.log(np.maximum(k, 1)), axis=0) + np.log(np.pi))
    functions = np.exp(log)[:, :, None] * np.exp(1j * k[:, :, None] * angle)
    functions = (functions * np.sqrt(r / 250 * 2 * np.pi / 256)[:, None]).reshape(n, -1)
    x = (r[:, None] * np.cos(angle)).reshape(-1)
    f = (functions.conj() * np.cos(q * x)) @ functions.T
    square = (functions.conj() * np.cos(q * x) ** 2) @ functions.T
    exact = np.trace(square).real - np.sum(np.abs(f) ** 2)
    ones = (functions.conj()) @ functions.T
    np.testing.assert_allclose(ones, np.eye(n), atol=1e-4)  # by the midpoint rule
    # What is left are corrections of 1/N.
    assert linear_statistics.variance_of_wave(q, 2.0) == pytest.approx(exact, rel=1 / n)
    droplet = linear_statistics.mean(linear_statistics.wave(q), 2)
    assert np.trace(f).real / n == pytest.approx(float(droplet), abs=1 / n)


def test_a_short_wave_is_like_white_noise_of_charges_beyond_their_distance():
    """f = x²-like: for q → 0 the wave is 1 − q²x²/2, whose variance is q⁴/4 of that of x²."""
    q = 0.1
    # Var Σx² = (2/β) [∫(2x)²/4π + ½ Σ |k||f̂ₖ|²] with x² = ½ + ½ cos 2θ on the rim: ¼ + 2·2/16·½.
    assert linear_statistics.variance_of_wave(q, 2.0) == pytest.approx(
        q**4 / 4 * (1 / 4 + 1 / 8), rel=0.02
    )


@jax.jit
def in_a_quartic_trap(beta):
    return linear_statistics.cumulants(lambda r: r**4, 4, beta)


def test_in_another_trap_the_edge_formula_gives_the_exact_law():
    """Σr⁴ in r⁴/4 is Gamma of shape βN²/8 and scale 4/βN: κ_q = (q − 1)! shape scale^q."""
    beta = 3.0
    exact = [
        beta / 8 * (4 / beta) ** 2,
        2 * beta / 8 * (4 / beta) ** 3,
        6 * beta / 8 * (4 / beta) ** 4,
    ]
    np.testing.assert_allclose(in_a_quartic_trap(beta), exact, rtol=1e-5)
