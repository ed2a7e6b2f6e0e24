"""Hopping through a row of sites: against closed forms of one site, and against equilibrium."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import hopping


ONE = (2.0, 1.0, 0.5, 1.5)  # in and out on the left, in and out on the right
settled, cumulants = jax.jit(hopping.settled), jax.jit(hopping.current_cumulants)
stationary = jax.jit(lambda rate: hopping.stationary(hopping.flows(rate)))


def one_site():
    """The rates of one site that ONE says: c_L = 2, c_R = ¾, e^{V/2} = 3/2, ε = V/2."""
    voltage = jnp.float32(2 * np.log(1.5))
    energy = hopping.energies(voltage[None] / 2, voltage, jnp.float32(0.0))
    return hopping.rates(energy, voltage, *(jnp.float32(x) for x in (2.0, 0.75, 1.0)))


def growth(s):
    """λ(s) of one site, whose two states make a quadratic equation."""
    into, out, back, leave = ONE
    k = sum(ONE)
    tilted = (into + back * np.exp(-s)) * (out + leave * np.exp(s))
    return (-k + np.sqrt(k**2 - 4 * ((out + leave) * (into + back) - tilted))) / 2


def several(voltage=1.3, left=2.0, right=0.4, n=4):
    well = jnp.linspace(-0.5, 0.8, n)
    energy = hopping.energies(well, jnp.float32(voltage), jnp.float32(1.2))
    numbers = (voltage, left, right, 0.8)
    return energy, hopping.rates(energy, *(jnp.float32(x) for x in numbers))


def test_one_site_has_the_rates_of_the_specification():
    rate = one_site()
    into, out, back, leave = ONE
    np.testing.assert_allclose(rate, [[into, 0, 0, back], [0, out, leave, 0]], rtol=1e-6)
    current, noise = cumulants(rate)
    assert current == pytest.approx(0.5, rel=1e-5)
    assert noise == pytest.approx(0.6, rel=1e-5)
    force = np.log(into * leave / (out * back))
    assert force == pytest.approx(1.7918, abs=1e-4)
    assert force * current == pytest.approx(0.8959, abs=1e-4)


def test_the_growth_of_one_site_is_its_closed_form_and_symmetric():
    rate, force = one_site(), np.log(6)
    for s in (0.3, -force - 0.3):
        assert growth(s) == pytest.approx(0.17768, abs=1e-5)
        found = settled(rate, jnp.float32(s))
        assert found.growth == pytest.approx(0.17768, abs=2e-5)  # float32
        slope = (growth(s + 1e-5) - growth(s - 1e-5)) / 2e-5
        assert found.slope == pytest.approx(slope, rel=1e-4)
    assert settled(rate, jnp.float32(0.0)).weight == pytest.approx(1, rel=1e-5)


def test_the_growth_of_several_sites_is_symmetric_about_half_the_force():
    _, rate = several()
    force = 1.3 / 0.8 + np.log(2.0 / 0.4)
    for s in (0.4, 1.0, -0.5):
        one, other = (settled(rate, jnp.float32(x)) for x in (s, -force - s))
        assert one.growth == pytest.approx(float(other.growth), rel=2e-4, abs=2e-5)
    # And its slope and curvature at 0 are the cumulants.
    current, noise = cumulants(rate)
    slope = [float(settled(rate, jnp.float32(s)).slope) for s in (-0.02, 0.0, 0.02)]
    assert slope[1] == pytest.approx(float(current), rel=1e-4)
    assert (slope[2] - slope[0]) / 0.04 == pytest.approx(float(noise), rel=2e-3)


def test_without_a_force_states_are_met_as_boltzmann_says():
    voltage = 0.8 * np.log(0.4 / 2.0)  # balances the concentrations
    energy, rate = several(voltage=voltage)
    p = stationary(rate)
    number = hopping.moves(4).full.sum(axis=1)
    potential = 0.8 * np.log(2.0) + voltage / 2  # of the left bath, and so of the right one
    weight = np.exp((potential * number - np.asarray(energy)) / 0.8)
    np.testing.assert_allclose(p, weight / weight.sum(), rtol=1e-4)
    current, _ = cumulants(rate)
    assert current == pytest.approx(0, abs=1e-6)


def test_a_bulky_channel_is_solved_to_a_relative_error():
    # Rates over nine decades; the least likely state is e⁻²⁴.
    energy = hopping.energies(jnp.full(6, 2.0), jnp.float32(0.0), jnp.float32(3.0))
    rate = hopping.rates(energy, *(jnp.float32(x) for x in (0.0, 1.0, 1.0, 0.5)))
    p = np.asarray(stationary(rate), float)
    weight = np.exp(-np.asarray(energy, float) / 0.5)
    np.testing.assert_allclose(p, weight / weight.sum(), rtol=1e-3)


def test_goldmans_current_and_its_reversal():
    ends = (jnp.float32(1.0), jnp.float32(0.2))
    v = jnp.array([2.0, np.log(0.2), 0.0, 5e-4])
    found = hopping.goldman(v, *ends)
    assert found[0] == pytest.approx(2.2504, abs=1e-4)
    assert found[1] == pytest.approx(0, abs=1e-6)  # at V = ln(c_R/c_L) = −1.609
    np.testing.assert_allclose(found[2:], 0.8, rtol=1e-3)


def test_few_ions_in_many_sites_carry_goldmans_current():
    n, thin = 6, 1e-3
    energy = hopping.energies(jnp.zeros(n), jnp.float32(1.0), jnp.float32(0.0))
    rate = hopping.rates(energy, *(jnp.float32(x) for x in (1.0, thin, 0.2 * thin, 1.0)))
    current, _ = cumulants(rate)
    few = hopping.permeability(jnp.zeros(n), jnp.float32(1.0))
    assert few == pytest.approx(1 / (n + 1))
    goldman = few * hopping.goldman(jnp.float32(1.0), jnp.float32(thin), jnp.float32(0.2 * thin))
    # A site is taken once in 1000 times; and sinh(v/2)/(v/2) at v = V/(n + 1): 0.1 % each.
    assert current == pytest.approx(float(goldman), rel=4e-3)
