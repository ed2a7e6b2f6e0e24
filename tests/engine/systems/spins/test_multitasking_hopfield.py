"""Diluted patterns: the staircase by theory and by a network."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, along
from engine.systems.spins.multitasking_hopfield import MultitaskingHopfield


@pytest.mark.parametrize(
    ("k", "dilution", "temperature", "known"),
    [
        (3, 0.3, 0.02, (0.7000, 0.2100, 0.0628)),
        (3, 0.3, 0.2, (0.69835, 0.08597, 0.0)),
        (3, 0.7, 0.02, (0.28638, 0.22350, 0.16062)),
        (2, 0.4, 0.1, (0.59975, 0.23601)),
        (4, 0.53, 0.02, (0.45834, 0.25974, 0.14458, 0.08263)),
    ],
)
def test_the_mean_field_has_the_known_stairs(k, dilution, temperature, known):
    system = MultitaskingHopfield(patterns=k, dilution=dilution, temperature=temperature)
    np.testing.assert_allclose(system.best(), known, atol=1e-3)


@pytest.mark.parametrize(
    ("dilution", "known"), [(0.3, (0.697, 0.219, 0.072)), (0.7, (0.285, 0.222, 0.159))]
)
def test_a_network_climbs_them(dilution, known):
    system = MultitaskingHopfield(patterns=3, dilution=dilution, temperature=0.02, n=4000)
    running = Simulation(system, seed=1).run(30)
    bars = running.frame["overlaps"][1]
    # One draw of 4000 entries: 1/√N = 0.016.
    np.testing.assert_allclose(bars.height, known, atol=3 / np.sqrt(4000))


@pytest.mark.parametrize(("k", "end"), [(3, 0.61803), (4, 0.54369), (5, 0.51879), (8, 0.50202)])
def test_the_staircase_ends_where_its_last_step_is_gone(k, end):
    line = MultitaskingHopfield(patterns=k).boundaries()["the staircase ends"]
    assert line.at["dilution"] == pytest.approx(end, abs=1e-4)


def test_two_patterns_are_a_staircase_at_every_dilution():
    assert "the staircase ends" not in MultitaskingHopfield(patterns=2).boundaries()


def test_above_its_line_nothing_is_recalled():
    t = jnp.array([0.65, 0.75])
    overlap = along(MultitaskingHopfield(), MultitaskingHopfield.theory, temperature=t)["overlap"]
    assert overlap[0] > 0.1
    assert overlap[1] < 0.01


def test_blanks_may_be_dragged_and_patterns_stay():
    running = Simulation(MultitaskingHopfield(temperature=0.02)).run(10)
    before = running.snapshot().run.state.sign
    running.set(dilution=0.6).run(20)
    np.testing.assert_array_equal(running.snapshot().run.state.sign, before)
    # Beyond the end of the staircase: 0.33, not 1 − d = 0.4.
    assert running.observables["overlap"] == pytest.approx(running.theory()["overlap"], abs=0.05)


def test_where_all_are_recalled_alike_they_are_exactly_so():
    d = jnp.linspace(0.05, 0.9, 18)
    alike = along(MultitaskingHopfield(), MultitaskingHopfield.branches, dilution=d)["all alike"]
    np.testing.assert_allclose(alike.values["overlap"], alike.values["second"])
    assert not alike.stable[:5].any()  # a staircase has the lower free energy there
