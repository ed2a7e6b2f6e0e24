"""Cybernetic colloids: particles that are pushed by their own past, and by each other's."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, Segments, Trails
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.delayed_feedback import TURNS, displacement
from engine.numerics.neighbours import each_candidate, sorted_into_cells, taken, wrapped
from engine.numerics.pair_measures import hexatic
from engine.numerics.placements import DISC, lattice
from engine.numerics.wanderings import TRACERS, Wanderings, at_home, wandered


FEW = 1024  # colloids up to which all pairs are summed
TRAIL, SHOWN = 24, 256  # positions of a trail, and colloids that have one
RINGED, CORNERS = 48, 32  # rings that are drawn, and sides of one
ROUND = 1e-8  # a ring has no direction in its middle: there its force falls to 0


class State(NamedTuple):
    past: Float[Array, "moments n 2"]  # a ring of positions, not wrapped
    now: Int[Array, ""]  # steps so far: the present is at this place, around the ring
    length: Float[Array, ""]  # side L of the periodic square
    wanderings: Wanderings  # of some of them


class Cybloids(System[State]):
    """Cybloids

    Each colloid feels a force programmed from where it was a time τ ago, and perhaps from where
    the others were:

        dxᵢ = [f(xᵢ(t) − xᵢ(t−τ)) + Σⱼ f(xᵢ(t) − xⱼ(t−τ)) + contacts] dt + √(2D) dW,

        f(d) = −k d  (harmonic)  or  −k (|d| − R) d/|d|  (ring)

    The harmonic feedback slows diffusion to D/(1 + kτ)²; the ring makes a swimmer of speed
    kR/(1 + kτ). Between colloids forces end at 2R.
    """

    sources = ("saha2024cybloids",)
    after = True
    equations = (
        Equation(
            r"\dot x_i=f\big(x_i(t)-x_i(t-\tau)\big)+\sum_{j\neq i}f\big(x_i(t)-x_j(t-\tau)\big)"
            r"+\sqrt{2D}\,\xi_i",
            "pushed by the past",
        ),
        Equation(r"f(d)=-k\,d\quad\Rightarrow\quad D_{\rm eff}=\frac{D}{(1+k\tau)^2}", "harmonic"),
        Equation(
            r"f(d)=-k\,(|d|-R)\,\frac{d}{|d|}\quad\Rightarrow\quad v=\frac{kR}{1+k\tau}",
            "ring, without noise",
        ),
        Equation(
            r"\langle\Delta x^2\rangle=\frac{2D}{\pi}\int\frac{1-\cos\omega t}"
            r"{|i\omega+k(1-e^{-i\omega\tau})|^2}\,d\omega",
            "harmonic, of a component",
        ),
    )
    assumptions = (
        "A colloid alone. Harmonic: exact, but for the step. Ring: its steady swimming for D → 0; "
        "with noise theory is silent about it. The ring's shape is ours: the paper makes it of "
        "light, with the same minimum."
    )
    presets = (
        Preset("swimmers", potential="ring", diffusion=0.05),
        Preset("sure swimmers", potential="ring", diffusion=1e-4, radius=2.0),
        Preset("active discs", diffusion=0.02, radius=2.0, bodies="discs", packing=0.4),
        Preset("held back", potential="harmonic", stiffness=5.0, diffusion=1.0),
        Preset("free", potential="harmonic", stiffness=0.0, diffusion=1.0),
        Preset(
            "tied to each other",
            acts_on="others",
            bodies="discs",
            radius=1.6,
            delay=0.05,
            diffusion=0.05,
            packing=0.35,
            stiffness=4.0,
        ),
        Preset("late tweezers", potential="harmonic", timing="sample and hold", period=0.5),
    )
    quantities = (
        Quantity("speed", symbol="v", help="from where it was a delay ago"),
        Quantity("reach", symbol="⟨d²⟩", help="square of the way made in a delay"),
        Quantity("exponent", symbol="α", span=(0, 2), help="of that way with time: 1 diffuses"),
        Quantity("hexatic", symbol="|ψ₆|", span=(0, 1), help="sixfold order around a colloid"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(large=True, glow=False),
        "displacement": Hint(large=False),
    }

    stiffness: Scalar = live(
        default=2.0, span=(0, 20), symbol="k", help="of the feedback", limits=(0, np.inf)
    )
    radius: Scalar = live(
        default=1.0, span=(0, 3), symbol="R", help="of the ring", limits=(0, np.inf)
    )
    delay: Scalar = live(
        default=1.0,
        span=(0, 5),
        symbol="τ",
        help="age of the position it uses",
        limits=(0, np.inf),
    )
    diffusion: Scalar = live(
        default=0.05, span=(0, 2), symbol="D", help="of a free colloid", limits=(0, np.inf)
    )
    contact: Scalar = live(
        default=50.0, span=(0, 100), symbol="κ", help="stiffness of discs", limits=(0, np.inf)
    )
    period: Scalar = live(
        default=0.1,
        span=(0.01, 1),
        symbol="T",
        help="between two looks, where it samples and holds",
        limits=(1e-6, np.inf),
    )
    dt: Scalar = live(
        default=0.01,
        span=(0.005, 0.02),
        symbol="Δt",
        help="Euler–Maruyama step",
        limits=(1e-6, 1),
    )
    potential: str = mode(default="ring", choices=("ring", "harmonic"), help="what is programmed")
    acts_on: str = mode(
        default="itself",
        choices=("itself", "others", "all"),
        help="whom the past of a colloid pushes",
    )
    bodies: str = mode(
        default="points", choices=("points", "discs"), help="whether they push where they overlap"
    )
    timing: str = mode(
        default="continuous",
        choices=("continuous", "sample and hold"),
        help="whether the feedback is renewed at each step or once a period",
    )
    packing: Scalar = start(
        default=0.2,
        span=(0.02, 0.8),
        symbol="φ",
        help="share that discs of diameter 1 cover",
        limits=(1e-6, 2),
    )
    n: int = size(default=256, span=(1, 4096), symbol="N", help="colloids")
    moments: int = size(default=512, span=(8, 8192), symbol="M", help="room for the past")

    def init(self, key: Key[Array, ""]) -> State:
        length = jnp.sqrt(self.n * DISC / jnp.asarray(self.packing, float))
        place = lattice(key, self.n, length)
        past = jnp.broadcast_to(place, (self.moments, self.n, 2))  # it had not moved before
        return State(past, jnp.int32(0), length, at_home(self.some(place)))

    def some(self, values: Float[Array, "n 2"]) -> Float[Array, "some 2"]:
        """Of those whose ways are measured, from everywhere."""
        m = min(self.n, TRACERS)
        return values[np.arange(m) * self.n // m]

    # Dynamics.

    def age(self) -> Int[Array, ""]:
        """The delay in steps, as far as there is room."""
        return jnp.minimum(self.steps_of(self.delay), self.moments - 1)

    def steps_of(self, time: Scalar) -> Int[Array, ""]:
        return jnp.round(time / self.dt).astype(int)

    def at(self, state: State, age: Int[Array, ""] | int) -> Float[Array, "n 2"]:
        """Where all were so many steps ago."""
        return state.past[(state.now - jnp.clip(age, 0, self.moments - 1)) % self.moments]

    def used(self, state: State) -> Float[Array, "n 2"]:
        """The past positions that the feedback uses now."""
        if self.timing == "continuous":
            return self.at(state, self.age())
        since = state.now % jnp.maximum(self.steps_of(self.period), 1)
        return self.at(state, self.age() + since)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        x = self.at(state, 0)
        kick = jnp.sqrt(2 * self.diffusion * self.dt) * jax.random.normal(key, x.shape)
        # Behind a barrier, for what reads the past and writes it at once would copy all of it.
        moved = lax.optimization_barrier(x + self.force(state, x) * self.dt + kick)
        now = state.now + 1
        return State(
            state.past.at[now % self.moments].set(moved),
            now,
            state.length,
            wandered(state.wanderings, self.some(moved)),
        )

    def force(self, state: State, x: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        past = self.used(state)
        force = jnp.zeros_like(x)
        if self.acts_on != "others":
            d = x - past
            force = force + self.programmed(jnp.sum(d**2, axis=1, keepdims=True)) * d
        if self.acts_on != "itself":
            reach = 2 * jnp.asarray(self.radius, float)

            def pair(square: Array) -> Array:
                return jnp.where(square < reach**2, self.programmed(square), 0)

            force = force + pair_sum(x, past, state.length, jnp.maximum(reach, 0.5), pair)
        if self.bodies == "discs":

            def push(square: Array) -> Array:
                r = jnp.sqrt(square + 1e-12)
                return self.contact * jnp.maximum(1 - r, 0) / r

            force = force + pair_sum(x, x, state.length, jnp.float32(1.0), push)
        return force

    def programmed(self, square: Array) -> Array:
        """f(d)/d of a square distance."""
        if self.potential == "harmonic":
            return -jnp.asarray(self.stiffness, float) + 0 * square
        return -self.stiffness * (1 - self.radius * lax.rsqrt(square + ROUND))

    # What is measured, and what theory says.

    def observables(self, state: State) -> Scalars:
        x, age = self.at(state, 0), self.age()
        # Over a delay, or over fifty steps where it is shorter than those.
        lag = jnp.clip(age, min(50, self.moments - 1), self.moments - 1)
        way = jnp.linalg.norm(x - self.at(state, lag), axis=1)
        whole = jnp.mean(jnp.sum((x - self.at(state, age)) ** 2, axis=1))
        half = jnp.mean(jnp.sum((x - self.at(state, age // 2)) ** 2, axis=1))
        ratio = jnp.log((whole + 1e-12) / (half + 1e-12))
        halves = jnp.log(jnp.maximum(age, 2) / jnp.maximum(age // 2, 1))
        psi = hexatic(x % state.length, state.length, reach=jnp.maximum(1.4 * self.radius, 1.4))
        return {
            "speed": jnp.mean(way) / (lag * self.dt),
            "reach": whole,
            "exponent": jnp.where(age > 1, ratio / halves, 0.0),
            "hexatic": jnp.mean(jnp.abs(psi)),
        }

    def theory(self) -> Scalars:
        alone = self.acts_on == "itself" and self.bodies == "points"
        if not alone or self.timing != "continuous":
            return {}
        if self.potential == "ring":
            swims = self.stiffness * self.radius / (1 + self.stiffness * self.delay)
            return {"speed": jnp.where(jnp.asarray(self.diffusion) < 1e-3, swims, jnp.nan)}
        _, square = self.displacement(jnp.array([64]))
        return {"reach": square[0]}

    def displacement(self, turns: Int[Array, " m"]) -> tuple[Array, Array]:
        stiffness, delay = jnp.asarray(self.stiffness, float), jnp.asarray(self.delay, float)
        return displacement(stiffness, delay, jnp.asarray(self.diffusion, float), turns)

    def boundaries(self) -> dict[str, Boundary]:
        # Within a delay noise alone carries it as far as the ring is wide.
        return {
            "diffuses over the ring": Boundary(
                {"radius": jnp.sqrt(jnp.asarray(self.diffusion * self.delay, float))},
                kind="guide",
            )
        }

    def marks(self) -> dict[str, dict[str, Scalar]]:
        return {"g(r)": {"R": self.radius}} if self.potential == "ring" else {}

    def backend(self) -> str:
        if self.acts_on == "itself" and self.bodies == "points":
            return ""
        return "dense" if self.n <= FEW else "cells"

    def caveats(self, state: State) -> Flags:
        far = self.delay + (self.period if self.timing != "continuous" else 0)
        stiff = (self.stiffness if self.acts_on == "itself" else 4 * self.stiffness) * self.dt
        stiff = jnp.maximum(stiff, self.contact * self.dt if self.bodies == "discs" else 0.0)
        return {
            "the delay is longer than the past there is room for": self.steps_of(far)
            >= self.moments,
            "a step is too long for forces this stiff: lower Δt or k": jnp.asarray(stiff > 1),
            "forces reach beyond half the square: lower R or φ": jnp.bool_(self.acts_on != "itself")
            & (4 * jnp.asarray(self.radius) > state.length),
        }

    # Pictures.

    def frame(self, state: State) -> Frame:
        x, length = self.at(state, 0), state.length
        here = x % length  # drawn where its image is; what leads from its past comes along
        back = self.used(state) - x
        discs = self.bodies == "discs"
        ringed = min(self.n, RINGED)
        ghosts = (here + back)[np.arange(ringed) * self.n // ringed]  # of all parts
        layers = (
            Box(jnp.zeros(2), jnp.full(2, length), periodic=True),
            Points(
                here,
                {"reach": Colour(jnp.linalg.norm(back, axis=1))},
                radius=0.5 if discs else 0.25,
            ),
            Segments(here + back, here),
            Trails(self._trail(state, x, here)),
        )
        if self.potential == "ring":
            layers = (*layers, Segments(*rings(ghosts, jnp.asarray(self.radius, float))))
        return {"swarm": layers, "displacement": self._displacement(state)}

    def _trail(
        self, state: State, x: Float[Array, "n 2"], here: Float[Array, "n 2"]
    ) -> Float[Array, "k some 2"]:
        """The way of the last two time units, or of as much as there is room for."""
        some = min(self.n, SHOWN)
        stride = max(1, min(8, (self.moments - 1) // TRAIL))
        ages = stride * jnp.arange(TRAIL - 1, -1, -1)
        path = state.past[(state.now - ages) % self.moments, :some] - x[:some] + here[:some]
        outside = jnp.any((path < 0) | (path > state.length), axis=-1, keepdims=True)
        return jnp.where(outside, jnp.nan, path)

    def _displacement(self, state: State) -> tuple[Axes, Curve, Curve]:
        lag, square = state.wanderings.lags()
        time = lag * jnp.asarray(self.dt, float)
        if self.potential == "harmonic":
            known, exact = self.displacement(jnp.asarray(TURNS))
            # Beyond, it grows evenly.
            slope = 4 * self.diffusion / (1 + self.stiffness * self.delay) ** 2
            late = jnp.maximum(time[-1], known[-1])
            known = jnp.append(known, late)
            exact = jnp.append(exact, exact[-1] + slope * (late - known[-2]))
            theory = Curve(known, exact, label="alone")
        else:
            theory = Curve(time, 4 * self.diffusion * time, "guide", label="free")
        return (
            Axes("lag", "mean square displacement", log="xy"),
            theory,
            Curve(time, square, "measured"),
        )


def pair_sum(
    x: Float[Array, "n 2"], sources: Float[Array, "n 2"], length: Array, reach: Array, law
) -> Float[Array, "n 2"]:
    """Σⱼ law(|d|²) d over all others, d from source j to particle i: by all pairs, or by cells."""
    n = len(x)
    if n <= FEW:
        dx, dy = (
            wrapped(mine[:, None] - theirs, length)
            for mine, theirs in zip(x.T, sources.T, strict=True)
        )
        pull = jnp.where(jnp.eye(n, dtype=bool), 0, law(dx * dx + dy * dy))
        return jnp.stack([jnp.sum(pull * dx, axis=1), jnp.sum(pull * dy, axis=1)], axis=1)
    place = sources - length * jnp.floor(sources / length)
    cells = sorted_into_cells(place[:, 0], place[:, 1], length, reach)
    ordered, me = taken(place, cells.order), taken(x, cells.order)
    # The cells are of where sources were; who asks looks around where it is now.
    mine = me - length * jnp.floor(me / length)
    column, row = jnp.clip((mine.T * (cells.across / length)).astype(int), 0, cells.across - 1)
    asking = cells._replace(cell=row * cells.across + column)

    def add(total: Array, other: Array, valid: Array) -> Array:
        other = jnp.where(valid, other, 0)
        d = wrapped(mine - taken(ordered, other), length)
        square = jnp.sum(d**2, axis=1)
        # Beyond the reach a law of neighbouring cells would be counted in part.
        near = valid & (other != jnp.arange(n)) & (square < reach**2)
        return total + jnp.where(near, law(square), 0)[:, None] * d

    total = each_candidate(asking, add, jnp.zeros_like(x))
    return jnp.zeros_like(x).at[cells.order].set(total)


def rings(
    middle: Float[Array, "n 2"], radius: Float[Array, ""]
) -> tuple[Float[Array, "m 2"], Float[Array, "m 2"]]:
    """The sides of a circle around each."""
    angle = 2 * np.pi * np.arange(CORNERS + 1) / CORNERS
    corner = radius * jnp.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=1), jnp.float32)
    sides = middle[:, None] + corner
    return sides[:, :-1].reshape(-1, 2), sides[:, 1:].reshape(-1, 2)
