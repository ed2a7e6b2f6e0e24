"""Maximum entropy: averages are met, and each that is added takes away what was not known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import hopping, maximum_entropy
from engine.numerics.maximum_entropy import entropy


levels = jax.jit(maximum_entropy.levels)


@jax.jit
def channel(voltage, left=2.0, right=1.0, repulsion=2.0):
    n = 5
    well = jnp.linspace(-0.5, 0.8, n)
    energy = hopping.energies(well, jnp.asarray(voltage, float), jnp.asarray(repulsion, float))
    rate = hopping.rates(energy, *(jnp.asarray(x, float) for x in (voltage, left, right, 1.0)))
    full = jnp.asarray(hopping.moves(n).full, float)
    return full, hopping.stationary(hopping.flows(rate))


@pytest.mark.parametrize("voltage", [-np.log(2.0), 3.0, -4.0])
def test_every_level_meets_its_averages_and_knows_more(voltage):
    full, p = channel(voltage)
    _, many, where, pairs = levels(full, p)
    assert many @ full.sum(axis=1) == pytest.approx(float(p @ full.sum(axis=1)), rel=1e-4)
    np.testing.assert_allclose(where @ full, p @ full, rtol=1e-4)
    both = full[:, 1:] * full[:, :-1]
    np.testing.assert_allclose(pairs @ full, p @ full, rtol=1e-3)
    np.testing.assert_allclose(pairs @ both, p @ both, rtol=1e-3, atol=1e-6)
    unknown = entropy(levels(full, p)) - entropy(p)
    assert (np.diff(unknown) < 1e-5).all()  # each level knows at least as much
    assert unknown[-1] > -1e-5


def test_neighbours_are_all_there_is_to_know_without_a_current_and_not_with_one():
    full, p = channel(-np.log(2.0))
    np.testing.assert_allclose(levels(full, p)[-1], p, atol=1e-5)
    full, p = channel(4.0, left=10.0, right=0.1)
    assert entropy(levels(full, p)[-1]) - entropy(p) > 1e-4
