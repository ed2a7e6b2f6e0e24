"""Kinetic energy of Gaussian paths: theory on the cone, and swarms that spend it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import simulation
from engine.core.simulation import Simulation, begin
from engine.systems.diffusion.kinetic_paths import CELLS, PATHS, KineticPaths


THREE = ("optimal", "straight", "circle")


def state(running):
    return running._run.state


def energies(system, seed=0):
    now = begin(system, jax.random.key(seed)).state
    total = jax.jit(lambda s: [jnp.sum(system.effort(s, path)) / CELLS for path in THREE])
    return np.array(total(now)), float(system.unrolled(now)[1][-1])


def test_gaussian_data_cost_nothing_but_on_a_straight_path():
    found, angle = energies(KineticPaths(m=2, dim=2, spread=1.0))
    np.testing.assert_allclose(found, [0, 0.4292, 0], atol=1e-3)  # 2 − π/2
    assert angle < 0.02  # no more than the floor of the metric


def test_two_points_on_a_line_cost_what_quadrature_found():
    found, angle = energies(KineticPaths(m=2, dim=1, spread=0.0))
    # Spec: 0.459, 0.982, 0.869; 4096 samples of a covariance of 0.4 ± 0.4: 4 · 0.006.
    np.testing.assert_allclose(found, [0.459, 0.982, 0.869], rtol=0.03)
    assert angle == pytest.approx(0.691, rel=0.02)


def test_many_random_points_cost_what_the_spec_found():
    found = np.array([energies(KineticPaths(m=500, dim=64, spread=0.0), k)[0] for k in range(3)])
    np.testing.assert_allclose(found.mean(axis=0), [1.339, 1.586, 1.817], rtol=0.03)  # of the spec


def test_two_points_far_apart_cost_as_if_nothing_had_to_be_told():
    found, angle = energies(KineticPaths(m=2, dim=512, spread=0.0))
    # n/√d = 0.09 is not yet 0: the clusters part at s of order 1/√d, 5 % of the right angle.
    np.testing.assert_allclose(found, [2, 2, 2.467], rtol=0.08)
    assert angle == pytest.approx(np.pi / 2, rel=0.05)


@pytest.mark.parametrize("spread", [0.0, 0.2, 0.6])
def test_the_optimal_path_is_the_cheapest(spread):
    system = KineticPaths(m=5, dim=2, spread=spread)
    now = begin(system, jax.random.key(1)).state
    cost = {p: float(jnp.sum(system.effort(now, p)) / CELLS) for p in PATHS}
    assert all(cost["optimal"] < other + 1e-3 for other in cost.values())
    chord = 2 * (1 - np.cos(float(system.unrolled(now)[1][-1])))
    assert cost["optimal"] == pytest.approx(chord, rel=5e-3)  # the chord, in 400 cells


ONCE = {"flow": "once", "n": 2000, "spread": 0.2}


@pytest.mark.parametrize("path", ["optimal", "straight"])
def test_a_swarm_spends_the_energy_of_its_path_and_arrives(path):
    running = Simulation(KineticPaths(**ONCE, path=path, steps=200), seed=2).run(50)
    # An energy is a difference of order-one terms (m = 1 − what is not known), each of which 2000
    # particles of two dimensions know to √(2/4000) = 2 %: twice that.
    assert running.observables["energy"] == pytest.approx(running.limit["energy"], abs=0.045)
    running.run(150)
    assert running.done
    assert running.observables["energy"] == pytest.approx(running.limit["energy"], abs=0.045)
    # Two samples of a thousand, of variance one in few clusters, differ by some 0.1.
    assert running.observables["distance"] < 0.15
    speed, exact = running.frame["speed"][1:]
    measured = np.interp(exact.x, speed.x, np.nan_to_num(speed.y))
    assert np.mean(np.abs(measured - exact.y)) < 0.1 * exact.y.mean()


def test_few_steps_along_a_dear_path_miss_more():
    """One Euler step of the straight path ends in the mean of the data."""
    running = Simulation(KineticPaths(**ONCE, path="straight", solver="Euler", steps=1)).run(1)
    mean = np.asarray(state(running).centres).mean(axis=0)
    # σ starts at 1, where x tells nothing of the data, and 10⁻³ of the noise is left.
    np.testing.assert_allclose(state(running).x, np.broadcast_to(mean, (2000, 2)), atol=5e-3)
    assert running.observables["energy"] > 0.9
    assert any("fewer than 20 steps" in words for words in running.caveats)


def test_dragging_the_width_of_the_clusters_measures_the_cone_anew():
    running = Simulation(KineticPaths(**ONCE | {"spread": 0.1})).run(1)
    before = running.observables["angle"]
    compiled = simulation.advance._cache_size()
    running.set(spread=0.9).run(1)
    assert running.observables["angle"] < before / 2
    assert simulation.advance._cache_size() == compiled


def test_the_lines_of_the_map_read_the_same_from_both_axes():
    lines = KineticPaths(m=8, dim=64).boundaries()
    assert lines["n = √d"].at["m"].item() == 8
    assert lines["n = √d"].at["dim"].item() == 64
