"""The zoo: order, chaos and escape, and a network that adapts to a system it has never seen."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation
from engine.numerics import hamiltonians as zoo
from engine.systems.swarms.hamiltonian_zoo import HamiltonianZoo


STILL = {"pace": 0, "adaptation": 0}  # nothing is learnt


@pytest.fixture(scope="module")
def running():
    return Simulation(HamiltonianZoo(n=256, width=32, again=400), seed=1)


def test_few_steps_adapt_what_was_meta_learnt_and_not_what_was_not(running):
    # 400 steps of meta-learning, on the other three systems; then 50 of adaptation to this one.
    running.restart(1).set(pace=1, adaptation=50, again=400).run(450)
    state = running.present.state
    meta, scratch = np.asarray(state.trial.history.rows)[:, :50]
    assert state.tried == 50
    assert running.observables["trained"] == 450
    assert np.mean(meta[40:]) < 0.5 * np.mean(meta[:3])  # it adapts
    # Over four seeds: 0.09 to 0.15, against 0.78 to 0.91; at the start of it 0.4.
    assert np.mean(meta[40:]) < 0.3 * np.mean(scratch[40:])
    seen = running.observables
    assert seen["error"] < 0.3 * seen["scratch"]  # on the cloud too, which is not the data
    # Held on the true cloud while it adapts, and then on its own.
    np.testing.assert_array_equal(state.x[0], state.x[1])
    drift = running.run(30).observables["learnt drift"]
    assert 0 < drift < 0.125


def test_learning_is_paused_resumed_and_forgotten(running):
    trained = running.observables["trained"]
    assert running.set(pace=0).run(3).observables["trained"] == trained
    assert running.set(pace=2).run(3).observables["trained"] == trained + 6
    running.poke("adapt")
    assert running.observables["tried"] == 0
    running.poke("forget")
    assert running.observables["trained"] == 0
    assert running.present.state.meta.loss == 1


def test_another_energy_begins_another_cloud(running):
    running.restart(2).set(**STILL, energy=0.5).run(1)
    system, state = running.system, running.present.state
    np.testing.assert_allclose(system.energies(state.x[0]), 1 / 12, atol=1e-4)
    assert state.age == pytest.approx(0.2)
    running.run(1)
    assert running.present.state.age == pytest.approx(0.4)


def test_order_gives_way_to_chaos_and_to_escape(running):
    running.restart(1).set(**STILL, dt=0.1)
    chaotic, escaped = [], []
    for energy in (0.5, 0.75, 0.98, 1.15):
        seen = running.set(energy=energy).run(750).observables  # to t = 300
        chaotic.append(seen["chaotic"])
        escaped.append(seen["escaped"])
    # Hénon and Heiles: all regular at 1/12, about half of it at 1/8, next to nothing at 1/6.
    # A longer run finds more: at 1/8, 0.35 ± 0.03 by this time and 0.42 by t = 400.
    assert chaotic[0] < 0.01
    assert 0.2 < chaotic[1] < 0.5
    assert chaotic[2] > 0.8
    assert escaped[:3] == [0, 0, 0]  # exact: the well is closed
    assert escaped[3] > 0.8
    assert np.isfinite(running.present.state.x).all()


def test_a_section_shows_islands_where_orbits_are_regular(running):
    running.restart(1).set(**STILL, energy=0.5, dt=0.05).run(800)
    section = running.present.state.section
    count = int(section.seen[0])
    y, p = np.asarray(section.at[0, :count]).T
    # 96 orbits, one passage in each turn of about 2π.
    assert count == pytest.approx(96 * 160 / (2 * np.pi), rel=0.15)
    # All lie where the energy allows: p² + y² − 2y³/3 ≤ 2E, but for the line between two steps.
    assert np.max(p**2 + y**2 - 2 * y**3 / 3) < 2 / 12 + 0.01


def test_a_pendulum_stays_in_its_plane_whatever_is_learnt_outside_of_it(key):
    system = HamiltonianZoo(kind="pendulum", n=128, width=8, batch=4)
    state = jax.jit(system.init)(key)._replace(tried=jnp.int32(100))  # released, untaught
    flown = jax.jit(system.flown)(state)
    np.testing.assert_array_equal(flown.x[:, :, 1::2], 0)
    assert jnp.any(flown.x[0] != flown.x[1])


def test_what_is_shown_is_not_what_is_learnt_from(key):
    numbers = jax.random.uniform(key, (600, 3))
    for kind in ("pendulum", "two-body"):
        others = HamiltonianZoo(kind=kind)
        drawn = jax.jit(jax.vmap(others.drawn))(numbers)
        count = np.bincount(drawn.kind, minlength=4)
        assert count[others.index] == 0
        assert np.delete(count, others.index) == pytest.approx([200] * 3, abs=4 * np.sqrt(133))
        assert 0.5 <= np.min(drawn.mass) < 0.6 < 1.8 < np.max(drawn.stiffness) <= 2
    all_of_them = jax.jit(jax.vmap(HamiltonianZoo(taught="all").drawn))(numbers)
    assert np.bincount(all_of_them.kind, minlength=4) == pytest.approx(
        [150] * 4, abs=4 * np.sqrt(112)
    )


def test_noise_of_the_data_is_what_the_true_hamiltonian_is_left_with(key):
    system = HamiltonianZoo(noise=0.5, batch=512)
    loss: Any = system.adapting().loss  # it takes any H, not only a network
    found = jax.jit(jax.vmap(lambda key: loss(system.hamiltonian, key)))(jax.random.split(key, 64))
    # σ² of data whose own size is 1 + σ², in 64 batches of 2048 numbers.
    assert np.mean(found) == pytest.approx(0.2, rel=4 * np.sqrt(2 / (64 * 2048)))


@pytest.mark.parametrize("kind", [k for k in zoo.KINDS if k != "Hénon–Heiles"])
def test_theory_knows_which_orbits_stay(kind):
    system = HamiltonianZoo(kind=kind, energy=0.9)
    assert system.theory()["escaped"] == 0
    assert system.theory()["chaotic"] == 0
    away = system.replace(energy=1.1).theory()["escaped"]
    assert jnp.isnan(away) == (kind == "two-body")  # a pendulum that goes over the top stays
