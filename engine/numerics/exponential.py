"""An exponential of one argument or less for softmaxes, quicker than the library's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float


LEAST = -126.0  # binary logarithm of the smallest normal float32
# 2^f = 1 + f (c₁ + c₂ f + ...) for |f| ≤ ½, of the least largest relative error, 9e-8.
TERMS = (0.69314698, 0.24022242, 0.05550734, 0.00967151, 0.00132647)


@jax.custom_jvp
def decay(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """exp(x) for float32 numbers x ≤ 0, within (2 + |x|) 1e-7 of it; below −87 it stays at 1e-38.

    A power of two is put together from its exponent and a polynomial, which takes half as long as
    XLA's own exponential on a CPU. What is not a number stays none. It differentiates as one
    expects.
    """
    power = jnp.maximum(x * np.float32(np.log2(np.e)), LEAST)
    whole = jnp.round(power)
    f = power - whole
    rest = TERMS[-1]
    for term in TERMS[-2::-1]:
        rest = term + f * rest
    exponent = whole.astype(jnp.int32) << 23
    bits = lax.bitcast_convert_type(1 + f * rest, jnp.int32) + exponent
    return lax.bitcast_convert_type(bits, jnp.float32)


@decay.defjvp
def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (direction,) = primals, tangents
    y = decay(x)
    return y, y * direction
