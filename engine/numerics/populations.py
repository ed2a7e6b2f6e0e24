"""What a whole population of particles tells, in a few numbers that do not know their order."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key


class DeepSet(eqx.Module):
    """φ = (1/N) Σᵢ MLP(xᵢ): it knows neither order nor number of particles."""

    particle: eqx.nn.MLP

    def __call__(self, x: Float[Array, "n 2"]) -> Float[Array, " e"]:
        return jnp.mean(jax.vmap(self.particle)(x), axis=0)


class NeighbourGraph(eqx.Module):
    """φ = (1/N) Σᵢ node((1/k) Σⱼ edge(xᵢ, xⱼ − xᵢ)), over the k nearest j of each particle.

    It sees how dense a population is; so it knows its number: if every particle is there twice,
    the nearest one of each is its double.
    """

    edge: eqx.nn.MLP
    node: eqx.nn.MLP
    k: int = eqx.field(static=True)

    def __call__(self, x: Float[Array, "n 2"]) -> Float[Array, " e"]:
        apart = x[nearest(x, self.k)] - x[:, None]
        own = jnp.broadcast_to(x[:, None], apart.shape)
        told = jax.vmap(jax.vmap(self.edge))(jnp.concatenate([own, apart], axis=-1))
        return jnp.mean(jax.vmap(self.node)(jnp.mean(told, axis=1)), axis=0)


def deep_set(key: Key[Array, ""], features: int, width: int) -> DeepSet:
    return DeepSet(eqx.nn.MLP(2, features, width, 2, activation=jax.nn.silu, key=key))


def neighbour_graph(key: Key[Array, ""], features: int, width: int, k: int) -> NeighbourGraph:
    for_edge, for_node = jax.random.split(key)
    silu: Any = jax.nn.silu
    return NeighbourGraph(
        eqx.nn.MLP(4, width, width, 1, activation=silu, final_activation=silu, key=for_edge),
        eqx.nn.MLP(width, features, width, 1, activation=silu, key=for_node),
        k,
    )


def nearest(x: Float[Array, "n 2"], k: int) -> Int[Array, "n k"]:
    """The k nearest others of each particle, the nearest first."""
    apart = jnp.sum((x[:, None] - x) ** 2, axis=-1)
    apart = jnp.where(jnp.eye(len(x), dtype=bool), jnp.inf, apart)
    return lax.top_k(-apart, k)[1]
