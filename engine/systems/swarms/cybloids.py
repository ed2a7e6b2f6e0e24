"""Cybernetic colloids: particles that are pushed by their own past."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Box, Colour, Frame, Points, Segments
from engine.core.parameters import Scalar, live, mode, size
from engine.core.system import System
from engine.core.theory import Flags, Scalars


SIDE = 10.0  # of the square that is shown: colloids do not meet, so it may repeat


class State(NamedTuple):
    past: Float[Array, "moments n 2"]  # a ring of positions
    now: Int[Array, ""]  # where in the ring the present is
    travelled: Float[Array, ""]  # smoothed speed


class Cybloids(System[State]):
    """Cybloids

    Each colloid feels a force programmed from where it was a time τ ago, d = x(t) − x(t − τ):

        dx = f(d) dt + √(2D) dW,    f = −k d  (harmonic)  or  −k (|d| − R) d/|d|  (ring)

    The harmonic feedback slows diffusion to D/(1 + kτ)²; the ring makes a swimmer of speed
    kR/(1 + kτ).
    """

    sources = ("saha2024cybloids",)
    after = True
    equations = (
        Equation(
            r"\dot x=f\big(x(t)-x(t-\tau)\big)+\sqrt{2D}\,\xi", "pushed by where it was before"
        ),
        Equation(r"f(d)=-k\,d\quad\Rightarrow\quad D_{\rm eff}=\frac{D}{(1+k\tau)^2}", "harmonic"),
        Equation(
            r"f(d)=-k\,(|d|-R)\,\frac{d}{|d|}\quad\Rightarrow\quad v=\frac{kR}{1+k\tau}",
            "ring, without noise",
        ),
    )
    assumptions = "The ring's steady swimming for D → 0; with noise theory is silent about it."
    presets = (
        Preset("swimmers", potential="ring", diffusion=0.05),
        Preset("sure swimmers", potential="ring", diffusion=1e-4, radius=2.0),
        Preset("held back", potential="harmonic", stiffness=5.0, diffusion=1.0),
        Preset("free", potential="harmonic", stiffness=0.0, diffusion=1.0),
    )
    quantities = (Quantity("speed", symbol="v", help="over fifty steps, smoothed"),)
    hints: ClassVar[Mapping[str, Hint]] = {"swarm": Hint(large=True, glow=False)}

    stiffness: Scalar = live(
        default=2.0, span=(0, 20), symbol="k", help="of the feedback", limits=(0, np.inf)
    )
    delay: Scalar = live(
        default=1.0,
        span=(0, 5),
        symbol="τ",
        help="age of the position it uses",
        limits=(0, np.inf),
    )
    radius: Scalar = live(
        default=1.0, span=(0, 3), symbol="R", help="of the ring", limits=(0, np.inf)
    )
    diffusion: Scalar = live(
        default=1.0, span=(0, 2), symbol="D", help="of a free colloid", limits=(0, np.inf)
    )
    dt: Scalar = live(
        default=0.01,
        span=(0.005, 0.02),
        symbol="Δt",
        help="Euler–Maruyama step",
        limits=(1e-6, 1),
    )
    potential: str = mode(
        default="harmonic", choices=("harmonic", "ring"), help="what is programmed"
    )
    n: int = size(default=256, span=(1, 4096), symbol="N", help="colloids")
    moments: int = size(default=512, span=(8, 8192), symbol="M", help="room for the past")

    def init(self, key: Key[Array, ""]) -> State:
        place = SIDE * jax.random.uniform(key, (self.n, 2))
        past = jnp.broadcast_to(place, (self.moments, self.n, 2))  # it had not moved before
        return State(past, jnp.asarray(0), jnp.zeros(()))

    def age(self) -> Int[Array, ""]:
        """The delay in steps."""
        return jnp.round(self.delay / self.dt).astype(int)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        x = state.past[state.now]
        d = x - state.past[(state.now - jnp.minimum(self.age(), self.moments - 1)) % self.moments]
        force = -self.stiffness * d
        if self.potential == "ring":
            force = force * (
                1 - self.radius / jnp.sqrt(jnp.sum(d**2, axis=1, keepdims=True) + 1e-8)
            )
        kick = jnp.sqrt(2 * self.diffusion * self.dt) * jax.random.normal(key, x.shape)
        now = (state.now + 1) % self.moments
        moved = x + force * self.dt + kick
        then = state.past[(now - 50) % self.moments]
        speed = jnp.mean(jnp.linalg.norm(moved - then, axis=1)) / (50 * self.dt)
        return State(state.past.at[now].set(moved), now, 0.99 * state.travelled + 0.01 * speed)

    def observables(self, state: State) -> Scalars:
        return {"speed": state.travelled}

    def theory(self) -> Scalars:
        if self.potential == "ring":
            swims = self.stiffness * self.radius / (1 + self.stiffness * self.delay)
            return {"speed": jnp.where(jnp.asarray(self.diffusion) < 1e-3, swims, jnp.nan)}
        return {}

    def caveats(self, state: State) -> Flags:
        return {"the delay is longer than the past there is room for": self.age() >= self.moments}

    def frame(self, state: State) -> Frame:
        x = state.past[state.now]
        ghost = state.past[(state.now - jnp.minimum(self.age(), self.moments - 1)) % self.moments]
        back = ghost - x
        x = x % SIDE  # drawn where its image is; the link leads from its own past
        return {
            "swarm": (
                Box(jnp.zeros(2), jnp.full(2, SIDE), periodic=True),
                Points(x, {"reach": Colour(jnp.linalg.norm(back, axis=1))}, radius=0.15),
                Segments(x + back, x),
            )
        }
