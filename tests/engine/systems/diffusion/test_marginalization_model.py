"""Marginals that add up, against the list of all states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, begin
from engine.core.system import Touch
from engine.numerics.small_ising import all_states, log_weights, torus
from engine.systems.diffusion.marginalization_model import MarginalizationModel


SMALL = {"length": 3, "width": 64, "batch": 128, "pace": 100}


def state(running):
    return running._run.state


@pytest.fixture(scope="module")
def learnt():
    return Simulation(MarginalizationModel(**SMALL, beta=0.2), seed=0).run(15)


def test_the_network_finds_ln_z_and_marginals(learnt):
    seen, known = learnt.observables, learnt.system.theory()
    # Spec, for 4 × 4 after 3000 steps: within 0.05 at β = 0.2, and 0.045 off in ln p₊₊.
    assert seen["log Z"] == pytest.approx(known["log Z"].item(), abs=0.05)
    assert seen["pair"] == pytest.approx(known["pair"].item(), abs=0.05)
    _, points, _ = learnt.frame["marginals"]
    true, made = points.position.T
    # Of any part of the lattice: what a step of adding up errs by, 0.04, over up to nine steps
    # that partly cancel.
    assert np.abs(true - made).mean() < 0.1


def test_what_does_not_add_up_becomes_less(learnt):
    fresh = Simulation(MarginalizationModel(**SMALL, beta=0.2), seed=0)
    # An untrained network adds little to free spins: it errs by a few hundredths to begin with.
    assert learnt.observables["loss"] < fresh.observables["loss"] / 2


def test_the_exact_values_are_those_of_the_spec():
    for beta, log_z, pair in ((0.2, 11.771, -1.181), (0.4, 14.561, -0.862)):
        known = MarginalizationModel(beta=beta).theory()
        assert known["log Z"].item() == pytest.approx(log_z, abs=1e-3)
        assert known["pair"].item() == pytest.approx(pair, abs=1e-3)


def test_a_full_lattice_has_its_known_energy_and_a_turned_one_the_same(key):
    system = MarginalizationModel(**SMALL, beta=0.3)
    now = begin(system, key).state
    network = system.training(now.chains).network(now.learned)
    states = jnp.asarray(all_states(9)[::37])
    known = log_weights(torus(3), 0.3, 0.0)[::37]
    found = jax.vmap(lambda x: system.marginal(network, x))(states)
    np.testing.assert_allclose(found, known, atol=1e-5)
    part = states.at[:, :5].set(0.0)
    up, down = (jax.vmap(lambda x: system.marginal(network, x))(s * part) for s in (1.0, -1.0))
    np.testing.assert_allclose(up, down, atol=1e-5)


def test_chains_are_the_magnet(key):
    """The correlation of neighbours, against the list of states."""
    system = MarginalizationModel(**SMALL, beta=0.3)
    chains = begin(system, key).state.chains
    for k in range(3):
        chains = jnp.concatenate([chains, system.swept(chains, jax.random.key(k))])
    weight = np.exp(np.asarray(log_weights(torus(3), 0.3, 0.0), float))
    states = all_states(9)
    agree = np.sum(states @ torus(3) * states, axis=1) / 36
    exact = np.sum(weight * agree) / weight.sum()
    spread = np.sqrt(np.sum(weight * (agree - exact) ** 2) / weight.sum())
    found = np.mean(np.sum(np.asarray(chains) @ torus(3) * np.asarray(chains), axis=1) / 36)
    assert found == pytest.approx(exact, abs=4 * spread / np.sqrt(256))


def test_a_lattice_fills_in_and_is_put_away(learnt):
    still = Simulation(MarginalizationModel(**SMALL | {"pace": 0}))
    missing = [still.run(6).observables["missing"] for _ in range(9)]
    assert missing == list(range(8, -1, -1))
    still.run(6 * 10)
    assert np.abs(state(still).spins.done[-1]).sum() == 9
    assert still.observables["missing"] > 0


def test_a_hand_fills_in_the_site_below_it():
    running = Simulation(MarginalizationModel(**SMALL | {"pace": 0}))
    touch = Touch(jnp.array([1.5, 2.5]), jnp.zeros(2), jnp.float32(1), jnp.float32(1))
    running.poke("fill_in", touch)
    site = np.asarray(state(running).spins.site).reshape(3, 3)
    assert np.abs(site[2, 1]) == 1
    assert np.abs(site).sum() == 1
    before = site.copy()
    running.poke("fill_in", touch)  # what is there stays
    np.testing.assert_array_equal(np.asarray(state(running).spins.site).reshape(3, 3), before)


def test_a_spin_is_drawn_given_its_neighbours(learnt):
    system, now = learnt.system, state(learnt)
    part = jnp.zeros(9).at[jnp.array([1, 2, 3, 6])].set(1.0)  # all neighbours of the corner
    found = system.chance(now, part, jnp.asarray(0))
    # Given all four neighbours up, the rest does not matter: 1/(1 + e^{−8β}); to what was learnt.
    assert found.item() == pytest.approx(1 / (1 + np.exp(-8 * 0.2)), abs=0.03)
