"""Words are the cipher's, uniform, and other than those of every other draw."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry2x32_p
from scipy.stats import chisquare, kstest

from engine.numerics.random_words import APART, share, threefry, words


def test_the_cipher_has_the_answers_of_its_authors():
    """Of the key, the counter and all ones, and of π (Random123, kat_vectors)."""
    for key, counter, answer in (
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ):
        told = threefry(*(jnp.uint32(w) for w in (*key, *counter)))
        assert tuple(int(word) for word in told) == answer


def test_it_is_the_cipher_of_jax(key):
    first, second = words(key, (3, 50))
    k0, k1 = jax.random.key_data(key)
    number = jnp.arange(150, dtype=jnp.uint32)
    theirs = threefry2x32_p.bind(k0, k1, number, jnp.full(150, APART))
    np.testing.assert_array_equal(first.reshape(-1), theirs[0])
    np.testing.assert_array_equal(second.reshape(-1), theirs[1])


def test_a_batch_of_keys_draws_what_each_key_draws(key):
    keys = jax.random.split(key, 3)
    together = jax.vmap(lambda one: words(one, (20,))[0])(keys)
    for row, one in zip(together, keys, strict=True):
        np.testing.assert_array_equal(row, words(one, (20,))[0])
    assert len(np.unique(together)) > 58  # of 60; two alike happen once in 10⁶


def test_words_are_uniform_and_both_arrays_independent(key):
    n = 200_000
    both = words(key, (n,))
    for word in both:
        assert kstest(np.asarray(share(word))[:50_000], "uniform").pvalue > 1e-4
        for bit in range(32):  # each set in half of all: 5 standard errors of √n/2
            up = np.sum((np.asarray(word) >> bit) & 1)
            assert abs(up - n / 2) < 5 * np.sqrt(n) / 2
    pairs = np.histogram2d(*(np.asarray(share(word)) for word in both), bins=16)[0]
    assert chisquare(pairs.reshape(-1)).pvalue > 1e-4


def test_shares_reach_from_nought_to_just_below_one():
    assert share(jnp.uint32(0)) == 0
    assert share(jnp.uint32(2**32 - 1)) == np.float32(1 - 2**-24)


def test_another_generator_s_key_draws_too():
    first, second = words(jax.random.key(1, impl="rbg"), (1000,))
    assert first.shape == second.shape == (1000,)
    assert np.mean(share(first)) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 1000))
