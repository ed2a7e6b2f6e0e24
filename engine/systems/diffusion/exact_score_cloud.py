"""A cloud that condenses out of noise, by a score that needs no learning."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import (
    Arrows,
    Axes,
    Box,
    Clock,
    Colour,
    Comparison,
    Curve,
    Frame,
    Image,
    Points,
    dashes,
    histogram,
)
from engine.core.parameters import Scalar, asset, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.distances import nearest, projected, sliced
from engine.numerics.importance import (
    Estimate,
    Proposal,
    adapted,
    broad,
    drawn,
    effective,
    expectations,
    log_weights,
)
from engine.numerics.noise_time import FLOWS, Course, begun, onward, passage
from engine.numerics.noised_clouds import answered, asked, departed, marginal
from engine.numerics.scores import (
    Belief,
    Kernel,
    belief,
    local_dimension,
    log_density,
    noising,
    shrunk,
    speciation,
    variance,
)
from engine.numerics.shapes import DIMENSION, SHAPES, normalised
from engine.numerics.slices import across


EARLIEST = 4.0  # noise time at which a cloud begins: a² = 3e-4 of the data is left in it
SLICED = 2048  # points that enter the sliced distance, at most
SAMPLED = 512  # points whose distance to the data is taken, at most
TIMES = jnp.geomspace(1e-4, EARLIEST, 28)  # at which the limit of the sliced distance is tabulated
KEPT = 512  # steps that the curve of the dimension remembers
PAUSE = 240  # steps that a finished cloud is shown for
EDGE = 2.6  # half the side of the box
STRIDES = 8  # of a touch of the clock
WEIGH = "weigh"  # the flow in which the cloud is a weighted sample of p_t instead
PARTS, RATE = 12, 0.3  # Gaussians of the proposal, and how far a step moves them


class State(NamedTuple):
    cloud: Float[Array, "n 3"]
    data: Float[Array, "m 3"]
    time: Float[Array, ""]  # of the noise
    condensing: Bool[Array, ""]
    shown: Int[Array, ""]  # steps since the cloud was finished
    seen: Belief  # what the cloud knows of the data, at `time` and for the kernel `width`
    width: Float[Array, ""]
    shadows: Float[Array, "m 64"]  # of the data, for the sliced distance
    infinite: Float[Array, " times"]  # the sliced distance of infinitely many points, at TIMES
    past: Float[Array, "kept 2"]  # (time, local dimension), the newest last
    spacing: Float[Array, ""]  # mean square distance from a data point to the next
    proposal: Proposal  # that points are drawn from, where they are weighed
    log_weight: Float[Array, " n"]  # ln p_t/q of each point; 0 where none is weighed


class ExactScoreCloud(System[State]):
    """Cloud out of noise

    Noise dx = −x dt + √2 dW dissolves any cloud of points y. Run backwards it brings the cloud
    back, steered by the score of what it went through, which for a cloud is known exactly:

        ∇ log p_t(x) = (a Σⱼ wⱼ yⱼ − x) / V,   wⱼ ∝ exp(−|x − a yⱼ|²/2V),   a = e^{−t}, V = 1 − a²

    No network, no training. λ says how much noise the way back makes: none is a flow, 1 the
    reversed diffusion, and all of them pass through the same clouds. The local dimension, of the
    ways in which a point can move and stay data, is 0 in noise, that of the shape in between, and
    0 again at the end: an exact score knows nothing but the points, and ends on them.
    (In flow "hold" drag t₀: noise is added exactly, and taken away step by step. In flow "weigh"
    the points are a weighted sample of p_t for several expectations at once: drawn from a mixture
    of Gaussians q that learns from the weights p_t/q.)
    """

    sources = ("horvat2024gauge", "deveney2025odesde", "biroli2024kde", "demangechryst2022ais")
    equations = (
        Equation(
            r"\mathrm{d}x=-x\,\mathrm{d}t+\sqrt{2}\,\mathrm{d}W,\qquad x_t=e^{-t}x_0"
            r"+\sqrt{1-e^{-2t}}\,z",
            "noise, forwards",
        ),
        Equation(
            r"\mathrm{d}x=\left[x+(1+\lambda)\,S(x,t)\right]\mathrm{d}t+\sqrt{2\lambda}\,"
            r"\mathrm{d}W",
            "and back: a flow for λ = 0, the reversed diffusion for λ = 1",
        ),
        Equation(
            r"S(x,t)=\frac{a\sum_j w_j y_j-x}{V},\qquad w_j\propto "
            r"e^{-|x-a y_j|^2/2V},\qquad V=1-a^2+a^2h^2",
            "the score of M points with kernels of width h",
        ),
        Equation(
            r"\dim(t)=\frac{a^2\,\mathrm{tr}\,\mathrm{Cov}_w(y)}{1-a^2}",
            "local dimension, for h = 0",
        ),
        Equation(
            r"\langle\varphi\rangle_{p_t}=\langle w\,\varphi\rangle_q,\qquad "
            r"w=\frac{p_t}{q},\qquad \frac{N_{\mathrm{eff}}}{N}="
            r"\frac{(\sum w)^2}{N\sum w^2}",
            "adaptive importance sampling, in flow 'weigh'",
        ),
    )
    assumptions = "Infinitely many particles with the exact score (δ = 0, h = 0) of these data."
    cell: ClassVar[Mapping[str, int]] = {"n": 256, "m": 256}
    hints: ClassVar[Mapping[str, Hint]] = {
        "cloud": Hint(azimuth=35.0, elevation=25.0),
        "dimension": Hint(large=False),
        "shadow": Hint(large=False),
        "expectations": Hint(large=False),
        "metrics": Hint(large=False),
        "field": Hint(large=False, azimuth=35.0, elevation=25.0),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (
        Pair("flow | diffusion", {"mixing": 0.0}, {"mixing": 1.0}),
        Pair("points | smooth", {"kernel": 0.0}, {"kernel": 0.1}),
    )
    presets = (
        Preset("flow", mixing=0.0, score_error=0.0, flow="again"),
        Preset("diffusion", mixing=1.0, score_error=0.0, flow="again"),
        Preset("wrong score, flow", mixing=0.0, score_error=0.3, flow="again"),
        Preset("wrong score, diffusion", mixing=1.0, score_error=0.3, flow="again"),
        Preset("smooth", kernel=0.08, mixing=1.0, flow="again"),
        Preset("scrub noise", flow="hold", moment=0.1, mixing=1.0),
        Preset("weighted sample", flow=WEIGH, moment=0.1),
    )
    quantities = (
        Quantity("distance", symbol="SW₂", span=(0, 0.5), help="sliced Wasserstein, to the data"),
        Quantity("dimension", symbol="dim", span=(0, 3), help="of the ways to stay data"),
        Quantity("time", symbol="t", span=(1e-4, EARLIEST), log=True, help="of the noise"),
        Quantity("choices", symbol="e^H", log=True, help="data points a particle may come from"),
        Quantity("memorised", symbol="f_mem", span=(0, 1), help="nearest < ⅓ of second nearest"),
        Quantity("gap", symbol="d_nn", log=True, help="rms distance to the nearest data point"),
        Quantity("spread", symbol="⟨x²⟩", span=(0, 2), help="variance of a coordinate"),
        Quantity("effective", symbol="N_eff/N", span=(0, 1), help="of weighted points; else 1"),
    )
    clock = "steps"

    mixing: Scalar = live(
        default=1.0,
        span=(0, 4),
        symbol="λ",
        help="noise on the way back: 0 is the flow, 1 the diffusion",
        limits=(0, math.inf),
    )
    score_error: Scalar = live(
        default=0.0,
        span=(-0.4, 1),
        symbol="δ",
        help="relative error of the score: S becomes (1 + δ) S",
        limits=(-1, math.inf),
    )
    kernel: Scalar = live(
        default=0.0,
        span=(0, 0.5),
        symbol="h",
        help="width of a Gaussian about each data point",
        limits=(0, math.inf),
    )
    t_end: Scalar = live(
        default=1e-3,
        span=(1e-4, 0.5),
        symbol="t_end",
        help="last noise time",
        log=True,
        limits=(1e-5, EARLIEST),
    )
    moment: Scalar = live(
        default=0.3,
        span=(1e-3, EARLIEST),
        symbol="t₀",
        help="noise time of a U-turn, and of the flow 'hold'",
        log=True,
        limits=(1e-5, EARLIEST),
    )
    slice_height: Scalar = live(
        default=0.0,
        span=(-EDGE, EDGE),
        symbol="z",
        help="height of the slice on which density and score are drawn",
        limits=(-math.inf, math.inf),
    )
    flow: str = mode(
        default="again",
        choices=(*FLOWS, WEIGH),
        help="condense and dissolve, condense once, stay at t₀, or sample p_t there by weights",
    )
    shape: str = start(default="trefoil", choices=tuple(SHAPES), help="what the data are drawn of")
    own: Float[Array, "m dim"] | None = asset(help="a cloud of yours, instead of a shape")
    steps: Scalar = start(
        default=400,
        span=(10, 1000),
        symbol="T",
        help="steps from noise to data, in equal shares of ln t",
        log=True,
        limits=(1, math.inf),
    )
    n: int = size(default=2000, span=(100, 20_000), symbol="N", help="particles")
    m: int = size(default=1000, span=(100, 20_000), symbol="M", help="data points")

    def init(self, key: Key[Array, ""]) -> State:
        for_noise, for_data = jax.random.split(key)
        data = self.drawn(for_data)
        # One draw, for each takes most of a second to compile.
        noise = jax.random.normal(for_noise, (self.n + min(len(data), SLICED), 3))
        shadows, limit = departed(data, noise[self.n :], TIMES)
        state = State(
            cloud=noise[: self.n],
            data=data,
            time=jnp.asarray(EARLIEST),
            condensing=jnp.asarray(True),
            shown=jnp.int32(0),
            seen=Belief(jnp.zeros((self.n, 3)), jnp.zeros(self.n), jnp.zeros(self.n)),
            width=jnp.asarray(-1.0),
            shadows=shadows,
            infinite=limit,
            past=jnp.zeros((KEPT, 2)),
            spacing=jnp.mean(nearest(data, data)[1]),
            proposal=broad(PARTS, 3),
            log_weight=jnp.zeros(self.n),
        )
        state = self.looked(state)
        return state._replace(past=jnp.broadcast_to(self.now(state), (KEPT, 2)))

    def drawn(self, key: Key[Array, ""]) -> Float[Array, "m 3"]:
        """The data: M points of the shape, or as many of the user's as there are."""
        if self.own is None:
            return normalised(SHAPES[self.shape](key, self.m))
        if self.own.ndim != 2 or self.own.shape[1] not in (2, 3) or len(self.own) < 2:
            raise ValueError(
                f"own has the shape {self.own.shape}: give at least two points of 2 or 3 numbers."
            )
        flat = ((0, 0), (0, 3 - self.own.shape[1]))
        own = jnp.pad(jnp.asarray(self.own, float), flat)
        return normalised(jax.random.choice(key, own, (min(self.m, len(own)),), replace=False))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        return self.weighed(state, key) if self.flow == WEIGH else self.carried(state, key)

    def weighed(self, state: State, key: Key[Array, ""]) -> State:
        """Fresh points of the proposal, and the proposal nearer to what they weigh."""
        time = jnp.asarray(self.moment, float)
        cloud = drawn(key, state.proposal, self.n)
        target = log_density(cloud, state.data, time, self.kernel)
        weight = log_weights(cloud, target, state.proposal)
        proposal = adapted(cloud, weight, state.proposal, RATE)
        now = state._replace(cloud=cloud, proposal=proposal, log_weight=weight)
        return self.looked(now._replace(**begun(time)._asdict()))

    def carried(self, state: State, key: Key[Array, ""]) -> State:
        seen = self.belief(state)
        course = onward(
            Course(state.time, state.condensing, state.shown),
            self.flow,
            earliest=EARLIEST,
            latest=self.t_end,
            moment=self.moment,
            steps=self.steps,
            pause=PAUSE,
        )
        time = course.time
        pull, spread = self.kernel_to(state.time, time)
        kick = jnp.sqrt(spread) * jax.random.normal(key, state.cloud.shape)
        target, before = shrunk(time) * seen.mean, shrunk(state.time) * seen.mean
        later = self.looked(
            state._replace(
                cloud=target + pull * (state.cloud - before) + kick,
                log_weight=jnp.zeros(self.n),
                **course._asdict(),
            )
        )
        past = jnp.concatenate([state.past[1:], self.now(later)[None]])
        return later._replace(past=jnp.where(time == state.time, state.past, past))

    def kernel_to(self, now: Array, then: Array) -> Kernel:
        return passage(now, then, self.kernel, self.mixing, self.score_error)

    def belief(self, state: State) -> Belief:
        """What was seen, or what is seen through a kernel that has changed since."""
        return lax.cond(
            state.width == self.kernel,
            lambda: state.seen,
            lambda: belief(state.cloud, state.data, state.time, self.kernel),
        )

    def looked(self, state: State) -> State:
        """The state, with a fresh belief."""
        seen = belief(state.cloud, state.data, state.time, self.kernel)
        return state._replace(seen=seen, width=jnp.asarray(self.kernel, float))

    def dimensions(self, state: State) -> Float[Array, " n"]:
        return local_dimension(self.belief(state).spread, state.time, self.kernel)

    def now(self, state: State) -> Float[Array, " 2"]:
        return jnp.stack([state.time, jnp.mean(self.dimensions(state))])

    def observables(self, state: State) -> Scalars:
        first, second = nearest(state.cloud[:SAMPLED], state.data)
        return {
            "distance": sliced(projected(state.cloud[:SLICED]), state.shadows),
            "dimension": jnp.mean(self.dimensions(state)),
            "time": state.time,
            "choices": jnp.mean(jnp.exp(self.belief(state).entropy)),
            "memorised": jnp.mean(first < second / 9),
            "gap": jnp.sqrt(jnp.mean(first)),
            "spread": jnp.mean(state.cloud**2),
            "effective": effective(state.log_weight),
        }

    def limit(self, state: State) -> Scalars:
        """Of the exact law p_t, sampled by infinitely many points; silent for a wrong score.

        The distance is tabulated without kernels. The gap is √(3V) once the noise is far below
        the spacing of the data, so that nearly every point is one of them and noise about it.
        """
        # Weighted points are no sample of the law by themselves.
        exact = (jnp.asarray(self.score_error) == 0) & (self.flow != WEIGH)
        sharp = exact & (jnp.asarray(self.kernel) == 0)
        v = variance(state.time, self.kernel)
        a2 = shrunk(state.time) ** 2
        alone = exact & (jnp.mean(jnp.exp(self.belief(state).entropy)) < 1.1)
        distance = jnp.interp(jnp.log(state.time), jnp.log(TIMES), state.infinite)
        return {
            "distance": jnp.where(sharp, distance, jnp.nan),
            "gap": jnp.where(alone, jnp.sqrt(3 * v), jnp.nan),
            "spread": jnp.where(exact, a2 + v, jnp.nan),
        }

    def boundaries(self) -> dict[str, Boundary]:
        """Where the score is right, and where noise stops forgetting an error of it.

        The second is exact for Gaussian data: there an error grows on the way back unless
        (1 + λ)(1 + δ) > 1.
        """
        mixing, error = jnp.asarray(self.mixing, float), jnp.asarray(self.score_error, float)
        keeps = {
            "score_error": -mixing / (1 + mixing),
            "mixing": jnp.where((error < 0) & (error > -1), -error / (1 + error), jnp.nan),
        }
        return {
            "exact score": Boundary({"score_error": jnp.zeros(())}, kind="guide"),
            "errors are kept": Boundary(keeps, kind="guide"),
        }

    def lasts(self) -> Scalar:
        return self.steps

    def done(self, state: State) -> Bool[Array, ""]:
        if self.flow != "once":
            return jnp.bool_(False)
        return state.time == jnp.asarray(self.t_end, float)

    def caveats(self, state: State) -> Flags:
        few = jnp.mean(jnp.exp(self.belief(state).entropy)) < 1.5
        return {
            "an exact score makes the data points themselves again: raise h to smooth them": few
            & (self.flow != WEIGH),
            "few points carry the weight: averages are worth few": effective(state.log_weight)
            < 0.1,
            "the score is wrong on purpose: δ is not 0": jnp.asarray(self.score_error) != 0,
            "fewer than 40 steps: the score changes much within one": jnp.asarray(self.steps) < 40,
            "only M points of your cloud are used: raise M to use more": jnp.asarray(
                self.own is not None and len(self.own) > self.m
            ),
        }

    @poke()
    def turn_back(self, state: State, key: Key[Array, ""]) -> State:
        """Add noise up to t₀, and condense once more."""
        time = jnp.maximum(jnp.asarray(self.moment, float), state.time)
        shrink, spread = noising(state.time, time)
        noise = jnp.sqrt(spread) * jax.random.normal(key, state.cloud.shape)
        return self.turned(state, shrink * state.cloud + noise, time)

    @poke("clock")
    def seek(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Go to another noise time: up at once, down by a few steps at a touch."""
        aim = jnp.clip(touch.position[0], 1e-5, EARLIEST)
        kicks = jax.random.normal(key, (STRIDES, *state.cloud.shape))
        ratio = (1e-3 / EARLIEST) ** (1 / 100)

        def stride(state: State, kick: Array) -> tuple[State, None]:
            time = jnp.maximum(aim, state.time * ratio)
            pull, spread = self.kernel_to(state.time, time)
            mean = state.seen.mean
            cloud = shrunk(time) * mean + pull * (state.cloud - shrunk(state.time) * mean)
            cloud = cloud + jnp.sqrt(spread) * kick
            return self.looked(state._replace(cloud=cloud, **begun(time)._asdict())), None

        return lax.scan(stride, self.looked(state), kicks)[0]

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with fresh noise."""
        fresh = jax.random.normal(key, state.cloud.shape)
        return self.turned(state, fresh, jnp.asarray(EARLIEST))

    def turned(self, state: State, cloud: Array, time: Array) -> State:
        state = self.looked(state._replace(cloud=cloud, **begun(time)._asdict()))
        return state._replace(past=jnp.broadcast_to(self.now(state), (KEPT, 2)))

    def frame(self, state: State) -> Frame:
        seen = self.belief(state)
        dimension = self.dimensions(state)
        corner = jnp.full(3, EDGE)
        colours = {
            "where it goes": Colour(jnp.arctan2(seen.mean[:, 1], seen.mean[:, 0]), scale="phase"),
            "local dimension": Colour(dimension, span=(0, 3)),
            "choices": Colour(seen.entropy),
            "weight": Colour(jnp.clip(state.log_weight, -6, 6), scale="signed", span=(-6, 6)),
            "height": Colour(state.cloud[:, 2], scale="signed", span=(-EDGE, EDGE)),
        }
        return {
            "cloud": (Box(-corner, corner), Points(state.cloud, colours), self.dial(state)),
            "dimension": (
                Axes("noise time t", "local dimension", log="x"),
                *self.guide(),
                Curve(state.past[:, 0], state.past[:, 1], "measured", "this run"),
            ),
            "shadow": (
                Axes("x", "density"),
                histogram(state.cloud[:, 0], (-EDGE, EDGE), bins=52, label="particles"),
                self.shadow(state),
            ),
            "expectations": self.expected(state),
            "metrics": (Comparison(state.cloud, state.data),),
            "field": (Box(-corner, corner), *self.field(state), Points(state.cloud)),
        }

    def field(self, state: State) -> tuple[Image, Arrows]:
        """The exact p_t across a slice, and its score: where a point there would be drawn to."""
        z = jnp.asarray(self.slice_height, float)
        density, at, pull = across(state.data, state.time, self.kernel, EDGE, z)
        return Image(density, span=(0.0, 1.0), height=z, handle="slice_height"), Arrows(at, pull)

    def dial(self, state: State) -> Clock:
        """Noise time; where points begin to choose, and where noise is as wide as the spacing."""
        collapse = -jnp.log1p(-jnp.minimum(state.spacing / 3, 0.99)) / 2
        return Clock(
            state.time,
            state.condensing,
            {"speciation": speciation(state.data, self.kernel), "collapse": collapse},
            span=(1e-4, EARLIEST),
            turn="turn_back",
        )

    def estimates(self, state: State) -> tuple[Estimate, Float[Array, " e"]]:
        """Four expectations of p_t from the one weighted cloud, and what they are."""
        exact = answered(state.data, state.time, self.kernel)
        return expectations(asked(state.cloud), state.log_weight), exact

    def expected(self, state: State) -> tuple:
        (value, error), exact = self.estimates(state)
        place = jnp.arange(1.0, len(exact) + 1)
        return (
            Axes("⟨x²⟩,  ⟨x₁²⟩,  P(x₁ > ½),  P(x₃ > 1½)", "estimate ± 2 errors"),
            dashes(place, value - 2 * error, value + 2 * error, "guide"),
            Curve(place, value, "measured", "weighted points"),
            dashes(place, exact, exact, "theory", "exact", half=0.3),
        )

    def guide(self) -> tuple[Curve, ...]:
        if self.own is not None or self.shape not in DIMENSION:
            return ()
        k = DIMENSION[self.shape]
        level = jnp.full(2, float(k))
        return (Curve(jnp.array([1e-4, EARLIEST]), level, "guide", f"dimension {k}"),)

    def shadow(self, state: State) -> Curve:
        x = jnp.linspace(-EDGE, EDGE, 157)
        return Curve(x, marginal(x, state.data, state.time, self.kernel), label="exact p_t")
