"""The packed chessboard, against one spin at a time."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import checkerboard


def neighbours(board):
    """The sum over the four neighbours: the readable form."""
    return sum(np.roll(board, shift, axis) for shift in (1, -1) for axis in (0, 1))


@pytest.mark.parametrize("length", [64, 96, 12])
def test_words_hold_the_board_and_know_its_neighbours(length, key):
    spin = np.asarray(jax.random.rademacher(key, (length, length), "int8"))
    board = checkerboard.packed(jnp.asarray(spin))
    np.testing.assert_array_equal(checkerboard.unpacked(board), spin)
    assert jnp.mean(checkerboard.magnetisation(board)) == pytest.approx(spin.mean(), abs=1e-6)
    agree = np.mean(spin.astype(int) * neighbours(spin.astype(int))) / 2
    assert checkerboard.bonds(board) == pytest.approx(agree, abs=1e-6)
    for count in range(5):
        found = [
            checkerboard.alike(checkerboard.beside(board[1 - colour], colour))[count]
            for colour in (0, 1)
        ]
        up = checkerboard.unpacked(jnp.stack(found)) > 0
        np.testing.assert_array_equal(up, neighbours(spin.astype(int)) == 2 * count - 4)


@pytest.mark.parametrize("length", [64, 12, 2])
def test_correlations_are_counted_in_words(length, key):
    spin = np.asarray(jax.random.rademacher(key, (length, length), "int8")).astype(int)
    spin[: length // 3] = 1
    apart = jnp.arange(length // 2 + 1)
    found = checkerboard.correlation(checkerboard.packed(jnp.asarray(spin, "int8")), apart)
    each = [np.mean([spin * np.roll(spin, r, axis) for axis in (0, 1)]) for r in range(len(apart))]
    np.testing.assert_allclose(found, each, atol=1e-6)  # integers; only the mean is rounded


@pytest.mark.parametrize("length", [32, 12])
def test_a_sweep_is_what_the_readable_loop_does_with_the_same_numbers(length, key):
    spin = np.asarray(jax.random.rademacher(key, (length, length), "int8")).copy()
    board = checkerboard.packed(jnp.asarray(spin))
    up = [0.05, 0.2, 0.5, 0.7, 0.9]
    swept = checkerboard.unpacked(checkerboard.updated(key, board, (up, up)))
    odd = np.indices(spin.shape).sum(axis=0) % 2 == 1
    for colour, its_key in enumerate(jax.random.split(key)):
        # The same draws, asked one threshold at a time.
        below = checkerboard.chances(its_key, board.shape[1:], up)
        drawn = [np.asarray(checkerboard.unpacked(jnp.stack([w, w]))) > 0 for w in below]
        number = (neighbours(spin.astype(int)) + 4) // 2
        new = np.where(np.choose(number, drawn), 1, -1)
        spin = np.where(odd == (colour == 1), new, spin)
    np.testing.assert_array_equal(swept, spin)


def test_words_are_set_as_often_as_asked_and_by_the_same_draws(key):
    share = [0.0, 1e-4, 0.3, 0.5, 0.9, 1.0]
    words = checkerboard.chances(key, (64, 1024), share)
    bits = [np.unpackbits(np.asarray(w).view(np.uint8)) for w in words]
    for p, row in zip(share, bits, strict=True):
        # Five standard errors of 2²¹ draws; a share of 1 is held to 1 − 2⁻²⁴.
        assert abs(row.mean() - p) < 5 * np.sqrt(p * (1 - p) / row.size) + 1e-6
    for less, more in pairwise(bits):
        assert (less <= more).all()


def test_lanes_words_and_digits_are_independent(key):
    words = checkerboard.chances(key, (64, 512), [0.5, 0.25])
    bits = np.unpackbits(np.asarray(words[0]).view(np.uint8)).reshape(64, 512, 32) * 2.0 - 1
    for shifted in (np.roll(bits, 1, 0), np.roll(bits, 1, 1), np.roll(bits, 1, 2)):
        assert abs(np.mean(bits * shifted)) < 5 / 1024  # five standard errors of 2²⁰ pairs
    # Below ¼ is half of what is below ½: the second digit does not know the first.
    quarter = np.unpackbits(np.asarray(words[1]).view(np.uint8))
    half = np.unpackbits(np.asarray(words[0]).view(np.uint8))
    assert quarter[half == 1].mean() == pytest.approx(0.5, abs=5 * 0.5 / 2**9.5)
