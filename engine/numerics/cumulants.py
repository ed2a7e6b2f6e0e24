"""Cumulants of a number that is sampled for as long as one likes: k-statistics, kept as sums.

Samples are dealt to a few groups. All of them together give the estimate, the scatter of the groups
its error, whatever the law of the samples may be.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


GROUPS = 16
LEAST = 8.0  # samples a group needs, for its estimates to be worth comparing


class Moments(NamedTuple):
    """How many, their mean, and the sums of the powers of what they differ from it by."""

    number: Float[Array, "*groups"]
    mean: Float[Array, "*groups"]
    second: Float[Array, "*groups"]
    third: Float[Array, "*groups"]
    fourth: Float[Array, "*groups"]


def nothing(*shape: int) -> Moments:
    """No samples yet."""
    return Moments(*(jnp.zeros(shape) for _ in Moments._fields))


def of(samples: Float[Array, "*groups b"]) -> Moments:
    """The moments of each row."""
    mean = jnp.mean(samples, axis=-1)
    off = samples - mean[..., None]
    powers = (jnp.sum(off**q, axis=-1) for q in (2, 3, 4))
    return Moments(jnp.full_like(mean, samples.shape[-1]), mean, *powers)


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of the samples of both (Pébay 2008); either may be empty."""
    number = a.number + b.number
    whole = jnp.maximum(number, 1.0)
    p, q = a.number / whole, b.number / whole
    gap = b.mean - a.mean
    pair = a.number * q * gap**2
    return Moments(
        number,
        a.mean + q * gap,
        a.second + b.second + pair,
        a.third + b.third + pair * gap * (p - q) + 3 * gap * (p * b.second - q * a.second),
        a.fourth
        + b.fourth
        + pair * gap**2 * (p * p - p * q + q * q)
        + 6 * gap**2 * (p * p * b.second + q * q * a.second)
        + 4 * gap * (p * b.third - q * a.third),
    )


def k_statistics(moments: Moments) -> Float[Array, "..."]:
    """k₂, k₃ and k₄: what they average to are the cumulants, for any number of samples above 3."""
    n = moments.number
    enough = n > 3
    n = jnp.where(enough, n, 4.0)
    second, fourth = moments.second / n, moments.fourth / n
    k2 = moments.second / (n - 1)
    k3 = n * moments.third / ((n - 1) * (n - 2))
    shape = (n + 1) * fourth - 3 * (n - 1) * second**2
    k4 = n * n / ((n - 1) * (n - 2) * (n - 3)) * shape
    return jnp.where(enough, jnp.stack([k2, k3, k4]), jnp.nan)


def total(groups: Moments) -> Moments:
    """The moments of all groups together."""
    return lax.scan(lambda a, b: (merged(a, b), None), nothing(), groups)[0]


def estimated(groups: Moments) -> tuple[Float[Array, " 3"], Float[Array, " 3"]]:
    """k₂, k₃ and k₄ of all samples, and their errors; not-a-number while there are too few."""
    each = k_statistics(groups)
    error = jnp.std(each, axis=1, ddof=1) / jnp.sqrt(each.shape[1])
    enough = jnp.min(groups.number) >= LEAST
    return k_statistics(total(groups)), jnp.where(enough, error, jnp.nan)


def cumulants(
    values: Float[Array, "*laws q"], weights: Float[Array, "*laws q"]
) -> Float[Array, "..."]:
    """The second, third and fourth cumulant of laws given by values and their weights."""
    weights = weights / jnp.sum(weights, axis=-1, keepdims=True)
    off = values - jnp.sum(weights * values, axis=-1, keepdims=True)
    second, third, fourth = (jnp.sum(weights * off**q, axis=-1) for q in (2, 3, 4))
    return jnp.stack([second, third, fourth - 3 * second**2])


def dealt(groups: Moments, sample: Float[Array, ""], group: int | Array) -> Moments:
    """One more sample, for one of the groups."""
    one = (jnp.arange(groups.number.shape[0]) == group).astype(sample.dtype)
    none = jnp.zeros_like(one)
    return merged(groups, Moments(one, jnp.full_like(one, sample), none, none, none))


def average(old: Array, new: Array, seen: Array, memory: int | float) -> Array:
    """A running mean that has seen so many before, and forgets what is older than `memory`."""
    share = 1 / jnp.minimum(seen + 1, memory)
    return jax.tree.map(lambda a, b: a + share * (b - a), old, new)
