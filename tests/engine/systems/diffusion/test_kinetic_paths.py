"""Kinetic energy of Gaussian paths: theory on the cone, and swarms that spend it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import simulation
from engine.core.axes import default_axes
from engine.core.cells import side_by_side
from engine.core.simulation import Simulation, begin
from engine.systems.diffusion.kinetic_paths import CELLS, PATHS, KineticPaths


THREE = ("optimal", "straight", "circle")


def paths(clusters, dimension, **others):
    """To data of n clusters in d dimensions, with no room for more."""
    return KineticPaths(clusters=clusters, dimension=dimension, m=clusters, dim=dimension, **others)


def state(running):
    return running._run.state


def energies(system, seed=0):
    now = begin(system, jax.random.key(seed)).state
    total = jax.jit(lambda s: [jnp.sum(system.effort(s, path)) / CELLS for path in THREE])
    return np.array(total(now)), float(system.unrolled(now)[1][-1])


def test_gaussian_data_cost_nothing_but_on_a_straight_path():
    found, angle = energies(paths(2, 2, spread=1.0))
    np.testing.assert_allclose(found, [0, 0.4292, 0], atol=1e-3)  # 2 − π/2
    assert angle < 0.02  # no more than the floor of the metric


def test_two_points_on_a_line_cost_what_quadrature_found():
    found, angle = energies(paths(2, 1, spread=0.0))
    # Spec: 0.459, 0.982, 0.869; 4096 samples of a covariance of 0.4 ± 0.4: 4 · 0.006.
    np.testing.assert_allclose(found, [0.459, 0.982, 0.869], rtol=0.03)
    assert angle == pytest.approx(0.691, rel=0.02)


def test_many_random_points_cost_what_the_spec_found():
    found = np.array([energies(paths(500, 64, spread=0.0), k)[0] for k in range(3)])
    np.testing.assert_allclose(found.mean(axis=0), [1.339, 1.586, 1.817], rtol=0.03)  # of the spec


def test_two_points_far_apart_cost_as_if_nothing_had_to_be_told():
    found, angle = energies(paths(2, 512, spread=0.0))
    # n/√d = 0.09 is not yet 0: the clusters part at s of order 1/√d, 5 % of the right angle.
    np.testing.assert_allclose(found, [2, 2, 2.467], rtol=0.08)
    assert angle == pytest.approx(np.pi / 2, rel=0.05)


@pytest.mark.parametrize("spread", [0.0, 0.2, 0.6])
def test_the_optimal_path_is_the_cheapest(spread):
    system = paths(5, 2, spread=spread)
    now = begin(system, jax.random.key(1)).state
    cost = {p: float(jnp.sum(system.effort(now, p)) / CELLS) for p in PATHS}
    assert all(cost["optimal"] < other + 1e-3 for other in cost.values())
    chord = 2 * (1 - np.cos(float(system.unrolled(now)[1][-1])))
    assert cost["optimal"] == pytest.approx(chord, rel=5e-3)  # the chord, in 400 cells


ONCE = {"flow": "once", "n": 2000, "spread": 0.2}


@pytest.mark.parametrize("path", ["optimal", "straight"])
def test_a_swarm_spends_the_energy_of_its_path_and_arrives(path):
    running = Simulation(paths(6, 2, **ONCE, path=path, steps=200), seed=2).run(50)
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
    running = Simulation(paths(6, 2, **ONCE, path="straight", solver="Euler", steps=1)).run(1)
    # Data are centred; σ starts at 1, where x tells nothing of them, and 10⁻³ of the noise is left.
    np.testing.assert_allclose(state(running).x, np.zeros((2000, 2)), atol=5e-3)
    assert running.observables["energy"] > 0.9
    assert any("fewer than 20 steps" in words for words in running.caveats)


def test_dragging_the_width_of_the_clusters_measures_the_cone_anew():
    running = Simulation(paths(6, 2, **ONCE | {"spread": 0.1})).run(1)
    before = running.observables["angle"]
    compiled = simulation.advance._cache_size()
    running.set(spread=0.9).run(1)
    assert running.observables["angle"] < before / 2
    assert simulation.advance._cache_size() == compiled


def roomy(exact):
    """The same data and swarm, where there is room for more, filled with what must not be seen."""
    system = exact.replace(m=64, dim=16)
    here, there = (begin(s, jax.random.key(3)).state for s in (exact, system))
    wide = {
        name: getattr(there, name).at[: len(own), : own.shape[1]].set(own)
        for name, own in (("centres", here.centres), ("sample", here.sample))
    }
    flat = jnp.zeros_like(there.x).at[:, : here.x.shape[1]].set(here.x)
    there = there._replace(**wide, x=flat, begun=flat, metric=here.metric)
    return system, here, there


@pytest.mark.parametrize(("n", "d"), [(5, 1), (6, 3), (40, 2)])
def test_clusters_and_dimensions_that_are_not_there_move_nobody(n, d):
    """A swarm in larger arrays, step by step, from noise to data."""
    exact = paths(n, d, spread=0.2, steps=15, n=64, flow="once")
    system, here, there = roomy(exact)
    np.testing.assert_allclose(system.means(there)[:n, :d], exact.means(here), atol=1e-5)
    key = jax.random.key(0)
    for _ in range(15):
        here, there = jax.jit(exact.step)(here, key), jax.jit(system.step)(there, key)
    # Sums of 64 numbers in another order, and 15 steps in which rounding grows.
    np.testing.assert_allclose(there.x[:, :d], here.x, atol=1e-3)
    np.testing.assert_array_equal(there.x[:, d:], 0)
    one, other = exact.observables(here), system.observables(there)
    assert float(here.tau) == pytest.approx(1, abs=1e-5)
    for name in ("energy", "straightness"):
        assert other[name] == pytest.approx(float(one[name]), rel=2e-3)
    # Over 64 directions, not the same: a distance of 0.1 to 0.3 that each knows to some 15 %.
    assert other["distance"] == pytest.approx(float(one["distance"]), rel=0.5)


def test_the_cone_does_not_see_the_room_that_is_left():
    """Ψ of two points on a line and of one Gaussian, in arrays for 64 clusters in 16 dimensions."""
    room = {"m": 64, "dim": 16}
    _, angle = energies(KineticPaths(clusters=2, dimension=1, spread=0.0, **room))
    assert angle == pytest.approx(0.691, rel=0.02)  # 4096 samples of a covariance of 0.4 ± 0.4
    found, angle = energies(KineticPaths(clusters=9, dimension=5, spread=1.0, **room))
    np.testing.assert_allclose(found, [0, 0.4292, 0], atol=1e-3)
    assert angle < 0.02


def test_dragging_clusters_and_dimensions_begins_anew_with_another_cone():
    running = Simulation(KineticPaths(n=64, m=64, dim=64, steps=20)).run(7)
    compiled = simulation.advance._cache_size()
    close = running.observables["angle"]
    running.set(dimension=64.0).run(1)
    assert running.observables["tau"] == 0
    assert np.abs(state(running).x[:, 63]).max() > 1
    assert running.observables["angle"] > close + 0.2
    running.run(3)
    assert running.observables["tau"] == pytest.approx(3 / 20)
    running.set(clusters=2.0, dimension=1.0).run(1)
    assert np.abs(state(running).x[:, 1:]).max() == 0
    assert simulation.advance._cache_size() == compiled


def test_a_cone_of_other_data_is_marked_until_it_is_measured():
    running = Simulation(KineticPaths(n=64, m=8, dim=4, steps=5)).run(2)
    assert not any("anew" in words for words in running.caveats)
    assert any("anew" in words for words in running.set(dimension=4.0).caveats)
    assert not any("anew" in words for words in running.run(1).caveats)


def test_the_cone_opens_with_dimensions_and_closes_with_clusters():
    angle = {
        (n, d): energies(KineticPaths(clusters=n, dimension=d, spread=0.0, m=256, dim=64))[1]
        for n, d in [(2, 1), (2, 64), (256, 1), (256, 64)]
    }
    assert angle[256, 1] < angle[2, 1] < angle[256, 64] < angle[2, 64] < np.pi / 2


def test_more_than_there_is_room_for_is_said():
    running = Simulation(KineticPaths(n=64, m=8, dim=4, clusters=9, dimension=4.4))
    assert any("no room" in words for words in running.caveats)
    assert not any("no room" in words for words in running.set(clusters=8.4).run(1).caveats)


def test_the_map_opens_on_the_angle_over_clusters_and_dimensions():
    x, y = default_axes(KineticPaths())
    assert (x.name, y.name, KineticPaths.mapped) == ("clusters", "dimension", "angle")


def test_cells_of_the_map_take_turns_so_that_none_measures_its_cone_in_each_step():
    assert not side_by_side(KineticPaths(n=64, m=8, dim=4))


def test_the_lines_of_the_map_read_the_same_from_both_axes():
    lines = KineticPaths(clusters=8, dimension=64).boundaries()
    assert lines["n = √d"].at["clusters"].item() == 8
    assert lines["n = √d"].at["dimension"].item() == 64


def test_theory_walks_the_optimal_path_at_an_even_pace():
    system = KineticPaths(path="optimal", n=64)
    state = Simulation(system, seed=1).run(1).present.state
    effort = np.asarray(system.effort(state))
    # A cell's share of the path is a difference of numbers of order 1 in float32: known to
    # 6e-8 × 400 cells of itself, and as much again from the angle.
    assert np.ptp(effort) < 1e-3 * effort.mean()
