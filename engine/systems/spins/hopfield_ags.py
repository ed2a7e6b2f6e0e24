"""The Hopfield memory, and how it is lost."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float, Int, Key
from scipy.optimize import minimize_scalar

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Curve, Frame, Image
from engine.core.parameters import Scalar, asset, live, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Branch, Criticality, Flags, Scalars
from engine.numerics.fixed_points import fixed_point
from engine.numerics.glauber import hebbian_sweep
from engine.numerics.pictures import glyphs
from engine.numerics.quadrature import NODES, gaussian_mean, weighed
from engine.numerics.roots import bisect


MOST = 0.25  # the largest load that arrays have room for
TOGETHER = 2  # replicas of the network, which remember alike and freeze apart
BEND = NODES[::2]  # of h/T, over which a tanh bends
WEIGHT = np.float32(BEND[1] - BEND[0]) / np.cosh(BEND) ** 2
KINK = np.float32(BEND[1] - BEND[0]) * np.log1p(np.exp(-2 * np.abs(BEND)))
COLD = 0.1  # below, a tanh bends between the nodes of a Gaussian


class State(NamedTuple):
    spin: Float[Array, "replicas n"]  # ±1
    pattern: Float[Array, "p n"]  # ±1; the first ones, as many as the load says, are stored
    shown: Int[Array, ""]  # which pattern it was asked for


class HopfieldAGS(System[State]):
    """Hopfield network

    N spins with Hebbian couplings that store K = αN random patterns ξ:

        hᵢ = Σ_μ ξᵢ^μ m_μ − α σᵢ,    m_μ = (1/N) Σᵢ ξᵢ^μ σᵢ,    P(σᵢ = +1) = 1/(1 + e^{−2hᵢ/T})

    Below a line that ends at α = 0.138 a pattern that is roughly shown comes back whole; beyond
    it the memories drown each other in a spin glass, all at once. The first patterns are letters.
    A tick is a sweep; two replicas of the network run at once, to tell what is frozen.
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
        Equation(
            r"\sqrt{2\alpha_c}=\max_y\left[\frac{\mathrm{erf}\,y}{y}-\frac{2}{\sqrt\pi}e^{-y^2}\right]",
            "capacity at T = 0: 0.1379",
        ),
    )
    theory_name = "replica theory"
    assumptions = (
        "N → ∞ at fixed load, random patterns, replica symmetry; retrieval of one of them."
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "network": Hint(glow=False),
        "memory": Hint(large=False),
        "overlaps": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"side": 24}
    quenched: ClassVar[tuple[str, ...]] = ("pattern",)
    presets = (
        Preset("recall", load=0.05, temperature=0.2, corruption=0.3),
        Preset("at the edge", load=0.12, temperature=0.1, corruption=0.1),
        Preset("lost", load=0.2, temperature=0.2, corruption=0.1),
        Preset("too hot", load=0.05, temperature=0.8, corruption=0.1),
        Preset("three at once", load=0.02, temperature=0.1, beginning="mixture of three"),
    )
    quantities = (
        Quantity("overlap", symbol="m", span=(0, 1), help="with the pattern that was shown"),
        Quantity("freezing", symbol="q", span=(0, 1), help="overlap of two replicas"),
        Quantity("crosstalk", symbol="r", help="of all other patterns"),
        Quantity("energy", symbol="e", help="per spin"),
    )
    clock = "sweeps"
    critical = Criticality(
        "load",
        (24, 32, 48),
        (0.001, 0.25),
        "loss",
        "overlap",
        level=0.7,
        boundary="memory is lost",
        dimension=2,
        given=(("memories", "random"), ("beginning", "memory, corrupted"), ("corruption", 0.0)),
    )

    load: Scalar = live(
        default=0.05, span=(0.001, 0.25), symbol="α", help="patterns per spin", limits=(0, MOST)
    )
    temperature: Scalar = live(
        default=0.2, span=(0.02, 1.5), symbol="T", help="of the spins", limits=(1e-4, math.inf)
    )
    corruption: Scalar = start(
        default=0.1, span=(0, 0.5), symbol="f", help="share turned over", limits=(0, 1)
    )
    beginning: str = start(
        default="memory, corrupted",
        choices=("memory, corrupted", "random", "mixture of three"),
        help="the first state of the network",
    )
    memories: str = start(
        default="letters", choices=("letters", "random"), help="what the first patterns are"
    )
    images: Float[Array, "k side side"] | None = asset(help="patterns of ±1 to store first")
    side: int = size(default=32, span=(16, 90), symbol="√N", help="side of the picture")

    @property
    def n(self) -> int:
        return self.side**2

    def init(self, key: Key[Array, ""]) -> State:
        for_pattern, for_spin = jax.random.split(key)
        pattern = jax.random.rademacher(for_pattern, (int(MOST * self.n), self.n), float)
        if self.memories == "letters":
            letters = glyphs(self.side).reshape(-1, self.n)
            pattern = pattern.at[: len(letters)].set(letters)
        if self.images is not None:
            pattern = pattern.at[: len(self.images)].set(self.images.reshape(-1, self.n))
        spin = {
            "memory, corrupted": self.corrupted(pattern[0], for_spin),
            "random": jax.random.rademacher(for_spin, (TOGETHER, self.n), float),
            "mixture of three": jnp.tile(jnp.sign(jnp.sum(pattern[:3], axis=0)), (TOGETHER, 1)),
        }[self.beginning]
        return State(spin, pattern, jnp.int32(0))

    def corrupted(self, pattern: Float[Array, " n"], key: Key[Array, ""]) -> Float[Array, "r n"]:
        """The pattern with some pixels turned over, others in each replica."""
        wrong = jax.random.bernoulli(key, self.corruption, (TOGETHER, self.n))
        return jnp.where(wrong, -1, 1) * pattern

    def stored(self) -> Float[Array, " p"]:
        """1 for a pattern that the load includes, 0 for one that only has room."""
        return (jnp.arange(int(MOST * self.n)) < self.count()).astype(float)

    def count(self) -> Float[Array, ""]:
        return jnp.maximum(jnp.round(jnp.asarray(self.load) * self.n), 1)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        spin = hebbian_sweep(
            key,
            state.spin,
            state.pattern,
            self.temperature,
            stored=self.stored(),
            own=self.count() / self.n,
        )
        return state._replace(spin=spin)

    def observables(self, state: State) -> Scalars:
        one, other = state.spin
        overlap = self.stored() * (state.pattern @ one) / self.n
        load, m = self.count() / self.n, overlap[state.shown]
        return {
            "overlap": m,
            "freezing": jnp.abs(jnp.mean(one * other)),
            "crosstalk": (jnp.sum(overlap**2) - m**2) / load,
            "energy": (load - jnp.sum(overlap**2)) / 2,
        }

    def theory(self) -> Scalars:
        return self.branches()["retrieval"].values

    def branches(self) -> dict[str, Branch]:
        """The replica-symmetric phases of Amit, Gutfreund and Sompolinsky."""
        phases = {
            "retrieval": retrieved(self.load, self.temperature),
            "no memory": frozen(self.load, self.temperature),
        }
        return {
            name: Branch(
                {"overlap": p.m, "freezing": p.q, "crosstalk": p.r}, free_energy=p.free_energy
            )
            for name, p in phases.items()
        }

    def boundaries(self) -> dict[str, Boundary]:
        def recalls(load: Scalar, t: Scalar) -> Array:
            return jnp.where(retrieved(load, t).m > 0.3, 1.0, -1.0)

        def best(load: Array) -> Array:
            memory, glass = retrieved(load, self.temperature), frozen(load, self.temperature)
            return jnp.where(memory.free_energy < glass.free_energy, 1.0, -1.0)

        hottest = bisect(lambda t: recalls(self.load, t), 0.01, 1.0, halvings=16)
        fullest = bisect(lambda load: recalls(load, self.temperature), 1e-4, 0.15, halvings=16)
        broken = bisect(lambda t: breaking(self.load, t), 0.0, 0.1, halvings=16)
        mixed = bisect(lambda t: holding(self.load, t), 0.01, 0.6, halvings=16)
        first = bisect(best, 1e-4, 0.138, halvings=16)
        return {
            "spin glass": Boundary(
                {
                    "temperature": 1 + jnp.sqrt(self.load),
                    "load": jnp.where(self.temperature > 1, (self.temperature - 1.0) ** 2, jnp.nan),
                }
            ),
            "memory is lost": Boundary(
                {
                    "temperature": jnp.where(hottest > 0.02, hottest, jnp.nan),
                    "load": jnp.where(fullest > 2e-4, fullest, jnp.nan),
                },
                kind="spinodal",
            ),
            "memory is best": Boundary(
                {"load": jnp.where(first > 2e-4, first, jnp.nan)}, kind="first order"
            ),
            "symmetry breaks in memory": Boundary(
                {"temperature": jnp.where(broken > 0, broken, jnp.nan)}
            ),
            "three at once hold": Boundary(
                {"temperature": jnp.where(mixed > 0.011, mixed, jnp.nan)}, kind="spinodal"
            ),
        }

    def landscape(self) -> dict[str, Curve]:
        """N f(m)/T: the free energy of all states with an overlap m with one pattern."""
        m = jnp.linspace(0, 0.999, 65)

        def height(m: Array) -> Array:
            def freezing(q: Array) -> Array:
                width = jnp.sqrt(self.load * noise(q, self.temperature))
                return gaussian_mean(lambda z: jnp.tanh((m + width * z) / self.temperature) ** 2)

            guess = 1 - 0.01 * jnp.asarray(self.temperature, float)
            q, _ = fixed_point(freezing, guess, iterations=100)
            c = (1 - q) / jnp.asarray(self.temperature)
            return phase(m, c, self.load, self.temperature).free_energy

        free = jax.vmap(height)(m)
        return {"overlap": Curve(m, self.n * (free - jnp.min(free)) / self.temperature)}

    def caveats(self, state: State) -> Flags:
        few = self.stored()[state.shown] == 0
        edge = jnp.abs(self.temperature - self.boundaries()["memory is lost"].at["temperature"])
        return {
            "the memory that was shown is not among those stored: raise α": few,
            "near the line where memory is lost a network of this size escapes": edge < 0.05,
        }

    @poke(view="network")
    def smear(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Randomise the spins under the hand; the network heals them."""
        row, column = jnp.divmod(jnp.arange(self.n), self.side)
        apart = jnp.stack([column, row], axis=1) + 0.5 - touch.position
        under = jnp.sum(apart**2, axis=1) < jnp.asarray(touch.radius) ** 2
        noise = jax.random.rademacher(key, state.spin.shape, float)
        return state._replace(spin=jnp.where(under, noise, state.spin))

    @poke()
    def ask_for_the_next(self, state: State, key: Key[Array, ""]) -> State:
        """Show the next memory, corrupted."""
        shown = ((state.shown + 1) % self.count()).astype(state.shown.dtype)
        return state._replace(spin=self.corrupted(state.pattern[shown], key), shown=shown)

    def frame(self, state: State) -> Frame:
        picture = (self.side, self.side)
        board = Box(jnp.zeros(2), jnp.full(2, float(self.side)))
        many = min(64, len(state.pattern))
        overlap = (self.stored() * jnp.abs(state.pattern @ state.spin[0]) / self.n)[:many]
        memory = state.pattern[state.shown].reshape(picture)
        return {
            "network": (board, Image(state.spin[0].reshape(picture), "signed", (-1, 1))),
            "memory": (board, Image(memory, "signed", (-1, 1))),
            "overlaps": (
                Axes("pattern μ", "overlap |m_μ|"),
                Bars(jnp.arange(many + 1.0), overlap, label="|m_μ|"),
            ),
        }


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
            gaussian_mean(lambda z: jnp.tanh((m + width * z) / temperature), every=2),
            gaussian_mean(lambda z: jnp.tanh((m + width * z) / temperature) ** 2, every=2),
        )

    guess = (jnp.ones(()), 1 - 0.01 * jnp.asarray(temperature))
    (m, q), residual = fixed_point(saddle, guess, damping=0.0, iterations=24, newton=6)
    cold_m, c, cold_residual = cold(load, temperature)
    t = jnp.asarray(temperature, float)
    m, c = jnp.where(t < COLD, cold_m, m), jnp.where(t < COLD, c, (1 - q) / t)
    there = (m > 0.01) & (jnp.where(t < COLD, cold_residual, residual) < 1e-4)
    return Phase(*(jnp.where(there, x, jnp.nan) for x in phase(m, c, load, temperature)))


def cold(load: Scalar, temperature: Scalar) -> tuple[Array, Array, Array]:
    """m and C = β(1 − q) of the phase that remembers, and how far they are from solved; T ≥ 0.

    Where sech is narrow, averages are over u = x/T instead of z: ∫Dz g'(x/T)/T =
    ∫du g'(u) φ((Tu − m)/σ)/σ.
    """

    def saddle(u: tuple[Array, Array]) -> tuple[Array, Array]:
        m, c = u
        z = (m - temperature * BEND) / width_of(c, load, temperature)
        lies = weighed(density(m, c, load, temperature), WEIGHT)
        return weighed(erf(z / math.sqrt(2)), WEIGHT) / 2, lies

    guess = (jnp.ones(()), jnp.zeros(()))
    (m, c), residual = fixed_point(saddle, guess, damping=0.0, iterations=24, newton=6)
    return m, c, residual


def width_of(c: Array, load: Scalar, temperature: Scalar) -> Array:
    """√(αr)."""
    return jnp.sqrt(load * (1 - temperature * c)) / jnp.maximum(1 - c, 1e-3)


def density(m: Array, c: Array, load: Scalar, temperature: Scalar) -> Float[Array, " u"]:
    """Of fields x = Tu."""
    width = width_of(c, load, temperature)
    z = (temperature * BEND - m) / width
    return jnp.exp(-(z**2) / 2) / (math.sqrt(2 * math.pi) * width)


def breaking(load: Scalar, temperature: Scalar) -> Float[Array, ""]:
    """αT∫Dz sech⁴(x/T)/T² − T(1 − C)²: above 0 where the memory is unstable to replica symmetry
    breaking (the line of de Almeida and Thouless, as Amit, Gutfreund and Sompolinsky have it);
    −1 where there is no memory.

    That is a sliver at T < 0.022, and no number has a T below the line: see `cold`.
    """
    m, c, residual = cold(load, temperature)
    sech4 = weighed(density(m, c, load, temperature), WEIGHT / np.cosh(BEND) ** 2)
    excess = load * sech4 - temperature * (1 - c) ** 2
    return jnp.where((m > 0.3) & (residual < 1e-4), excess, -1.0)


def holding(load: Scalar, temperature: Scalar) -> Float[Array, ""]:
    """1 − C − ⟨ξ¹ξ² tanh²(x/T)⟩/T of the equal mixture of three memories, m ≈ 1/2 with each.

    Above 0 it resists a difference of two of the three overlaps; −1 where there is no mixture.
    """

    def mean(u: tuple[Array, Array], all_agree: float, one_differs: float, power: int) -> Array:
        """Of tanh to a power, with a weight where the three agree and one where one differs."""
        m, q = u
        width = jnp.sqrt(load * noise(q, temperature))

        def f(z: Array) -> Array:
            three, one = (jnp.tanh((a * m + width * z) / temperature) ** power for a in (3, 1))
            return all_agree * three + one_differs * one

        return gaussian_mean(f, every=2)

    def saddle(u: tuple[Array, Array]) -> tuple[Array, Array]:
        return mean(u, 1 / 4, 1 / 4, 1), mean(u, 1 / 4, 3 / 4, 2)

    guess = (jnp.full((), 0.5), 1 - 0.01 * jnp.asarray(temperature))
    (m, q), residual = fixed_point(saddle, guess, damping=0.0, iterations=24, newton=6)
    resists = 1 - (1 - q + mean((m, q), 1 / 4, -1 / 4, 2)) / temperature
    return jnp.where((m > 0.2) & (residual < 1e-4), resists, -1.0)


def frozen(load: Scalar, temperature: Scalar) -> Phase:
    """The phase without memory: a spin glass below 1 + √α, a paramagnet above.

    It is solved for C = β(1 − q), with m exactly 0: iterating from m = 0 would let rounding grow
    into the memory. Where it is cold, averages are those of `cold`.
    """
    cool = jnp.asarray(temperature) < COLD

    def excess(c: Array) -> Array:
        q = jnp.maximum(1 - temperature * c, 0)
        width = jnp.sqrt(load * q) / (1 - c) / temperature
        lies = weighed(density(jnp.zeros(()), c, load, temperature), WEIGHT)
        return jnp.where(cool, lies - c, q - gaussian_mean(lambda z: jnp.tanh(width * z) ** 2))

    top = jnp.minimum(1 / jnp.asarray(temperature), 0.999) * 0.9999
    c = bisect(lambda share: excess(share * top), 0.0, 1.0) * top
    c = jnp.where(temperature * c > 1 - 1e-3, 1 / jnp.asarray(temperature), c)  # nothing freezes
    return phase(jnp.zeros(()), c, load, temperature)


def noise(q: Float[Array, ""], temperature: Scalar) -> Float[Array, ""]:
    """r = q / (1 − C)², the crosstalk of the other patterns."""
    return q / jnp.maximum(1 - (1 - q) / temperature, 1e-3) ** 2


def phase(m: Array, c: Array, load: Scalar, temperature: Scalar) -> Phase:
    """Its free energy per spin, from C = β(1 − q): where it is cold, 1 − q has no digits left."""
    q, room = jnp.maximum(1 - temperature * c, 0), jnp.maximum(1 - c, 1e-3)
    r = q / room**2
    width, t = jnp.sqrt(load * r), jnp.asarray(temperature, float)
    # The mean of T ln 2cosh(x/T); where it is cold, of |x|, and apart from it of what it rounds.
    size = m * erf(m / width / math.sqrt(2))
    size += width * math.sqrt(2 / math.pi) * jnp.exp(-((m / width) ** 2) / 2)
    kink = t**2 * weighed(density(m, c, load, temperature), KINK)
    warm = gaussian_mean(lambda z: t * jnp.logaddexp((m + width * z) / t, -(m + width * z) / t))
    entropy = jnp.where(t < COLD, size + kink, warm)
    storage = load / 2 * (1 + temperature * jnp.log(room) - q / room + r * c)
    return Phase(m, q, r, storage + m**2 / 2 - entropy)


def capacity() -> tuple[float, float]:
    """The largest load that is remembered at T = 0, and the overlap there: 0.1379 and 0.967."""

    def largest(y: float) -> float:
        return math.erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-(y**2))

    y = minimize_scalar(lambda y: -largest(y), bounds=(0.5, 3), method="bounded").x
    return largest(y) ** 2 / 2, math.erf(y)
