"""Letters: on their strokes, and as much ink on equal lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.letters import ALPHABET, strokes, written


def test_every_letter_is_one_high_and_in_the_middle():
    for start, along, until in zip(*strokes(), strict=True):
        ink = np.linalg.norm(along, axis=1) > 0
        ends = np.concatenate([start[ink], (start + along)[ink]])
        assert np.ptp(ends[:, 1]) == pytest.approx(1, abs=0.06)  # the tail of Q is longer
        np.testing.assert_allclose(ends.min(axis=0) + ends.max(axis=0), 0, atol=2e-3)
        assert until[-1] == 1


def test_points_lie_on_the_strokes_evenly(key):
    """T is a bar of 0.8 on a stem of 1."""
    x, y = written(key, jnp.array([ALPHABET.index("T")]), 20_000)[0].T
    bar = y > 0.4999
    assert jnp.max(jnp.abs(x[~bar])) < 1e-3
    # Four standard errors of 20 000 draws are 0.014.
    assert jnp.mean(bar) == pytest.approx(0.8 / 1.8, abs=0.014)
    assert jnp.mean(x[bar]) == pytest.approx(0, abs=4 * 0.8 / np.sqrt(12 * 8000))
    assert jnp.var(y[~bar]) == pytest.approx(1 / 12, abs=0.004)


def test_no_two_letters_are_the_same_cloud(key):
    clouds = written(key, jnp.arange(26), 500)
    pictures = jax.vmap(
        lambda c: jnp.histogram2d(c[:, 0], c[:, 1], bins=8, range=((-0.5, 0.5),) * 2)[0]
    )(clouds).reshape(26, -1)
    apart = np.abs(pictures[:, None] - pictures).sum(axis=-1) + 1000 * np.eye(26)
    assert apart.min() > 100  # points of 500 in another field, where chance moves some 50 to 80
