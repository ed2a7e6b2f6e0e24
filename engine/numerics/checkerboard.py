"""A chessboard of ±1 spins, many of them to a machine word.

A board of L² spins is two arrays of words: the black squares, and the white ones, each colour
pushed together to half the width. Bit k of the word in row y belongs to row y + kL/lanes of the
board, so the neighbours of a whole word are whole words too. There are as many lanes as bits where
L is a multiple of 32; any even L works, with fewer of them.

Random decisions are made for a word at a time: see `chances`.
"""

from collections.abc import Sequence
from math import gcd
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Int8, Key, UInt32


Words = UInt32[Array, "rows half"]
Seeds = tuple[Array, Array, Array, Array]
Scalar = float | Float[Array, ""]

BITS = 24  # that a random number is compared by: as fine as a float32 in [½, 1)


def lanes_of(length: int) -> int:
    """How many spins share a word."""
    return gcd(length, 32)


def packed(spin: Int8[Array, "length length"]) -> UInt32[Array, "2 rows half"]:
    """The words of a board, black squares first."""
    lanes = lanes_of(len(spin))
    odd = _odd_rows(len(spin))
    left, right = spin[:, ::2], spin[:, 1::2]
    colours = jnp.stack([jnp.where(odd, right, left), jnp.where(odd, left, right)])
    bits = (colours > 0).astype(jnp.uint32).reshape(2, lanes, -1, len(spin) // 2)
    return jnp.sum(bits << _bit(lanes), axis=1, dtype=jnp.uint32)


def unpacked(words: UInt32[Array, "2 rows half"]) -> Int8[Array, "length length"]:
    """The board of its words."""
    _, rows, half = words.shape
    length, lanes = 2 * half, 2 * half // rows
    bits = (words[:, None] >> _bit(lanes)) & 1
    black, white = (2 * bits.astype(jnp.int8) - 1).reshape(2, length, half)
    odd = _odd_rows(length)
    pair = [jnp.where(odd, white, black), jnp.where(odd, black, white)]
    return jnp.stack(pair, axis=-1).reshape(length, length)


def block_means(site: Int8[Array, "length length"], side: int) -> Float[Array, "many many"]:
    """Means over square blocks; what is left at the far edges of a board belongs to none."""
    many = len(site) // side
    inside = site[: side * many, : side * many].reshape(many, side, many, side)
    return jnp.sum(inside, axis=(1, 3), dtype=jnp.int32) / side**2


def beside(other: Words, colour: int) -> tuple[Words, Words, Words, Words]:
    """The four neighbours of the squares of a colour (0 black, 1 white), all of the other one.

    They are the same column of three rows, and one beside it: of a black square it is the one on
    the left in even rows and the one on the right in odd ones.
    """
    rows, half = other.shape
    lanes = 2 * half // rows
    below, above = _turned(other[:1], lanes, 1), _turned(other[-1:], lanes, -1)
    odd = jnp.asarray(_odd_words(rows, lanes))
    way = 1 if colour == 0 else -1
    left, right = jnp.roll(other, way, axis=1), jnp.roll(other, -way, axis=1)
    return (
        other,
        jnp.concatenate([other[1:], below]),
        jnp.concatenate([above, other[:-1]]),
        (odd & right) | (~odd & left),
    )


def alike(four: tuple[Words, Words, Words, Words]) -> list[Words]:
    """Where exactly 0, 1, 2, 3 and 4 of the four are up: one bit of five words is set."""
    a, b, c, d = four
    odd = a ^ b ^ c ^ d
    pair, other = a & b, c & d
    none, all_ = ~(a | b | c | d), pair & other
    three = odd & (pair | other)
    return [none, odd & ~three, ~(odd | none | all_), three, all_]


def chances(
    key: Key[Array, ""], shape: tuple[int, ...], share: Sequence[Scalar]
) -> list[UInt32[Array, "..."]]:
    """Words whose bits are set with each of the probabilities `share`, by the same draws.

    Each lane draws `BITS` bits of a number in [0, 1) and compares it with each share: from the
    last digit to the first, what is drawn is less where its digit is less, or is equal and was
    less so far. The digits come from xoshiro128++ (Blackman and Vigna 2021), a generator to each
    word, started by JAX's own: most of the cost of a spin would else be its random number.
    """
    whole = [
        (jnp.clip(jnp.asarray(p, float), 0, 1) * 2**BITS).round().astype(jnp.uint32) for p in share
    ]
    limit = [jnp.minimum(p, 2**BITS - 1) for p in whole]
    s0, s1, s2, s3 = jax.random.bits(key, (4, *shape), jnp.uint32)
    state = (s0, s1, s2, s3)
    less = (jnp.zeros(shape, jnp.uint32),) * len(limit)

    def compared(pair: Array, carry: tuple[Seeds, tuple[Array, ...]]) -> Any:
        state, less = carry
        for digit in (2 * pair, 2 * pair + 1):  # one at a time would be mostly memory
            state, drawn = _random(state)
            less = tuple(
                is_less ^ ((drawn ^ mask) & (is_less ^ mask))
                for is_less, p in zip(less, limit, strict=True)
                for mask in [jnp.uint32(0) - ((p >> digit.astype(jnp.uint32)) & 1)]
            )
        return state, less

    return list(lax.fori_loop(0, BITS // 2, compared, (state, less))[1])


def _random(state: Seeds) -> tuple[Seeds, Array]:
    """The next number of xoshiro128++."""
    s0, s1, s2, s3 = state
    drawn, carried = _left(s0 + s3, 7) + s0, s1 << 9
    s2, s3 = s2 ^ s0, s3 ^ s1
    s1, s0 = s1 ^ s2, s0 ^ s3
    return (s0, s1, s2 ^ carried, _left(s3, 11)), drawn


def updated(
    key: Key[Array, ""],
    board: UInt32[Array, "2 rows half"],
    up: tuple[Sequence[Scalar], Sequence[Scalar]],
) -> UInt32[Array, "2 rows half"]:
    """A sweep: the black squares, then the white ones.

    `up[s][n]` is the probability that a spin which is down (s = 0) or up (s = 1) and has n
    neighbours up, 0 ≤ n ≤ 4, is up afterwards. The same sequence twice is a heat bath.
    """
    colours = [board[0], board[1]]
    for colour, its_key in enumerate(jax.random.split(key)):
        number = alike(beside(colours[1 - colour], colour))
        old, shape = colours[colour], colours[colour].shape
        if up[0] is up[1]:
            new = _chosen(number, chances(its_key, shape, up[0]))
        else:
            drawn = chances(its_key, shape, [*up[0], *up[1]])
            new = (~old & _chosen(number, drawn[:5])) | (old & _chosen(number, drawn[5:]))
        # Or XLA would make the new colour again for each of the neighbours it is read as.
        colours[colour] = lax.optimization_barrier(new)
    return jnp.stack(colours)


def magnetisation(board: UInt32[Array, "2 rows half"]) -> Float[Array, " 2"]:
    """The mean spin of either colour."""
    _, rows, half = board.shape
    up = jnp.sum(lax.population_count(board & _whole(rows, half)), axis=(1, 2), dtype=jnp.uint32)
    return 2 * up.astype(float) / (2 * half * half) - 1


def bonds(board: UInt32[Array, "2 rows half"]) -> Float[Array, ""]:
    """Σ sᵢsⱼ over the bonds, per spin: 2 where all agree."""
    _, rows, half = board.shape
    unlike = [
        lax.population_count((n ^ board[0]) & _whole(rows, half)) for n in beside(board[1], 0)
    ]
    count = jnp.sum(sum(unlike[1:], unlike[0]), dtype=jnp.uint32)
    return 2 - 2 * count.astype(float) / (2 * half) ** 2


def correlation(
    board: UInt32[Array, "2 rows half"], apart: Int[Array, " many"]
) -> Float[Array, " many"]:
    """⟨s₀ s_r⟩ along rows and columns, over all sites, for distances 0 ≤ r ≤ length/2.

    Counted in words: beside the Fourier transform of a board of 512² spins, a hundredth for each r.
    """
    _, rows, half = board.shape
    lanes, whole = 2 * half // rows, _whole(rows, half)
    odd = jnp.asarray(_odd_words(rows, lanes))
    black, white = board
    left, right = (odd & white) | (~odd & black), (odd & black) | (~odd & white)
    words = jnp.stack([left, right], axis=-1).reshape(rows, 2 * half) & whole
    wide = jnp.concatenate([words, words[:, :half]], axis=1)
    more = -(-half // rows) + 1  # times the rows of words that are read: those below are lanes on
    tall = jnp.concatenate([_turned(words, lanes, lane) for lane in range(more)])

    def unlike(r: Array) -> Array:
        across = lax.population_count(words ^ lax.dynamic_slice_in_dim(wide, r, 2 * half, 1))
        down = lax.population_count(words ^ lax.dynamic_slice_in_dim(tall, r, rows, 0))
        return jnp.sum(across + down, dtype=jnp.uint32)

    return 1 - lax.map(unlike, apart).astype(float) / (2 * half) ** 2


def _chosen(number: list[Words], drawn: list[Words]) -> Words:
    picked = [n & d for n, d in zip(number, drawn, strict=True)]
    return picked[0] | picked[1] | picked[2] | picked[3] | picked[4]


def _left(x: UInt32[Array, "..."], by: int) -> UInt32[Array, "..."]:
    return (x << by) | (x >> (32 - by))


def _turned(row: UInt32[Array, "*row"], lanes: int, by: int) -> UInt32[Array, "*row"]:
    """The rows of words beyond the last (`by` 1) or before the first (−1): of the next lane."""
    by = by % lanes
    if by == 0:
        return row
    all_ = jnp.uint32(2**lanes - 1)
    row = row & all_
    return ((row >> by) | (row << (lanes - by))) & all_


def _bit(lanes: int) -> UInt32[Array, "lanes 1 1"]:
    return jnp.arange(lanes, dtype=jnp.uint32)[:, None, None]


def _whole(rows: int, half: int) -> UInt32[Array, ""]:
    return jnp.uint32(2 ** (2 * half // rows) - 1)


def _odd_rows(length: int) -> Bool[np.ndarray, "length 1"]:
    return (np.arange(length) % 2 == 1)[:, None]


def _odd_words(rows: int, lanes: int) -> UInt32[np.ndarray, "rows 1"]:
    odd = (np.arange(rows) + np.arange(lanes)[:, None] * rows) % 2
    return np.sum(odd << np.arange(lanes)[:, None], axis=0).astype(np.uint32)[:, None]
