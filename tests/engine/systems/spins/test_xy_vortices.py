"""XY: stiffness, vortices and energy against known numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, along, begin, sweep
from engine.core.system import Touch
from engine.core.theory_maps import guide_curves, theory_curve
from engine.numerics.vortices import charges
from engine.systems.spins.xy_vortices import XYVortices, angle_of, beside, joined, reflected, split


def test_stiffness_energy_and_vortices_are_the_known_ones():
    system = XYVortices(length=32, beginning="aligned")
    temperature = jnp.array([0.5, 0.8, 0.8929, 1.2])
    means = sweep(system, temperature=temperature, seeds=4, settle=300, measure=4000)
    stiffness, energy = means["stiffness"].mean(axis=1), means["energy"].mean(axis=1)
    # The windows of the spec, from independent runs of the same length.
    gap = np.abs(np.asarray(stiffness) - [0.858, 0.719, 0.638, 0.0])
    assert (gap < np.array([0.005, 0.01, 0.012, 0.06])).all()
    gap = np.abs(np.asarray(energy)[[0, 1, 3]] - [-1.7305, -1.528, -1.046])
    assert (gap < np.array([0.003, 0.005, 0.01])).all()
    assert means["vortices"].mean(axis=1)[3] == pytest.approx(0.074, abs=0.01)


def test_theory_is_harmonic_where_cold_and_jumps():
    t = jnp.array([0.05, 0.5, 0.7, 0.8, 1.2])
    stiffness = along(XYVortices(), XYVortices.theory, temperature=t)["stiffness"]
    found = [1 - 0.05 / 4, 0.8655, 0.802, 0.7684, 0.0]
    # Of the second order in T where cold; vortices take less than 0.003 at T = 0.7.
    np.testing.assert_allclose(stiffness, found, atol=3e-3)
    line = XYVortices().boundaries()["harmonic + vortex flow"].at["temperature"]
    assert line == pytest.approx(0.957, abs=1e-3)
    assert XYVortices(temperature=line - 1e-3).theory()["stiffness"] > 2 / np.pi * 0.957 - 0.01


def test_over_relaxation_keeps_the_energy():
    colours = list(begin(XYVortices(length=32, beginning="random"), jax.random.key(2)).state.spin)
    before = jnp.sum(colours[0] * beside(colours[1], 0))
    for _ in range(100):
        for colour in (0, 1):
            colours[colour] = reflected(colours[colour], beside(colours[1 - colour], colour))
    after = jnp.sum(colours[0] * beside(colours[1], 0))
    assert float(after) == pytest.approx(float(before), abs=1e-4 * 1024)


def test_the_guide_meets_the_stiffness_where_it_jumps():
    values = np.linspace(0.1, 1.5, 29)
    guide = guide_curves(XYVortices(), "temperature", values)["2T/π"]["stiffness"]
    np.testing.assert_allclose(guide, 2 * values / np.pi, rtol=1e-6)
    along_coupling = guide_curves(XYVortices(temperature=0.5), "coupling", values)
    np.testing.assert_allclose(along_coupling["2T/π"]["stiffness"], 1 / np.pi, rtol=1e-6)
    theory = theory_curve(XYVortices(), "temperature", values)["stiffness"]
    assert (theory > guide)[values < 0.95].all()
    assert (theory < guide)[values > 1.0].all()


def test_about_half_of_the_trials_are_accepted_where_it_is_cold():
    system = XYVortices(length=32, temperature=0.5, beginning="aligned")
    spin = Simulation(system).run(50).snapshot().run.state.spin
    new = system._tried(spin[0], beside(spin[1], 0), jax.random.key(1))
    assert np.mean(np.asarray(new != spin[0]).any(axis=0)) == pytest.approx(0.5, abs=0.15)


def test_free_arrows_diffuse_as_their_noise_says():
    # J → 0 and T = 0.5: ⟨cos Δθ⟩ = e^{−T t} to t = 0.4.
    free = XYVortices(
        length=64, coupling=1e-3, temperature=0.5, update="langevin", beginning="aligned"
    )
    m = Simulation(free).run(20).observables["magnetisation"]
    assert m == pytest.approx(np.exp(-0.5 * 0.4), abs=4 / 64 + 1e-3)


def test_langevin_settles_to_the_same_energy():
    smooth = XYVortices(length=32, temperature=0.5, update="langevin", beginning="aligned")
    energy = Simulation(smooth).run(1000).measure(4000, every=5).estimates["energy"]
    # Euler's step of 0.02 heats by about 2 %: 0.01 of the energy.
    assert energy.mean == pytest.approx(-1.7305, abs=0.02)


def test_a_hand_winds_a_vortex_and_the_torus_stays_neutral():
    running = Simulation(XYVortices(length=32, beginning="aligned", temperature=0.05))
    running.poke("wind", Touch(jnp.array([16.0, 16.0]), jnp.zeros(2), 6.0))
    charge = np.asarray(charges(angle_of(running.snapshot().run.state.spin))).astype(int)
    assert charge.sum() == 0
    assert charge[15, 15] == 1
    forward = running.frame["lattice"][2]
    assert [16, 16] in forward.position.tolist()


def test_the_colours_hold_each_others_neighbours(key):
    board = jax.random.normal(key, (2, 8, 8))
    black, white = split(board)
    np.testing.assert_array_equal(joined(jnp.stack([black, white])), board)
    around = joined(jnp.stack([beside(white, 0), beside(black, 1)]))
    total = sum(np.roll(board, shift, axis) for shift in (1, -1) for axis in (1, 2))
    np.testing.assert_allclose(around, total, atol=1e-5)
