"""Kernel density estimates in high dimension, and the few points that come to carry them."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, histogram
from engine.core.parameters import Scalar, asset, live, size, start
from engine.core.system import Scene
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.matrices import orthonormal
from engine.numerics.roots import bisect
from engine.numerics.shapes import SHAPES, normalised


RANKS = 50  # largest weights that are drawn
TAIL = 10  # largest terms that a tail is read from: more reach out of it, in some 20 dimensions
TALLIED = 50  # points x whose tails are read
DRAWN = 2000  # samples that are drawn
BANDWIDTHS = 25  # at which the divergence is worked out
WIDEST = (0.05, 4.0)  # bandwidths that are offered


class State(NamedTuple):
    x: Float[Array, "x dim"]  # where the density is estimated, |x|² = dim on average
    y: Float[Array, "n dim"]  # all samples that there is room for
    cross: Float[Array, "x n"]  # x·y
    square: Float[Array, " n"]  # |y|²
    spectrum: Float[Array, " dim"]  # variances of the data along their axes; of mean 1


class KdeRegimes(Scene[State]):
    """Kernel density in large dimensions

    The density at x, |x|² = r² d, estimated from n = e^{αd} Gaussian samples y in d dimensions:

        ρ_h(x) = (1/n) Σᵢ (2πh²)^{−d/2} exp(−|x − yᵢ|²/2h²)

    While the bandwidth h is wide all samples share in it; below h_CLT its fluctuations are no
    longer Gaussian; below h_G it is carried by a few samples, as in a glass of random energies,
    and there the best bandwidth lies. A cloud in noise is such an estimate, with h for s/a: to
    memorise its points is to be below h_G.
    """

    sources = ("biroli2024kde",)
    equations = (
        Equation(
            r"\rho_h(x)=\frac{1}{n}\sum_{i=1}^{n}\left(2\pi h^2\right)^{-d/2}"
            r"e^{-|x-y_i|^2/2h^2},\qquad n=e^{\alpha d}",
            "kernel estimate of a density",
        ),
        Equation(
            r"\alpha=\frac{1}{2}\left[\ln\frac{1+h_G^2}{h_G^2}-\frac{h_G^2}{(1+h_G^2)^2}\right],"
            r"\qquad h_{\mathrm{CLT}}=\sqrt{2}\,h_G",
            "where a few samples begin to carry it, and where it stops being Gaussian (r = 1)",
        ),
        Equation(r"Y_2=\sum_i w_i^2\;\to\;1-(h/h_G)^2\quad(h<h_G)", "share of the few"),
        Equation(r"h_{\mathrm{opt}}=h_G\,\frac{\sqrt{1+2h_G^2}}{1+h_G^2}<h_G", "best bandwidth"),
    )
    theory_name = "d → ∞"
    assumptions = "d → ∞ at fixed α, for Gaussian data and |x|² = r² d; finite d rounds the edges."
    hints: ClassVar[Mapping[str, Hint]] = {
        "weights": Hint(large=False),
        "bandwidth": Hint(large=False),
        "samples": Hint(large=False, azimuth=60.0, elevation=15.0),
    }
    presets = (
        Preset("all share", bandwidth=2.0, data="Gaussian"),
        Preset("heavy tails", bandwidth=1.0, data="Gaussian"),
        Preset("few carry it", bandwidth=0.4, data="Gaussian"),
        Preset("a torus in space", data="torus", load=2.5, bandwidth=0.1, tests=1000),
    )
    quantities = (
        Quantity("participation", symbol="Y₂", span=(0, 1), help="Σ w²: 1 over how many share"),
        Quantity("log density", symbol="ln ρ / d", help="averaged over the points x"),
        Quantity("sharers", symbol="1/Y₂", log=True, help="samples that share in the estimate"),
        Quantity("tail", symbol="μ", span=(0, 4), help="exponent of the largest terms, by Hill"),
        Quantity("divergence", symbol="KL / d", help="from the true density to the estimate"),
    )

    load: Scalar = live(
        default=0.35, span=(0.02, 0.37), symbol="α", help="ln n / d", limits=(0, math.inf)
    )
    bandwidth: Scalar = live(
        default=0.8,
        span=WIDEST,
        symbol="h",
        help="of the kernel",
        log=True,
        limits=(1e-3, math.inf),
    )
    radius: Scalar = live(
        default=1.0,
        span=(0.5, 1.5),
        symbol="r",
        help="of x, in units of √d; 1 is where nearly all data are",
        limits=(0, 100),
    )
    data: str = start(
        default="Gaussian",
        choices=("Gaussian", "torus", "trefoil", "sphere", "Lorenz", "yours"),
        help="or a cloud in space, of d = 3",
    )
    own: Float[Array, "m dim"] | None = asset(help="a cloud of yours, for the data 'yours'")
    anisotropy: Scalar = start(
        default=0.0,
        span=(0, 2),
        symbol="ζ",
        help="variances of the Gaussian run from e^{−ζ} to e^{ζ}, over their mean",
        limits=(0, 10),
    )
    d: int = size(default=24, span=(2, 128), symbol="d", help="dimension of the Gaussian")
    room: int = size(default=8192, span=(256, 262_144), symbol="n_max", help="samples drawn")
    tests: int = size(default=200, span=(50, 4000), symbol="n_x", help="points x")

    def init(self, key: Key[Array, ""]) -> State:
        for_x, for_y = jax.random.split(key)
        if self.data == "Gaussian":
            spectrum = jnp.exp(self.anisotropy * jnp.linspace(-1, 1, self.d))
            spectrum = spectrum / jnp.mean(spectrum)
            x = jax.random.normal(for_x, (self.tests, self.d))
            # On the sphere on which nearly all of d → ∞ is, which cuts the noise of a finite d.
            x = x * jnp.sqrt(self.d) / jnp.linalg.norm(x, axis=1, keepdims=True)
            y = jax.random.normal(for_y, (self.room, self.d)) * jnp.sqrt(spectrum)
            x = x * jnp.sqrt(spectrum)
        else:
            x, y = jnp.split(self.drawn(for_y), [self.tests])
            spectrum = jnp.ones(3)
        return State(x, y, x @ y.T, jnp.sum(y**2, axis=1), spectrum)

    def drawn(self, key: Key[Array, ""]) -> Float[Array, "all 3"]:
        """Points of a cloud in space: the tests, then the samples."""
        count = self.tests + self.room
        if self.data != "yours":
            return normalised(SHAPES[self.data](key, count))
        if self.own is None:
            return normalised(SHAPES["knot"](key, count))
        flat = ((0, 0), (0, 3 - self.own.shape[1]))
        own = jnp.pad(jnp.asarray(self.own, float), flat)
        return normalised(jax.random.choice(key, own, (count,)))

    # The estimate.

    def dimension(self) -> int:
        return self.d if self.data == "Gaussian" else 3

    def samples(self) -> Float[Array, ""]:
        return jnp.minimum(jnp.exp(jnp.asarray(self.load, float) * self.dimension()), self.room)

    def apart(self, state: State, radius: Scalar) -> Float[Array, "x n"]:
        """|x − y|², of samples that are not used infinity."""
        own = jnp.sum(state.x**2, axis=1, keepdims=True)
        distance = radius**2 * own - 2 * radius * state.cross + state.square
        used = jnp.arange(self.room) < jnp.maximum(self.samples(), 1)
        return jnp.where(used, jnp.maximum(distance, 0), jnp.inf)

    def log_density(
        self, apart: Float[Array, "x n"], bandwidth: Scalar | Array
    ) -> Float[Array, " x"]:
        normal = self.dimension() / 2 * jnp.log(2 * jnp.pi * bandwidth**2)
        total = jax.nn.logsumexp(-apart / (2 * bandwidth**2), axis=1)
        return total - jnp.log(jnp.maximum(self.samples(), 1)) - normal

    def observables(self, state: State) -> Scalars:
        apart = self.apart(state, self.radius)
        weights = jax.nn.softmax(-apart / (2 * self.bandwidth**2), axis=1)
        share = jnp.mean(jnp.sum(weights**2, axis=1))
        level = jnp.mean(self.log_density(apart, self.bandwidth)) / self.dimension()
        return {
            "participation": share,
            "log density": level,
            "sharers": jnp.mean(1 / jnp.sum(weights**2, axis=1)),
            "tail": self.tail(apart),
            "divergence": self.truth(state, self.radius) - level,
        }

    def tail(self, apart: Float[Array, "x n"]) -> Float[Array, ""]:
        """The exponent of the largest terms, P(term > z) ~ z^{−μ}, by Hill's estimator."""
        ranks = min(TAIL, self.room - 1)
        nearest = -lax.top_k(-apart[:TALLIED], ranks + 1)[0]
        # Of fewer samples than ranks the last that there is stands for the rest.
        last = jnp.max(jnp.where(jnp.isfinite(nearest), nearest, -jnp.inf), axis=1, keepdims=True)
        excess = (last - jnp.minimum(nearest, last)) / (2 * self.bandwidth**2)
        return 1 / jnp.maximum(jnp.mean(excess), 1e-6)

    def truth(self, state: State, radius: Scalar) -> Float[Array, ""]:
        """ln p(x)/d of the Gaussian that the samples were drawn from; of a cloud in space 0."""
        if self.data != "Gaussian":
            return jnp.zeros(())
        return -jnp.mean(jnp.log(2 * jnp.pi * state.spectrum)) / 2 - jnp.asarray(radius) ** 2 / 2

    # Theory, for d → ∞.

    def variances(self) -> Float[Array, " dim"]:
        spectrum = jnp.exp(self.anisotropy * jnp.linspace(-1, 1, self.d))
        return spectrum / jnp.mean(spectrum)

    def exponent(self, h2: Scalar | Array) -> Float[Array, ""]:
        """ψ = (1/d) ln E exp(−|x − y|²/2h²)."""
        v, r2 = self.variances(), jnp.asarray(self.radius) ** 2
        return -jnp.mean(jnp.log1p(v / h2) + v * r2 / (h2 + v)) / 2

    def glass(self) -> Float[Array, ""]:
        """h_G, where the rate function of the exponent reaches α."""
        v, r2 = self.variances(), jnp.asarray(self.radius) ** 2

        def spare(log_h: Array) -> Array:
            share = v / (jnp.exp(2 * log_h) + v)
            rate = -jnp.log1p(-share) - share + r2 * share**2
            return jnp.mean(rate) / 2 - self.load

        return jnp.exp(bisect(spare, -4.0, 3.0))

    def ground(self) -> Float[Array, ""]:
        """2e*: the square distance to the nearest sample, over d; its root is the best h."""
        v, r2 = self.variances(), jnp.asarray(self.radius) ** 2
        left = self.glass() ** 2 / (self.glass() ** 2 + v)
        return jnp.mean(v * (left + r2 * left**2))

    def level(self, bandwidth: Scalar | Array) -> Float[Array, ""]:
        """ln ρ/d: below h_G frozen on the nearest samples."""
        h2 = jnp.asarray(bandwidth, float) ** 2
        normal = jnp.log(2 * jnp.pi * h2) / 2
        frozen = -normal - self.ground() / (2 * h2) - self.load
        return jnp.where(h2 > self.glass() ** 2, self.exponent(h2) - normal, frozen)

    def theory(self) -> Scalars:
        ratio = (jnp.asarray(self.bandwidth) / self.glass()) ** 2
        level = self.level(self.bandwidth)
        truth = -jnp.mean(jnp.log(2 * jnp.pi * self.variances())) / 2
        truth = truth - jnp.asarray(self.radius) ** 2 / 2
        said = {
            "participation": jnp.maximum(1 - ratio, 0),
            "log density": level,
            "tail": ratio,
            "divergence": truth - level,
        }
        if self.data != "Gaussian":
            return {name: jnp.asarray(jnp.nan) for name in said}
        return said

    def boundaries(self) -> dict[str, Boundary]:
        if self.data != "Gaussian":
            return {}
        h = self.glass()
        return {
            "few samples carry all": Boundary({"bandwidth": h}),
            "no longer Gaussian": Boundary({"bandwidth": jnp.sqrt(2.0) * h}),
            "best bandwidth": Boundary({"bandwidth": jnp.sqrt(self.ground())}, kind="guide"),
        }

    def caveats(self, state: State) -> Flags:
        wanted = jnp.exp(jnp.asarray(self.load * self.dimension()))
        near = jnp.abs(jnp.log(self.bandwidth / self.glass())) < 0.5
        far = (self.data == "Gaussian") & (self.dimension() < 100)
        return {
            "fewer samples than α asks for: raise n_max": wanted > 1.01 * self.room,
            "near h_G a finite d rounds the edge: theory is for d → ∞": near & far,
            "a cloud in space has no line of theory": jnp.bool_(self.data != "Gaussian"),
            "there is no cloud of yours yet: a knot stands for it": jnp.bool_(
                self.data == "yours" and self.own is None
            ),
        }

    # What is drawn.

    def frame(self, state: State) -> Frame:
        apart = self.apart(state, self.radius)
        log_density = self.log_density(apart, self.bandwidth) / self.dimension()
        spread = log_density - jnp.mean(log_density)
        # In units of its own width, which changes by orders of magnitude: only the form is left.
        form = spread / jnp.maximum(jnp.std(spread), 1e-6)
        reach = jnp.linspace(-4, 4, 161)
        bell = jnp.exp(-(reach**2) / 2) / jnp.sqrt(2 * jnp.pi)
        weights = jax.nn.softmax(-apart[0] / (2 * self.bandwidth**2))
        ranks = min(RANKS, self.room)
        largest = jnp.maximum(lax.top_k(weights, ranks)[0], 1e-12)
        bars = histogram(form, (-4, 4), bins=40, label=f"{self.tests} points x")
        return {
            "density": (
                Axes("(ln ρ − ⟨ln ρ⟩) / its deviation", "how often"),
                bars,
                Curve(reach, bell, label="a Gaussian"),
            ),
            "bandwidth": self.divergences(state),
            "weights": (
                Axes("rank", "weight at one x", log="xy"),
                Curve(jnp.arange(1.0, ranks + 1), largest, "measured"),
            ),
            "samples": self.drawn_samples(state, apart),
        }

    def divergences(self, state: State) -> tuple:
        """The Kullback–Leibler divergence over bandwidths, and the theory's three."""
        few = state._replace(x=state.x[:TALLIED], cross=state.cross[:TALLIED])
        apart, truth = self.apart(few, self.radius), self.truth(state, self.radius)
        h = jnp.geomspace(*WIDEST, BANDWIDTHS)
        level = lax.map(lambda h: jnp.mean(self.log_density(apart, h)) / self.dimension(), h)
        measured = truth - level
        low, high = jnp.min(measured), jnp.min(measured) + 1.5
        layers = [
            Axes("bandwidth h", "KL / d", log="x"),
            Curve(h, jnp.where(measured < high, measured, jnp.nan), "measured", "measured"),
        ]
        if self.data == "Gaussian":
            fine = jnp.geomspace(*WIDEST, 129)
            exact = self.truth(state, self.radius) - jax.vmap(self.level)(fine)
            layers.append(Curve(fine, jnp.where(exact < high, exact, jnp.nan), label="d → ∞"))
            glass, ends = self.glass(), jnp.stack([jnp.minimum(low, 0), high])
            named = {"h_opt": jnp.sqrt(self.ground()), "h_G": glass, "h_CLT": 2**0.5 * glass}
            layers += [Curve(jnp.full(2, at), ends, "guide", name) for name, at in named.items()]
        return tuple(layers)

    def drawn_samples(self, state: State, apart: Float[Array, "x n"]) -> tuple:
        """In space the points x by their density; else samples by their weight at one x.

        Of many dimensions those along x and the first two across it are drawn.
        """
        if self.data != "Gaussian":
            density = self.log_density(apart, self.bandwidth)
            corner = jnp.full(3, 2.6)
            return Box(-corner, corner), Points(state.x, {"ln ρ": Colour(density)})
        axes = jnp.concatenate([state.x[:1], jnp.eye(self.d)[: min(2, self.d - 1)]]).T
        frame = orthonormal(axes)
        turned = frame * jnp.sign(state.x[0] @ frame[:, 0])
        # Where fewer samples are used than drawn, some are drawn twice.
        which = jnp.arange(min(DRAWN, self.room)) % jnp.maximum(self.samples(), 1).astype(int)
        here = jnp.pad(state.y[which] @ turned, ((0, 0), (0, 3 - turned.shape[1])))
        weight = -apart[0, which] / (2 * self.bandwidth**2)
        weight = jnp.maximum(weight - jnp.max(weight), -12) / jnp.log(10.0)
        corner = jnp.array([jnp.sqrt(self.d) + 1, 4, 4])
        return (
            Box(-corner, corner),
            Points(here, {"log₁₀ weight": Colour(weight, span=(-5, 0))}),
        )
