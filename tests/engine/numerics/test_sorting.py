"""The packed sort, against the ordinary one."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.numerics.sorting import sorted_by


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**31 - 1), min_size=50, max_size=50))
def test_it_sorts_as_a_stable_argsort_does(keys):
    ordered, order = jax.jit(sorted_by)(jnp.array(keys, jnp.int32))
    np.testing.assert_array_equal(order, np.argsort(keys, kind="stable"))
    np.testing.assert_array_equal(ordered, np.sort(keys))


def test_it_works_in_loops_and_batches_and_leaves_all_else_in_32_bits():
    keys = jnp.array([[3, 1, 2, 1], [0, 0, 5, 4]])

    @jax.jit
    def thrice(keys):
        again = jax.lax.fori_loop(0, 3, lambda _, k: sorted_by(k)[0], keys)
        return again, sorted_by(keys)[1], jnp.arange(3) * 1.0

    ordered, order, others = jax.vmap(thrice)(keys)
    np.testing.assert_array_equal(ordered, np.sort(keys, axis=1))
    np.testing.assert_array_equal(order, [[1, 3, 2, 0], [0, 1, 3, 2]])
    assert ordered.dtype == order.dtype == jnp.int32
    assert others.dtype == jnp.float32
