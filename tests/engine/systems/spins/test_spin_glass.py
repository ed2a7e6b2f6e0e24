"""Spin glasses: the line of de Almeida and Thouless, and a paramagnet that obeys theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, along, sweep
from engine.systems.spins.spin_glass import SpinGlass


def test_symmetry_breaks_where_de_almeida_and_thouless_say():
    lines = along(SpinGlass(), SpinGlass.boundaries, temperature=jnp.array([0.5, 0.8, 0.2]))
    field = lines["replica symmetry breaks"].at["field"]
    np.testing.assert_allclose(field, [0.56993, 0.11758, 1.38186], atol=2e-4)
    at_h = SpinGlass(field=0.5).boundaries()["replica symmetry breaks"].at["temperature"]
    assert at_h == pytest.approx(0.53510, abs=1e-4)


def test_a_paramagnet_of_pairs_fluctuates_as_theory_says():
    system = SpinGlass(temperature=1.5, n=256)
    means = sweep(system, temperature=jnp.array([1.5]), seeds=12, settle=40, measure=300)
    # The windows of the spec; 256 spins lack 0.006 of the energy.
    assert means["glass susceptibility"].mean() == pytest.approx(1.80, abs=0.15)
    assert means["energy"].mean() == pytest.approx(-0.333, abs=0.012)
    assert system.theory()["energy"] == pytest.approx(-1 / 3, abs=1e-4)


def test_a_paramagnet_of_triples_has_the_energy_of_a_liquid():
    system = SpinGlass(order="3", n=48, temperature=1.2)
    energy = Simulation(system, seed=1).run(50).measure(600).estimates["energy"]
    # −β/2 as N → ∞; 48 spins and one draw of the couplings: some 5 %.
    assert energy.mean == pytest.approx(-0.5 / 1.2, abs=0.03)


@pytest.mark.parametrize("order", ["2", "3"])
def test_energy_is_what_its_definition_says(order, key):
    system = SpinGlass(order=order, n=32, field=0.3)
    state = system.init(key)
    j, s = np.asarray(state.coupling, float), np.asarray(state.spin[3, 1], float)
    letters = "ij" if order == "2" else "ijk"
    indices = ",".join(letters)
    inner = np.einsum(f"{letters},{indices}->", j, *[s] * len(letters))
    exact = -inner / (2 if order == "2" else 6) - 0.3 * s.sum()
    assert system.energies(state)[3, 1] == pytest.approx(exact, abs=1e-4)
    variance = np.var(j[np.triu_indices(32, 1)]) if order == "2" else np.var(j[0, 1, 2:])
    expected = 1 / 32 if order == "2" else 3 / 32**2
    assert variance == pytest.approx(expected, rel=0.8 if order == "3" else 0.3)
    # The local field is minus half the cost of turning a spin.
    turned = state._replace(spin=state.spin.at[3, 1, 5].multiply(-1))
    cost = system.energies(turned)[3, 1] - system.energies(state)[3, 1]
    h = system.local(state.coupling[5], state.spin)[3, 1] + 0.3
    assert cost == pytest.approx(float(2 * s[5] * h), abs=1e-4)


def test_without_field_overlaps_of_either_sign_are_alike():
    running = Simulation(SpinGlass(n=48, temperature=0.7), seed=4).run(1500)
    seen = np.asarray(running.snapshot().run.state.histogram)
    up, down = seen[32:].sum(), seen[:32].sum()
    # Turning one replica as a whole takes some 50 sweeps: 20 of them in the memory.
    assert abs(up - down) / (up + down) < 4 / np.sqrt(20)


def test_too_many_triples_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="too many triples: give at most 160"):
        SpinGlass(order="3", n=200).init(jax.random.key(0))
