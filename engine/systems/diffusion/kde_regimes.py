"""Kernel density estimates in high dimension, and the few points that come to carry them."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Curve, Frame, histogram
from engine.core.parameters import Scalar, live, size
from engine.core.system import Scene
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.roots import bisect


class State(NamedTuple):
    apart: Float[Array, "x n"]  # squared distances from test points to all data there is room for


class KdeRegimes(Scene[State]):
    """Kernel density in large dimensions

    The density at x, |x|² = d, estimated from n = e^{αd} Gaussian samples y in d dimensions:

        ρ_h(x) = (1/n) Σᵢ (2πh²)^{−d/2} exp(−|x − yᵢ|²/2h²)

    While the bandwidth h is wide all samples share in it; below h_CLT its fluctuations are no
    longer Gaussian; below h_G it is carried by a few samples, as in a glass of random energies.
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
            "where a few samples begin to carry it, and where it stops being Gaussian",
        ),
        Equation(r"Y_2=\sum_i w_i^2\;\to\;1-(h/h_G)^2\quad(h<h_G)", "share of the few"),
        Equation(r"h_{\mathrm{opt}}=h_G\,\frac{\sqrt{1+2h_G^2}}{1+h_G^2}<h_G", "best bandwidth"),
    )
    assumptions = "d → ∞ at fixed α, for Gaussian data and |x|² = d; finite d rounds the edges."
    hints: ClassVar[Mapping[str, Hint]] = {"weights": Hint(large=False)}
    presets = (
        Preset("all share", bandwidth=2.0),
        Preset("heavy tails", bandwidth=1.0),
        Preset("few carry it", bandwidth=0.4),
    )
    quantities = (
        Quantity("participation", symbol="Y₂", span=(0, 1), help="Σ w²: 1 over how many share"),
        Quantity("log density", symbol="ln ρ / d", help="averaged over the points x"),
    )

    load: Scalar = live(
        default=0.35, span=(0.05, 0.37), symbol="α", help="ln n / d", limits=(0, math.inf)
    )
    bandwidth: Scalar = live(
        default=0.8,
        span=(0.2, 4),
        symbol="h",
        help="of the kernel",
        log=True,
        limits=(1e-3, math.inf),
    )
    d: int = size(default=24, span=(8, 128), symbol="d", help="dimension")
    room: int = size(default=8192, span=(256, 262_144), symbol="n_max", help="samples drawn")
    tests: int = size(default=200, span=(50, 4000), symbol="n_x", help="points x")

    def init(self, key: Key[Array, ""]) -> State:
        for_x, for_y = jax.random.split(key)
        x = jax.random.normal(for_x, (self.tests, self.d))
        x = x * jnp.sqrt(self.d) / jnp.linalg.norm(x, axis=1, keepdims=True)
        y = jax.random.normal(for_y, (self.room, self.d))
        return State(self.d - 2 * x @ y.T + jnp.sum(y**2, axis=1))

    def samples(self) -> Float[Array, ""]:
        return jnp.minimum(jnp.exp(self.load * self.d), self.room)

    def log_weights(self, state: State) -> Float[Array, "x n"]:
        used = jnp.arange(self.room) < self.samples()
        return jnp.where(used, -state.apart / (2 * self.bandwidth**2), -jnp.inf)

    def log_density(self, state: State) -> Float[Array, " x"]:
        normal = self.d / 2 * jnp.log(2 * jnp.pi * self.bandwidth**2)
        total = jax.nn.logsumexp(self.log_weights(state), axis=1)
        return total - jnp.log(self.samples()) - normal

    def observables(self, state: State) -> Scalars:
        weights = jax.nn.softmax(self.log_weights(state), axis=1)
        return {
            "participation": jnp.mean(jnp.sum(weights**2, axis=1)),
            "log density": jnp.mean(self.log_density(state)) / self.d,
        }

    def theory(self) -> Scalars:
        h2, glass = jnp.asarray(self.bandwidth) ** 2, self.glass() ** 2
        u = glass / (1 + glass)
        wide = -jnp.log(2 * jnp.pi * (1 + h2)) / 2 - 1 / (2 * (1 + h2))
        narrow = -jnp.log(2 * jnp.pi * h2) / 2 - (u + u**2) / (2 * h2) - self.load
        return {
            "participation": jnp.maximum(1 - h2 / glass, 0),
            "log density": jnp.where(h2 > glass, wide, narrow),
        }

    def glass(self) -> Float[Array, ""]:
        """h_G, where the rate function of the exponent reaches α."""

        def spare(log_h: Array) -> Array:
            h2 = jnp.exp(2 * log_h)
            return (jnp.log1p(1 / h2) - h2 / (1 + h2) ** 2) / 2 - self.load

        return jnp.exp(bisect(spare, -4.0, 3.0))

    def boundaries(self) -> dict[str, Boundary]:
        h = self.glass()
        best = h * jnp.sqrt(1 + 2 * h**2) / (1 + h**2)
        return {
            "few samples carry all": Boundary({"bandwidth": h}),
            "no longer Gaussian": Boundary({"bandwidth": jnp.sqrt(2.0) * h}),
            "best bandwidth": Boundary({"bandwidth": best}, kind="guide"),
        }

    def caveats(self, state: State) -> Flags:
        wanted = jnp.exp(jnp.asarray(self.load * self.d))
        near = jnp.abs(jnp.log(self.bandwidth / self.glass())) < 0.5
        return {
            "fewer samples than α asks for: raise n_max": wanted > 1.01 * self.room,
            "near h_G a finite d rounds the edge: theory is for d → ∞": near & (self.d < 100),
        }

    def frame(self, state: State) -> Frame:
        log_density = self.log_density(state) / self.d
        spread = log_density - jnp.mean(log_density)
        weights = jax.nn.softmax(self.log_weights(state)[0])
        largest = jax.lax.top_k(weights, 50)[0]
        bars: Bars = histogram(spread, (-0.2, 0.2), bins=40)
        return {
            "density": (Axes("(ln ρ − ⟨ln ρ⟩) / d", "how often"), bars),
            "weights": (
                Axes("rank", "weight", log="xy"),
                Curve(jnp.arange(1.0, 51), largest, "measured"),
            ),
        }
