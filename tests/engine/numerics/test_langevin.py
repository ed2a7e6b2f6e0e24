"""Langevin steps: what an exact step must keep, and what a held slope costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from engine.numerics.langevin import kicks, overdamped, settled, underdamped


@pytest.mark.parametrize("z", [1e-5, 1e-3, 0.1, 0.29, 0.31, 2.0, 50.0])
def test_a_step_is_the_exact_solution_of_a_linear_equation(z):
    friction, temperature = 1.7, 0.6
    h = z / friction
    # Van Loan: the covariance ∫ e^{As} Q e^{Aᵀs} ds by one exponential, in double precision.
    a = np.array([[0, 1, 0], [0, -friction, -1], [0, 0, 0]])
    q = np.diag([0, 2 * friction * temperature, 0])
    if z < 20:  # beyond, the growing half of the exponential leaves the numbers
        block = expm(np.block([[-a, q], [np.zeros((3, 3)), a.T]]) * h)
        moved = block[3:, 3:].T
        noise = moved @ block[:3, 3:]
    else:
        moved = expm(a * h)
        e = np.exp(-z)
        xx = 2 * temperature / friction * (h - 2 * (1 - e) / friction + (1 - e**2) / 2 / friction)
        noise = np.array([[xx, temperature * (1 - e) ** 2 / friction], [0, temperature]])
    by = kicks(h, friction, temperature)
    found = [by.kept, by.drift, by.fall, by.xx, by.xv, by.vv]
    exact = [moved[1, 1], moved[0, 1], -moved[0, 2], noise[0, 0], noise[0, 1], noise[1, -2]]
    if z >= 20:
        exact[-1] = temperature
    # Series and closed form meet at γh = 0.3, where each is good to some 1e-6.
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-30)


def test_the_noise_of_a_step_has_its_covariance(key):
    x, v = underdamped(*jnp.zeros((3, 200_000, 1)), key, h=0.8, friction=1.3, temperature=0.7)
    by = kicks(0.8, 1.3, 0.7)
    found = np.cov(x[:, 0], v[:, 0])
    exact = np.array([[by.xx, by.xv], [by.xv, by.vv]])
    # A covariance of N draws is good to √(2/N) = 0.3 % of the larger terms: four of those.
    np.testing.assert_allclose(found, exact, atol=0.013 * float(by.vv))


def test_a_free_particle_keeps_its_temperature_at_any_step(key):
    for h in (0.01, 0.5, 20.0):

        def step(v, key, h=h):
            _, v = underdamped(0 * v, v, 0 * v, key, h=h, friction=2.0, temperature=1.5)
            return v, None

        start = jnp.sqrt(1.5) * jax.random.normal(key, (40_000, 1))
        v, _ = jax.lax.scan(step, start, jax.random.split(key, 20))
        assert jnp.mean(v**2) == pytest.approx(1.5, rel=4 * np.sqrt(2 / 40_000))


def test_free_particles_without_momentum_diffuse(key):
    x = overdamped(*jnp.zeros((2, 40_000, 1)), key, h=0.3, temperature=0.8)
    assert jnp.mean(x**2) == pytest.approx(2 * 0.8 * 0.3, rel=4 * np.sqrt(2 / 40_000))


@pytest.mark.parametrize(("h", "variance"), [(0.05, 1.01266), (0.1, 1.02562), (0.2, 1.05245)])
def test_a_held_slope_widens_a_well_by_as_much_as_is_known(h, variance, key):
    predicted, _, speed = settled(1.0, h=h, friction=2.0, temperature=1.0)
    assert predicted == pytest.approx(variance, abs=1e-5)  # all digits that are given

    def step(state, key):
        x, v = state
        state = underdamped(x, v, x, key, h=h, friction=2.0, temperature=1.0)
        return state, (jnp.mean(state[0] ** 2), jnp.mean(state[1] ** 2))

    start = jax.random.normal(key, (2, 2000, 1))
    _, (x2, v2) = jax.lax.scan(step, tuple(start), jax.random.split(key, round(200 / h)))
    # 2000 particles for 200, each forgetting x² within 1: 4e5 values know it to 0.25 %.
    assert jnp.mean(x2) == pytest.approx(variance, rel=0.01)
    assert jnp.mean(v2) == pytest.approx(speed.item(), rel=0.01)


def test_steps_that_explode_have_no_stationary_state():
    assert np.isnan(settled(100.0, h=1.0, friction=0.5, temperature=1.0)[0])
