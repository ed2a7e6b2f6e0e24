"""Vortices: counted, and flowing as an integrator says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from engine.numerics.vortices import charges, flow_line, renormalised, separatrix, wrap


def test_angles_are_wrapped_to_the_right_side():
    turns = 2 * jnp.pi * jnp.arange(-3, 4)
    np.testing.assert_allclose(wrap(0.5 + turns), 0.5, atol=2e-6)
    assert wrap(jnp.float32(jnp.pi)) == pytest.approx(np.pi)


def test_charges_are_neutral_and_found(key):
    angle = jax.random.uniform(key, (40, 40), maxval=2 * np.pi)
    charge = np.asarray(charges(angle)).astype(int)
    assert charge.sum() == 0
    assert np.mean(np.abs(charge)) == pytest.approx(1 / 3, abs=0.04)  # of random angles
    row, column = np.indices((40, 40))
    lone = np.arctan2(row - 9.5, column - 19.5) - np.arctan2(row - 29.5, column - 19.5)
    found = np.asarray(charges(jnp.asarray(lone, jnp.float32)))
    assert found[9, 19] == 1
    assert found[29, 19] == -1


@pytest.mark.parametrize(("k", "y"), [(0.9, 0.02), (0.8, 0.05), (0.66, 0.01)])
def test_the_flow_ends_where_an_integrator_takes_it(k, y):
    def slope(_, u):
        return [4 * np.pi**3 * u[1] ** 2, (2 - np.pi / u[0]) * u[1]]

    def escaped(_, u):
        return u[1] - 1

    escaped.terminal = True
    flow = solve_ivp(slope, (0, 400), [1 / k, y], rtol=1e-9, atol=1e-12, events=escaped)
    free = flow.y[1, -1] > 0.5
    expected = 0 if free else 1 / flow.y[0, -1]
    assert renormalised(k, y) == pytest.approx(expected, abs=2e-3)
    inverse = jnp.asarray(flow.y[0, 1:20], jnp.float32)
    np.testing.assert_allclose(flow_line(k, y, inverse), flow.y[1, 1:20], atol=2e-4)


def test_the_separatrix_leads_to_the_universal_jump():
    y = separatrix(jnp.array([1.3]))[0]
    assert renormalised(1 / 1.3, 0.999 * y) == pytest.approx(2 / np.pi, abs=0.02)
    assert renormalised(1 / 1.3, 1.001 * y) == 0
