"""Pairs in a plane: the exact ends of the crossover, and the numbers between."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from engine.core.simulation import along
from engine.systems.spins.bkt_bcs_bec import BktBcsBec, pairing_temperature, solved


def test_cold_it_is_the_exact_pair():
    for binding in (0.1, 1.0):
        found = solved(binding, 0.002)
        assert found.gap == pytest.approx(math.sqrt(2 * binding), abs=2e-4)
        assert found.chemical == pytest.approx(1 - binding / 2, abs=2e-4)
        assert found.superfluid == pytest.approx(1, abs=1e-4)


def test_pairs_form_where_they_were_found_to():
    t = jnp.array([pairing_temperature(b) for b in (0.1, 1.0, 5.0)])
    np.testing.assert_allclose(t, [0.25395, 0.84617, 2.17210], rtol=1e-3)


def test_both_equations_hold_by_another_quadrature():
    binding, t = 0.1, 0.12
    found = solved(binding, t)
    gap, mu = float(found.gap), float(found.chemical)

    def energy(e):
        return math.hypot(e - mu, gap)

    def lack(e):
        return math.tanh(energy(e) / 2 / t) / energy(e) - 1 / (e + binding / 2)

    def filled(e):
        return 1 - (e - mu) / energy(e) * math.tanh(energy(e) / 2 / t)

    top = 400.0  # beyond it the integrands are μ + E_B/2 over ε², and Δ²/2ε²
    of_gap = quad(lack, 0, top, points=[mu, 3], limit=400)[0] + (mu + binding / 2) / top
    of_number = quad(filled, 0, top, points=[mu, 3], limit=400)[0] + gap**2 / (2 * top)
    assert of_gap == pytest.approx(0, abs=2e-4)
    assert of_number == pytest.approx(2, abs=2e-4)


@pytest.mark.parametrize(
    ("core", "known"),
    [
        (math.pi**2 / 4, [0.0503, 0.0705, 0.0743, 0.0755]),
        (math.pi**2 / 2, [0.0570, 0.0894, 0.0997, 0.1065]),
    ],
)
def test_transitions_are_where_they_were_found(core, known):
    binding = jnp.array([0.01, 0.05, 0.1, 0.5])
    lines = along(BktBcsBec(core=core), BktBcsBec.boundaries, binding=binding)
    flowed = lines["superconductor (T_BKT)"].at["temperature"]
    np.testing.assert_allclose(flowed, known, atol=5e-4)
    bare = lines["bare stiffness (Nelson–Kosterlitz)"].at["temperature"]
    np.testing.assert_allclose(bare, [0.05973, 0.09794, 0.11221, 0.12477], atol=5e-4)


def test_the_stiffness_falls_from_the_universal_value_to_none():
    line = along(BktBcsBec(), BktBcsBec.boundaries, binding=jnp.array([0.1]))[
        "superconductor (T_BKT)"
    ].at["temperature"]
    both = jnp.concatenate([line - 1e-4, line + 1e-4])
    left = along(BktBcsBec(), measured, temperature=both)["renormalised stiffness"]
    # The stiffness leaves the universal value like a square root: 0.1 % of T is 10 % of it.
    assert float(left[0]) == pytest.approx(2 / math.pi * float(line[0]), rel=0.15)
    assert left[1] == 0


def measured(system):
    return system.observables(system.init(jax.random.key(0)))
