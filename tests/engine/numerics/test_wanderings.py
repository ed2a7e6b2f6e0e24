"""Mean square displacements: exact for a given path, and those of a free walk."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.numerics.wanderings import HELD, MEMORY, at_home, wandered


@jax.jit
def followed(path):
    def on(before, place):
        return wandered(before, place), None

    return lax.scan(on, at_home(path[0]), path[1:])[0]


def test_they_average_over_all_windows_of_a_path():
    steps = jax.random.normal(jax.random.key(1), (100, 5, 2))
    path = jnp.cumsum(steps, axis=0)
    lag, square = followed(path).lags()
    assert list(lag[:12]) == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]
    assert np.all(np.diff(lag) > 0)
    path = np.asarray(path, float)
    for each, mean in zip(np.asarray(lag), square, strict=True):
        level = max(0, int(np.log2(each / (HELD // 2))))
        ends = np.arange(0, 100, 2**level)
        ends = ends[ends >= each]
        if len(ends) == 0:
            assert np.isnan(mean)  # no window that long has passed
            continue
        exact = np.mean(np.sum((path[ends] - path[ends - each]) ** 2, axis=-1))
        assert mean == pytest.approx(exact, rel=1e-4)


def test_a_free_walk_spreads_in_proportion_to_time():
    steps = jax.random.normal(jax.random.key(2), (2048, 2000, 2))
    lag, square = followed(jnp.cumsum(steps, axis=0)).lags()
    known = np.asarray(lag) <= 1024
    # 2 per step in the plane; the longest lags have a window of 2000 walkers: 2.2 %, four times.
    np.testing.assert_allclose(square[known] / (2 * lag[known]), 1, atol=0.09)


def test_what_was_long_ago_is_forgotten():
    slow, fast = jnp.zeros((50, 1, 2)), jnp.ones((8 * MEMORY, 1, 2))
    _, square = followed(jnp.cumsum(jnp.concatenate([slow, fast]), axis=0)).lags()
    assert square[0] == pytest.approx(2.0, rel=0.01)  # e^{−8} of the past is left
