"""Ising: Onsager's numbers, and both update rules reach them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, along, sweep
from engine.core.system import Touch
from engine.numerics import checkerboard
from engine.numerics.exchange import exchanged
from engine.numerics.onsager import CRITICAL, onsager
from engine.systems.spins.ising_2d import Ising2D


@pytest.mark.parametrize("update", ["heat bath", "metropolis"])
def test_order_and_energy_are_onsagers(update):
    system = Ising2D(length=64, update=update)
    temperature = jnp.array([1.5, 2.0, 2.5, 3.5])

    measured = sweep(system, temperature=temperature, seeds=4, settle=300, measure=1500)
    predicted = along(system, Ising2D.theory, temperature=temperature)

    # 4 seeds of 1500 sweeps on 64² sites: the energy is known to 0.001, near T_c to 0.003.
    energy, order = measured["energy"].mean(axis=1), measured["order"].mean(axis=1)
    np.testing.assert_allclose(
        predicted["energy"], [-1.95112, -1.7456, -1.1061, -0.6601], atol=6e-5
    )
    assert (abs(energy - predicted["energy"]) < np.array([0.002, 0.003, 0.006, 0.003])).all()
    np.testing.assert_allclose(predicted["order"][:2], [0.98650, 0.9113], atol=5e-5)
    assert (abs(order - predicted["order"])[:2] < np.array([0.001, 0.003])).all()
    # Above T_c |m| of a finite lattice is √(2Tχ/πN), here 0.03, and the cumulant vanishes.
    assert order[3] == pytest.approx(0.030, abs=0.006)
    binder = measured["binder"].mean(axis=1)
    assert binder[1] == pytest.approx(2 / 3, abs=1e-3)
    assert binder[3] == pytest.approx(0, abs=0.15)


def test_a_finite_lattice_keeps_order_at_the_critical_point():
    assert pytest.approx(2.269185, abs=1e-6) == CRITICAL
    order = sweep(
        Ising2D(length=32), temperature=jnp.array([2.27]), seeds=16, settle=500, measure=3000
    )["order"]
    # ⟨|m|⟩ = 1.0055 L^{-1/8} = 0.652 there; it fluctuates by 0.2 and forgets in 10³ sweeps.
    assert order.mean() == pytest.approx(0.652, abs=4 * 0.2 / np.sqrt(48))


def test_an_antiferromagnet_orders_by_colour():
    running = Simulation(
        Ising2D(length=32, coupling=-1.0, temperature=1.5, arrangement="random"), seed=3
    ).run(400)
    means = running.measure(400).estimates
    # One lattice of 32² for 400 sweeps, which may keep a wall for a while.
    assert means["energy"].mean == pytest.approx(-1.951, abs=0.1)
    assert abs(means["magnetisation"].mean) < 0.01


def test_theory_is_silent_in_a_field():
    assert np.isnan(Ising2D(field=0.1).theory()["order"])
    assert np.isnan(Ising2D(temperature=3.0).boundaries()["either way up"].at["field"])
    assert Ising2D(temperature=2.0).boundaries()["either way up"].at["field"] == 0


@pytest.mark.parametrize("update", ["heat bath", "metropolis"])
def test_a_spin_in_a_field_turns_as_often_as_its_rule_says(update):
    system = Ising2D(length=64, coupling=0.0, field=0.4, temperature=1.5, update=update)
    up = Simulation(system).run(1).observables["magnetisation"]
    beta_h = 0.4 / 1.5
    down = {"heat bath": 1 / (1 + np.exp(2 * beta_h)), "metropolis": np.exp(-2 * beta_h)}[update]
    # From all up, in one sweep; 4σ of 64² spins.
    assert up == pytest.approx(1 - 2 * down, abs=4 / 64)


def test_a_hand_turns_spins_under_it():
    up = Simulation(Ising2D(length=64, temperature=0.5))
    touch = Touch(jnp.array([2.0, 32.0]), jnp.zeros(2), 10.0, -1.0)
    (_, image) = up.poke("flip", touch).frame["lattice"]
    assert image.values[32, 2] == -1  # x is a column
    assert image.values[32, 60] == -1  # around the edge
    assert image.values[2, 32] == 1
    assert (image.values < 0).sum() == pytest.approx(np.pi * 100, rel=0.05)


def test_the_mean_field_is_curie_and_weiss():
    system = Ising2D(update="mean field", length=128)
    m = along(system, Ising2D.theory, temperature=jnp.array([0.8, 0.5]))["order"]
    np.testing.assert_allclose(m, [0.71041, 0.95750], atol=1e-5)
    running = Simulation(system.replace(temperature=0.8)).run(50)
    order = running.measure(400).estimates["order"]
    # 5σ, and 1/N times the curvature of the response, 1e-4.
    assert abs(order.mean - 0.71041) < 5 * order.error + 2e-4


def test_a_mean_field_has_three_branches_within_its_spinodals_and_one_outside():
    system = Ising2D(update="mean field", temperature=0.6)
    edge = system.boundaries()["spinodal, down"].at["field"]
    inside, outside = (system.replace(field=f * edge).branches() for f in (0.98, 1.02))
    values = [inside[k].values["magnetisation"] for k in ("down", "between", "up")]
    assert values[0] < values[1] < values[2]
    assert inside["up"].free_energy < inside["down"].free_energy < inside["between"].free_energy
    assert [bool(inside[k].stable) for k in ("down", "between", "up")] == [True, False, True]
    assert np.isnan(outside["down"].values["magnetisation"])
    assert np.isfinite(outside["up"].values["magnetisation"])
    landscape = system.landscape()["magnetisation"]
    lowest = landscape.x[np.argmin(landscape.y)]
    assert abs(lowest) == pytest.approx(float(system.theory()["order"]), abs=0.01)


def test_a_lattice_gas_keeps_its_particles_and_fills_two_phases():
    system = Ising2D(
        update="lattice gas", temperature=2.0, length=64, arrangement="halves", composition=0.5
    )
    running = Simulation(system)
    before = running.observables["magnetisation"]
    estimates = running.run(100).measure(800, every=4).estimates
    assert running.observables["magnetisation"] == before
    # The walls of two slabs on 64² are some sites wide: 3 % of the contrast.
    assert estimates["order"].mean == pytest.approx(float(system.theory()["order"]), abs=0.04)


def test_an_exchange_obeys_detailed_balance():
    # Four particles on a 4 × 4 torus have 1820 states; their mean energy against all of them.
    spin = -jnp.ones((4, 4), jnp.int8).at[0].set(-1)
    k = 0.3
    state = np.array([s for s in np.ndindex(*(2,) * 16) if sum(s) == 4], dtype=float) * 2 - 1
    boards = state.reshape(-1, 4, 4)
    pairs = sum((boards * np.roll(boards, 1, axis)).sum(axis=(1, 2)) for axis in (1, 2))
    weight = np.exp(k * pairs)
    exact = np.sum(pairs * weight) / weight.sum()
    keys = jax.random.split(jax.random.key(3), 4000)

    @jax.jit
    @jax.vmap
    def settled(key):
        return jax.lax.fori_loop(
            0, 40, lambda i, s: exchanged(jax.random.fold_in(key, i), s, k), spin
        )

    many = np.asarray(settled(keys)).astype(float)
    assert (many.sum(axis=(1, 2)) == -8).all()
    found = sum((many * np.roll(many, 1, axis)).sum(axis=(1, 2)) for axis in (1, 2))
    assert abs(found.mean() - exact) < 5 * found.std() / np.sqrt(len(found))


def test_the_binodal_of_a_lattice_gas_is_onsagers():
    # ε = 4J = 1: x₋ = 0.04434 at T = 0.5 and 0.001487 at 0.3; mean-field spinodal x(1−x) = T/4ε.
    gas = Ising2D(update="lattice gas", coupling=0.25)
    lines = along(gas, Ising2D.boundaries, temperature=jnp.array([0.5, 0.3]))
    np.testing.assert_allclose(
        lines["they part"].at["composition"], [0.04434, 0.001487], atol=1e-5, rtol=1e-3
    )
    x = gas.replace(composition=0.04434).boundaries()["they part"].at["temperature"]
    assert x == pytest.approx(0.5, abs=1e-4)
    spinodal = lines["mean-field spinodal"].at["composition"]
    np.testing.assert_allclose(spinodal * (1 - spinodal), jnp.array([0.5, 0.3]) / 4, rtol=1e-5)


def test_marginals_are_sampled_as_counted():
    system = Ising2D(update="any-order marginals", temperature=5.0, field=1.0, length=32)
    running = Simulation(system).run(20)
    touch = Touch(jnp.array([1.5, 2.5]), jnp.zeros(2), 1.0, -1.0)
    running.poke("flip", touch)
    (_, image, _, _) = running.frame["lattice"]
    assert image.values[2, 1] == -1
    mean = running.measure(2000).estimates["magnetisation"]
    assert abs(mean.mean - image.values.mean()) < 5 * mean.error + 1e-5
    assert system.theory()["magnetisation"] == pytest.approx(0.480005, abs=1e-5)


def test_onsager_has_the_right_energy_at_the_critical_point():
    _, energy = onsager(jnp.asarray(1 / CRITICAL))
    assert energy == pytest.approx(-np.sqrt(2), abs=1e-3)  # the logarithm of float32's step


# A bin is 0.11 wide. 64 blocks or more fall into it where they like: 4 · 0.11/√(12 · 64); the few
# levels of a board of 16 spins do not, and may all lie half a bin from its middle.
@pytest.mark.parametrize(
    ("update", "spread"),
    [("heat bath", 0.017), ("mean field", 0.017), ("any-order marginals", 0.055)],
)
def test_energies_of_blocks_have_the_mean_of_the_lattice(update, spread):
    system = Ising2D(length=64, update=update, temperature=2.5, field=0.3, arrangement="random")
    running = Simulation(system).run(5)
    _, bars, _ = running.frame["energies"]
    middle, width = (bars.edges[1:] + bars.edges[:-1]) / 2, np.diff(bars.edges)
    assert np.sum(bars.height * width) == pytest.approx(1, abs=1e-4)
    mean = np.sum(bars.height * width * middle)
    assert mean == pytest.approx(running.observables["energy"], abs=spread)


def test_energies_of_blocks_spread_as_their_heat_capacity_says():
    system = Ising2D(length=256, temperature=1e3, arrangement="random")
    _, bars, mark = Simulation(system).run(2).frame["energies"]
    middle, share = (bars.edges[1:] + bars.edges[:-1]) / 2, bars.height * np.diff(bars.edges)
    # Two bonds of variance J² a site, 64 sites; 1024 blocks, and 5 % more by the width of a bin.
    spread = np.sum(share * middle**2) - np.sum(share * middle) ** 2
    assert spread == pytest.approx(2 / 64 + 0.094**2 / 12, rel=4 * np.sqrt(2 / 1024))
    np.testing.assert_allclose(mark.x, -2 / 1e3, rtol=0.01)  # −2J²/T by theory


def test_rough_theories_put_the_critical_point_too_high():
    lines = Ising2D(coupling=0.5).boundaries()
    t = {name: float(line.at["temperature"]) for name, line in lines.items() if "point" in name}
    assert t == pytest.approx(
        {
            "critical point": 2.269185 / 2,
            "critical point, Bethe": 2.885390 / 2,
            "critical point, mean field": 2.0,
        },
        abs=1e-5,
    )
    assert np.isnan(Ising2D(field=0.1).boundaries()["critical point, Bethe"].at["temperature"])


def test_boards_of_the_test_of_the_kernel_are_those_of_the_system():
    system = Ising2D(length=32, arrangement="halves")
    spin = checkerboard.unpacked(system.init(jax.random.key(0)).spin)
    assert (np.asarray(spin)[:, :16] == 1).all()
    assert (np.asarray(spin)[:, 16:] == -1).all()
