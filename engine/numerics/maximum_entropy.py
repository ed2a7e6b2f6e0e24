"""What sites of a row are, taken or not, if one knows some averages and nothing else."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from engine.numerics.matrices import solve


ROUNDS = 60  # of Newton's method, most of them short steps from a bad start
LONGEST = 2.0  # step of a multiplier


def tilted(
    features: Float[Array, "states f"], multipliers: Float[Array, " f"]
) -> Float[Array, " states"]:
    """P ∝ exp(Σ multiplier · feature): of all with its averages, the one of largest entropy."""
    return jax.nn.softmax(features @ multipliers)


def matched(
    features: Float[Array, "states f"], mean: Float[Array, " f"], start: Float[Array, " f"]
) -> Float[Array, " f"]:
    """The multipliers at which the features have these averages, near `start`."""

    def nearer(_: Array, multipliers: Array) -> Array:
        p = tilted(features, multipliers)
        off = features - p @ features
        spread = (p[:, None] * off).T @ off
        unit = jnp.sqrt(jnp.diagonal(spread)) + 1e-12  # what is rare is known as well as it can be
        scaled = spread / (unit[:, None] * unit) + 1e-6 * jnp.eye(len(unit))
        step = solve(scaled, (mean - p @ features) / unit) / unit
        return multipliers + step * jnp.minimum(1, LONGEST / jnp.max(jnp.abs(step) + 1e-12))

    return lax.fori_loop(0, ROUNDS, nearer, start)


def levels(
    full: Float[Array, "states sites"], p: Float[Array, " states"]
) -> Float[Array, "4 states"]:
    """Of largest entropy: knowing nothing, how many are taken, which, and which neighbours both.

    All averages are those of `p`; the last is `p` itself where only neighbours interact and
    nothing flows.
    """
    sites = full.shape[1]
    taken = jnp.clip(p @ full, 1e-6, 1 - 1e-6)
    number = jnp.mean(taken)
    pairs = full[:, 1:] * full[:, :-1]
    each = jnp.log(taken / (1 - taken))
    features = jnp.concatenate([full, pairs], axis=1)
    start = jnp.concatenate([each, jnp.zeros(sites - 1)])
    together = matched(features, p @ features, start)
    return jnp.stack(
        [
            jnp.full(len(full), 1 / len(full)),
            tilted(full, jnp.full(sites, jnp.log(number / (1 - number)))),
            tilted(full, each),
            tilted(features, together),
        ]
    )


def entropy(p: Float[Array, "*some states"]) -> Float[Array, "*some"]:
    """−Σ p ln p, in nats."""
    return -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.maximum(p, 1e-37)), 0.0), axis=-1)
