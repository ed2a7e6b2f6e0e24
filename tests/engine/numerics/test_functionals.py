"""Functionals: their slopes, their minimisers, and lines of equal height."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.contours import contours
from engine.numerics.functionals import (
    AXIS,
    Discrepancy,
    Network,
    Quadratic,
    Stein,
    X,
    Y,
    rim,
)


TARGET = jnp.array([[1.0, 0.5], [-1.2, 0.3], [0.2, -1.0]])
DATA = jnp.stack([jnp.linspace(-3, 3, 16), jnp.sin(jnp.linspace(-3, 3, 16))], axis=1)
FUNCTIONALS = {
    "discrepancy": Discrepancy(0.05, 0.1, 0.9, TARGET),
    "stein": Stein(0.05, 0.1, 1.1, TARGET, 0.6),
    "network": Network(0.02, 0.1, DATA),
    "quadratic": Quadratic(0.3, 2.0, jnp.array([1.5, 0.0])),
}
every = pytest.mark.parametrize("functional", FUNCTIONALS.values(), ids=FUNCTIONALS)


def settled(functional, turns=400):
    return jax.jit(
        lambda guess: jax.lax.fori_loop(0, turns, lambda _, g: functional.nearer(g), guess)
    )(functional.start())


@every
def test_the_slope_is_the_gradient_of_the_value(functional, key):
    x = 1.2 * jax.random.normal(key, (40, functional.dim))
    value, slope = jax.jit(functional.felt)(x)
    by_hand = len(x) * jax.jit(jax.grad(lambda x: functional.felt(x)[0]))(x)
    assert value > 0
    # Rounding of sums of 40 terms, against slopes of order 1.
    np.testing.assert_allclose(slope, by_hand, atol=1e-4)


@every
def test_the_iteration_ends_in_a_fixed_point_on_the_grid(functional):
    guess = settled(functional)
    np.testing.assert_allclose(functional.nearer(guess), guess, atol=2e-5)
    assert rim(functional.density(guess)) < 1e-2
    assert jnp.sum(functional.density(guess)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["discrepancy", "stein"])
def test_no_tilted_density_has_a_lower_free_energy(name):
    functional = FUNCTIONALS[name]
    guess = settled(functional)

    @jax.jit
    def free(tilt):
        # F + T ∫ μ ln μ of the density with another first variation.
        energy = guess + tilt
        density = functional.density(energy)
        log = jnp.log(jnp.maximum(density, 1e-30))
        return functional.at(energy) + functional.temperature * jnp.sum(density * log)

    least = free(jnp.zeros_like(guess))
    for way in (X, Y, X * Y, np.sin(2 * X), X**2 - Y):
        # Second order in 0.02 T, against some 1e-6 of rounding in the sums over the grid.
        for sign in (-1, 1):
            assert free(sign * 0.02 * way) > least - 1e-6
        assert free(0.2 * way) > least


@pytest.mark.parametrize("name", FUNCTIONALS)
def test_the_value_on_the_grid_is_that_of_a_cloud_drawn_from_it(name, key):
    functional = FUNCTIONALS[name]
    guess = settled(functional)
    for_cell, for_place, for_rest = jax.random.split(key, 3)
    density = functional.density(guess)
    cell = jax.random.categorical(for_cell, jnp.log(density.reshape(-1)), shape=(4000,))
    place = jnp.stack([X.reshape(-1)[cell], Y.reshape(-1)[cell]], axis=1)
    width = AXIS[1] - AXIS[0]
    place = place + width * (jax.random.uniform(for_place, place.shape) - 0.5)
    if name == "network":
        spread = jnp.sqrt(functional.temperature / functional.confinement)
        a = functional.wish(guess).reshape(-1)[cell]
        a = a + spread * jax.random.normal(for_rest, a.shape)
        place = jnp.concatenate([place, a[:, None]], axis=1)
    value, _ = functional.felt(place)
    # 4000 points know F to 2 % or so, and count themselves with 1/N of its diagonal; a cell's width
    # of 1/6 adds width²/12 to each variance.
    assert value == pytest.approx(functional.at(guess).item(), rel=0.05, abs=0.005)


def test_exact_samples_keep_the_floor_of_a_v_statistic(key):
    """MMD² of N draws of N(0, 1) to the same law: (1 − 1/3)/N with ℓ = 1 in the plane."""
    n, draws = 200, 60
    # The law itself, by the points of a fine grid: its own V-statistic has no floor.
    side = (jnp.arange(24) + 0.5) / 24
    line = jax.scipy.special.ndtri(side)
    target = jnp.stack(jnp.meshgrid(line, line), axis=-1).reshape(-1, 2)
    functional = Discrepancy(1.0, 0.0, 1.0, target)
    clouds = jax.random.normal(key, (draws, n, 2))
    found = jax.lax.map(lambda x: functional.fit(x)[0], clouds)
    # Each draw scatters by about 50 %: 60 of them leave 6 %; the grid of quantiles errs by 1e-5.
    assert jnp.mean(found) * n == pytest.approx(2 / 3, rel=0.2)
    expected = found.mean() * n
    assert abs(expected - 2 / 3) < 4 * np.std(found) * n / np.sqrt(draws)


def test_the_quadratic_minimiser_is_a_gaussian():
    functional = FUNCTIONALS["quadratic"]
    density = functional.density(functional.start())
    mean = jnp.sum(density * X)
    assert mean == pytest.approx(2.0 * 1.5 / 3, abs=1e-4)
    assert jnp.sum(density * (X - mean) ** 2) == pytest.approx(0.3, abs=1e-3)


def test_lines_of_a_cone_are_circles():
    start, end = contours(jnp.sqrt(X**2 + Y**2), AXIS, AXIS, 2.5)
    seen = ~np.isnan(start[:, 0])
    for place in (start[seen], end[seen]):
        # A chord of the cone's height within a cell of 1/6 is off by width²/8r = 0.0014,
        # and a diagonal is longer by √2.
        np.testing.assert_allclose(np.linalg.norm(place, axis=1), 2.5, atol=3e-3)
    length = np.sum(np.linalg.norm(start[seen] - end[seen], axis=1))
    assert length == pytest.approx(2 * np.pi * 2.5, rel=2e-3)
    assert np.array_equal(np.isnan(start), np.isnan(end))


def test_a_level_that_is_not_reached_has_no_line():
    start, _ = contours(jnp.zeros((5, 4)), np.arange(5.0), np.arange(4.0), 1.0)
    assert np.isnan(start).all()
