"""Fronts: their speeds, and how slowly these are reached."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, begin
from engine.systems.spins.thermalization_front import FINE, ThermalizationFront


def positions(system, ages):
    """Where the front is at each of several ages."""
    running = Simulation(system)
    found = []
    for age in ages:
        running.run(round((age - running.time) / float(system.dt)))
        found.append(running.observables["front"])
    return found


@pytest.mark.parametrize(
    ("values", "ages", "low", "high"),
    [
        ({"spacing": 0.25, "cells": 1024}, (60, 120), 1.95, 2.0),
        ({"diffusion": 0.5, "rate": 2.0, "spacing": 0.1, "cells": 1024}, (20, 45), 1.957, 1.987),
    ],
)
def test_a_wave_from_a_step_is_somewhat_slower_than_the_pulled_one(values, ages, low, high):
    one, other = positions(ThermalizationFront(**values), ages)
    assert low < (other - one) / (ages[1] - ages[0]) < high


def test_a_slow_edge_travels_faster():
    system = ThermalizationFront(steepness=0.5, spacing=0.25)
    assert float(system.theory()["speed"]) == pytest.approx(2.5)
    one, other = positions(system, (20, 60))
    # Euler's method: growth at the edge is slower by ln(1 + x)/x, x = r dt (1 + λ²) = 0.0125.
    assert (other - one) / 40 == pytest.approx(2.5, abs=0.02)


def test_the_ladder_has_the_known_times_per_iteration():
    known = {(1.0, 1.0): 2.678347, (0.5, 1.0): 2.188834, (2.0, 0.5): 1.644641}
    for (gain, memory), time in known.items():
        system = ThermalizationFront(model="ladder", gain=gain, memory=memory)
        speed, steepness = system.pulled()
        assert float(speed) == pytest.approx(time, abs=2e-5)
        # It is the least of all edges.
        near = system.spectrum(steepness * jnp.array([0.97, 1.03]))
        assert (near > speed).all()
    assert float(ThermalizationFront(model="ladder").pulled()[1]) == pytest.approx(
        0.626634, abs=1e-4
    )


def test_iterations_advance_as_the_ladder_says():
    system = ThermalizationFront(model="ladder", cells=30_000)
    one, other = positions(system, (100, 200))
    # 2.653 of the spec ± 0.015; steps of 0.02 τ change it by 1 %.
    assert (other - one) / 100 == pytest.approx(2.653, abs=0.03)


def test_one_step_of_the_ladder_is_a_convolution():
    system = ThermalizationFront(model="ladder", cells=512, gain=0.7)
    u = jnp.exp(-jnp.arange(512) / 60.0)
    kept = math.exp(-FINE)
    y, expected = 1.0, []
    for value in np.asarray(u, float):
        y = kept * y + (1 - kept) * (value + 0.7 * value * (1 - value))
        expected.append(y)
    np.testing.assert_allclose(system._risen(u), expected, atol=2e-5)


def test_a_small_wave_grows_and_spreads_as_its_linear_equation_says():
    system = ThermalizationFront(spacing=0.2, rate=0.5, diffusion=2.0)
    state = begin(system, jax.random.key(0)).state
    x = np.asarray(system.axis())
    wave = 1e-4 * np.exp(-((x - 100) ** 2) / 50)
    state = state._replace(profile=jnp.asarray(wave, jnp.float32))
    after = system.step(state, jax.random.key(0))
    t = float(system.dt)
    width = 25 + 2 * 2.0 * t
    exact = 1e-4 * np.exp(0.5 * t) * np.sqrt(25 / width) * np.exp(-((x - 100) ** 2) / (2 * width))
    # First order in short steps of 0.004: within 10⁻⁴ of the height.
    np.testing.assert_allclose(after.profile, exact, atol=2e-8)


def test_the_run_ends_when_the_front_has_crossed():
    running = Simulation(ThermalizationFront(cells=256, spacing=0.4)).run(100_000)
    assert running.done
    assert running.observables["front"] > 0.8 * 256 * 0.4
