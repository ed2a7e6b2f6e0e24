"""Clouds that condense out of noise, and must agree on what to become."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import (
    Axes,
    Bars,
    Box,
    Captions,
    Clock,
    Colour,
    Comparison,
    Curve,
    Frame,
    Image,
    Points,
    losses,
)
from engine.core.parameters import Scalar, asset, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics import exchangeable as exact
from engine.numerics.branching import Branching
from engine.numerics.cloud_network import FIELDS, IGNORANT, CloudNetwork, lesson
from engine.numerics.distances import chamfer, nearest, projected, sliced
from engine.numerics.exchangeable import TIMES, Evidence, Law, evidence
from engine.numerics.gaussian_pair import GaussianPair
from engine.numerics.noise_time import FLOWS, Course, begun, onward, passage
from engine.numerics.scores import noising, shrunk, variance
from engine.numerics.shape_mixture import ShapeMixture
from engine.numerics.shapes import SHAPES
from engine.numerics.training import Learned, Training, adam, drawn_at_once
from engine.numerics.twins import Twins


EARLIEST, LATEST = 5.0, 1e-3  # noise times between which a cloud condenses
PAUSE = 150  # steps that a finished cloud is shown for
DECIDED = 0.95  # posterior of a shape at which a cloud has decided
KEPT = 256  # steps that the curves remember
SAMPLED = 512  # points of a cloud that its distances are taken of, at most
STRIDES = 8  # of a touch of the clock
EDGE = 2.5  # half the side of a box
PAIR = "Gaussian pair"
LEVELS = {"N K̄ = 1: onset": 1.0, "N K̄ = 15: decided": 15.0}  # what N times the divergence begins


class State(NamedTuple):
    cloud: Float[Array, "clouds n 3"]
    shape: Float[Array, "shapes m 3"]  # the data, without noise
    time: Float[Array, ""]  # of the noise
    condensing: Bool[Array, ""]
    shown: Int[Array, ""]  # steps since the clouds were finished
    seen: Evidence  # what the points tell of the shapes
    doubted: Float[Array, " clouds"]  # noise time at which a cloud was last undecided
    cloned: Float[Array, ""]  # noise time of the last cloning; 0 before the first
    moved: Float[Array, " 2"]  # points moved since the way down began, and steps
    past: Float[Array, "kept 3"]  # (time, certainty, purity), the newest last
    law: Law
    probe: Float[Array, ""]  # certainty of one more cloud, data in noise of t₀, new in each step
    shadows: Float[Array, "shapes m 64"]  # of the data, for the sliced distance
    spacing: Float[Array, ""]  # mean square distance from a data point to the next
    learned: Learned


class MeanFieldChaos(System[State]):
    """Mean-field chaos diffusion

    Every cloud of N points runs the noising dx = −x dt + √2 dW backwards with the exact score of
    its law, a mixture over shapes z of independent points from the noised shape μ_z:

        sᵢ = Σ_z p_z ∇ log μ_z(xᵢ),    p_z ∝ w_z exp Σⱼ log μ_z(xⱼ)

    Through p_z each point feels the empirical measure ν of all: a score A + B[ν] whose B is known.
    With it a cloud becomes one pure shape, and decides the earlier the more points it has; without
    it ("independent") it becomes all shapes at once; "truncated" points feel those within R.
    "Trained" clouds, the first half, are moved by a network A + B[ν] that learns meanwhile, beside
    the exact score under the same noise. Copies made on the way ("b > 1") save steps of many.
    """

    sources = ("park2024mfcdm",)
    after = True
    equations = (
        Equation(
            r"\mathrm{d}x_i=\left[x_i+(1+\lambda)\,s_i\right]\mathrm{d}t"
            r"+\sqrt{2\lambda}\,\mathrm{d}W_i",
            "back from noise to a cloud",
        ),
        Equation(
            r"s_i=\sum_z p_z\,\nabla\log\mu_z(x_i),\qquad p_z\propto w_z\prod_{j=1}^{N}\mu_z(x_j)",
            "the mean field: all points of a cloud decide on one shape z",
        ),
        Equation(
            r"\mu_z(x)=\frac{1}{M}\sum_{m=1}^{M}\mathcal{N}\!\left(x;\,a\,y_m^z,\,V\right),"
            r"\quad a=e^{-t},\;V=1-a^2+a^2h^2",
            "a shape in noise",
        ),
        Equation(
            r"s_\theta=A_\theta(t,x)+B_\theta[\nu](x),\qquad \nu=\frac{1}{N}\sum_j\delta_{x_j}",
            "the network: each point alone, and what it sees of the others",
        ),
        Equation(
            r"N\,\bar K(t)\approx15,\qquad \bar K=\langle\mathrm{KL}(\mu_z\|\mu_{z'})\rangle",
            "where 95 % decided clouds begin",
        ),
        Equation(
            r"\mathcal{H}^N_t=I(z;x_1)-\frac{1}{N}I(z;x^N)",
            "chaotic entropy: points are independent given their shape only",
        ),
    )
    theory_name = "exact law"
    assumptions = "The exact score and equally likely shapes; infinitely many clouds of N points."
    # A cell has all N points of the run: how soon clouds decide is a matter of their number.
    cell: ClassVar[Mapping[str, int]] = {"clouds": 1, "m": 128}
    mapped = "decided"
    hints: ClassVar[Mapping[str, Hint]] = {
        "clouds": Hint(azimuth=35.0, elevation=25.0),
        "belief": Hint(large=False),
        "decision": Hint(large=False),
        "course": Hint(large=False),
        "learning": Hint(large=False),
        "metrics": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (Pair("flow | diffusion", {"noise": 0.0}, {"noise": 1.0}),)
    presets = (
        Preset("agreed", score="mean field", noise=1.0, flow="again"),
        Preset("all shapes at once", score="independent", noise=1.0, flow="again"),
        Preset("who sees whom", score="truncated", radius=0.6, noise=1.0, flow="again"),
        Preset("flow", score="mean field", noise=0.0, flow="again"),
        Preset("learn it", score="trained", noise=1.0, flow="again"),
        Preset("branching", copies=2, first_split=2.0, later=0.5, n=1024, score="mean field"),
        Preset("branching too late", copies=2, first_split=3e-3, later=0.7, n=1024),
        Preset("Gaussian pair", data=PAIR, n=64, flow="again", score="mean field"),
    )
    quantities = (
        Quantity("purity", symbol="P", span=(0, 1), help="share of points that are one shape"),
        Quantity("decided", symbol="p₀", span=(0, 1), help="certainty of data in noise of t₀"),
        Quantity("certainty", symbol="max p", span=(0, 1), help="of a cloud's likeliest shape"),
        Quantity("decision", symbol="t_dec", log=True, help="noise time of the last doubt"),
        Quantity("time", symbol="t", span=(LATEST, EARLIEST), log=True, help="of the noise"),
        Quantity("distance", symbol="SW₂", span=(0, 1), help="to the likeliest shape, sliced"),
        Quantity("chamfer", symbol="CD", log=True, help="to the likeliest shape, squared"),
        Quantity("entropy", symbol="H^N", unit="nats", help="chaotic entropy, a point"),
        Quantity("overlap", symbol="q", span=(0, 1), help="clones that agree on a shape"),
        Quantity("error", symbol="|Δs|", help="rms against the mean-field score, times s"),
        Quantity("points", symbol="N_k", help="that there are, before all copies are made"),
        Quantity("cost", symbol="c", span=(0, 1), help="of this way down, by that of N points"),
        Quantity("loss", symbol="L", log=True, help="of the network"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    present: Scalar = live(
        default=1.0,
        span=(1 / 64, 1),
        symbol="ν",
        help="share of a cloud's points that are there; the others are not heard, nor seen",
        log=True,
        limits=(0, 1),
    )
    turn: Scalar = live(
        default=1.0,
        span=(0.02, EARLIEST),
        symbol="t₀",
        help="noise time of a U-turn, of cloning, of the flow 'hold', and of the decision map",
        log=True,
        limits=(LATEST, 20),
    )
    radius: Scalar = live(
        default=1.5,
        span=(0.1, 10),
        symbol="R",
        help="how far a point sees (truncated score, ball network)",
        log=True,
        limits=(0, math.inf),
    )
    noise: Scalar = live(
        default=1.0,
        span=(0, 2),
        symbol="λ",
        help="0 is the flow, 1 the diffusion",
        limits=(0, math.inf),
    )
    tilt: Scalar = live(
        default=0.0,
        span=(-5, 5),
        symbol="w",
        help="how much likelier the first shape is than each other: ln of its weight",
        limits=(-50, 50),
    )
    first_split: Scalar = live(
        default=2.0,
        span=(LATEST, EARLIEST),
        symbol="t_b",
        help="noise time at which copies are first made",
        log=True,
        limits=(LATEST, 20),
    )
    later: Scalar = live(
        default=0.5,
        span=(0.05, 1),
        symbol="q",
        help="the next copies are made at t_b q, t_b q², …",
        limits=(1e-3, 1),
    )
    rate: Scalar = live(
        default=2e-3, span=(1e-5, 1e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    pace: Scalar = live(
        default=1,
        span=(0, 10),
        symbol="Δk",
        help="optimiser steps in a step of a trained score; 0 pauses learning",
        limits=(0, 1000),
    )
    score: str = mode(
        default="mean field",
        choices=(*exact.AGREEMENTS, "trained"),
        help="what points agree on",
    )
    flow: str = mode(
        default="again",
        choices=FLOWS,
        help="condense and dissolve, condense once, or stay at t₀",
    )
    field: str = mode(default="global", choices=FIELDS, help="what the network's B sees of ν")
    data: str = start(
        default="shapes", choices=("shapes", PAIR), help="or two Gaussians N(±m, 1), for theory"
    )
    shapes: tuple[str, ...] = start(
        default=("torus", "trefoil", "sphere", "helix"), choices=tuple(SHAPES), help="in the data"
    )
    own: Float[Array, "m 3"] | None = asset(help="a cloud of yours, as one more shape")
    kernel: Scalar = start(
        default=0.0, span=(0, 0.5), symbol="h", help="smooths the data", limits=(0, math.inf)
    )
    half: Scalar = start(
        default=0.5, span=(0.1, 3), symbol="m", help="of the Gaussian pair", limits=(0, math.inf)
    )
    moments: Scalar = start(
        default=150,
        span=(50, 400),
        symbol="T",
        help="steps from noise to data",
        limits=(1, math.inf),
    )
    n: int = size(default=256, span=(1, 4096), symbol="N", help="points of a cloud")
    clouds: int = size(default=8, span=(1, 32), symbol="C", help="clouds side by side")
    m: int = size(default=500, span=(50, 2000), symbol="M", help="data points of a shape")
    copies: int = size(
        default=1, span=(1, 4), symbol="b", help="made of a point; 1 is no branching"
    )
    splits: int = size(default=3, span=(1, 4), symbol="K", help="times at which copies are made")

    # The data.

    def init(self, key: Key[Array, ""]) -> State:
        for_cloud, for_shape, for_law, for_network, for_probe = jax.random.split(key, 5)
        shape = self.source().drawn(for_shape)
        cloud = jax.random.normal(for_cloud, (self.clouds, self.n, 3))
        course = begun(EARLIEST)
        gap = nearest(shape.reshape(-1, 3), shape.reshape(-1, 3))[1]
        state = State(
            cloud=cloud,
            shape=shape,
            **course._asdict(),
            seen=evidence(cloud, shape, course.time, self.width()),
            doubted=jnp.full(self.clouds, EARLIEST),
            cloned=jnp.zeros(()),
            moved=jnp.zeros(2),
            past=jnp.zeros((KEPT, 3)),
            law=exact.law(for_law, shape, self.width()),
            probe=self.probed(for_probe, shape),
            shadows=jax.vmap(projected)(shape),
            spacing=jnp.mean(jnp.where(jnp.isfinite(gap), gap, 0)),
            learned=self.training(shape).begin(for_network, IGNORANT),
        )
        return state._replace(past=jnp.broadcast_to(self.now(state), (KEPT, 3)))

    def source(self) -> ShapeMixture | GaussianPair:
        """What clouds are made of; it knows what they know of it."""
        if self.data == PAIR:
            return GaussianPair(self.half)
        return ShapeMixture(self.shapes, self.own, self.m, self.kernel)

    def width(self) -> Float[Array, ""]:
        """Of the kernel of a data point."""
        return self.source().width

    def weights(self, shape: Float[Array, "shapes m dim"]) -> Float[Array, " shapes"]:
        """ln w, up to a constant."""
        return jnp.zeros(len(shape)).at[0].set(self.tilt)

    def probed(self, key: Key[Array, ""], shape: Float[Array, "shapes m 3"]) -> Float[Array, ""]:
        """How certain a cloud of the data is in noise of t₀."""
        weight, number = self.weights(shape), self.number()
        return exact.probed(key, shape, weight, self.turn, self.width(), self.n, number)

    # The way back.

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_noise, for_lesson, for_probe = jax.random.split(key, 3)
        course = onward(
            Course(state.time, state.condensing, state.shown),
            self.flow,
            earliest=EARLIEST,
            latest=LATEST,
            moment=self.turn,
            steps=self.moments,
            pause=PAUSE,
        )
        kick = self.shared(jax.random.normal(for_noise, state.cloud.shape))
        if self.score == "trained":
            training = self.training(state.shape)
            state = state._replace(
                learned=training.on(state.learned, for_lesson, self.pace),
                cloud=jnp.where(state.time == EARLIEST, self.shared(state.cloud), state.cloud),
            )
        branching, stage = self.branching(), self.stage(state)

        def way(n: int) -> Callable[[State, Array], tuple[Array, Evidence]]:
            return lambda state, kick: self.carried(state, course.time, kick, n)

        cloud, seen = branching.staged(stage, way)(state, kick)
        at_start = state.time == EARLIEST
        step = jnp.stack([jnp.asarray(branching.counts, float)[stage], jnp.ones(())])
        later = state._replace(
            cloud=cloud,
            seen=seen,
            probe=self.probed(for_probe, state.shape),
            moved=jnp.where(at_start, 0, state.moved) + jnp.where(course.condensing, step, 0),
            **course._asdict(),
        )
        undecided = jnp.max(self.verdict(later), axis=1) < DECIDED
        later = later._replace(doubted=jnp.where(undecided, later.time, later.doubted))
        past = jnp.concatenate([state.past[1:], self.now(later)[None]])
        return later._replace(past=jnp.where(later.time == state.time, state.past, past))

    def carried(
        self, state: State, time: Float[Array, ""], kick: Float[Array, "clouds n 3"], n: int
    ) -> tuple[Float[Array, "clouds n 3"], Evidence]:
        """The first n points of each cloud, at another noise time; the others are their copies."""
        few = state._replace(cloud=state.cloud[:, :n], seen=state.seen.of(slice(n)))
        pull, spread = passage(state.time, time, self.width(), self.noise)
        mean = self.origin(few)
        drift = shrunk(time) * mean + pull * (few.cloud - shrunk(state.time) * mean)
        cloud = drift + jnp.sqrt(spread) * kick[:, :n]
        seen = evidence(cloud, state.shape, time, self.width())
        if n == self.n:
            return cloud, seen
        copied = self.branching().originals(n)
        return cloud[:, copied], seen.of(copied)

    def branching(self) -> Branching:
        return Branching(self.n, self.copies, self.splits)

    def stage(self, state: State) -> Int[Array, ""]:
        times = self.first_split, self.later
        return self.branching().stage(state.time, state.condensing, *times)

    def points(self, state: State) -> Int[Array, ""]:
        """That there are: the first of each cloud."""
        counts = jnp.asarray(self.branching().counts)
        return jnp.minimum(counts[self.stage(state)], self.number())

    def number(self) -> Int[Array, ""]:
        """N′, of a cloud that all copies are made of."""
        return jnp.maximum(jnp.round(self.present * self.n), 1).astype(jnp.int32)

    def heard(self, state: State) -> State:
        """The points that there are, in place of the others too.

        Those that are not there move with the rest, so that they may join at any moment.
        """
        row = jnp.arange(self.n) % self.number()
        return state._replace(cloud=state.cloud[:, row], seen=state.seen.of(row))

    # What steers it.

    def origin(self, state: State) -> Float[Array, "clouds n 3"]:
        """E[y | x] of each point, as the score has it: s = (a E[y | x] − x)/V."""
        mean = jnp.einsum("czn,czni->cni", self.belief(state), state.seen.mean)
        if self.score != "trained":
            return mean
        learners = Twins(len(state.cloud)).firsts
        return mean.at[:learners].set(self.learnt(state, state.cloud[:learners]))

    def belief(self, state: State) -> Float[Array, "clouds shapes n"]:
        """The probability of each shape, for each point."""
        log, weight, born = state.seen.log, self.weights(state.shape), self.points(state)
        return exact.posterior(self.score, log, weight, state.cloud, self.radius, born)

    def verdict(self, state: State) -> Float[Array, "clouds shapes"]:
        """The probability of each shape for a whole cloud, from the points that there are."""
        weight, born = self.weights(state.shape), self.points(state)
        return exact.together(state.seen.log, weight, born)[..., 0]

    def learnt(
        self, state: State, cloud: Float[Array, "learners n 3"]
    ) -> Float[Array, "learners n 3"]:
        network = self.training(state.shape).network(state.learned)
        return network.origin(cloud, state.time, self.width(), self.field, self.radius)

    def training(self, shape: Float[Array, "shapes m 3"]) -> Training[CloudNetwork]:
        odds = self.weights(shape)
        return Training(
            lambda key: drawn_at_once(lambda key: CloudNetwork(key=key), key),
            lesson(shape, odds, self.width(), self.field, self.radius),
            adam(self.rate, decay=2000),
        )

    def shared(self, rows: Float[Array, "clouds n 3"]) -> Float[Array, "clouds n 3"]:
        """The first half of the rows twice, where a network runs beside the exact score."""
        return Twins(len(rows)).born(rows) if self.score == "trained" else rows

    # What is measured, and known.

    def judged(self, state: State) -> State:
        """The clouds that the chosen score moves: where a network learns, its own."""
        state = self.heard(state)
        if self.score != "trained":
            return state
        count = Twins(self.clouds).firsts
        seen = jax.tree.map(lambda part: part[:count], state.seen)
        return state._replace(cloud=state.cloud[:count], seen=seen, doubted=state.doubted[:count])

    def now(self, state: State) -> Float[Array, " 3"]:
        """Noise time, certainty and purity."""
        state = self.judged(state)
        certainty = jnp.mean(jnp.max(self.verdict(state), axis=1))
        return jnp.stack([state.time, certainty, exact.purity(state.seen.log)])

    def observables(self, state: State) -> Scalars:
        own = self.judged(state)
        verdict = self.verdict(own)
        best = jnp.argmax(verdict, axis=1)

        def apart(cloud_and_shape: tuple[Array, Array]) -> tuple[Array, Array]:
            cloud, z = cloud_and_shape
            cloud = cloud[:SAMPLED]
            return sliced(projected(cloud), state.shadows[z]), chamfer(cloud, state.shape[z])

        distance, squared = lax.map(apart, (own.cloud, best))
        points, (moved, steps) = self.points(state), state.moved
        entropy = exact.chaotic_entropy(own.seen.log, self.weights(own.shape), verdict, points)
        return {
            "purity": exact.purity(own.seen.log),
            "decided": state.probe,
            "certainty": jnp.mean(jnp.max(verdict, axis=1)),
            "decision": jnp.median(own.doubted),
            "time": state.time,
            "distance": jnp.mean(distance),
            "chamfer": jnp.mean(squared),
            "entropy": entropy,
            "overlap": Twins(self.clouds).agree(jnp.argmax(self.verdict(state), axis=1)),
            "error": self.error(own),
            "points": points.astype(float),
            "cost": moved / jnp.maximum(steps * self.n, 1),
            "loss": state.learned.loss,
            "trained": state.learned.steps.astype(float),
        }

    def error(self, own: State) -> Float[Array, ""]:
        """Of the score that moves the points, in units of 1/s."""
        if self.score == "mean field":
            return jnp.zeros(())
        learner = self.score == "trained"
        used = self.learnt(own, own.cloud) if learner else self.origin(own)
        best = self.replace(score="mean field").origin(own)
        v = variance(own.time, self.width())
        scale = shrunk(own.time) * jnp.sqrt(variance(own.time)) / v
        return scale * jnp.sqrt(jnp.mean((used - best) ** 2))

    def limit(self, state: State) -> Scalars:
        """The exact law, of which every way back with the exact score is a sample at each t.

        Silent for other scores, for shapes that are not equally likely, while copies are still
        too few and, for clones, before any were made.
        """
        law, n, source = state.law, self.number(), self.source()
        alike = jnp.asarray(self.tilt) == 0
        known = (self.score == "mean field") & alike & (self.points(state) == n)
        decided = exact.reaches(law.divergence, 15.0 / n)
        agree = source.twins(law, jnp.maximum(state.cloned, LATEST), n)
        said = {
            "certainty": source.certainty(law, state.time, n),
            "decision": jnp.where(state.time < decided, decided, jnp.nan),
            "entropy": source.entropy(law, state.time, n),
            "overlap": jnp.where(state.cloned > 0, agree, jnp.nan),
        }
        said = {name: jnp.where(known, value, jnp.nan) for name, value in said.items()}
        chosen = source.certainty(law, self.turn, n)
        return {"decided": jnp.where(alike, chosen, jnp.nan), **said}

    def boundaries(self) -> dict[str, Boundary]:
        """Noise times at which clouds of N′ points begin to decide, and at which most have."""
        divergence = self.source().divergence(jax.random.key(0), SAMPLED)
        number = self.present * self.n
        return {
            words: Boundary(
                {"turn": exact.reaches(divergence, jnp.asarray(level / number))},
                kind="continuous" if level > 1 else "guide",
            )
            for words, level in LEVELS.items()
        }

    def done(self, state: State) -> Bool[Array, ""]:
        if self.flow != "once":
            return jnp.bool_(False)
        return state.time == jnp.asarray(LATEST, float)

    def caveats(self, state: State) -> Flags:
        v = variance(state.time, self.width())
        last = self.branching().last(self.first_split, self.later)
        branching = jnp.bool_(self.copies > 1)
        return {
            "an exact score makes the data points themselves again: raise h to smooth them": (
                3 * v < state.spacing
            )
            & (self.score != "trained"),
            "a small network, trained for a minute on these shapes: not the paper's scale": (
                jnp.bool_(self.score == "trained")
            ),
            "copies are made too late to part: they stay on each other": branching
            & (3 * variance(last) < state.spacing),
            "without noise (λ = 0) copies never part": branching & (jnp.asarray(self.noise) == 0),
        }

    @poke()
    def turn_back(self, state: State, key: Key[Array, ""]) -> State:
        """Add noise up to t₀, and condense once more."""
        time = jnp.maximum(jnp.asarray(self.turn, float), state.time)
        shrink, spread = noising(state.time, time)
        noise = self.shared(jax.random.normal(key, state.cloud.shape))
        return self.turned(state, shrink * state.cloud + jnp.sqrt(spread) * noise, time)

    @poke()
    def clone(self, state: State, key: Key[Array, ""]) -> State:
        """Add noise up to t₀, let the second half copy the first, and condense both anew."""
        turned = self.turn_back(state, key)
        cloud = Twins(self.clouds).born(turned.cloud)
        return self.turned(turned, cloud, turned.time)._replace(cloned=turned.time)

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with fresh noise."""
        fresh = jax.random.normal(key, state.cloud.shape)
        return self.turned(state, fresh, jnp.asarray(EARLIEST))

    @poke("clock")
    def seek(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Go to another noise time: up at once, down by a few steps at a touch."""
        aim = jnp.clip(touch.position[0], LATEST, EARLIEST)
        kicks = jax.random.normal(key, (STRIDES, *state.cloud.shape))
        ratio = (LATEST / EARLIEST) ** (1 / 50)

        def stride(state: State, kick: Array) -> tuple[State, None]:
            time = jnp.maximum(aim, state.time * ratio)
            cloud, seen = self.carried(state, time, self.shared(kick), self.n)
            return state._replace(cloud=cloud, seen=seen, **begun(time)._asdict()), None

        state, _ = lax.scan(stride, state, kicks)
        undecided = jnp.max(self.verdict(state), axis=1) < DECIDED
        return state._replace(doubted=jnp.where(undecided, state.time, state.doubted))

    def turned(self, state: State, cloud: Array, time: Array) -> State:
        seen = evidence(cloud, state.shape, time, self.width())
        state = state._replace(cloud=cloud, seen=seen, moved=jnp.zeros(2), **begun(time)._asdict())
        return state._replace(past=jnp.broadcast_to(self.now(state), (KEPT, 3)))

    # What is drawn.

    def frame(self, state: State) -> Frame:
        state = self.heard(state)
        belief = self.belief(state)
        colours = {
            "shape": Colour(jnp.argmax(belief, axis=1).astype(float), scale="category"),
            "certainty": Colour(jnp.max(belief, axis=1), span=(0, 1)),
            "alone": Colour(jnp.argmax(state.seen.log, axis=1).astype(float), scale="category"),
        }
        corner = jnp.full((self.clouds, 3), EDGE)
        return {
            "clouds": (
                Box(-corner, corner),
                Points(state.cloud, colours),
                *self.captions(),
                self.dial(state),
            ),
            "belief": (Axes("cloud", "p of each shape"), self.bars(belief)),
            "decision": self.decision(state),
            "course": self.course(state),
            "learning": losses(state.learned.history),
            "metrics": (Comparison(self.judged(state).cloud, state.shape),),
        }

    def captions(self) -> tuple[Captions, ...]:
        """Where a network learns, who moves which cloud."""
        if self.score != "trained":
            return ()
        clouds = Twins(self.clouds)
        words = ("network",) * clouds.firsts + ("exact score",) * clouds.half
        return (Captions(words),)

    def dial(self, state: State) -> Clock:
        onset, decided = exact.reaches(state.law.divergence, jnp.array([1.0, 15.0]) / self.number())
        return Clock(
            state.time,
            state.condensing,
            {"onset": onset, "decided": decided},
            span=(LATEST, EARLIEST),
            turn="turn_back",
        )

    def bars(self, belief: Float[Array, "clouds shapes n"]) -> Bars:
        """A group of bars for each cloud, with room between groups."""
        count = belief.shape[1]
        groups = jnp.pad(jnp.mean(belief, axis=-1), ((0, 0), (0, 1)))
        edges = 1 + jnp.arange(self.clouds * (count + 1) + 1) / (count + 1)
        return Bars(edges, groups.reshape(-1))

    def decision(self, state: State) -> tuple:
        """How certain clouds of N points are at noise time t; from forward noise alone."""
        octave = jnp.linspace(exact.LOW[0], exact.HIGH[0], 129)
        lines = [
            Curve(octave, jnp.log10(exact.reaches(state.law.divergence, at)), label=words)
            for words, at in ((words, level * 2.0**-octave) for words, level in LEVELS.items())
        ]
        here = jnp.stack([jnp.log2(self.number().astype(float)), jnp.log10(state.time)])
        return (
            Axes("log₂ N", "log₁₀ t"),
            Box(jnp.array(exact.LOW, float), jnp.array(exact.HIGH, float)),
            Image(state.law.certainty, span=(0, 1)),
            *lines,
            Curve(jnp.full(2, here[0]), jnp.array([exact.LOW[1], exact.HIGH[1]], float), "guide"),
            Points(here[None]),
        )

    def course(self, state: State) -> tuple:
        time, certainty, purity = state.past.T
        times = jnp.asarray(TIMES)
        source, n = self.source(), self.number()
        theory = jax.vmap(lambda t: source.certainty(state.law, t, n))(times)
        decided = exact.reaches(state.law.divergence, jnp.full(2, 15.0) / self.number())
        return (
            Axes("noise time t", "certainty, purity", log="x"),
            Curve(decided, jnp.array([0.0, 1.0]), "guide", "N K̄ = 15"),
            Curve(jnp.full(2, jnp.asarray(self.turn, float)), jnp.array([0.0, 1.0]), "guide", "t₀"),
            Curve(times, theory, label="exact certainty"),
            Curve(time, certainty, "measured", "certainty"),
            Curve(time, purity, "measured", "purity"),
        )
