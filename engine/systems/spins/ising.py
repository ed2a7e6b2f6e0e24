"""The Ising magnet in two dimensions, beside its exact solution."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int8, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Box, Frame, Image
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Scalars


CRITICAL = 2 / jnp.log(1 + jnp.sqrt(2.0))  # T_c / J


class State(NamedTuple):
    spin: Int8[Array, "length length"]  # ±1


class Ising(System[State]):
    """2D Ising ferromagnet

    Spins ±1 on a periodic square lattice that agree with their neighbours where heat lets them:

        H = −J Σ_⟨ij⟩ sᵢsⱼ − h Σᵢ sᵢ,    P(sᵢ = +1) = 1 / (1 + e^{−2fᵢ/T}),   fᵢ = J Σⱼ sⱼ + h

    Below T_c = 2J / ln(1 + √2) one direction wins; at T_c there are domains of every size. A tick
    is a sweep: the black squares of the board, then the white ones.
    """

    sources = ("onsager1944", "yang1952", "glauber1963")
    equations = (
        Equation(
            r"H=-J\sum_{\langle ij\rangle}s_is_j-h\sum_i s_i,\qquad s_i=\pm 1",
            "neighbours agree, and follow the field",
        ),
        Equation(
            r"P(s_i=+1)=\frac{1}{1+e^{-2f_i/T}},\qquad f_i=J\sum_{j\sim i}s_j+h",
            "heat bath",
        ),
        Equation(
            r"m=\left[1-\sinh^{-4}(2J/T)\right]^{1/8},\qquad T_c=\frac{2J}{\ln(1+\sqrt{2})}",
            "Onsager and Yang, for h = 0",
        ),
    )
    theory_name = "Onsager"
    assumptions = "An infinite lattice in equilibrium without field (h = 0, J > 0)."
    hints: ClassVar[Mapping[str, Hint]] = {"lattice": Hint(glow=False)}
    presets = (
        Preset("critical", temperature=2.2692, field=0.0, coupling=1.0, arrangement="random"),
        Preset("ordered", temperature=1.9, field=0.0, coupling=1.0, arrangement="up"),
        Preset("quench", temperature=1.0, field=0.0, coupling=1.0, arrangement="random"),
        Preset("coexistence", temperature=1.8, field=0.0, coupling=1.0, arrangement="halves"),
        Preset("hot", temperature=3.5, field=0.0, coupling=1.0, arrangement="random"),
        Preset("antiferromagnet", temperature=1.5, field=0.0, coupling=-1.0, arrangement="random"),
    )
    quantities = (
        Quantity("order", symbol="|m|", span=(0, 1)),
        Quantity("magnetisation", symbol="m", span=(-1, 1)),
        Quantity("energy", symbol="e", span=(-2, 0), help="per spin"),
        Quantity("binder", symbol="U", span=(0, 0.667), help="Binder's cumulant"),
        Quantity("susceptibility", symbol="χ", log=True),
        Quantity("heat capacity", symbol="c"),
    )
    clock = "sweeps"

    temperature: Scalar = live(
        default=2.27, span=(0.5, 5), symbol="T", help="of the bath", limits=(1e-3, math.inf)
    )
    field: Scalar = live(default=0.0, span=(-1, 1), symbol="h", help="along the spins")
    coupling: Scalar = live(default=1.0, span=(-1, 1), symbol="J", help="between neighbours")
    update: str = mode(
        default="heat bath", choices=("heat bath", "metropolis"), help="how a spin decides"
    )
    arrangement: str = start(
        default="up", choices=("up", "random", "halves"), help="how the spins begin"
    )
    length: int = size(default=256, span=(32, 1024), symbol="L", help="side of the lattice; even")

    def init(self, key: Key[Array, ""]) -> State:
        if self.length % 2:
            raise ValueError(f"length = {self.length} is odd: a periodic chessboard is even.")
        shape = (self.length, self.length)
        up = {
            "up": jnp.ones(shape, bool),
            "random": jax.random.bernoulli(key, shape=shape),
            "halves": jnp.broadcast_to(jnp.arange(self.length) < self.length // 2, shape),
        }[self.arrangement]
        return State(jnp.where(up, 1, -1).astype(jnp.int8))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        black, white = split(state.spin)
        for_black, for_white = jax.random.split(key)
        black = self.updated(black, beside(white, 1), for_black)
        white = self.updated(white, beside(black, -1), for_white)
        return State(joined(black, white))

    def updated(self, spin: Array, neighbours: Array, key: Key[Array, ""]) -> Array:
        """New spins of one colour, whose neighbours all have the other and stand still."""
        draw = jax.random.uniform(key, spin.shape)
        f = self.coupling * neighbours + self.field
        if self.update == "heat bath":
            new = jnp.where(draw < jax.nn.sigmoid(2 * f / self.temperature), 1, -1)
        else:
            new = jnp.where(draw < jnp.exp(-2 * spin * f / self.temperature), -spin, spin)
        return new.astype(jnp.int8)

    def observables(self, state: State) -> Scalars:
        m = jnp.mean(state.spin, dtype=float)
        bonds = jnp.mean(state.spin * neighbour_sum(state.spin), dtype=float) / 2
        e = -self.coupling * bonds - self.field * m
        return {
            "order": jnp.abs(m),
            "magnetisation": m,
            "energy": e,
            "m²": m**2,
            "m⁴": m**4,
            "e²": e**2,
        }

    def derived(self, mean: Scalars) -> Scalars:
        per_kelvin = self.length**2 / self.temperature
        return {
            "susceptibility": per_kelvin * (mean["m²"] - mean["order"] ** 2),
            "heat capacity": per_kelvin / self.temperature * (mean["e²"] - mean["energy"] ** 2),
            "binder": 1 - mean["m⁴"] / (3 * mean["m²"] ** 2),
        }

    def theory(self) -> Scalars:
        """Onsager's energy and Yang's magnetisation, for h = 0 and J > 0; else silent."""
        k = self.coupling / self.temperature
        solved = (jnp.asarray(self.field) == 0) & (k > 0)
        x = 2 * jnp.where(solved, k, 1.0)
        modulus = 2 * jnp.sinh(x) / jnp.cosh(x) ** 2
        # K(k) = π / (2 AGM(1, √(1 − k²))), so (2/π) K = 1 / AGM.
        other = jnp.sqrt(jnp.maximum(1 - modulus**2, 1e-12))
        both = (jnp.ones_like(other), other)
        agm = lax.fori_loop(0, 8, lambda _, p: ((p[0] + p[1]) / 2, jnp.sqrt(p[0] * p[1])), both)[0]
        energy = -self.coupling / jnp.tanh(x) * (1 + (2 * jnp.tanh(x) ** 2 - 1) / agm)
        order = jnp.maximum(1 - jnp.sinh(x) ** -4, 0) ** 0.125
        silent = jnp.where(solved, 0, jnp.nan)
        return {"order": order + silent, "energy": energy + silent}

    def boundaries(self) -> dict[str, Boundary]:
        t_c = CRITICAL * self.coupling
        ordered = self.temperature < t_c
        on_line = jnp.asarray(self.field) == 0
        return {
            "critical point": Boundary({"temperature": jnp.where(on_line, t_c, jnp.nan)}),
            "either way up": Boundary(
                {"field": jnp.where(ordered, 0, jnp.nan)}, kind="first order"
            ),
        }

    @poke(view="lattice")
    def flip(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Turn the spins under the hand up, or down with the other button."""
        under = disc(self.length, touch)
        return State(jnp.where(under, jnp.sign(touch.sign).astype(jnp.int8), state.spin))

    def frame(self, state: State) -> Frame:
        board = Box(jnp.zeros(2), jnp.full(2, float(self.length)), periodic=True)
        return {"lattice": (board, Image(state.spin.astype(float), scale="signed", span=(-1, 1)))}


def neighbour_sum(spin: Int8[Array, "length length"]) -> Int8[Array, "length length"]:
    """The sum over the four neighbours."""
    rows = jnp.roll(spin, 1, axis=0) + jnp.roll(spin, -1, axis=0)
    return rows + jnp.roll(spin, 1, axis=1) + jnp.roll(spin, -1, axis=1)


def split(spin: Int8[Array, "length length"]) -> tuple[Array, Array]:
    """The squares of either colour, each pushed together to half the width: half the work."""
    left, right = spin[:, ::2], spin[:, 1::2]
    odd = odd_rows(spin)
    return jnp.where(odd, right, left), jnp.where(odd, left, right)


def joined(black: Int8[Array, "length half"], white: Int8[Array, "length half"]) -> Array:
    """The board of its squares of either colour."""
    odd = odd_rows(black)
    left, right = jnp.where(odd, white, black), jnp.where(odd, black, white)
    return jnp.stack([left, right], axis=-1).reshape(len(black), -1)


def beside(other: Int8[Array, "length half"], side: int) -> Int8[Array, "length half"]:
    """The sum over the four neighbours, all among the `other` colour: the same column of three
    rows, and one beside it; black squares (`side` 1) have that on the left in even rows.
    """
    rows = other + jnp.roll(other, 1, axis=0) + jnp.roll(other, -1, axis=0)
    odd = odd_rows(other)
    return rows + jnp.where(odd, jnp.roll(other, -side, axis=1), jnp.roll(other, side, axis=1))


def odd_rows(board: Int8[Array, "length any"]) -> Bool[np.ndarray, "length 1"]:
    return (np.arange(len(board)) % 2 == 1)[:, None]


def disc(length: int, touch: Touch) -> Bool[Array, "length length"]:
    """The sites that a hand covers; x counts columns, y rows."""
    x, y = touch.position
    row, column = jnp.indices((length, length)) + 0.5
    apart = jnp.stack([column - x, row - y])
    apart = apart - length * jnp.round(apart / length)
    return jnp.sum(apart**2, axis=0) < jnp.asarray(touch.radius) ** 2
