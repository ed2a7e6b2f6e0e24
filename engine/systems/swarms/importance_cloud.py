"""One weighted cloud for several rare events: a mixture that finds them, and what it saves."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import ndtr
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import (
    Axes,
    Box,
    Colour,
    Curve,
    Frame,
    Points,
    Segments,
    histogram,
    strung,
)
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, poke
from engine.core.theory import Flags, Scalars
from engine.numerics import control_variates, sobol
from engine.numerics.control_variates import Sums
from engine.numerics.importance import Proposal, adapted, drawn, effective, log_parts
from engine.numerics.matrices import cholesky
from engine.numerics.training import ROWS, History, longer


ROUNDS = 5  # batches that the proposal learns from, ...
PILOT = ROUNDS  # ... the batch that control variates learn from, and all later ones are measured
TURNS, RATE = 10, 0.8  # of expectation and maximisation on each, and how far one goes
MARGIN = 0.08  # added to variances: a tail is longer than that of the Gaussian with its moments
RARE = 0.03  # share of a batch that is beyond the level aimed at
SIDE = 6.5  # of the picture
FAR = 5.0  # half of a line there
TURN = np.linspace(0, 2 * np.pi, 41)
DRAWN = 2000  # points of the cloud
PARTS = ("first", "second", "third", "fourth")


class State(NamedTuple):
    under: Float[Array, " p"]  # the parameters that the proposal was made for
    round: Int[Array, ""]  # batches since they moved
    parts: Proposal  # without the defensive one
    by: Float[Array, "e k"]  # coefficients of the control variates
    sums: Sums  # of weighted values, control variates, and weighted squares
    points: Float[Array, "n dim"]  # the last batch, and the logarithms of its weights
    log_weight: Float[Array, " n"]
    course: tuple[History, History]  # of each relative deviation, and of its error


class ImportanceCloud(System[State]):
    """One cloud, many expectations

    Points are drawn from a mixture of Gaussians g rather than from f, and weigh w = f/g. One cloud
    is to serve several expectations at once: probabilities of half-planes so far out that plain
    sampling never sees them. Batch by batch the mixture moves to what serves all of them best,

        g* ∝ √(Σⱼ (φⱼ − cⱼ)²/cⱼ²) f,    cⱼ = E φⱼ

    by the cross-entropy method. Then it stands still, and fresh points are counted. That each of
    its Gaussians has the integral 1 is known, and helps: control variates. The gain is the number
    of plain points that one of the cloud is worth, for the expectation that gains least.
    """

    sources = ("demangechryst2022ais",)
    after = True
    equations = (
        Equation(
            r"\hat p_j=\frac1n\sum_{i=1}^{n}w_i\,\varphi_j(x_i),\quad "
            r"w=\frac{f}{g},\quad g=\alpha f+(1-\alpha)\sum_k\pi_k\,g_k",
            "one cloud for all; α keeps weights below 1/α",
        ),
        Equation(
            r"g^*\propto\sqrt{\textstyle\sum_j(\varphi_j-c_j)^2/c_j^2}\;f",
            "the density of least total relative variance",
        ),
        Equation(
            r"\hat p_j-\sum_k\beta_{jk}\,\frac1n\sum_i\left(\frac{g_k(x_i)}{g(x_i)}-1\right)",
            "control variates, whose mean is 0",
        ),
        Equation(r"p_j=\mathrm{erfc}(b_j/\sqrt2)/2", "of the half-plane at the distance b"),
    )
    theory_name = "exact"
    assumptions = "Exact values of what is estimated."
    presets = (
        Preset("three far events", first=3.0, second=3.5, third=3.0),
        Preset("side by side", apart=0.35),
        Preset("one in ten million", first=5.0, second=5.0, third=5.2),
        Preset("bold", defensive=0.01),
        Preset("Sobol indices", problem="Ishigami"),
    )
    quantities = (
        Quantity("gain", symbol="gain", log=True, help="plain points that one is worth, at least"),
        Quantity("worst", symbol="δp/p", log=True, help="largest relative error so far"),
        Quantity("effective", symbol="n_eff/n", span=(0, 1), help="evenness of the weights"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "cloud": Hint(large=True),
        "funnel": Hint(large=False),
        "weights": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 1000}
    clock = "batches"

    first: Scalar = live(
        default=3.0, span=(1, 5), symbol="b₁", help="distance of an event", limits=(-3, 7)
    )
    second: Scalar = live(
        default=3.5, span=(1, 5), symbol="b₂", help="of the second", limits=(-3, 7)
    )
    third: Scalar = live(default=3.0, span=(1, 5), symbol="b₃", help="of the third", limits=(-3, 7))
    fourth: Scalar = live(
        default=4.0, span=(1, 5), symbol="b₄", help="of the fourth, if there", limits=(-3, 7)
    )
    apart: Scalar = live(
        default=1.5, span=(0.1, 1.57), symbol="Δ", help="angle between events", unit="rad"
    )
    defensive: Scalar = live(
        default=0.1, span=(0.01, 0.5), symbol="α", help="share drawn from f", limits=(1e-3, 0.99)
    )
    helpers: str = mode(default="on", choices=("on", "off"), help="control variates")
    problem: str = start(
        default="half-planes",
        choices=("half-planes", "Ishigami"),
        help="rare events, or how much each input of a function explains",
    )
    n: int = size(default=2000, span=(128, 65_536), symbol="n", help="points of a batch")
    planes: int = size(default=3, span=(2, 4), symbol="J", help="half-planes")

    # What is wanted.

    @property
    def plane(self) -> bool:
        return self.problem == "half-planes"

    @property
    def dim(self) -> int:
        return 2 if self.plane else 6

    @property
    def wanted(self) -> int:
        return self.planes if self.plane else 5

    @property
    def levels(self) -> Float[Array, " planes"]:
        values = [getattr(self, name) for name in PARTS[: self.planes]]
        return jnp.stack([jnp.asarray(value, float) for value in values])

    @property
    def ways(self) -> Float[Array, "planes 2"]:
        """Unit vectors to the half-planes."""
        angle = (jnp.arange(self.planes) - (self.planes - 1) / 2) * self.apart + np.pi / 2
        return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)

    def values(self, x: Float[Array, "n dim"]) -> Float[Array, "n e"]:
        if self.plane:
            return (x @ self.ways.T > self.levels).astype(float)
        return sobol.products(x)

    def exact(self) -> Float[Array, " planes"]:
        return ndtr(-self.levels)

    # The cloud.

    def init(self, key: Key[Array, ""]) -> State:
        # One in the middle and one towards each half-plane.
        around = jnp.zeros((self.planes, self.dim)).at[:, :2].set(self.ways)
        mean = jnp.concatenate([jnp.zeros((1, self.dim)), around])
        k = len(mean)
        unit = jnp.broadcast_to(jnp.eye(self.dim), (k, self.dim, self.dim))
        x = jax.random.normal(key, (self.n, self.dim))
        size = 2 * self.wanted + k
        empty = History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
        course = jax.tree.map(lambda leaf: jnp.stack([leaf] * self.wanted), empty)
        return State(
            self._under(),
            jnp.int32(0),
            Proposal(jnp.full(k, 1 / k), mean, unit),
            jnp.zeros((self.wanted, k)),
            Sums(jnp.int32(1), jnp.zeros(size), jnp.zeros((size, size))),
            x,
            jnp.zeros(self.n),
            (course, course),
        )

    def _under(self) -> Float[Array, " p"]:
        rest = jnp.stack([jnp.asarray(x, float) for x in (self.apart, self.defensive)])
        return jnp.concatenate([self.levels, rest])

    def whole(self, parts: Proposal) -> Proposal:
        """What is drawn from: with a margin, and the defensive part, which is f, at the end."""
        share = jnp.asarray(self.defensive, float)
        wider = parts.covariance + MARGIN * jnp.eye(self.dim)
        return Proposal(
            jnp.append((1 - share) * parts.weight, share),
            jnp.concatenate([parts.mean, jnp.zeros((1, self.dim))]),
            jnp.concatenate([wider, jnp.eye(self.dim)[None]]),
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        under = self._under()
        turn = jnp.where(jnp.all(under == state.under), state.round, 0)
        whole = self.whole(state.parts)
        x = drawn(key, whole, self.n)
        each = log_parts(x, whole)
        density = jax.nn.logsumexp(each, axis=1)
        log_weight = each[:, -1] - jnp.log(whole.weight[-1]) - density  # the last part is f
        sums = control_variates.of(self.sampled(x, log_weight, each - density[:, None], whole))

        learns = turn < ROUNDS
        worth = log_weight + self.importance(x, log_weight)
        turns = jnp.where(learns, TURNS, 0)
        parts = lax.fori_loop(0, turns, lambda _, p: adapted(x, worth, p, RATE), state.parts)
        found = control_variates.coefficients(self.kept(sums), self.wanted)
        by = jnp.where(learns, 0.0, jnp.where(turn == PILOT, found, state.by))
        # What was tuned on points is not measured by them.
        goes_on = turn > PILOT + 1
        total = jax.tree.map(
            lambda new, old: jnp.where(goes_on, new, old),
            control_variates.merged(state.sums, sums),
            sums,
        )
        state = State(under, turn + 1, parts, by, total, x, log_weight, state.course)
        return state._replace(course=self.told(state))

    def sampled(
        self, x: Array, log_weight: Array, share: Array, whole: Proposal
    ) -> Float[Array, "n v"]:
        """Weighted values, control variates g_k/g − 1, and weighted squares of the values."""
        weighted = jnp.exp(log_weight)[:, None] * self.values(x)
        helpers = jnp.exp(share[:, :-1] - jnp.log(whole.weight[:-1])) - 1
        return jnp.concatenate([weighted, helpers, weighted * self.values(x)], axis=1)

    def kept(self, sums: Sums) -> Sums:
        """Without the squares."""
        last = len(sums.mean) - self.wanted
        return Sums(sums.batches, sums.mean[:last], sums.square[:last, :last])

    def importance(self, x: Array, log_weight: Array) -> Float[Array, " n"]:
        """ln √(Σ (φ − c)²/c²): where a point is worth having.

        Towards an event that hardly any point has met yet, levels rise step by step.
        """
        values = self.values(x)
        if self.plane:
            height = x @ self.ways.T
            aimed = jnp.minimum(self.levels, jnp.quantile(height, 1 - RARE, axis=0))
            values = (height >= aimed).astype(float)
        c = jnp.mean(jnp.exp(log_weight)[:, None] * values, axis=0)
        scale = jnp.where(jnp.abs(c) > 0, c, 1.0)
        return jnp.log(jnp.sum(((values - c) / scale) ** 2, axis=1) + 1e-12) / 2

    # What is measured.

    def estimates(self, state: State) -> tuple[Float[Array, " e"], Float[Array, " e"]]:
        """Expectations, and the variance of one point."""
        by = state.by if self.helpers == "on" else 0 * state.by
        return control_variates.helped(self.kept(state.sums), by)

    def errors(self, state: State) -> tuple[Float[Array, " e"], Float[Array, " e"]]:
        """Relative: of the estimates, and of as many plain points."""
        value, variance = self.estimates(state)
        plain = jnp.maximum(state.sums.mean[-self.wanted :] - value**2, 0)
        size = jnp.maximum(jnp.abs(value), 1e-12)
        points = state.sums.batches * self.n
        ours, theirs = (jnp.sqrt(jnp.maximum(v, 0) / points) / size for v in (variance, plain))
        return ours, theirs

    def told(self, state: State) -> tuple[History, History]:
        """The course, begun anew with each measurement."""
        value, _ = self.estimates(state)
        ours, _ = self.errors(state)
        truth = self.exact() if self.plane else value
        off = value / truth - 1
        begins = state.round <= PILOT + 2
        old = jax.tree.map(lambda leaf: jnp.where(begins, 0 * leaf, leaf), state.course)
        old = tuple(h._replace(length=jnp.maximum(h.length, 1)) for h in old)
        return jax.vmap(longer)(old[0], off), jax.vmap(longer)(old[1], ours)

    def observables(self, state: State) -> Scalars:
        value, _ = self.estimates(state)
        ours, theirs = self.errors(state)
        gain = jnp.min((theirs / jnp.maximum(ours, 1e-12)) ** 2)
        measured = {
            "gain": jnp.clip(gain, 1e-3, 1e9),
            "worst": jnp.max(ours),
            "effective": effective(state.log_weight),
        }
        if self.plane:
            return measured | {f"p{j + 1}": value[j] for j in range(self.planes)}
        shares = sobol.indices(value)
        return measured | {f"S{j + 1}": shares[j] for j in range(3)}

    def theory(self) -> Scalars:
        if self.plane:
            exact = self.exact()
            return {f"p{j + 1}": exact[j] for j in range(self.planes)}
        return {f"S{j + 1}": jnp.asarray(s, float) for j, s in enumerate(sobol.exact().first)}

    def learning(self, state: State) -> Bool[Array, ""]:
        return state.round <= PILOT + 1

    def caveats(self, state: State) -> Flags:
        return {
            "the proposal is still learning: this is one batch": self.learning(state),
            "a few points weigh almost all: there may be an event that none has met": (
                effective(state.log_weight) < 0.003
            ),
        }

    @poke()
    def learn_anew(self, state: State, key: Key[Array, ""]) -> State:
        """Forget where the events are."""
        return self.init(key)

    # What is drawn.

    def frame(self, state: State) -> Frame:
        light = jnp.clip(state.log_weight / np.log(10), -8, 2)
        return {
            "cloud": (
                Box(jnp.full(2, -SIDE), jnp.full(2, SIDE)),
                *self.lines(state),
                Points(state.points[:DRAWN, :2], {"log weight": Colour(light[:DRAWN])}),
            ),
            "funnel": self.funnel(state),
            "weights": (
                Axes("log₁₀ weight", "density"),
                histogram(light, (-8, 2), bins=50),
            ),
        }

    def lines(self, state: State) -> tuple[Segments, ...]:
        """Ellipses of the mixture at two standard deviations, and edges of the half-planes."""
        circle = jnp.asarray(np.stack([np.cos(TURN), np.sin(TURN)], axis=1), jnp.float32)
        margin = MARGIN * jnp.eye(2)
        factor = cholesky(state.parts.covariance[:, :2, :2] + margin)
        ring = state.parts.mean[:, None, :2] + 2 * jnp.einsum("kij,tj->kti", factor, circle)
        k = len(ring)
        which = jnp.repeat(state.parts.weight, len(TURN) - 1)
        ellipses = Segments(
            ring[:, :-1].reshape(-1, 2),
            ring[:, 1:].reshape(-1, 2),
            Colour(which, span=(0.0, 2 / k)),
        )
        if not self.plane:
            return (ellipses,)
        foot = self.levels[:, None] * self.ways
        along = FAR * jnp.stack([-self.ways[:, 1], self.ways[:, 0]], axis=1)
        return Segments(foot - along, foot + along), ellipses

    def funnel(self, state: State) -> tuple[Axes | Curve, ...]:
        """How far estimates are from the truth, and how far they should be, by their points."""
        batches, off = jax.vmap(History.curve)(state.course[0])
        _, errors = jax.vmap(History.curve)(state.course[1])
        points = (batches[0] + 0.5) * self.n
        worst = 2 * jnp.max(errors, axis=0)
        _, theirs = self.errors(state)
        plain = jnp.max(theirs) * jnp.sqrt(state.sums.batches * self.n / points) * 2
        plain = jnp.where(jnp.isnan(worst), jnp.nan, plain)
        names = [f"p{j + 1}" for j in range(self.planes)] if self.plane else []
        return (
            Axes("points", "relative deviation", log="x"),
            strung(points, jnp.stack([plain, -plain], axis=1), "guide", "plain sampling"),
            strung(points, jnp.stack([worst, -worst], axis=1), "theory", "two errors"),
            *(Curve(points, off[j], "measured", name) for j, name in enumerate(names)),
        )
