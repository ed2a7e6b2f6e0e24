"""The Hopfield memory, and how it is lost."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Frame, Image
from engine.core.parameters import Scalar, asset, live, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Branch, Scalars
from engine.numerics.fixed_points import fixed_point
from engine.numerics.quadrature import gaussian_mean
from engine.numerics.roots import bisect


MOST = 0.25  # the largest load that arrays have room for
BLOCKS = 32  # a sweep updates the network in this many parts, fields recomputed between them


class State(NamedTuple):
    spin: Float[Array, " n"]  # ±1
    pattern: Float[Array, "p n"]  # ±1; the first ones, as many as the load says, are stored


class Hopfield(System[State]):
    """Hopfield network

    N spins with Hebbian couplings that store K = αN random patterns ξ:

        hᵢ = Σ_μ ξᵢ^μ m_μ − α σᵢ,    m_μ = (1/N) Σᵢ ξᵢ^μ σᵢ,    P(σᵢ = +1) = 1/(1 + e^{−2hᵢ/T})

    Below a line that ends at α = 0.138 a pattern that is roughly shown comes back whole; beyond
    it the memories drown each other in a spin glass, all at once. A tick is a sweep.
    """

    sources = ("hopfield1982", "amit1985", "amit1987")
    equations = (
        Equation(
            r"H=-\frac{1}{2}\sum_{i\neq j}J_{ij}\sigma_i\sigma_j,\qquad "
            r"J_{ij}=\frac{1}{N}\sum_{\mu=1}^{\alpha N}\xi_i^\mu\xi_j^\mu",
            "Hebb's couplings",
        ),
        Equation(
            r"m=\left\langle\tanh\frac{m+\sqrt{\alpha r}\,z}{T}\right\rangle_{\!z},\qquad "
            r"q=\left\langle\tanh^2\frac{m+\sqrt{\alpha r}\,z}{T}\right\rangle_{\!z}",
            "overlap and freezing",
        ),
        Equation(r"r=\frac{q}{\left[1-(1-q)/T\right]^2}", "crosstalk of the other patterns"),
    )
    theory_name = "replica theory"
    assumptions = (
        "N → ∞ at fixed load, random patterns, replica symmetry; retrieval of one of them."
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "memory": Hint(large=False),
        "overlaps": Hint(large=False),
    }
    presets = (
        Preset("recall", load=0.05, temperature=0.2, corruption=0.3),
        Preset("at the edge", load=0.12, temperature=0.1, corruption=0.1),
        Preset("lost", load=0.2, temperature=0.2, corruption=0.1),
        Preset("too hot", load=0.05, temperature=0.8, corruption=0.1),
    )
    quantities = (
        Quantity("overlap", symbol="m", span=(0, 1), help="with the pattern that was shown"),
        Quantity("crosstalk", symbol="r", help="of all other patterns"),
        Quantity("energy", symbol="e", help="per spin"),
    )
    clock = "sweeps"

    load: Scalar = live(
        default=0.05, span=(0.001, 0.25), symbol="α", help="patterns per spin", limits=(0, MOST)
    )
    temperature: Scalar = live(
        default=0.2, span=(0.02, 1.5), symbol="T", help="of the spins", limits=(1e-4, math.inf)
    )
    corruption: Scalar = start(
        default=0.1, span=(0, 0.5), symbol="f", help="share turned over", limits=(0, 1)
    )
    images: Float[Array, "k side side"] | None = asset(help="patterns of ±1 to store first")
    side: int = size(default=32, span=(16, 128), symbol="√N", help="side of the picture")

    @property
    def n(self) -> int:
        return self.side**2

    def init(self, key: Key[Array, ""]) -> State:
        for_pattern, for_spin = jax.random.split(key)
        pattern = jax.random.rademacher(for_pattern, (int(MOST * self.n), self.n), float)
        # One pattern may be any picture: flipping a site in all patterns changes no coupling's law.
        pattern = pattern.at[0].set(blots(for_pattern, self.side).reshape(-1))
        if self.images is not None:
            pattern = pattern.at[: len(self.images)].set(self.images.reshape(-1, self.n))
        wrong = jax.random.bernoulli(for_spin, self.corruption, (self.n,))
        return State(jnp.where(wrong, -1, 1) * pattern[0], pattern)

    def stored(self) -> Float[Array, " p"]:
        """1 for a pattern that the load includes, 0 for one that only has room."""
        many = jnp.maximum(jnp.round(self.load * self.n), 1)
        return (jnp.arange(int(MOST * self.n)) < many).astype(float)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        stored = self.stored()
        load = jnp.sum(stored) / self.n
        by_block = state.pattern.reshape(len(stored), -1, BLOCKS).transpose(2, 0, 1)

        def update(overlap: Array, block: tuple[Array, ...]) -> tuple[Array, Array]:
            pattern, spin, draw = block
            h = (stored * overlap) @ pattern - load * spin
            new = jnp.where(draw < jax.nn.sigmoid(2 * h / self.temperature), 1.0, -1.0)
            return overlap + pattern @ (new - spin) / self.n, new

        spin = state.spin.reshape(-1, BLOCKS).T
        draw = jax.random.uniform(key, spin.shape)
        blocks = (by_block, spin, draw)
        _, spin = lax.scan(update, state.pattern @ state.spin / self.n, blocks)
        return state._replace(spin=spin.T.reshape(-1))

    def observables(self, state: State) -> Scalars:
        overlap = self.stored() * (state.pattern @ state.spin) / self.n
        load = jnp.sum(self.stored()) / self.n
        return {
            "overlap": overlap[0],
            "crosstalk": jnp.sum(overlap[1:] ** 2) / load,
            "energy": (load - jnp.sum(overlap**2)) / 2,
        }

    def theory(self) -> Scalars:
        return self.branches()["retrieval"].values

    def branches(self) -> dict[str, Branch]:
        """The replica-symmetric phases of Amit, Gutfreund and Sompolinsky."""
        memory, glass = retrieved(self.load, self.temperature), frozen(self.load, self.temperature)
        return {
            "retrieval": Branch(
                {"overlap": memory.m, "crosstalk": memory.r}, free_energy=memory.free_energy
            ),
            "no memory": Branch(
                {"overlap": glass.m, "crosstalk": glass.r}, free_energy=glass.free_energy
            ),
        }

    def boundaries(self) -> dict[str, Boundary]:
        def recalls(t: Array) -> Array:
            return jnp.where(retrieved(self.load, t).m > 0.3, 1.0, -1.0)

        def best(load: Array) -> Array:
            memory, glass = retrieved(load, self.temperature), frozen(load, self.temperature)
            return jnp.where(memory.free_energy < glass.free_energy, 1.0, -1.0)

        lost = bisect(recalls, 0.01, 1.0)
        return {
            "spin glass": Boundary(
                {
                    "temperature": 1 + jnp.sqrt(self.load),
                    "load": jnp.where(self.temperature > 1, (self.temperature - 1.0) ** 2, jnp.nan),
                }
            ),
            "memory is lost": Boundary(
                {"temperature": jnp.where(lost > 0.02, lost, jnp.nan)}, kind="spinodal"
            ),
            "memory is best": Boundary({"load": bisect(best, 0.0005, 0.138)}, kind="first order"),
        }

    @poke(view="network")
    def smear(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Randomise the spins under the hand."""
        row, column = jnp.divmod(jnp.arange(self.n), self.side)
        apart = jnp.stack([column, row], axis=1) + 0.5 - touch.position
        under = jnp.sum(apart**2, axis=1) < jnp.asarray(touch.radius) ** 2
        return state._replace(
            spin=jnp.where(under, jax.random.rademacher(key, (self.n,), float), state.spin)
        )

    def frame(self, state: State) -> Frame:
        picture = (self.side, self.side)
        board = Box(jnp.zeros(2), jnp.full(2, float(self.side)))
        shown = min(64, len(state.pattern))
        overlap = (self.stored() * jnp.abs(state.pattern @ state.spin) / self.n)[:shown]
        ends = jnp.arange(shown + 1.0)
        return {
            "network": (board, Image(state.spin.reshape(picture), scale="signed", span=(-1, 1))),
            "memory": (board, Image(state.pattern[0].reshape(picture), "signed", (-1, 1))),
            "overlaps": (
                Axes("pattern μ", "overlap |m_μ|"),
                Bars(ends, overlap, label="|m_μ|"),
            ),
        }


def blots(key: Key[Array, ""], side: int) -> Float[Array, "side side"]:
    """A picture that an eye can tell from noise: half of it +1, in large smooth spots."""
    for_height, for_phase = jax.random.split(key)
    waves = jnp.arange(-3, 4)
    x = 2 * jnp.pi * jnp.arange(side) / side
    height = jax.random.normal(for_height, (7, 7)) / (1 + waves[:, None] ** 2 + waves**2)
    phase = 2 * jnp.pi * jax.random.uniform(for_phase, (7, 7))
    turn = jnp.multiply.outer(waves, x)
    field = jnp.sum(
        height[:, :, None, None]
        * jnp.cos(turn[:, None, :, None] + turn[None, :, None, :] + phase[:, :, None, None]),
        axis=(0, 1),
    )
    return jnp.where(field > jnp.median(field), 1.0, -1.0)


class Phase(NamedTuple):
    """A solution of the saddle-point equations; not-a-number where there is none."""

    m: Float[Array, ""]
    q: Float[Array, ""]
    r: Float[Array, ""]
    free_energy: Float[Array, ""]


def retrieved(load: Scalar, temperature: Scalar) -> Phase:
    """The phase that remembers, iterated from a perfect memory."""

    def saddle(u: tuple[Array, Array]) -> tuple[Array, Array]:
        m, q = u
        width = jnp.sqrt(load * noise(q, temperature))
        return (
            gaussian_mean(lambda z: jnp.tanh((m + width * z) / temperature)),
            gaussian_mean(lambda z: jnp.tanh((m + width * z) / temperature) ** 2),
        )

    (m, q), residual = fixed_point(saddle, (jnp.ones(()), 1 - 0.01 * jnp.asarray(temperature)))
    there = (m > 0.01) & (residual < 1e-4)
    return Phase(*(jnp.where(there, x, jnp.nan) for x in phase(m, q, load, temperature)))


def frozen(load: Scalar, temperature: Scalar) -> Phase:
    """The phase without memory: a spin glass below 1 + √α, a paramagnet above.

    It is solved for C = β(1 − q), with m exactly 0: iterating from m = 0 would let rounding grow
    into the memory.
    """

    def excess(c: Array) -> Array:
        q = jnp.maximum(1 - temperature * c, 0)
        width = jnp.sqrt(load * q) / (1 - c) / temperature
        return q - gaussian_mean(lambda z: jnp.tanh(width * z) ** 2)

    top = jnp.minimum(1 / jnp.asarray(temperature), 0.999) * 0.9999
    c = bisect(lambda share: excess(share * top), 0.0, 1.0) * top
    q = jnp.maximum(1 - temperature * c, 0)
    return phase(jnp.zeros(()), jnp.where(q < 1e-3, 0, q), load, temperature)


def noise(q: Float[Array, ""], temperature: Scalar) -> Float[Array, ""]:
    """r = q / (1 − C)², the crosstalk of the other patterns."""
    return q / jnp.maximum(1 - (1 - q) / temperature, 1e-3) ** 2


def phase(m: Array, q: Array, load: Scalar, temperature: Scalar) -> Phase:
    """Its free energy per spin."""
    r, c = noise(q, temperature), (1 - q) / temperature
    room = jnp.maximum(1 - c, 1e-3)
    width = jnp.sqrt(load * r)
    entropy = gaussian_mean(
        lambda z: (
            temperature
            * jnp.logaddexp((m + width * z) / temperature, -(m + width * z) / temperature)
        )
    )
    storage = load / 2 * (1 + temperature * jnp.log(room) - q / room + r * (1 - q) / temperature)
    return Phase(m, q, r, storage + m**2 / 2 - entropy)
