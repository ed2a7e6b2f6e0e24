"""Hopfield: the numbers of Amit, Gutfreund and Sompolinsky, and a network that obeys them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from engine.core.simulation import Simulation, along, sweep
from engine.core.system import Touch
from engine.numerics.pictures import glyphs
from engine.systems.spins.hopfield_ags import HopfieldAGS, capacity, frozen, retrieved


def test_the_capacity_at_zero_temperature():
    np.testing.assert_allclose(capacity(), [0.137906, 0.967417], atol=1e-5)


def test_retrieval_is_the_saddle_point():
    load, temperature = jnp.array([0.05, 0.05, 0.1, 0.1]), jnp.array([0.2, 0.5, 0.1, 0.3])
    phase = jax.jit(jax.vmap(retrieved))(load, temperature)
    np.testing.assert_allclose(phase.m, [0.998878, 0.904106, 0.996751, 0.953020], atol=1e-4)
    np.testing.assert_allclose(phase.q, [0.997830, 0.833358, 0.996916, 0.933070], atol=1e-4)
    np.testing.assert_allclose(phase.r, [1.01984, 1.87478, 1.06138, 1.54591], atol=1e-4)


def test_boundaries_are_where_they_were_found():
    loads = jnp.array([0.01, 0.03, 0.05, 0.08, 0.1, 0.2])
    lost = along(HopfieldAGS(), HopfieldAGS.boundaries, load=loads)["memory is lost"]
    found = [0.8010, 0.6504, 0.5423, 0.4046, 0.3154, np.nan]
    np.testing.assert_allclose(lost.at["temperature"], found, atol=0.002)
    temperature = jnp.array([0.5, 0.3, 0.2, 0.1, 0.02, 1e-4])
    lines = along(HopfieldAGS(), HopfieldAGS.boundaries, temperature=temperature)
    load = lines["memory is best"].at["load"][:4]
    np.testing.assert_allclose(load, [0.0281, 0.0450, 0.0507, 0.0531], atol=5e-4)
    cold = lines["memory is best"].at["load"][5]
    assert cold == pytest.approx(_first_order_load_at_zero(), abs=1e-4)
    # The same line the other way round; towards T = 0 it ends at the capacity.
    assert lines["memory is lost"].at["load"][1] == pytest.approx(0.1034, abs=0.001)
    assert lines["memory is lost"].at["load"][4] == pytest.approx(0.1382, abs=0.0005)
    assert lines["memory is lost"].at["load"][5] == pytest.approx(capacity()[0], abs=1e-4)


def _first_order_load_at_zero():
    """Where memory and glass have the same energy at T = 0, by plain error functions: 0.0519."""

    def energy(load, m, width):
        c = math.sqrt(2 / math.pi) / width * math.exp(-((m / width) ** 2) / 2)
        size = m * math.erf(m / width / math.sqrt(2)) + width**2 * c  # mean of |m + width z|
        storage = load / 2 * (1 - 1 / (1 - c)) + width**2 * c / 2
        return storage + m**2 / 2 - size

    def memory(load):
        def excess(y):  # of y = m / √(2αr)
            inside = math.sqrt(2 * load) + 2 / math.sqrt(math.pi) * math.exp(-(y**2))
            return math.erf(y) - y * inside

        y = brentq(excess, 1.6, 10)
        return energy(load, math.erf(y), math.erf(y) / y / math.sqrt(2))

    def glass(load):
        return energy(load, 0.0, math.sqrt(load) + math.sqrt(2 / math.pi))

    return brentq(lambda load: memory(load) - glass(load), 0.03, 0.1)


def test_symmetry_of_the_memory_breaks_in_a_sliver_of_cold():
    loads = jnp.array([0.06, 0.1, 0.12, 0.13, 0.138, 0.15])
    lines = along(HopfieldAGS(), HopfieldAGS.boundaries, load=loads)
    found = lines["symmetry breaks in memory"].at["temperature"]
    # (1 − C)² = α/T² ∫Dz sech⁴(x/T), by the plain equations in float64 with 40 001 nodes.
    z = np.linspace(-7, 7, 40_001)
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    for load, t in zip(np.asarray(loads[1:5], float), np.asarray(found[1:5], float), strict=True):
        m, q, tanh = 1.0, 1 - 0.01 * t, np.ones_like(z)
        for _ in range(200):
            c = (1 - q) / t
            tanh = np.tanh((m + np.sqrt(load * q) / (1 - c) * z) / t)
            m, q = weight @ tanh, weight @ tanh**2
        right = load / t**2 * (weight @ (1 - tanh**2) ** 2)
        assert right == pytest.approx((1 - (1 - q) / t) ** 2, rel=0.01)
    # Where the load is small: T = √(8α/9π) e^{−1/2α}, here within a halving of 1.5e-6.
    small = np.sqrt(0.48 / (9 * np.pi)) * np.exp(-1 / 0.12)
    assert found[0] == pytest.approx(small, rel=0.1)
    assert np.isnan(found[5])  # no memory, nothing that breaks


def test_a_mixture_of_three_memories_holds_below_its_boundary():
    loads = jnp.array([1e-4, 0.01, 0.02, 0.04, 0.1, 0.2])
    lines = along(HopfieldAGS(), HopfieldAGS.boundaries, load=loads)
    found = lines["three at once hold"].at["temperature"]
    # 0.46 as α → 0 (textbook), and none beyond a load of about 0.03.
    assert found[0] == pytest.approx(0.46, abs=0.01)
    assert 0.2 < found[1] < 0.3
    assert 0.1 < found[2] < 0.2
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize(("temperature", "holds"), [(0.1, True), (0.6, False)])
def test_a_network_shows_three_memories_at_once_only_where_it_is_cold(temperature, holds):
    mixture = HopfieldAGS(
        side=45,
        load=0.002,
        temperature=temperature,
        beginning="mixture of three",
        memories="random",
    )
    state = Simulation(mixture, seed=1).run(60).snapshot().run.state
    overlap = np.abs(np.asarray(state.pattern[:3] @ state.spin[0])) / 45**2
    # Each is 1/2, to 1/√N, while they hold; else one wins or all go.
    assert (np.ptp(overlap) < 4 / 45) == holds


def test_the_glass_melts_at_its_boundary():
    line = 1 + np.sqrt(0.04)
    assert frozen(0.04, line - 0.05).q > 0.01
    assert frozen(0.04, line + 0.05).q == 0


def test_a_branch_that_is_not_there_is_not_a_number():
    branches = HopfieldAGS(load=0.2, temperature=0.5).branches()
    assert np.isnan(branches["retrieval"].values["overlap"])
    assert branches["no memory"].values["overlap"] == 0


def test_the_landscape_has_its_valley_at_the_memory():
    system = HopfieldAGS(load=0.03, temperature=0.2)
    curve = system.landscape()["overlap"]
    assert curve.x[np.argmin(curve.y)] == pytest.approx(retrieved(0.03, 0.2).m.item(), abs=0.02)
    # Beyond the capacity there is none but that of the glass.
    lost = HopfieldAGS(load=0.2, temperature=0.2).landscape()["overlap"]
    assert lost.x[np.argmin(lost.y)] < 0.1


def test_the_network_remembers_as_theory_says():
    system = HopfieldAGS(side=45, memories="random")
    temperature = jnp.array([0.2, 0.5])
    measured = sweep(system, temperature=temperature, seeds=3, settle=60, measure=60)
    predicted = along(system, HopfieldAGS.theory, temperature=temperature)
    # N = 2025, as the page of the spec; crosstalk differs from draw to draw by 1/√N = 0.02.
    gap = np.abs(measured["overlap"].mean(axis=1) - predicted["overlap"])
    assert (gap < np.array([0.001, 0.03])).all()
    assert (np.abs(measured["freezing"].mean(axis=1) - predicted["freezing"]) < 0.05).all()


def test_beyond_the_capacity_a_trace_of_the_memory_stays_in_a_glass():
    overfull = HopfieldAGS(side=45, load=0.16, temperature=0.02, corruption=0.0, memories="random")
    remanent = Simulation(overfull, seed=2).run(60).measure(60).estimates["overlap"].mean
    assert 0.2 < remanent < 0.45  # no retrieval, which is above 0.9


def test_at_zero_temperature_the_energy_never_rises():
    # Spins of one part of a sweep do not see each other, so 1/N of rise is allowed for.
    cold = HopfieldAGS(side=16, temperature=1e-4, corruption=0.3, load=0.03)
    running = Simulation(cold)
    energy = [running.run(1).observables["energy"] for _ in range(8)]
    assert np.diff(energy).max() < 1 / 256


def test_a_smeared_letter_heals():
    running = Simulation(HopfieldAGS(load=0.03, temperature=0.1, corruption=0.0)).run(2)
    touch = Touch(jnp.array([8.0, 8.0]), jnp.zeros(2), 7.0)
    assert running.poke("smear", touch).observables["overlap"] < 0.95
    assert running.run(10).observables["overlap"] > 0.99


def test_letters_are_what_it_remembers_and_each_can_be_asked_for():
    running = Simulation(HopfieldAGS(load=0.03, temperature=0.1)).poke("ask_for_the_next").run(10)
    (_, picture), (_, memory) = running.frame["network"], running.frame["memory"]
    np.testing.assert_array_equal(memory.values, glyphs(32)[1])
    assert np.mean(picture.values == memory.values) > 0.99


def test_images_of_the_user_are_what_it_remembers():
    image = jnp.where(jnp.eye(16) > 0, 1.0, -1.0)[None]
    running = Simulation(HopfieldAGS(side=16, images=image, load=0.02)).run(20)
    (_, picture) = running.frame["network"]
    np.testing.assert_array_equal(picture.values, image[0])


@pytest.mark.parametrize("side", [17, 20])
def test_any_side_will_do(side):
    running = Simulation(HopfieldAGS(side=side, load=0.02, temperature=0.05)).run(10)
    assert running.observables["overlap"] > 0.99
