"""Rows and their twins."""

import jax.numpy as jnp
import numpy as np

from engine.numerics.twins import Twins


def test_twins_come_last_and_an_odd_one_has_none():
    np.testing.assert_array_equal(Twins(5).born(jnp.arange(5.0)), [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(Twins(4).born(jnp.arange(4.0)), [0, 1, 0, 1])
    assert (Twins(5).firsts, Twins(5).half) == (3, 2)


def test_labels_are_compared_with_those_of_the_twins():
    assert Twins(5).agree(jnp.array([1, 2, 9, 1, 3])) == 0.5
    assert Twins(1).agree(jnp.array([4])) == 1
