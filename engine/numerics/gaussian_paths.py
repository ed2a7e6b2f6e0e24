"""What is known of the data x₁ and of the noise x₀ where x = α x₁ + σ x₀ is seen.

The data are a mixture of equal Gaussians of width h about the centres y, and x₀ is standard normal,
so that x about each α y has the variance V = σ² + α² h², and the responsibilities of the centres
are w ∝ exp(−|x − α y|²/2V). For h > 0 nothing is singular at either end of a path.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from engine.numerics.scores import BLOCK, weighted


Scalar = int | float | Float[Array, ""]


def parted(
    x: Float[Array, "n dim"],
    centres: Float[Array, "m dim"],
    alpha: Scalar,
    sigma: Scalar,
    width: Scalar,
    present: Bool[Array, " m"] | None = None,
) -> tuple[Float[Array, "n dim"], Float[Array, "n dim"]]:
    """E[x₁|x] and E[x₀|x]: of which x is α times the first and σ times the second.

    Centres that are not `present` count for nothing. They must lie where another one does: weights
    are those beside the nearest, present or not.
    """
    alpha, sigma = jnp.asarray(alpha, float), jnp.asarray(sigma, float)
    v = sigma**2 + (alpha * width) ** 2
    columns = jnp.concatenate([centres, jnp.ones((len(centres), 1))], axis=1)
    columns = columns if present is None else jnp.where(present[:, None], columns, 0.0)
    sums, _ = weighted(x, centres, columns, alpha, v, BLOCK)
    y = sums[:, :-1] / sums[:, -1:]
    return (sigma**2 * y + alpha * width**2 * x) / v, sigma / v * (x - alpha * y)
