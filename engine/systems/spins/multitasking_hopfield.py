"""A Hopfield network whose patterns have blanks, and which recalls several at once."""

import math
from collections.abc import Mapping
from itertools import product
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Curve, Frame, Image
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Branch, Flags, Scalars
from engine.numerics.glauber import hebbian_sweep
from engine.numerics.roots import bisect


STAIR = 0.02  # a smaller overlap is none


class State(NamedTuple):
    spin: Float[Array, "1 n"]  # ±1
    sign: Float[Array, "k n"]  # ±1, of an entry that is not blank
    uniform: Float[Array, "k n"]  # an entry is blank where this is below the dilution


class MultitaskingHopfield(System[State]):
    """Multitasking Hopfield network

    A few patterns whose entries are blank with probability d, else ±1. Neurons that are blank in
    one pattern are free to serve another, so one state shows several memories:

        hᵢ = Σ_μ ξᵢ^μ m_μ,    m_μ = (1/N) Σᵢ ξᵢ^μ σᵢ,    ξ ∈ {−1, 0, +1}

    With few blanks they form a staircase, m_μ ≈ (1 − d) d^{μ−1}, whose lowest stair melts first;
    with many blanks all are recalled alike. A tick is a sweep.
    """

    sources = ("agliari2023multitasking", "hopfield1982")
    equations = (
        Equation(
            r"H=-\frac{1}{2N}\sum_{\mu=1}^{K}(\xi^\mu\cdot\sigma)^2,\qquad "
            r"P(\xi=\pm1)=\frac{1-d}{2},\;P(\xi=0)=d",
            "diluted patterns",
        ),
        Equation(
            r"m_\mu=\mathbb{E}_\xi\left[\xi_\mu\tanh\left(\sum_\nu\xi_\nu m_\nu/T\right)\right]",
            "overlaps, exact as N → ∞",
        ),
        Equation(
            r"m_\mu=(1-d)\,d^{\mu-1}\quad\mathrm{while}\quad 1-2d+d^K>0", "the staircase at T = 0"
        ),
    )
    theory_name = "mean field"
    assumptions = "N → ∞ at a fixed number of patterns; the state of lower free energy."
    hints: ClassVar[Mapping[str, Hint]] = {
        "network": Hint(large=False, glow=False),
        "staircase": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 1024}
    quenched: ClassVar[tuple[str, ...]] = ("sign", "uniform")
    presets = (
        Preset("staircase", dilution=0.3, temperature=0.02),
        Preset("lowest stairs melted", dilution=0.3, temperature=0.2),
        Preset("all alike", dilution=0.75, temperature=0.02),
        Preset("too hot", dilution=0.3, temperature=0.8),
    )
    quantities = (
        Quantity("overlap", symbol="|m₁|", span=(0, 1), help="with the first pattern"),
        Quantity("second", symbol="|m₂|", span=(0, 1)),
        Quantity("stairs", symbol="#", help="patterns that are recalled"),
        Quantity("energy", symbol="e", help="per neuron"),
    )
    clock = "sweeps"

    dilution: Scalar = live(
        default=0.3, span=(0, 0.95), symbol="d", help="share of blank entries", limits=(0, 0.999)
    )
    temperature: Scalar = live(
        default=0.05, span=(0.01, 1), symbol="T", help="of the spins", limits=(1e-3, math.inf)
    )
    beginning: str = start(
        default="staircase",
        choices=("staircase", "majority", "random"),
        help="the first state: pattern by pattern, the sign of their sum, or noise",
    )
    patterns: int = size(default=4, span=(2, 8), symbol="K", help="patterns")
    n: int = size(default=4096, span=(512, 65536), symbol="N", help="neurons")

    def init(self, key: Key[Array, ""]) -> State:
        for_sign, for_uniform, for_spin = jax.random.split(key, 3)
        shape = (self.patterns, self.n)
        sign = jax.random.rademacher(for_sign, shape, float)
        uniform = jax.random.uniform(for_uniform, shape)
        state = State(jax.random.rademacher(for_spin, (1, self.n), float), sign, uniform)
        return state if self.beginning == "random" else state._replace(spin=self._shown(state))

    def _shown(self, state: State) -> Float[Array, "1 n"]:
        """What the patterns ask of each neuron; free ones stay as they are."""
        weight = jnp.ones(self.patterns)
        if self.beginning == "staircase":
            weight = 2.0 ** -jnp.arange(self.patterns)  # the first that is not blank decides
        asked = jnp.sign(weight @ self.stored(state))
        return jnp.where(asked == 0, state.spin[0], asked)[None]

    def stored(self, state: State) -> Float[Array, "k n"]:
        return jnp.where(state.uniform < self.dilution, 0.0, state.sign)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        pattern = self.stored(state)
        spin = hebbian_sweep(
            key,
            state.spin,
            pattern,
            self.temperature,
            stored=jnp.ones(self.patterns),
            own=jnp.sum(pattern**2, axis=0) / self.n,
        )
        return state._replace(spin=spin)

    def overlaps(self, state: State) -> Float[Array, " k"]:
        return jnp.abs(self.stored(state) @ state.spin[0]) / self.n

    def observables(self, state: State) -> Scalars:
        m = self.overlaps(state)
        return {
            "overlap": m[0],
            "second": m[1],
            # Noise alone makes overlaps of √((1 − d)/N).
            "stairs": jnp.sum(m > max(STAIR, 4 / math.sqrt(self.n))).astype(float),
            "energy": -jnp.sum(m**2) / 2,
        }

    # Theory.

    def solved(self, guess: Float[Array, " k"]) -> tuple[Array, Array]:
        """The overlaps that a guess leads to, and their free energy."""
        entry, blanks = entries(self.patterns)
        d = jnp.asarray(self.dilution, float)
        weight = d**blanks * ((1 - d) / 2) ** (self.patterns - blanks)

        def step(_: Array, m: Array) -> Array:
            return (weight * jnp.tanh(entry @ m / self.temperature)) @ entry

        m = lax.fori_loop(0, 200, step, guess)
        field = entry @ m / self.temperature
        free = jnp.sum(m**2) / 2 - self.temperature * jnp.sum(weight * jnp.logaddexp(field, -field))
        return m, free

    def staircase(self) -> tuple[Array, Array]:
        """What the staircase of T = 0 leads to."""
        d = jnp.asarray(self.dilution, float)
        return self.solved((1 - d) * d ** jnp.arange(self.patterns))

    def alike(self) -> tuple[Array, Array, Array]:
        """All overlaps equal, their free energy, and whether they stay so.

        It is one equation for one number: K of them would drift apart by rounding, for where
        the state is unstable.
        """
        entry, blanks = entries(self.patterns)
        d, k = jnp.asarray(self.dilution, float), self.patterns
        weight, total = d**blanks * ((1 - d) / 2) ** (k - blanks), np.sum(entry, axis=1)
        m = lax.fori_loop(
            0,
            200,
            lambda _, m: jnp.sum(weight * total * jnp.tanh(total * m / self.temperature)) / k,
            (1 - d) / 2,
        )
        field = total * m / self.temperature
        free = k * m**2 / 2 - self.temperature * jnp.sum(weight * jnp.logaddexp(field, -field))
        # Against a difference of two overlaps: E[(ξ₁ − ξ₂)² sech²] / 2T < 1.
        apart = (entry[:, 0] - entry[:, 1]) ** 2 * (1 - jnp.tanh(field) ** 2)
        stable = jnp.sum(weight * apart) / 2 < self.temperature
        return jnp.full(k, m), free, stable

    def best(self) -> Float[Array, " k"]:
        """The overlaps of lower free energy."""
        (one, free), (other, cost, _) = self.staircase(), self.alike()
        return jnp.abs(jnp.where(free <= cost + 1e-6, one, other))

    def theory(self) -> Scalars:
        return self._told(self.best())

    def _told(self, m: Float[Array, " k"]) -> Scalars:
        return {
            "overlap": m[0],
            "second": m[1],
            "stairs": jnp.sum(m > STAIR).astype(float),
            "energy": -jnp.sum(m**2) / 2,
        }

    def branches(self) -> dict[str, Branch]:
        (one, free), (other, cost, stable) = self.staircase(), self.alike()
        return {
            "staircase": Branch(self._told(jnp.abs(one)), free_energy=free),
            "all alike": Branch(self._told(other), stable, free_energy=cost),
        }

    def boundaries(self) -> dict[str, Boundary]:
        d = jnp.asarray(self.dilution, float)
        k = self.patterns
        lines = {
            "no memory": Boundary(
                {"temperature": 1 - d, "dilution": 1 - jnp.asarray(self.temperature)}
            )
        }
        for stair in range(2, k + 1):
            lines[f"stair {stair} melts, about"] = Boundary(
                {"temperature": (1 - d) * d ** (stair - 1)}, kind="guide"
            )
        if k > 2:
            # 1 − 2d + d^K has a second root at 1; the first ends the staircase at T = 0.
            end = bisect(lambda d: 1 - 2 * d + d**k, 0.4, 0.99 - 0.3 / k)
            lines["the staircase ends"] = Boundary({"dilution": end}, kind="guide")
        return lines

    def caveats(self, state: State) -> Flags:
        m = self.overlaps(state)
        return {
            "overlaps this small turn their sign by chance": jnp.any(
                (m > STAIR) & (m < 4 / math.sqrt(self.n))
            )
        }

    @poke(view="network")
    def smear(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Randomise the spins under the hand."""
        side = self._side()
        row, column = jnp.divmod(jnp.arange(self.n), side)
        apart = jnp.stack([column, row], axis=1) + 0.5 - touch.position
        under = jnp.sum(apart**2, axis=1) < jnp.asarray(touch.radius) ** 2
        noise = jax.random.rademacher(key, state.spin.shape, float)
        return state._replace(spin=jnp.where(under, noise, state.spin))

    @poke()
    def show_all(self, state: State, key: Key[Array, ""]) -> State:
        """Show the patterns again, as at the start."""
        return state._replace(spin=self._shown(state))

    def _side(self) -> int:
        return math.isqrt(self.n)

    def frame(self, state: State) -> Frame:
        side, k = self._side(), self.patterns
        m, predicted = self.overlaps(state), self.best()
        ends = jnp.arange(k + 1.0) + 0.5
        d = jnp.linspace(0, 0.95, 96)
        stairs = [(1 - d) * d**stair for stair in range(k)]
        here = jnp.full(k, jnp.asarray(self.dilution, float))
        board = Box(jnp.zeros(2), jnp.full(2, float(side)))
        return {
            "overlaps": (
                Axes("pattern μ", "overlap |m_μ|"),
                Bars(ends, m, label="measured"),
                Curve(ends[:-1] + 0.5, predicted, label="mean field"),
            ),
            "network": (
                board,
                Image(state.spin[0, : side**2].reshape(side, side), "signed", (-1, 1)),
            ),
            "staircase": (
                Axes("dilution d", "|m_μ|"),
                *(Curve(d, y, label="T = 0" if not k else "") for k, y in enumerate(stairs)),
                Curve(here, m, "measured"),
            ),
        }


def entries(k: int) -> tuple[Float[np.ndarray, "all k"], Float[np.ndarray, " all"]]:
    """All 3^k sets of entries of a neuron, and how many of each are blank."""
    entry = np.array(list(product((-1.0, 0.0, 1.0), repeat=k)), np.float32)
    return entry, np.sum(entry == 0, axis=1).astype(np.float32)
