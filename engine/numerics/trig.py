"""Sines and cosines many times faster than the library's: they vectorise."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def sincos(x: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Sine and cosine of float32 angles, within 1.5e-7 for |x| < 10 and 1e-6 for |x| < 10⁴.

    On a CPU `jnp.sin` and `jnp.cos` cost some 15 ns a pair, since XLA calls the library for each
    number; this is a polynomial, and costs less than 1 ns. It differentiates as one expects.
    """
    # Cephes: π/2 in three parts, of which the first two are so short that k times them is exact.
    k = jnp.round(x * (2 / jnp.pi))
    r = x - k * 1.5703125 - k * 4.837512969970703125e-4 - k * 7.54978995489188e-8
    r2 = r * r
    s = r + r * r2 * (-1.6666654611e-1 + r2 * (8.3321608736e-3 + r2 * -1.9515295891e-4))
    c = 1 - r2 / 2 + r2 * r2 * (4.166664568e-2 + r2 * (-1.388731625e-3 + r2 * 2.443315711e-5))
    quadrant = k.astype(int)
    odd = (quadrant & 1) != 0
    sine, cosine = jnp.where(odd, c, s), jnp.where(odd, s, c)
    return (
        jnp.where((quadrant & 2) != 0, -sine, sine),
        jnp.where(((quadrant + 1) & 2) != 0, -cosine, cosine),
    )
