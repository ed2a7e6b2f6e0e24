"""A memory of many-spin interactions that learns its patterns from noisy examples."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Curve, Frame, Image
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Branch, Flags, Scalars
from engine.numerics import p_spin
from engine.numerics.fixed_points import fixed_point
from engine.numerics.quadrature import gaussian_mean
from engine.numerics.roots import bisect


MOST = 0.3  # the largest load λ that is offered
ROOM = 32_768  # patterns, at most


class State(NamedTuple):
    spin: Float[Array, " n"]  # ±1
    mean: Float[Array, "n k"]  # of the examples of each class, over r: the archetype and noise
    archetype: Float[Array, " n"]  # ±1, of the first class


class DenseHebbian(System[State]):
    """Dense Hebbian network

    Neurons that interact P at a time, with couplings summed over classes of examples. Each class
    has an archetype ξ of ±1, and is known by the mean x = Σ_a η^a / (rM) of M examples that agree
    with it in a share (1 + r)/2 of the neurons:

        H = −(P − 1)!/N^{P−1} (1 + ρ)^{−P/2} Σ_μ e_P(x^μ σ),    ρ = (1 − r²)/(M r²)

    where e_P is the sum of all products of P distinct terms. It stores N^{P−1} λ/(P − 1)! classes
    up to λ of about 0.2, and recognises a pattern whose synapses are mostly noise. After Agliari et
    al.; the normalisation is ours. A tick is a sweep, one neuron after the other.
    """

    sources = ("agliari2023dense", "gardner1985", "albanese2021rsb")
    after = True
    equations = (
        Equation(
            r"H=-\frac{(P-1)!}{N^{P-1}}(1+\rho)^{-P/2}\sum_{\mu=1}^{K}\;\sum_{i_1<\dots<i_P}"
            r"x^\mu_{i_1}\sigma_{i_1}\cdots x^\mu_{i_P}\sigma_{i_P}",
            "class means, P neurons at a time",
        ),
        Equation(
            r"\rho=\frac{1-r^2}{Mr^2},\qquad \lambda=(P-1)!\,\frac{K+\omega^2}{N^{P-1}}",
            "entropy of the data, and load with synaptic noise ω",
        ),
        Equation(
            r"m=\int\!Dz\,\tanh\frac{a+sz}{T},\quad q=\int\!Dz\,\tanh^2\frac{a+sz}{T},\quad "
            r"n=m+\frac{\rho a}{T}(1-q)",
            "overlaps with the archetype, with itself, with the class mean",
        ),
        Equation(
            r"a=\frac{n^{P-1}}{(1+\rho)^{P/2}},\qquad s^2=\rho a^2+\lambda q^{P-1}",
            "signal and noise of a field",
        ),
    )
    theory_name = "replica symmetric"
    assumptions = "N → ∞, many examples, replica symmetry; retrieval of one class."
    hints: ClassVar[Mapping[str, Hint]] = {
        "network": Hint(glow=False),
        "archetype": Hint(large=False, glow=False),
        "class mean": Hint(large=False, glow=False),
        "overlaps": Hint(large=False),
        "storage and detection": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 48}
    quenched: ClassVar[tuple[str, ...]] = ("mean", "archetype")
    presets = (
        Preset("recall", load=0.05, temperature=0.1, quality=1.0),
        Preset("from noisy examples", load=0.05, temperature=0.1, quality=0.5, examples=20.0),
        Preset("class mean, not archetype", load=0.01, temperature=0.1, quality=0.2, examples=20.0),
        Preset("overfull", load=0.28, temperature=0.3, quality=1.0),
        Preset(
            "ultra-detection", load=0.0, noise=28.6, temperature=0.3, quality=1.0, order="3", n=128
        ),
    )
    quantities = (
        Quantity("overlap", symbol="m", span=(0, 1), help="with the archetype"),
        Quantity("class overlap", symbol="n", span=(0, 1), help="with the mean of its examples"),
        Quantity("energy", symbol="e", help="per neuron, of the class that was shown"),
    )
    clock = "sweeps"

    load: Scalar = live(
        default=0.05, span=(0, MOST), symbol="λ", help="effective load", limits=(0, math.inf)
    )
    temperature: Scalar = live(
        default=0.1, span=(0.02, 0.8), symbol="T", help="of the neurons", limits=(1e-3, math.inf)
    )
    noise: Scalar = live(
        default=0.0,
        span=(0, 100),
        symbol="ω",
        help="synaptic noise, where a pattern's own entry is ±1",
        limits=(0, math.inf),
    )
    rule: str = mode(
        default="one by one",
        choices=("one by one", "parallel (Plefka-like)"),
        help="how neurons are updated; in parallel, equal indices stay and add noise",
    )
    order: str = start(
        default="4", choices=("3", "4", "6"), help="P: neurons that interact at a time"
    )
    quality: Scalar = start(
        default=1.0, span=(0.05, 1), symbol="r", help="of an example", limits=(1e-3, 1)
    )
    examples: Scalar = start(
        default=40.0,
        span=(1, 1000),
        symbol="M",
        help="examples of a class",
        log=True,
        limits=(1, 1e6),
    )
    n: int = size(default=64, span=(48, 512), symbol="N", help="neurons")

    @property
    def p(self) -> int:
        return int(self.order)

    @property
    def room(self) -> int:
        """Patterns that arrays have room for."""
        return max(1, min(int(MOST / math.factorial(self.p - 1) * self.n ** (self.p - 1)), ROOM))

    def init(self, key: Key[Array, ""]) -> State:
        for_archetype, for_examples, for_rest = jax.random.split(key, 3)
        archetype = jax.random.rademacher(for_archetype, (self.n,), float)
        # Of M examples so many agree; the mean of the first class is drawn as such, and so are
        # those of all others, whose archetypes are as random as their examples.
        total = jnp.round(jnp.asarray(self.examples, float))
        share = (1 + jnp.asarray(self.quality)) / 2
        agree = jax.random.binomial(for_examples, total, share, (self.n, self.room))
        mean = (2 * agree - total) / (self.quality * total)
        sign = jax.random.rademacher(for_rest, (self.n, self.room), float)
        mean = mean * sign.at[:, 0].set(archetype)
        return State(archetype, mean, archetype)

    def entropy(self) -> Float[Array, ""]:
        """ρ of the data."""
        r, total = jnp.asarray(self.quality), jnp.round(jnp.asarray(self.examples, float))
        return (1 - r**2) / (total * r**2)

    def wanted(self) -> Float[Array, ""]:
        """K + ω²: synaptic noise acts as so many patterns more."""
        stored = self.load * self.n ** (self.p - 1) / math.factorial(self.p - 1)
        return jnp.maximum(jnp.round(jnp.asarray(stored)), 1) + jnp.asarray(self.noise) ** 2

    def effective(self) -> Float[Array, ""]:
        """The load that theory sees."""
        scale = math.factorial(self.p - 1) / self.n ** (self.p - 1)
        return self.load + scale * jnp.asarray(self.noise) ** 2

    def stored(self) -> Bool[Array, " k"]:
        return jnp.arange(self.room) < jnp.round(self.wanted())

    def scale(self) -> Float[Array, ""]:
        unit = math.factorial(self.p - 1) / self.n ** (self.p - 1)
        return unit * (1 + self.entropy()) ** (-self.p / 2)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        if self.rule != "one by one":
            return self._all_at_once(state, key)
        x, used = state.mean, self.stored()
        # Power sums of x σ over all neurons; even ones do not know the spins.
        first = [state.spin**k @ x**k for k in range(1, self.p)]
        scale = self.scale()

        def update(sums: list[Array], site: tuple[Array, ...]) -> tuple[list[Array], Array]:
            row, spin, draw = site
            own = [(row * spin) ** k for k in range(1, self.p)]
            others = [s - o for s, o in zip(sums, own, strict=True)]
            h = scale * jnp.sum(jnp.where(used, row * elementary(others), 0.0))
            new = jnp.where(draw < jax.nn.sigmoid(2 * h / self.temperature), 1.0, -1.0)
            added = [(row * new) ** k for k in range(1, self.p)]
            return [o + a for o, a in zip(others, added, strict=True)], new

        draw = jax.random.uniform(key, (self.n,))
        _, spin = lax.scan(update, first, (x, state.spin, draw))
        return state._replace(spin=spin)

    def _all_at_once(self, state: State, key: Key[Array, ""]) -> State:
        amplitude = (state.spin @ state.mean) / self.n
        unit = (1 + self.entropy()) ** (-self.p / 2)
        h = unit * state.mean @ jnp.where(self.stored(), amplitude ** (self.p - 1), 0.0)
        draw = jax.random.uniform(key, (self.n,))
        new = jnp.where(draw < jax.nn.sigmoid(2 * h / self.temperature), 1.0, -1.0)
        return state._replace(spin=new)

    def observables(self, state: State) -> Scalars:
        n = jnp.mean(state.mean[:, 0] * state.spin)
        signal = (1 + self.entropy()) ** (-self.p / 2)
        return {
            "overlap": jnp.mean(state.archetype * state.spin),
            "class overlap": n,
            "energy": -signal * n**self.p / self.p,
        }

    # Theory.

    def solved(self, load: Scalar, t: Scalar) -> tuple[Array, Array, Array, Array]:
        """m, q, n of the retrieval branch, and how far they are from solved."""
        rho, p = self.entropy(), self.p

        def signal(n: Array) -> Array:
            return n ** (p - 1) * (1 + rho) ** (-p / 2)

        def field(n: Array, q: Array) -> tuple[Array, Array]:
            a = signal(n)
            return a, jnp.sqrt(rho * a**2 + load * jnp.maximum(q, 0) ** (p - 1) + 1e-12)

        def overlap(n: Array, q: Array) -> Array:
            a, s = field(n, q)
            return gaussian_mean(lambda z: jnp.tanh((a + s * z) / t))

        def step(u: tuple[Array, Array]) -> tuple[Array, Array]:
            n, q = u
            a, s = field(n, q)
            new = gaussian_mean(lambda z: jnp.tanh((a + s * z) / t) ** 2)
            return overlap(n, q) + rho * a * (1 - new) / t, new

        guess = (jnp.sqrt(1 + rho), 1 - 0.01 * jnp.asarray(t, float))
        (n, q), residual = fixed_point(step, guess, iterations=100, newton=6)
        return overlap(n, q), q, n, residual

    def theory(self) -> Scalars:
        m, _, n, residual = self.solved(self.effective(), self.temperature)
        there = (residual < 1e-4) & (m > 0.05)
        silent = jnp.where(there & jnp.bool_(self.rule == "one by one"), 0, jnp.nan)
        energy = -((1 + self.entropy()) ** (-self.p / 2)) * n**self.p / self.p
        return {"overlap": m + silent, "class overlap": n + silent, "energy": energy + silent}

    def branches(self) -> dict[str, Branch]:
        return {
            "retrieval": Branch(self.theory()),
            "no memory": Branch({"overlap": jnp.zeros(()), "class overlap": jnp.zeros(())}),
        }

    def boundaries(self) -> dict[str, Boundary]:
        def recalls(load: Scalar, t: Scalar) -> Array:
            m, _, _, residual = self.solved(load, t)
            return jnp.where((m > 0.1) & (residual < 1e-3), 1.0, -1.0)

        load = self.effective()
        extra = load - self.load  # that synaptic noise makes
        hottest = bisect(lambda t: recalls(load, t), 0.01, 1.0, halvings=18)
        fullest = bisect(lambda x: recalls(x, self.temperature), 0.0, 0.4, halvings=18) - extra
        # What other patterns leave is a glass of p spins, of strength √(2λ/P).
        dynamic, static = p_spin.transitions(self.p)
        strength = jnp.sqrt(2 * load / self.p)

        def glassy(constant: Array) -> dict[str, Array]:
            at = self.p / 2 * (jnp.asarray(self.temperature) / constant) ** 2 - extra
            return {"temperature": constant * strength, "load": at}

        return {
            "memory is lost": Boundary(
                {
                    "temperature": jnp.where(hottest > 0.011, hottest, jnp.nan),
                    "load": jnp.where(fullest > 1e-4, fullest, jnp.nan),
                },
                kind="spinodal",
            ),
            "glass (T_K)": Boundary(glassy(static), kind="first order"),
            "clusters (T_d)": Boundary(glassy(dynamic), kind="guide"),
        }

    def caveats(self, state: State) -> Flags:
        cold = (self.effective() > capacity(self.p, self.entropy())) & (self.temperature < 0.3)
        return {
            "more patterns than there is room for: lower λ, N or ω": self.wanted() > self.room,
            "a pattern that is lost may hold as a glass does: start hotter": cold,
            "few examples: theory takes their mean as Gaussian": jnp.asarray(
                (self.examples < 8) & (self.quality < 1)
            ),
        }

    @poke()
    def corrupt(self, state: State, key: Key[Array, ""]) -> State:
        """Turn a tenth of the neurons."""
        wrong = jax.random.bernoulli(key, 0.1, (self.n,))
        return state._replace(spin=jnp.where(wrong, -state.spin, state.spin))

    @poke()
    def show(self, state: State, key: Key[Array, ""]) -> State:
        """Show the archetype again."""
        return state._replace(spin=state.archetype)

    def frame(self, state: State) -> Frame:
        width = max(w for w in range(1, math.isqrt(self.n) + 1) if self.n % w == 0)
        height = self.n // width
        if width < height / 4:  # no rectangle: leave some neurons out
            width = height = math.isqrt(self.n)
        many = width * height
        board = Box(jnp.zeros(2), jnp.array([float(height), float(width)]))

        def picture(values: Float[Array, " n"], reach: float) -> tuple[Box, Image]:
            return board, Image(values[:many].reshape(width, height), "signed", (-reach, reach))

        shown = min(self.room, 64)
        overlaps = jnp.abs(state.spin @ state.mean[:, :shown]) / self.n
        used = jnp.where(self.stored()[:shown], overlaps, jnp.nan)
        return {
            "network": picture(state.spin, 1.0),
            "archetype": picture(state.archetype, 1.0),
            "class mean": picture(state.mean[:, 0], 2.0),
            "overlaps": (
                Axes("class", "|n|"),
                Curve(jnp.arange(float(shown)), used, "measured"),
            ),
            "storage and detection": self._powers(),
        }

    def _powers(self) -> tuple[Axes, Curve, Curve, Curve]:
        """Of N: how many patterns are stored, K = N^b, under synaptic noise ω = N^δ."""
        log_n, far = math.log(self.n), self.p - 1.0
        # K + ω² is what is bounded: shares of it from all noise to all patterns.
        most = math.log(self.n**far / math.factorial(self.p - 1))
        most = most + jnp.log(capacity(self.p, self.entropy()))
        odds = jnp.linspace(-far * log_n, far * log_n, 129)
        line = (most + jax.nn.log_sigmoid(jnp.stack([odds, -odds]))) / log_n
        line = jnp.where(line >= 0, line, jnp.nan)
        stored = self.load * self.n**far / math.factorial(self.p - 1)
        noise = jnp.asarray(self.noise, float) ** 2
        here = jnp.log(jnp.maximum(jnp.stack([jnp.asarray(stored, float), noise]), 1)) / log_n
        return (
            Axes("b = ln K / ln N", "2δ = 2 ln ω / ln N"),
            Curve(jnp.array([far, far, 0.0]), jnp.array([0.0, far, far]), "guide", "N → ∞"),
            Curve(line[0], line[1], label="lost, T = 0, this N"),
            Curve(here[:1], here[1:], "measured", label="here"),
        )


def elementary(sums: list[Float[Array, " k"]]) -> Float[Array, " k"]:
    """e_n of numbers, by Newton's identities from their first n power sums."""
    e = [jnp.ones_like(sums[0])]
    for n in range(1, len(sums) + 1):
        terms = [(-1) ** (k - 1) * e[n - k] * sums[k - 1] for k in range(1, n + 1)]
        e.append(jnp.sum(jnp.stack(terms), axis=0) / n)
    return e[-1]


def capacity(p: int, rho: Scalar) -> Float[Array, ""]:
    """λ_c at T = 0, in closed form: the greatest λ(y) over the ratio y of signal and noise."""
    rho = jnp.asarray(rho, float)
    y = 6.0 * jnp.asarray(np.linspace(0.002, 1, 3000), jnp.float32)
    n = lax.erf(y / math.sqrt(2)) + rho * math.sqrt(2 / math.pi) * y * jnp.exp(-(y**2) / 2)
    signal = n ** (p - 1) * (1 + rho) ** (-p / 2)
    return jnp.max(signal**2 * (1 / y**2 - rho))
