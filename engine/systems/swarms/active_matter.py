"""Active Brownian discs: a gas that condenses although nothing attracts."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Colour, Curve, Frame, Points, histogram
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.neighbours import Neighbours, kept, listed, taken, wrapped
from engine.numerics.trig import sincos


SKIN = 0.35  # diameters: a list lasts about ten steps, and holds about eight neighbours
REACH = 1 + SKIN
DISC = jnp.pi / 4  # area, in squared diameters


class State(NamedTuple):
    position: Float[Array, "n 2"]  # in diameters, in [0, L)
    heading: Float[Array, " n"]  # rad
    length: Float[Array, ""]  # side L of the periodic square
    near: Neighbours


class ActiveMatter(System[State]):
    """Active Brownian discs

    Discs of diameter 1 that swim at speed v₀ along a heading that forgets itself after a
    persistence length ℓ, and push each other apart where they overlap:

        dxᵢ = (v₀ e(θᵢ) + k Σⱼ (1 − rᵢⱼ)₊ r̂ᵢⱼ) dt + √(2Dₜ) dW,    dθᵢ = √(2v₀/ℓ) dW

    A swimmer in a crowd is slow, and where swimmers are slow they gather: above ℓ ≈ 13 the gas
    separates into a dense drop and a vapour.
    """

    sources = ("boffi2023entropy", "cates2015mips")
    equations = (
        Equation(
            r"\dot x_i=v_0\,e(\theta_i)+k\sum_j(1-r_{ij})_+\,\hat r_{ij}+\sqrt{2D_t}\,\xi_i",
            "swims, and is pushed where discs overlap",
        ),
        Equation(r"\dot\theta_i=\sqrt{2v_0/\ell}\;\eta_i", "a heading lasts for the length ℓ"),
        Equation(
            r"v_0\langle e\cdot F\rangle+\langle F^2\rangle=0",
            "stationary, D_t = 0: what propulsion pays, contacts burn",
        ),
    )
    assumptions = (
        "The line is an estimate for hard discs, ℓ ≈ 13; other common numbers: Pe = ℓ, and "
        "Pe = 3ℓ where thermal and rotational diffusion are those of one disc."
    )
    presets = (
        Preset("separating", persistence=50.0, packing=0.6),
        Preset("one phase", persistence=5.0, packing=0.6),
        Preset("drops", persistence=60.0, packing=0.4),
        Preset("dense", persistence=100.0, packing=0.8),
    )
    quantities = (
        Quantity("clumping", symbol="s_φ", span=(0, 0.5), help="scatter of the local packing"),
        Quantity("swim", symbol="v(φ)/v₀", span=(0, 1), help="speed along the heading, of v₀"),
        Quantity("heat", symbol="⟨F²⟩", help="what contacts burn"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(large=True, glow=False),
        "local packing": Hint(large=False),
    }

    persistence: Scalar = live(
        default=50.0,
        span=(1, 200),
        symbol="ℓ",
        help="swum before a turn",
        unit="diameters",
        log=True,
        limits=(1e-3, np.inf),
    )
    speed: Scalar = live(
        default=1.0,
        span=(0.01, 2),
        symbol="v₀",
        help="alone in free space",
        limits=(1e-6, np.inf),
    )
    stiffness: Scalar = live(
        default=20.0,
        span=(5, 100),
        symbol="k",
        help="of a contact",
        log=True,
        limits=(0, np.inf),
    )
    diffusion: Scalar = live(
        default=0.0, span=(0, 0.5), symbol="Dₜ", help="thermal kicks", limits=(0, np.inf)
    )
    dt: Scalar = live(
        default=0.01,
        span=(0.001, 0.02),
        symbol="Δt",
        help="Euler–Maruyama step",
        limits=(1e-6, 1),
    )
    packing: Scalar = start(
        default=0.6,
        span=(0.05, 0.9),
        symbol="φ",
        help="share that discs cover",
        limits=(1e-4, 1.2),
    )
    n: int = size(default=2048, span=(64, 262_144), symbol="N", help="discs")
    slots: int = size(default=12, span=(2, 256), symbol="S", help="room for neighbours of a disc")

    def init(self, key: Key[Array, ""]) -> State:
        for_position, for_heading = jax.random.split(key)
        length = jnp.sqrt(self.n * DISC / self.packing)
        across = int(-(-(self.n**0.5) // 1))
        site = jnp.stack(jnp.divmod(jnp.arange(self.n), across), axis=1) + 0.25
        jitter = 0.5 * jax.random.uniform(for_position, (self.n, 2))
        position = (site + jitter) * length / across
        heading = jax.random.uniform(for_heading, (self.n,), maxval=2 * jnp.pi)
        near = listed(position, length, reach=REACH, slots=self.slots)
        return State(position, heading, length, near)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_place, for_turn = jax.random.split(key)
        near = kept(state.near, state.position, state.length, reach=REACH, skin=SKIN)
        state = state._replace(near=near)
        drift = self.speed * compass(state.heading) + self.push(state)
        turn = jnp.sqrt(2 * self.speed / self.persistence * self.dt)
        kick = lax.cond(  # most of the cost of a step, so none where there is none
            jnp.asarray(self.diffusion) > 0,
            lambda: (
                jnp.sqrt(2 * self.diffusion * self.dt) * jax.random.normal(for_place, (self.n, 2))
            ),
            lambda: jnp.zeros((self.n, 2)),
        )
        heading = state.heading + turn * jax.random.normal(for_turn, (self.n,))
        return state._replace(
            position=(state.position + drift * self.dt + kick) % state.length,
            # Kept small, so that a long run loses no digits of it.
            heading=heading - 2 * jnp.pi * jnp.floor(heading / (2 * jnp.pi)),
        )

    def push(self, state: State) -> Float[Array, "n 2"]:
        """The force of all contacts on each disc."""
        other, (x, y) = state.near.other, state.position.T
        there = jnp.maximum(other, 0)
        # Coordinate by coordinate: what is fetched stays in vector registers.
        dx, dy = x - taken(x, there), y - taken(y, there)
        dx = dx - state.length * jnp.round(dx / state.length)
        dy = dy - state.length * jnp.round(dy / state.length)
        r = jnp.sqrt(dx**2 + dy**2 + 1e-12)
        pull = jnp.where(other >= 0, jnp.maximum(1 - r, 0), 0) / r
        push = jnp.stack([jnp.sum(pull * dx, axis=0), jnp.sum(pull * dy, axis=0)], axis=1)
        return self.stiffness * push

    def observables(self, state: State) -> Scalars:
        push, density = self.push(state), local_packing(state)
        along = jnp.mean(jnp.sum(push * compass(state.heading), axis=1))
        return {
            "clumping": jnp.sqrt(jnp.nanmean((density - jnp.nanmean(density)) ** 2)),
            "swim": 1 + along / self.speed,
            "heat": jnp.mean(jnp.sum(push**2, axis=1)),
        }

    def boundaries(self) -> dict[str, Boundary]:
        return {"hard discs, estimated": Boundary({"persistence": jnp.asarray(13.0)}, kind="guide")}

    def demand(self, state: State) -> dict[str, Int[Array, ""]]:
        return {"slots": state.near.most}

    def caveats(self, state: State) -> Flags:
        return {
            "a step is too long for contacts this stiff: lower Δt or k": jnp.asarray(
                self.stiffness * self.dt > 0.5
            )
        }

    @poke(view="swarm")
    def push_away(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Push discs away from the hand, or pull them with the other button."""
        apart = wrapped(state.position - touch.position, state.length)
        reach = jnp.exp(-jnp.sum(apart**2, axis=1) / (2 * touch.radius**2))
        moved = state.position + touch.sign * 0.1 * reach[:, None] * apart
        return state._replace(position=moved % state.length)

    @poke()
    def quench(self, state: State, key: Key[Array, ""]) -> State:
        """Spread the discs evenly again."""
        return self.init(key)

    def frame(self, state: State) -> Frame:
        square = Box(jnp.zeros(2), jnp.full(2, state.length), periodic=True)
        contacts = jnp.sum(state.near.other >= 0, axis=0).astype(float)
        colours = {
            "heading": Colour(state.heading % (2 * jnp.pi), scale="phase"),
            "neighbours": Colour(contacts, span=(0, 8)),
            "push": Colour(jnp.linalg.norm(self.push(state), axis=1)),
        }
        density = local_packing(state)
        bars: Bars = histogram(jnp.where(jnp.isnan(density), -1, density), (0, 1.4), bins=28)
        return {
            "swarm": (square, Points(state.position, colours, radius=0.5)),
            "local packing": (
                Axes("local packing", "share of squares"),
                bars,
                Curve(jnp.full(2, self.packing), jnp.array([0.0, 4.0]), "guide", label="mean"),
            ),
        }


def compass(heading: Float[Array, " n"]) -> Float[Array, "n 2"]:
    """Unit vectors."""
    s, c = sincos(heading)
    return jnp.stack([c, s], axis=1)


def local_packing(state: State) -> Float[Array, " n"]:
    """Share covered in squares of about four diameters; not-a-number past the last square."""
    n = len(state.position)
    across = jnp.maximum((state.length / 4).astype(int), 1)
    column, row = jnp.clip((state.position.T * across / state.length).astype(int), 0, across - 1)
    count = jnp.zeros(n).at[row * across + column].add(1)
    share = count * DISC / (state.length / across) ** 2
    return jnp.where(jnp.arange(n) < across**2, share, jnp.nan)
