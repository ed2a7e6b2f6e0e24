"""Kuramoto: the transition is where, and as steep as, theory says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ive

from engine.core.simulation import Simulation, along, sweep
from engine.systems.swarms.kuramoto import Kuramoto, order_parameter


theory = jax.jit(Kuramoto.theory)


def test_order_settles_to_the_theory_below_and_above_the_threshold():
    system = Kuramoto(n=4000)  # K_c = 1.5
    coupling = jnp.array([0.5, 3.0, 5.0])

    measured = sweep(system, coupling=coupling, seeds=4, settle=600, measure=600)["order"]
    predicted = along(system, Kuramoto.theory, coupling=coupling)["order"]

    # r of N free phases is about N^{-1/2} = 0.016; the Euler step costs a bias of about 0.01.
    np.testing.assert_allclose(measured.mean(axis=1), predicted, atol=0.03)


def test_theory_without_noise_is_the_closed_form():
    r = theory(Kuramoto(coupling=4.0, width=0.5, noise=0.0))["order"]
    assert r == pytest.approx(np.sqrt(1 - 2 * 0.5 / 4.0), abs=1e-6)


def test_theory_of_identical_oscillators_is_the_bessel_ratio():
    r = theory(Kuramoto(coupling=2.0, width=0.0, noise=0.5))["order"].item()
    x = 2.0 * r / 0.5
    assert r == pytest.approx(ive(1, x) / ive(0, x), abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(width=st.floats(0.01, 2), noise=st.floats(0, 2), excess=st.floats(0.05, 3))
def test_theory_orders_above_the_critical_coupling_and_not_below(width, noise, excess):
    system = Kuramoto(width=width, noise=noise)
    threshold = system.boundaries()["onset"].at["coupling"].item()
    assert theory(system.replace(coupling=threshold / (1 + excess)))["order"] < 1e-3
    assert theory(system.replace(coupling=threshold * (1 + excess)))["order"] > 0.1


def test_free_phases_diffuse():
    free = Kuramoto(coupling=0.0, width=0.0, noise=0.5, dt=0.05, coherence=1.0, n=20_000)
    order = Simulation(free).run(20).observables["order"]  # to t = 1
    assert order == pytest.approx(np.exp(-0.5 * 1.0), abs=4 / np.sqrt(20_000))


def test_evenly_spread_phases_have_no_order():
    assert abs(order_parameter(2 * jnp.pi * jnp.arange(7) / 7)) < 1e-6
