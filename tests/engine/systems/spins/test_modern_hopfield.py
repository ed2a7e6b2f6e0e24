"""Attention as a memory: its energy, its few-pattern mean fields, and its capacity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, begin
from engine.core.system import Touch
from engine.systems.spins.modern_hopfield import (
    TRIANGLE,
    ModernHopfield,
    freezing,
    most_load,
    on_sphere,
    retrieval,
    ring,
)


@pytest.mark.parametrize("beta", [0.3, 4.0, 80.0])
def test_an_update_never_raises_the_energy(beta):
    system = ModernHopfield(beta=beta, rate=1.0, queries=256)
    state = begin(system, jax.random.key(1)).state
    for _ in range(5):
        before = system.energy(state, state.query)
        state = system.step(state, jax.random.key(0))
        rise = system.energy(state, state.query) - before
        assert jnp.max(rise - 1e-5 * (1 + jnp.abs(before))) <= 0


def test_two_patterns_are_curie_and_weiss():
    assert ring(0.95, 2) == 0
    assert ring(1.5, 2) == pytest.approx(0.85856, abs=1e-4)
    running = Simulation(ModernHopfield(layout="ring", patterns=2, beta=1.5, rate=1.0)).run(200)
    assert running.observables["overlap"] == pytest.approx(0.85856, abs=1e-3)


def test_three_patterns_are_first_order():
    assert pytest.approx(1.83043, abs=1e-3) == TRIANGLE
    assert ring(1.9, 3) == pytest.approx(0.60899, abs=1e-4)
    assert ring(2.2, 3) == pytest.approx(0.82656, abs=1e-4)
    # Between 1.83 and 2 some queries find the mean of all, others a pattern.
    both = Simulation(ModernHopfield(layout="ring", patterns=3, beta=1.9, rate=0.5)).run(500)
    lengths = np.linalg.norm(both.snapshot().run.state.query, axis=1)
    assert set(np.round(lengths.astype(float), 2)) == {0.0, 0.61}


def test_the_capacity_on_the_sphere():
    found = [most_load(beta) for beta in (0.25, 0.5, 1.0, 2.0)]
    np.testing.assert_allclose(found, [0.21965, 0.38701, 0.62257, 0.90875], atol=1e-4)
    assert retrieval(jnp.asarray(0.38701)) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("d", "load", "beta", "low", "high"),
    [(24, 0.3, 1.0, 0.9965, 1.0), (40, 0.15, 0.5, 0.999, 1.0), (24, 0.35, 0.3, 0.0, 0.25)],
)
def test_a_pattern_outweighs_the_others_below_the_capacity(d, load, beta, low, high):
    def weight(key):
        x = on_sphere(key, round(np.exp(load * d)), d)
        return jax.nn.softmax(beta * x @ x[0])[0]

    mean = np.mean([weight(jax.random.key(seed)) for seed in range(20)])
    assert low <= mean <= high


def test_random_energies_condense():
    critical = float(freezing(jnp.asarray(np.log(4096) / 32)))
    glass = ModernHopfield(
        task="condensation", layout="sphere", patterns=4096, dimension=32, queries=256,
        beta=3 * critical,
    )  # fmt: skip
    liquid = glass.replace(beta=critical / 3)
    cold, hot = (Simulation(s).observables["participation"] for s in (glass, liquid))
    # 1 − β_c/β as d → ∞; at d = 32 the sum over energies is rounded by some 0.1.
    assert cold == pytest.approx(2 / 3, abs=0.12)
    assert hot < 0.05


def test_a_hand_moves_the_nearest_pattern():
    running = Simulation(ModernHopfield(layout="ring", patterns=3))
    x = np.asarray(running.snapshot().run.state.centre)[1, :2]
    drag = jnp.array([0.2, 0.1])
    running.poke("move", Touch(jnp.asarray(x) + drag, drag, 0.1))
    moved = np.asarray(running.snapshot().run.state.centre)[1, :2]
    np.testing.assert_allclose(moved, x + drag, atol=1e-6)
