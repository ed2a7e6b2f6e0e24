"""Random words for whole arrays: Threefry, as JAX has it, at a sixth of the time."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key, UInt32


Words = UInt32[Array, "..."]
Draw = Callable[[Key[Array, ""]], Float[Array, "..."]]
# Threefry-2x32 (Salmon et al. 2011): by how many bits each round turns, and what hides a key of 0.
TURNS = (13, 15, 26, 6), (17, 29, 16, 24)
PARITY = np.uint32(0x1BD11BDA)
APART = np.uint32(0x6D616E79)  # from the counters of `split`, `fold_in` and `jax.random.bits`


def words(key: Key[Array, ""], shape: tuple[int, ...]) -> tuple[Words, Words]:
    """Two independent arrays of uniform 32-bit words.

    The cipher turns a key and the number of an element into both. JAX would cipher once for each
    word, of which it throws half away, and in a loop that goes through memory at each round; here
    the twenty rounds of an element stay in registers.
    """
    data = jax.random.key_data(key)
    if data.shape[-1] != 2:  # a key of another generator
        first, second = jax.random.bits(key, (2, *shape), jnp.uint32)
        return first, second
    number = lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    return threefry(data[0], data[1], number, jnp.full(shape, APART))


def threefry(k0: Words, k1: Words, x0: Words, x1: Words) -> tuple[Words, Words]:
    """The words x, enciphered by the key k in twenty rounds."""
    keys = (k0, k1, k0 ^ k1 ^ PARITY)
    x0, x1 = x0 + k0, x1 + k1
    for part in range(5):
        for turn in TURNS[part % 2]:
            x0 = x0 + x1
            x1 = (x1 << np.uint32(turn) | x1 >> np.uint32(32 - turn)) ^ x0
        x0 = x0 + keys[(part + 1) % 3]
        x1 = x1 + keys[(part + 2) % 3] + np.uint32(part + 1)
    return x0, x1


def shares(key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Uniform numbers in [0, 1)."""
    return drawn_once(lambda key: share(words(key, shape)[0]), key, shape)


def drawn_once(draw: Draw, key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """The numbers of `draw(key)`, kept in memory.

    XLA would draw them anew in each of the loops that use them, and ignores its own barriers. So
    they are drawn in a loop of one round, of which it does not know that it is one. On several
    devices each would then hold them all, and the run: there they are drawn where they are used.
    """
    if jax.device_count() > 1:
        return draw(key)
    begins = (jax.random.key_data(key).reshape(-1)[0] | np.uint32(1)) > 0
    start = begins, jnp.zeros(shape)
    return lax.while_loop(lambda carry: carry[0], lambda _: (jnp.bool_(False), draw(key)), start)[1]


def share(word: Words) -> Array:
    """A uniform number in [0, 1) of each word's upper 24 bits, all that a float32 holds."""
    return (word >> 8).astype(float) * 2.0**-24
