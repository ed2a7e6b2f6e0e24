"""The Hopfield network whose update is the attention of a transformer."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Colour, Curve, Frame, Image, Points
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.roots import bisect


GRID = 96  # pixels along a side of the landscape
REACH = 1.8  # half of the side of the plane that is shown
CLUSTERS = 3


class State(NamedTuple):
    query: Float[Array, "s d"]
    centre: Float[Array, "n d"]  # of the cluster that a pattern belongs to, or the pattern itself
    offset: Float[Array, "n d"]  # from it, in units of the spread
    probe: Float[Array, "s d"]  # random points that condensation is measured at


class ModernHopfield(System[State]):
    """Modern Hopfield network

    Queries ξ slide to a stored pattern, to an average of a few, or to the average of all:

        ξ ← ξ + η [X softmax(β Xᵀξ) − ξ]

    With η = 1 this is the attention of a transformer. A small β remembers the mean of everything, a
    large one each pattern by itself. Patterns may be dragged. In the mode of condensation nothing
    moves: the weights of random points on a sphere are Boltzmann weights of random energies, and
    freeze onto a few patterns as β grows.
    """

    sources = ("ramsauer2021hopfield", "derrida1981", "biroli2024kde")
    equations = (
        Equation(r"\xi^{\rm new}=X\,\mathrm{softmax}(\beta X^{\!\top}\xi)", "update = attention"),
        Equation(
            r"E=-\frac{1}{\beta}\ln\sum_i e^{\beta x_i\cdot\xi}+\frac{1}{2}|\xi|^2"
            r"+\frac{1}{\beta}\ln N+\frac{1}{2}\max_i|x_i|^2",
            "energy, which no update raises",
        ),
        Equation(
            r"\beta\,\lambda_{\max}\left(\mathrm{Cov}_p X\right)<1", "a fixed point is stable"
        ),
        Equation(r"Y_2=\sum_i p_i^2\;\to\;1-\beta_c/\beta", "share of the few, random energies"),
    )
    theory_name = "mean field of few"
    assumptions = (
        "The rings: patterns at equal angles on the unit circle, η → 0. Condensation: N = e^{αd} "
        "patterns on the sphere |x|² = d as d → ∞."
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "weights": Hint(large=False),
        "energy": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"queries": 64}
    presets = (
        Preset("average of all", beta=0.8, layout="clusters"),
        Preset("averages of clusters", beta=4.0, layout="clusters"),
        Preset("single patterns", beta=60.0, layout="clusters", spread=0.4),
        Preset("ring of three, both", beta=1.9, layout="ring", patterns=3, rate=0.3),
        Preset("two patterns", beta=1.5, layout="ring", patterns=2, rate=0.3),
        Preset(
            "condensation", beta=1.2, layout="sphere", patterns=1024, dimension=24,
            task="condensation",
        ),
    )  # fmt: skip
    quantities = (
        Quantity("overlap", symbol="|ξ|/R", span=(0, 1), help="length of the queries, on average"),
        Quantity("entropy", symbol="S/ln N", span=(0, 1), help="of the softmax weights"),
        Quantity("shared by", symbol="k₉₀", help="patterns that hold 90 % of the weight"),
        Quantity("participation", symbol="Y₂", span=(0, 1), help="Σ p²"),
        Quantity("energy", symbol="E", help="mean over queries"),
    )
    clock = "updates"

    beta: Scalar = live(
        default=4.0,
        span=(0.01, 100),
        symbol="β",
        help="inverse temperature of the softmax",
        log=True,
        limits=(1e-4, 1e4),
    )
    spread: Scalar = live(
        default=0.25, span=(0, 1), symbol="r_c", help="of the clusters", limits=(0, math.inf)
    )
    rate: Scalar = live(
        default=0.1, span=(0.01, 1), symbol="η", help="step; 1 is attention", limits=(0, 1)
    )
    task: str = mode(
        default="retrieve",
        choices=("retrieve", "condensation"),
        help="let queries slide, or weigh random points",
    )
    layout: str = start(
        default="clusters",
        choices=("clusters", "ring", "sphere"),
        help="where the patterns lie",
    )
    patterns: int = size(default=12, span=(2, 4096), symbol="N", help="stored patterns")
    dimension: int = size(default=2, span=(2, 64), symbol="d", help="dimension")
    queries: int = size(default=1024, span=(16, 8192), symbol="S", help="queries at once")

    def init(self, key: Key[Array, ""]) -> State:
        for_centre, for_offset, for_query, for_probe = jax.random.split(key, 4)
        n, d = self.patterns, self.dimension
        angle = 2 * jnp.pi * jnp.arange(n) / n + jnp.pi / 2
        circle = jnp.zeros((n, d)).at[:, 0].set(jnp.cos(angle)).at[:, 1].set(jnp.sin(angle))
        offset = jnp.zeros((n, d))
        scale = 1.0
        if self.layout == "clusters":
            third = 2 * jnp.pi * (jnp.arange(n) % CLUSTERS) / CLUSTERS + jnp.pi / 2
            centre = circle.at[:, 0].set(jnp.cos(third)).at[:, 1].set(jnp.sin(third))
            offset = jax.random.normal(for_offset, (n, d))
        elif self.layout == "ring":
            centre = circle
        else:
            scale = math.sqrt(d)
            centre = on_sphere(for_centre, n, d)
        query = REACH * jax.random.uniform(for_query, (self.queries, d), minval=-1.0)
        return State(scale * query, centre, offset, on_sphere(for_probe, self.queries, d))

    def stored(self, state: State) -> Float[Array, "n d"]:
        return state.centre + self.spread * state.offset

    def weights(self, state: State, at: Float[Array, "s d"]) -> Float[Array, "s n"]:
        return jax.nn.softmax(self.beta * at @ self.stored(state).T, axis=1)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        if self.task == "condensation":
            return state
        mean = self.weights(state, state.query) @ self.stored(state)
        return state._replace(query=state.query + self.rate * (mean - state.query))

    def energy(self, state: State, at: Float[Array, "s d"]) -> Float[Array, " s"]:
        x = self.stored(state)
        total = jax.nn.logsumexp(self.beta * at @ x.T, axis=1) - math.log(self.patterns)
        largest = jnp.max(jnp.sum(x**2, axis=1))
        return -total / self.beta + (jnp.sum(at**2, axis=1) + largest) / 2

    def observables(self, state: State) -> Scalars:
        at = state.probe if self.task == "condensation" else state.query
        p, x = self.weights(state, at), self.stored(state)
        ranked = jnp.cumsum(jnp.sort(p, axis=1)[:, ::-1], axis=1)
        size_of = jnp.sqrt(jnp.max(jnp.sum(x**2, axis=1)))
        spread = -jnp.sum(jax.scipy.special.xlogy(p, p), axis=1) / math.log(self.patterns)
        return {
            "overlap": jnp.mean(jnp.linalg.norm(at, axis=1)) / size_of,
            "entropy": jnp.mean(spread),
            "shared by": jnp.mean(1 + jnp.sum(ranked < 0.9, axis=1).astype(float)),
            "participation": jnp.mean(jnp.sum(p**2, axis=1)),
            "energy": jnp.mean(self.energy(state, at)),
        }

    def load(self) -> float:
        """α, from N = e^{αd}."""
        return math.log(self.patterns) / self.dimension

    def theory(self) -> Scalars:
        silent = jnp.full((), jnp.nan)
        few = 1 - freezing(jnp.asarray(self.load())) / self.beta
        if self.task == "condensation" and self.layout == "sphere":
            return {"overlap": silent, "participation": jnp.maximum(few, 0)}
        if self.layout != "ring":
            return {"overlap": silent, "participation": silent}
        return {"overlap": ring(self.beta, self.patterns), "participation": silent}

    def boundaries(self) -> dict[str, Boundary]:
        if self.task == "condensation":
            return {"weights freeze": Boundary({"beta": freezing(jnp.asarray(self.load()))})}
        if self.layout == "ring":
            # The covariance of a ring is R²/2 in either direction; of two points R² in one.
            loses = 2.0 if self.patterns > 2 else 1.0
            lines = {"average of all is unstable": Boundary({"beta": jnp.asarray(loses)})}
            if self.patterns == 3:
                lines["a single pattern holds"] = Boundary(
                    {"beta": jnp.asarray(TRIANGLE)}, kind="spinodal"
                )
            return lines
        if self.layout == "sphere":
            return {
                "a pattern is retrieved": Boundary(
                    {"beta": retrieval(jnp.asarray(self.load()))}, kind="first order"
                )
            }
        # Three clusters on the unit circle, of variance r_c² in each direction: in the mean.
        spread = jnp.asarray(self.spread)
        return {
            "average of all is unstable": Boundary({"beta": 1 / (0.5 + spread**2)}),
            "clusters fall apart": Boundary({"beta": 1 / jnp.maximum(spread, 1e-2) ** 2}, "guide"),
        }

    def caveats(self, state: State) -> Flags:
        hot = self.beta * jnp.max(jnp.sum(self.stored(state) ** 2, axis=1)) > 80
        return {
            "the softmax is as sharp as float32: gradients are 0": hot,
            "theory is for d → ∞: here the edge is rounded": jnp.bool_(
                self.layout == "sphere" and self.dimension < 100
            ),
        }

    @poke(view="plane")
    def move(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Drag the pattern nearest to the hand."""
        apart = jnp.sum((self.stored(state)[:, :2] - touch.position + touch.drag) ** 2, axis=1)
        near = jnp.argmin(apart)
        held = apart[near] < 0.3**2
        drag = jnp.where(held, touch.drag, 0.0)
        return state._replace(centre=state.centre.at[near, :2].add(drag))

    @poke()
    def scatter(self, state: State, key: Key[Array, ""]) -> State:
        """Start all queries anew."""
        scale = math.sqrt(self.dimension) if self.layout == "sphere" else 1.0
        new = jax.random.uniform(key, state.query.shape, minval=-REACH, maxval=REACH)
        return state._replace(query=scale * new)

    def frame(self, state: State) -> Frame:
        scale = math.sqrt(self.dimension) if self.layout == "sphere" else 1.0
        edge = REACH * scale
        x = self.stored(state)
        at = state.probe if self.task == "condensation" else state.query
        p = self.weights(state, at)
        choice = jnp.argmax(p, axis=1).astype(float)
        own = Colour(jnp.arange(float(self.patterns)), scale="category")
        shown = min(self.patterns, 64)
        plane = (
            Box(jnp.full(2, -edge), jnp.full(2, edge)),
            Points(at[:, :2], {"pattern": Colour(choice, scale="category")}),
            Points(x[:, :2], {"pattern": own}, radius=0.035 * scale),
        )
        if self.dimension == 2:
            plane = (plane[0], self._landscape(state, edge), *plane[1:])
        ranked = jnp.mean(jnp.sort(p, axis=1)[:, ::-1], axis=0)[:shown]
        return {
            "plane": plane,
            "weights": (
                Axes("rank of the pattern", "weight p"),
                Bars(jnp.arange(shown + 1.0), ranked, label="p, over queries"),
            ),
            "energy": self._cut(state, x),
        }

    def _landscape(self, state: State, edge: float) -> Image:
        """The energy over the plane."""
        side = jnp.linspace(-edge, edge, GRID + 1)[:-1] + edge / GRID
        points = jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)
        energy = self.energy(state, points).reshape(GRID, GRID)
        # Wells matter, walls do not: a root flattens what is far up.
        return Image(-jnp.sqrt(jnp.maximum(energy - jnp.min(energy), 0)))

    def _cut(self, state: State, x: Float[Array, "n d"]) -> tuple[Axes, Curve]:
        """The energy from the mean of all patterns through the first one."""
        share = jnp.linspace(-0.6, 1.4, 129)
        mean = jnp.mean(x, axis=0)
        line = mean + share[:, None] * (x[0] - mean)
        return (
            Axes("from the mean (0) to the first pattern (1)", "energy"),
            Curve(share, self.energy(state, line)),
        )


def on_sphere(key: Key[Array, ""], n: int, d: int) -> Float[Array, "n d"]:
    """Random points with |x|² = d."""
    x = jax.random.normal(key, (n, d))
    return x * math.sqrt(d) / jnp.linalg.norm(x, axis=1, keepdims=True)


def ring(beta: Scalar, n: int) -> Float[Array, ""]:
    """How far out queries come to rest on the axis of a pattern of a ring of radius 1.

    Two patterns are Curie and Weiss: m = tanh(βm). More of them act like Potts's states.
    """
    angle = jnp.asarray(2 * np.pi * np.arange(n) / n, jnp.float32)

    def pull(m: Array) -> Array:
        return jnp.sum(jax.nn.softmax(beta * m * jnp.cos(angle)) * jnp.cos(angle))

    m = jax.lax.fori_loop(0, 400, lambda _, m: (m + pull(m)) / 2, jnp.ones(()))
    return jnp.where(m > 2e-2, m, 0.0)


def _triangle() -> float:
    """Where the branch of a single pattern appears on a ring of three: a double root."""
    m = np.linspace(0.05, 0.999, 200_001)
    # m = (e^{βm} − e^{−βm/2}) / (e^{βm} + 2e^{−βm/2}), solved for β.
    beta = np.log((1 + 2 * m) / (1 - m)) / (1.5 * m)
    return float(beta.min())


TRIANGLE = _triangle()


def _most_likely(beta: Float[Array, ""]) -> Float[Array, ""]:
    """The overlap per dimension that most of the weight of random patterns comes from."""
    return (jnp.sqrt(1 + 4 * beta**2) - 1) / (2 * beta)


def freezing(load: Float[Array, ""]) -> Float[Array, ""]:
    """The β at which e^{αd} random patterns condense: α + ½ ln(1 − x*²) = 0."""

    def spare(log_beta: Array) -> Array:
        return load + jnp.log1p(-(_most_likely(jnp.exp(log_beta)) ** 2)) / 2

    return jnp.exp(bisect(spare, -5.0, 5.0))


def noise(load: Float[Array, ""], beta: Float[Array, ""]) -> Float[Array, ""]:
    """φ(α, β): ln of the weight of all random patterns, per dimension."""
    x = jnp.minimum(_most_likely(beta), jnp.sqrt(-jnp.expm1(-2 * load)))
    return beta * x + load + jnp.log1p(-(x**2)) / 2


def retrieval(load: Float[Array, ""]) -> Float[Array, ""]:
    """The β above which a pattern outweighs all others, at its own place: β = φ(α, β)."""

    def lack(log_beta: Array) -> Array:
        beta = jnp.exp(log_beta)
        return noise(load, beta) - beta

    return jnp.exp(bisect(lack, -5.0, 5.0))


def most_load(beta: Scalar) -> Float[Array, ""]:
    """α_c(β), the same line the other way round."""
    return bisect(lambda load: beta - noise(load, jnp.asarray(beta)), 0.0, 3.0)
