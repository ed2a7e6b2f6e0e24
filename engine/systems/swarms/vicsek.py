"""The Vicsek model: flocks out of neighbours that agree."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Preset, Quantity
from engine.core.layers import Box, Colour, Frame, Points
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Scalars
from engine.numerics.neighbours import each_candidate, sorted_into_cells, wrapped


class State(NamedTuple):
    position: Float[Array, "n 2"]
    direction: Float[Array, "n 2"]  # unit vectors
    identity: Int[Array, " n"]  # who stands here: each step sorts all by place
    length: Float[Array, ""]


class Vicsek(System[State]):
    """Vicsek flock

    Particles fly at constant speed, each step in the mean direction of all within a distance 1,
    itself included, turned by noise:

        θᵢ ← arg Σ_{|xⱼ−xᵢ|<1} e^{iθⱼ} + 2πη ξᵢ,  ξ uniform in [−½, ½],    xᵢ ← xᵢ + v e(θᵢ)

    Below a noise that grows with the density they flock; near it the flock travels in bands.
    """

    sources = ("vicsek1995", "cui2024decpomfc")
    presets = (Preset("flock", noise=0.2), Preset("gas", noise=0.8))
    quantities = (Quantity("order", symbol="φ", span=(0, 1)), Quantity("binder", symbol="U"))
    clock = "steps"

    noise: Scalar = live(default=0.4, span=(0, 1), symbol="η", help="share of all directions")
    speed: Scalar = live(default=0.5, span=(0.03, 1), symbol="v", help="distance a step")
    density: Scalar = start(default=2.0, span=(0.5, 4), symbol="ρ", help="particles per unit area")
    n: int = size(default=4096, span=(64, 1_048_576), symbol="N", help="particles")

    def init(self, key: Key[Array, ""]) -> State:
        for_place, for_direction = jax.random.split(key)
        length = jnp.sqrt(self.n / self.density)
        position = length * jax.random.uniform(for_place, (self.n, 2))
        angle = jax.random.uniform(for_direction, (self.n,), maxval=2 * jnp.pi)
        return State(position, unit(angle), jnp.arange(self.n), length)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        cells = sorted_into_cells(state.position, state.length, reach=1.0)
        x, u, who = (
            part[cells.order] for part in (state.position, state.direction, state.identity)
        )

        def add(total: Array, other: Array, valid: Array) -> Array:
            apart = wrapped(x[other] - x, state.length)
            near = valid & (jnp.sum(apart**2, axis=1) < 1)
            return total + jnp.where(near[:, None], u[other], 0)

        mean = each_candidate(cells, add, jnp.zeros_like(u))
        mean = mean / jnp.maximum(jnp.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        # Noise is drawn by identity, or it would depend on how the sort breaks ties.
        xi = jax.random.uniform(key, (self.n,), minval=-0.5, maxval=0.5)[who]
        c, s = unit(2 * jnp.pi * self.noise * xi).T
        turned = jnp.stack(
            [mean[:, 0] * c - mean[:, 1] * s, mean[:, 0] * s + mean[:, 1] * c], axis=1
        )
        return State((x + self.speed * turned) % state.length, turned, who, state.length)

    def observables(self, state: State) -> Scalars:
        order = jnp.linalg.norm(jnp.mean(state.direction, axis=0))
        return {"order": order, "φ²": order**2, "φ⁴": order**4}

    def derived(self, mean: Scalars) -> Scalars:
        return {"binder": 1 - mean["φ⁴"] / (3 * mean["φ²"] ** 2)}

    def frame(self, state: State) -> Frame:
        square = Box(jnp.zeros(2), jnp.full(2, state.length), periodic=True)
        heading = jnp.arctan2(state.direction[:, 1], state.direction[:, 0])
        colours = {"heading": Colour(heading, scale="phase")}
        return {"swarm": (square, Points(state.position, colours, identity=state.identity))}


def unit(angle: Float[Array, " n"]) -> Float[Array, "n 2"]:
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
