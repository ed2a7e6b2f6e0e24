"""Few particles become many."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.branching import Branching


def test_counts_grow_by_the_number_of_copies_up_to_all():
    assert Branching(100, 3, 2).counts == (12, 34, 100)
    assert Branching(100, 1, 2).counts == (100,)


@pytest.mark.parametrize(("time", "stage"), [(2.5, 0), (1.5, 1), (0.7, 2), (0.2, 3)])
def test_copies_are_made_as_the_noise_falls_and_are_there_on_the_way_up(time, stage):
    branching = Branching(64, 2, 3)  # at 2, 1 and ½
    assert branching.stage(time, jnp.bool_(True), 2.0, 0.5) == stage
    assert branching.stage(time, jnp.bool_(False), 2.0, 0.5) == 3
    assert branching.last(2.0, 0.5) == pytest.approx(0.5)


def test_every_particle_is_the_copy_of_one_that_was_there():
    originals = Branching(10, 2, 2).originals(3)
    np.testing.assert_array_equal(originals, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
