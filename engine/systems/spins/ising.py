"""The Ising magnet in two dimensions, beside its exact solution."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int8, Key

from engine.core.about import Preset, Quantity
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
    presets = (
        Preset("critical", temperature=2.2692),
        Preset("quench", temperature=1.0, arrangement="random"),
    )
    quantities = (
        Quantity("order", symbol="|m|", span=(0, 1)),
        Quantity("magnetisation", symbol="m", span=(-1, 1)),
        Quantity("energy", symbol="e", span=(-2, 0)),
        Quantity("binder", symbol="U", span=(0, 0.667)),
    )
    clock = "sweeps"

    temperature: Scalar = live(default=2.27, span=(0.5, 5), symbol="T", help="of the bath")
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
        def update(square: Array, spin: Array) -> Array:
            draw = jax.random.uniform(jax.random.fold_in(key, square), spin.shape)
            f = self.coupling * neighbour_sum(spin) + self.field
            if self.update == "heat bath":
                new = jnp.where(draw < jax.nn.sigmoid(2 * f / self.temperature), 1, -1)
            else:
                new = jnp.where(draw < jnp.exp(-2 * spin * f / self.temperature), -spin, spin)
            return jnp.where(chessboard(self.length) == square, new.astype(jnp.int8), spin)

        return State(lax.fori_loop(0, 2, update, state.spin))

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


def chessboard(length: int) -> Int8[Array, "length length"]:
    """0 on black squares, 1 on white ones."""
    row, column = jnp.indices((length, length), dtype=jnp.int8)
    return (row + column) % 2


def disc(length: int, touch: Touch) -> Bool[Array, "length length"]:
    """The sites that a hand covers; x counts columns, y rows."""
    x, y = touch.position
    row, column = jnp.indices((length, length)) + 0.5
    apart = jnp.stack([column - x, row - y])
    apart = apart - length * jnp.round(apart / length)
    return jnp.sum(apart**2, axis=0) < jnp.asarray(touch.radius) ** 2
