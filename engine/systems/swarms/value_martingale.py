"""What the future is worth, learnt from paths: the least TD error is not the value."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import (
    Axes,
    Box,
    Captions,
    Colour,
    Curve,
    Frame,
    Points,
    Segments,
    strung,
)
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, poke
from engine.core.theory import Scalars
from engine.numerics import policy_evaluation as learning
from engine.numerics.policy_evaluation import TRUTH, WAYS
from engine.numerics.training import ROWS, History, longer


SHOWN = 48  # paths that are drawn
TIMES = 41  # of each of their points
REACH = 3.0  # of a surface, in units of s
ACROSS, ALONG = 17, 13  # lines of a surface
FLOOR = 1.2  # of the box, in units of 9 s²


class State(NamedTuple):
    theta: Float[Array, "ways 2"]  # of each way to learn
    paths: Float[Array, "times shown"]  # some of the last batch, in units of s
    course: History  # of θ, one after the other


class ValueMartingale(System[State]):
    """Value as a martingale

    A place at a time is worth what is still to come from it on average. Along paths

        dX = −κ X dt + s dW

    the value plus what has come already goes up and down without a drift: it is a martingale. From
    the same paths four learners find the two numbers θ of a surface that is right at the end. The
    least square error of one step (TD error) is the wrong goal: it flattens the surface where paths
    wander, for that is where single steps surprise. To be a martingale is the right one.
    """

    sources = ("jia2022martingale",)
    equations = (
        Equation(
            r"J(t,x)=\mathbb E\!\left[\int_t^T r\,\mathrm dt'+h(X_T)\,\Big|\,X_t=x\right]",
            "the value: r = x² or h = x²",
        ),
        Equation(
            r"V=e^{-2\kappa\tau}x^2+\theta_1\frac{1-e^{-2\kappa\tau}}{2\kappa}-\theta_2\,\tau x^2,"
            r"\quad\tau=T-t",
            "surfaces of h = x²; the truth is θ = (s², 0)",
        ),
        Equation(
            r"\min_\theta\mathbb E\sum\left(\Delta V+r\,\Delta t\right)^2"
            r"\to\min_\theta\mathbb E\,\langle V\rangle_T",
            "least TD error: of quadratic variation, θ₂ → 2/T for h = x² and κ = 0",
        ),
        Equation(
            r"\min_\theta\mathbb E\int_0^T\!\left(h+\int_t^T r\,\mathrm dt'-V\right)^2\mathrm dt",
            "martingale loss",
        ),
        Equation(
            r"\mathbb E\int_0^T\!\xi_t\,(\mathrm dV+r\,\mathrm dt)=0,\quad "
            r"\xi=\partial_\theta V\ \mathrm{or\ a\ fading\ memory\ of\ it}",
            "orthogonality: TD(0), TD(λ)",
        ),
    )
    theory_name = "exact"
    assumptions = "Infinitely many paths, at the present time step; T = 1, X₀ = 0."
    presets = (
        Preset("worth at the end", problem="final"),
        Preset("worth on the way", problem="running", pull=1.0),
        Preset("long memory", trace=0.95),
        Preset("coarse steps", steps=10),
    )
    quantities = (
        Quantity(
            "gap", symbol="ΔV", help="error of the surface of least TD error, root mean square"
        ),
        Quantity("martingale", symbol="ΔV martingale", help="by the martingale loss"),
        Quantity("orthogonal", symbol="ΔV TD(0)", help="by TD(0)"),
        Quantity("traced", symbol="ΔV TD(λ)", help="by TD(λ)"),
        Quantity("bend", symbol="θ₂ TD error", help="of the surface of least TD error"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "surfaces": Hint(azimuth=-60.0, elevation=22.0, glow=False),
        "bend": Hint(large=False),
        "level": Hint(large=False),
        "value": Hint(large=False),
        "paths": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 256, "steps": 40}
    clock = "batches"

    volatility: Scalar = live(
        default=1.0, span=(0.3, 3), symbol="s", help="of the paths", log=True, limits=(0.01, 100)
    )
    pull: Scalar = live(
        default=0.0, span=(0, 3), symbol="κ", help="back to the middle", limits=(0, 50)
    )
    rate: Scalar = live(
        default=0.2,
        span=(0.01, 2),
        symbol="η",
        help="of learning, in each batch",
        log=True,
        limits=(0, 10),
    )
    trace: Scalar = live(
        default=0.8,
        span=(0, 0.98),
        symbol="λ",
        help="what TD(λ) keeps of its memory in a step",
        limits=(0, 0.999),
    )
    problem: str = start(
        default="final", choices=("final", "running"), help="x² at the end, or on the way"
    )
    n: int = size(default=512, span=(64, 20_000), symbol="N", help="paths of a batch")
    steps: int = size(default=100, span=(10, 1000), symbol="T/Δt", help="steps of a path")

    @property
    def walk(self) -> learning.Walk:
        return learning.walk(self.pull, self.steps)

    @property
    def unit(self) -> Float[Array, " 2"]:
        """What θ is measured in: learning goes on in units of s, where s is 1."""
        return jnp.stack([jnp.asarray(self.volatility, float) ** 2, jnp.ones(())])

    @property
    def truth(self) -> Float[Array, " 2"]:
        return self.unit * jnp.array(TRUTH[self.problem])

    def init(self, key: Key[Array, ""]) -> State:
        empty = History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
        theta = jnp.zeros((len(WAYS), 2))
        course = jax.tree.map(lambda leaf: jnp.stack([leaf] * theta.size), empty)
        return State(theta, self.walk.paths(key, SHOWN), course)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        paths = self.walk.paths(key, self.n)
        law = learning.equations(self.problem, self.walk, paths, jnp.asarray(self.trace))
        theta = learning.nearer(state.theta / self.unit, law, jnp.asarray(self.rate)) * self.unit
        course = jax.vmap(longer)(state.course, theta.reshape(-1))
        return State(theta, paths[:, :SHOWN], course)

    def gaps(self, theta: Float[Array, "*some 2"]) -> Float[Array, "*some"]:
        """How far surfaces are from the value, where paths are."""
        off = (theta - self.truth) / self.unit
        return self.unit[0] * learning.distance(self.problem, self.walk, off)

    def observables(self, state: State) -> Scalars:
        gaps = self.gaps(state.theta)
        names = ("gap", "martingale", "orthogonal", "traced")
        return dict(zip(names, gaps, strict=True)) | {"bend": state.theta[0, 1]}

    def theory(self) -> Scalars:
        wrong = self.unit * learning.least_td_error(self.problem, self.walk)
        none = jnp.zeros(())
        return {
            "gap": self.gaps(wrong),
            "martingale": none,
            "orthogonal": none,
            "traced": none,
            "bend": wrong[1],
        }

    @poke()
    def forget(self, state: State, key: Key[Array, ""]) -> State:
        """Let all learn anew."""
        return self.init(key)

    # What is drawn.

    def frame(self, state: State) -> Frame:
        return {
            "surfaces": self.surfaces(state),
            "bend": self.traces(state, 1, "θ₂"),
            "level": self.traces(state, 0, "θ₁"),
            "value": self.first_values(state),
            "paths": self.bundle(state),
        }

    def value(
        self, theta: Float[Array, " 2"], left: Float[Array, "*k"], x: Float[Array, "*k"]
    ) -> Float[Array, "*k"]:
        """In units of s², at x in units of s."""
        known = learning.values(self.problem, self.walk, left, x)
        return known.base + jnp.tensordot(theta / self.unit, known.features, 1)

    def surfaces(self, state: State) -> tuple[Box, Segments, Points, Captions]:
        """The value, and what three ways make of it, under the paths."""
        shown = jnp.stack([self.truth, *state.theta[:3]])
        t, x = jnp.linspace(0, 1, ALONG), REACH * jnp.linspace(-1, 1, ACROSS)
        when, where = jnp.meshgrid(t, x, indexing="ij")
        taken = jnp.round(jnp.linspace(0, 1, TIMES) * self.steps).astype(int)
        late = jnp.broadcast_to(taken[:, None] / self.steps, (TIMES, SHOWN))
        paths = state.paths[taken]

        def drawn(theta: Array) -> tuple[Array, Array, Array, Array]:
            net = self.placed(theta, when, where)
            start = jnp.concatenate([net[:, :-1].reshape(-1, 3), net[:-1].reshape(-1, 3)])
            end = jnp.concatenate([net[:, 1:].reshape(-1, 3), net[1:].reshape(-1, 3)])
            spots = self.placed(theta, late, paths).reshape(-1, 3)
            inside = jnp.all(jnp.abs(spots) <= jnp.array([1, 1, FLOOR]), axis=1)
            worth = self.value(theta, 1 - late, paths).reshape(-1)
            return start, end, jnp.where(inside[:, None], spots, jnp.nan), worth

        start, end, spots, worth = jax.vmap(drawn)(shown)
        low = jnp.array([-1.0, -1.0, -FLOOR])
        worth = self.unit[0] * worth
        return (
            Box(low, -low),
            Segments(start, end),
            Points(spots, {"value": Colour(worth)}, radius=0.01),
            Captions(("the value", *WAYS[:3])),
        )

    def placed(self, theta: Array, t: Array, x: Array) -> Float[Array, "*k 3"]:
        height = jnp.clip(self.value(theta, 1 - t, x) / REACH**2, -FLOOR, FLOOR)
        return jnp.stack([2 * t - 1, x / REACH, height], axis=-1)

    def traces(self, state: State, which: int, name: str) -> tuple[Axes | Curve, ...]:
        """One of both numbers, as it was learnt in each way, and where each way leads to."""
        batches, learnt = jax.vmap(History.curve)(state.course)
        wrong = self.unit * learning.least_td_error(self.problem, self.walk)
        ends = jnp.stack([jnp.zeros(()), jnp.maximum(jnp.nanmax(batches[0] + 0 * learnt[0]), 1)])
        ends = jnp.where(jnp.isnan(ends), 1.0, ends)
        return (
            Axes("batches", name),
            Curve(ends, jnp.full(2, wrong[which]), label="least TD error"),
            Curve(ends, jnp.full(2, self.truth[which]), label="value"),
            *(
                Curve(batches[2 * k + which], learnt[2 * k + which], "measured", way)
                for k, way in enumerate(WAYS)
            ),
        )

    def first_values(self, state: State) -> tuple[Axes, Curve, Curve, Curve, Curve]:
        """At the beginning, along x."""
        x = REACH * jnp.linspace(-1, 1, 41)
        at = self.volatility * x

        def along(theta: Array) -> Array:
            return self.unit[0] * self.value(theta, jnp.ones_like(x), x)

        wrong = self.unit * learning.least_td_error(self.problem, self.walk)
        return (
            Axes("x", "V(0, x)"),
            Curve(at, along(self.truth), label="value"),
            Curve(at, along(wrong), "guide", label="least TD error"),
            Curve(at, along(state.theta[0]), "measured", label=WAYS[0]),
            Curve(at, along(state.theta[1]), "measured", label=WAYS[1]),
        )

    def bundle(self, state: State) -> tuple[Axes, Curve, Curve]:
        """Paths, and twice the standard deviation of all."""
        t = jnp.linspace(0, 1, TIMES)
        taken = jnp.round(t * self.steps).astype(int)
        wide = 2 * self.volatility * jnp.sqrt(self.walk.variance(t))
        both = jnp.stack([wide, -wide], axis=1)
        return (
            Axes("t", "x"),
            strung(t, self.volatility * state.paths[taken]),
            strung(t, both, "theory", "2 standard deviations"),
        )
