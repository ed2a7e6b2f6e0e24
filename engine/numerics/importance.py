"""Adaptive importance sampling: one weighted cloud for several expectations at once.

Points are drawn from a mixture of Gaussians q and weigh w = f/q, where f is a density that is
known; then q is moved towards f by matching its moments, part by part, to the weighted points (the
cross-entropy method). Every expectation under f is an average of w φ over the same points.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from engine.numerics.matrices import cholesky, inverse


FLOOR = 1e-3  # of a part's weight and of its variances: it must be able to come back


class Proposal(NamedTuple):
    """A mixture of Gaussians."""

    weight: Float[Array, " k"]
    mean: Float[Array, "k dim"]
    covariance: Float[Array, "k dim dim"]


class Estimate(NamedTuple):
    """Expectations and their standard errors, each helped by the weight as its control variate."""

    value: Float[Array, " e"]
    error: Float[Array, " e"]


def broad(parts: int, dim: int) -> Proposal:
    """Unit Gaussians around the middle, along a spiral so that no two are alike."""
    k = jnp.arange(parts)
    angle, height = 2.4 * k, 1 - (2 * k + 1) / parts
    ring = jnp.sqrt(1 - height**2)
    place = jnp.stack([ring * jnp.cos(angle), ring * jnp.sin(angle), height], axis=1)[:, :dim]
    unit = jnp.broadcast_to(jnp.eye(dim), (parts, dim, dim))
    return Proposal(jnp.full(parts, 1 / parts), place, unit)


def drawn(key: Key[Array, ""], proposal: Proposal, n: int) -> Float[Array, "n dim"]:
    for_part, for_place = jax.random.split(key)
    share = jnp.cumsum(proposal.weight)
    # From every n-th of the whole one: parts are met as often as they weigh.
    u = (jnp.arange(n) + jax.random.uniform(for_part)) / n
    part = jnp.minimum(jnp.searchsorted(share, u * share[-1]), len(share) - 1)
    factor = cholesky(proposal.covariance)
    z = jax.random.normal(for_place, (n, proposal.mean.shape[1]))
    return proposal.mean[part] + jnp.einsum("nij,nj->ni", factor[part], z)


def log_parts(x: Float[Array, "n dim"], proposal: Proposal) -> Float[Array, "n k"]:
    """ln of the part of each Gaussian in the density at x."""
    factor = cholesky(proposal.covariance)
    unmixing = inverse(factor)
    apart = jnp.einsum("kij,nkj->nki", unmixing, x[:, None] - proposal.mean)
    size = jnp.sum(jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)), axis=1)
    normal = x.shape[1] / 2 * jnp.log(2 * jnp.pi) + size
    return jnp.log(proposal.weight) - jnp.sum(apart**2, axis=-1) / 2 - normal


def log_weights(
    x: Float[Array, "n dim"], log_target: Float[Array, " n"], proposal: Proposal
) -> Float[Array, " n"]:
    """ln f/q."""
    return log_target - jax.nn.logsumexp(log_parts(x, proposal), axis=1)


def adapted(
    x: Float[Array, "n dim"], log_weight: Float[Array, " n"], proposal: Proposal, rate: float
) -> Proposal:
    """The proposal, a share `rate` nearer to the moments of the weighted points."""
    dim = x.shape[1]
    r = jax.nn.softmax(log_parts(x, proposal), axis=1) * jax.nn.softmax(log_weight)[:, None]
    mass = jnp.maximum(jnp.sum(r, axis=0), 1e-9)
    mean = r.T @ x / mass[:, None]
    apart = x[:, None] - mean
    spread = jnp.einsum("nk,nki,nkj->kij", r, apart, apart) / mass[:, None, None]
    # A part that few points speak for keeps more of what it was.
    pull = rate * jnp.minimum(1, mass * len(x) / (10 * dim))
    weight = (1 - rate) * proposal.weight + rate * mass
    weight = jnp.maximum(weight / jnp.sum(weight), FLOOR)
    return Proposal(
        weight / jnp.sum(weight),
        proposal.mean + pull[:, None] * (mean - proposal.mean),
        proposal.covariance
        + pull[:, None, None] * (spread + FLOOR * jnp.eye(dim) - proposal.covariance),
    )


def effective(log_weight: Float[Array, " n"]) -> Float[Array, ""]:
    """(Σ w)²/(N Σ w²): the share of points that as good a sample of f would need."""
    w = jax.nn.softmax(log_weight)
    return 1 / (len(w) * jnp.sum(w**2))


def expectations(values: Float[Array, "n e"], log_weight: Float[Array, " n"]) -> Estimate:
    """⟨w φ⟩ − c (⟨w⟩ − 1), c = Cov(w φ, w)/Var(w): the mean of w is known to be 1."""
    w = jnp.exp(log_weight)
    weighted = w[:, None] * values
    off = w - jnp.mean(w)
    c = (off @ weighted) / jnp.maximum(jnp.sum(off**2), 1e-12)
    helped = weighted - c * (w - 1)[:, None]
    error = jnp.std(helped, axis=0) / jnp.sqrt(float(len(w)))
    return Estimate(jnp.mean(helped, axis=0), error)
