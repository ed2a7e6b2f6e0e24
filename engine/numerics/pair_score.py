"""A score of what drives particles, learned from those around: it turns with the world.

The network is a sum over neighbours, so it does not know who is who (equivariant under
permutations), and it combines vectors by coefficients that depend on their lengths and angles
alone (equivariant under rotations and reflections). Boffi & Vanden-Eijnden (2023) take a local
transformer of 64 neighbours; this is a small relative of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from engine.numerics.neighbours import taken, wrapped
from engine.numerics.training import drawn_at_once


WIDTH = 24
POOLED = 8  # numbers of all neighbours that a particle's own network sees
SHORT = 1e-6  # added below a root, so that what differentiates it stays finite


class Surroundings(NamedTuple):
    """What some particles see of their neighbours."""

    way: Float[Array, "m slots 2"]  # unit vectors from the neighbour
    distance: Float[Array, "m slots"]
    weight: Float[Array, "m slots"]  # falls to 0 at the reach, and is 0 where there is no one
    drive: Float[Array, "m slots 2"]  # of the neighbour
    force: Float[Array, "m 2"]  # on the particle itself


def surroundings(
    position: Float[Array, "n 2"],
    drive: Float[Array, "n 2"],
    force: Float[Array, "n 2"],
    other: Int[Array, "slots m"],
    me: Int[Array, " m"],
    length: Float[Array, ""],
    reach: float,
) -> Surroundings:
    """Of the particles `me`, of whom `other` are listed as neighbours."""
    there: Bool[Array, "m slots"] = other.T >= 0
    index = jnp.maximum(other.T, 0)
    apart = wrapped(taken(position, me)[:, None] - taken(position, index), length)
    r = jnp.sqrt(jnp.sum(apart**2, axis=-1) + SHORT)
    weight = jnp.where(there, jnp.maximum(1 - r / reach, 0), 0)
    return Surroundings(apart / r[..., None], r, weight, taken(drive, index), taken(force, me))


class PairScore(eqx.Module):
    """∇_g log ρ for each particle's drive g; at first that of free particles, −g."""

    pairs: eqx.nn.MLP
    own: eqx.nn.MLP

    def __init__(self, key: Key[Array, ""]) -> None:
        one, two = jax.random.split(key)
        self.pairs = eqx.nn.MLP(5, 3 + POOLED, WIDTH, 2, activation=jax.nn.silu, key=one)
        self.own = eqx.nn.MLP(3 + POOLED, 2, WIDTH, 1, activation=jax.nn.silu, key=two)

    def __call__(self, drive: Float[Array, "m 2"], seen: Surroundings) -> Float[Array, "m 2"]:
        mine = drive[:, None, :]
        facts = jnp.stack(
            [
                seen.distance,
                jnp.maximum(1 - seen.distance, 0),
                jnp.sum(mine * seen.way, axis=-1),
                jnp.sum(seen.drive * seen.way, axis=-1),
                jnp.sum(mine * seen.drive, axis=-1),
            ],
            axis=-1,
        )
        said = jax.vmap(jax.vmap(self.pairs))(facts) * seen.weight[..., None]
        along, self_part, theirs = (said[..., k, None] for k in range(3))
        of_pairs = jnp.sum(along * seen.way + self_part * mine + theirs * seen.drive, axis=1)
        alone = jnp.stack(
            [
                jnp.sum(drive**2, axis=-1),
                jnp.sum(drive * seen.force, axis=-1),
                jnp.sum(seen.force**2, axis=-1),
            ],
            axis=-1,
        )
        # Logarithms of what may be large: a jammed particle is pushed by many times its drive.
        alone = jnp.sign(alone) * jnp.log1p(jnp.abs(alone))
        pooled = jnp.concatenate([alone, jnp.sum(said[..., 3:], axis=1)], axis=-1)
        share = jax.vmap(self.own)(pooled)
        return -drive + share[:, :1] * drive + share[:, 1:] * seen.force + of_pairs


def drawn(key: Key[Array, ""]) -> PairScore:
    """A network to begin with, whose last layers are weak: nearly the score of free particles."""
    score = drawn_at_once(PairScore, key)

    def ends(network: PairScore) -> list[Any]:
        return [network.pairs.layers[-1].weight, network.own.layers[-1].weight]

    return eqx.tree_at(ends, score, [0.1 * weight for weight in ends(score)])


def denoising(
    score: PairScore,
    key: Key[Array, ""],
    drive: Float[Array, "n 2"],
    smear: Float[Array, ""],
    look: "Look",
    batch: int,
) -> Float[Array, ""]:
    """The loss of denoising score matching, on some particles, where all drives are smeared.

    ⟨|σ s(g + σξ) + ξ|²⟩ is least where s is the score of g + σξ.
    """
    for_noise, for_batch = jax.random.split(key)
    noise = jax.random.normal(for_noise, drive.shape)
    me = jax.random.randint(for_batch, (batch,), 0, len(drive))
    smeared = drive + smear * noise
    seen = look.around(smeared, me)
    return jnp.mean((smear * score(taken(smeared, me), seen) + taken(noise, me)) ** 2)


class Look(NamedTuple):
    """Where particles are and who is near: what does not change while drives are smeared."""

    position: Float[Array, "n 2"]
    force: Float[Array, "n 2"]
    other: Int[Array, "slots n"]
    length: Float[Array, ""]
    reach: float

    def around(self, drive: Float[Array, "n 2"], me: Int[Array, " m"]) -> Surroundings:
        """What some of them see."""
        other = jnp.take(self.other, me, axis=1)
        return surroundings(self.position, drive, self.force, other, me, self.length, self.reach)


def current(
    score: Callable[[Float[Array, "m 2"], Surroundings], Float[Array, "m 2"]],
    drive: Float[Array, "n 2"],
    look: Look,
) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
    """g + s of each particle, and 2 + div_g s: both are 0 on average where drives are free."""
    seen = look.around(drive, jnp.arange(len(drive)))

    def at(mine: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        return mine + score(mine, seen)

    # Each score depends on its own drive through `mine` alone: one direction serves all at once.
    ways = [jnp.broadcast_to(axis, drive.shape) for axis in jnp.eye(2)]
    flow, first = jax.jvp(at, (drive,), (ways[0],))
    _, second = jax.jvp(at, (drive,), (ways[1],))
    return flow, first[:, 0] + second[:, 1]
