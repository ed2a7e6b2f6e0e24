"""From noise to data in one step, by the average of a velocity instead of the velocity."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import Arrows, Box, Captions, Colour, Frame, Points, losses
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.distances import nearest, sliced_wasserstein
from engine.numerics.gaussian_paths import parted
from engine.numerics.quadrature import gaussian_mean
from engine.numerics.shapes import checkerboard, spiral
from engine.numerics.training import Learned, Training, adam, drawn_at_once


RADIUS, WIDTH = 2.0, 0.15  # of the ring of Gaussians
CENTRES = 512  # of data that are not a few Gaussians
FLOWN = 24  # Runge–Kutta steps of the exact flow
STOPS = 16  # moments of a teacher's trajectory that are learnt from
GRID = 13  # arrows along a side
EDGE = 3.2  # half the side of the box
HARMONICS = 3  # of the time features
NOISE = 0.5  # of a condition
NEAR = 3.0  # widths within which a point is on a mode


Average = Callable[[Array, Array, Array], Array]  # u(z, r, t)


class Batch(NamedTuple):
    x: Float[Array, "b 2"]  # data
    e: Float[Array, "b 2"]  # noise
    condition: Float[Array, "b c"]


class State(NamedTuple):
    learned: Learned
    centres: Float[Array, "m 2"]
    data: Float[Array, "n 2"]  # to compare with
    noise: Float[Array, "n 2"]  # from which all samples are made
    landed: Float[Array, "n 2"]  # where the exact flow takes it
    mode: Int[Array, " n"]  # that a sample is asked for
    condition: Float[Array, "n c"]  # what it is asked with
    made: Float[Array, "2 n 2"]  # by the velocity, and by its average
    how: Float[Array, " 2"]  # it was made: in how many steps, and whether exactly


class MeanFlow(System[State]):
    """Mean flow: generation in one step

    Data x and noise e are joined by z = (1 − t) x + t e, with the velocity v = e − x. A flow that
    learns only E[v|z] must be integrated: a single step from t = 1 sends every point to the mean of
    the data. The average velocity u from t back to r needs no integration,

        u = v − (t − r) du/dt,    z_r = z_t − (t − r) u(z_t, r, t)

    and one network learns both, for u(z, t, t) is the velocity. Left K steps of the velocity, right
    K steps of the average, from the same noise; while it learns, or exactly.

    The stages of the paper are targets: switch from one to the next while it learns. First two
    points of one of a teacher's trajectories, whose average is a difference (consistency); then the
    identity with the teacher's E[v|z] (distillation), which is calmer than with v = e − x; then,
    without a teacher, v itself (bootstrapping). The teacher is exact here, not a network.
    """

    sources = ("hu2025mfrae", "zhao2026onestep")
    equations = (
        Equation(
            r"u(z_t,r,t)=\frac{1}{t-r}\int_r^t v(z_\tau,\tau)\,\mathrm{d}\tau", "average velocity"
        ),
        Equation(
            r"u=v-(t-r)\left(v\cdot\nabla_z u+\partial_t u\right)",
            "what it obeys, and is trained on: one derivative along the flow",
        ),
        Equation(r"z_r=z_t-(t-r)\,u(z_t,r,t)", "a step of any length"),
        Equation(
            r"u(z_t,r,t)=\frac{z_t-z_r}{t-r}", "on a teacher's trajectory: what comes before it"
        ),
    )
    theory_name = "exact"
    assumptions = "Infinitely many points; with conditions, what they allow at best (Bayes)."
    cell: ClassVar[Mapping[str, int]] = {"n": 256, "width": 32, "batch": 128}
    hints: ClassVar[Mapping[str, Hint]] = {
        "arrows": Hint(large=False),
        "loss": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (
        Pair("one step | four steps", {"steps": 1}, {"steps": 4}),
        Pair("with pairs of times | without", {"share": 0.5}, {"share": 0.0}),
    )
    presets = (
        Preset("one step", steps=1, field="learned", target="data"),
        Preset("four steps", steps=4, field="learned", target="data"),
        Preset("stage 1: consistency", steps=1, field="learned", target="trajectories"),
        Preset("stage 2: distillation", steps=1, field="learned", target="teacher"),
        Preset("stage 3: bootstrapping", steps=1, field="learned", target="data"),
        Preset("exact", steps=1, field="exact"),
        Preset("only the velocity", steps=1, share=0.0, field="learned"),
        Preset("weak conditions", task="condition", clarity=2.0, steps=1),
    )
    quantities = (
        Quantity("distance", symbol="SW₂", span=(0, 1.5), help="of the right swarm to the data"),
        Quantity("flow", symbol="SW₂ flow", span=(0, 1.5), help="of the left swarm to the data"),
        Quantity("on mode", symbol="f", span=(0, 1), help="share within three widths of a centre"),
        Quantity(
            "accuracy", symbol="a", span=(0, 1), help="share that lands where it was asked to"
        ),
        Quantity("residual", symbol="R", log=True, help="how far u is from its identity"),
        Quantity("loss", symbol="L", log=True, help="it does not fall to 0: v varies given z"),
        Quantity("gradient", symbol="|∇L|", log=True, help="its norm, over the last 50 steps"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    steps: Scalar = live(
        default=1,
        span=(1, 64),
        symbol="K",
        help="steps from noise to data",
        log=True,
        limits=(1, 256),
    )
    lessons: Scalar = live(
        default=10_000,
        span=(30, 10_000),
        symbol="T",
        help="optimiser steps after which it has learnt enough",
        log=True,
        limits=(0, math.inf),
    )
    pace: Scalar = live(
        default=8, span=(0, 50), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    share: Scalar = live(
        default=0.5, span=(0, 1), symbol="f", help="share of pairs with r < t", limits=(0, 1)
    )
    rate: Scalar = live(
        default=2e-3, span=(1e-4, 1e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    late: Scalar = live(
        default=1.0, span=(0.02, 1), symbol="t", help="of the arrows: from here", limits=(1e-3, 1)
    )
    early: Scalar = live(
        default=0.0, span=(0, 0.98), symbol="r", help="of the arrows: back to here", limits=(0, 1)
    )
    field: str = mode(default="learned", choices=("learned", "exact"), help="what makes the swarm")
    target: str = mode(
        default="data",
        choices=("data", "teacher", "trajectories"),
        help="v of a pair (e − x), the exact E[v|z] of a teacher, or points it passes",
    )
    dataset: str = start(
        default="8 Gaussians",
        choices=("8 Gaussians", "one Gaussian", "checkerboard", "spiral"),
        help="the data",
    )
    task: str = start(
        default="density",
        choices=("density", "condition"),
        help="all data, or the mode that a noisy vector names",
    )
    clarity: Scalar = start(
        default=4.0,
        span=(0.5, 16),
        symbol="δ/σ",
        help="how clearly a condition names its mode",
        log=True,
        limits=(0, 1000),
    )
    n: int = size(default=1500, span=(128, 20_000), symbol="N", help="points")
    width: int = size(default=128, span=(16, 256), symbol="W", help="neurons of a layer")
    batch: int = size(default=512, span=(32, 2048), symbol="B", help="samples of a step")

    @property
    def modes(self) -> int:
        return 1 if self.dataset == "one Gaussian" else 8

    def spread(self) -> float:
        """The width of the Gaussian about each centre."""
        return {"8 Gaussians": WIDTH, "one Gaussian": 0.5}.get(self.dataset, 0.06)

    def training(self, centres: Float[Array, "m 2"]) -> Training[eqx.nn.MLP]:
        inputs = 2 + 4 * HARMONICS + (self.modes if self.task == "condition" else 0)

        def build(key: Key[Array, ""]) -> eqx.nn.MLP:
            return eqx.nn.MLP(inputs, 2, self.width, 3, activation=jax.nn.silu, key=key)

        def loss(network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
            for_batch, for_times = jax.random.split(key)
            # Not weighted by 1/√error as in the papers: that learns a median of v, not its mean,
            # and leaves these clouds twice as far from the data at any number of steps.
            error = self.errors(network, centres, self.drawn(for_batch, centres), for_times)
            return jnp.mean(error)

        return Training(lambda key: drawn_at_once(build, key), loss, adam(self.rate, decay=3000))

    def drawn(self, key: Key[Array, ""], centres: Float[Array, "m 2"]) -> Batch:
        """Data, noise, and what names the mode of each datum."""
        for_which, for_x, for_e, for_condition = jax.random.split(key, 4)
        which = jax.random.randint(for_which, (self.batch,), 0, len(centres))
        x = centres[which] + self.spread() * jax.random.normal(for_x, (self.batch, 2))
        e = jax.random.normal(for_e, (self.batch, 2))
        return Batch(x, e, self.named(which, for_condition))

    def named(self, which: Int[Array, " b"], key: Key[Array, ""]) -> Float[Array, "b c"]:
        """The condition c = δ e_k + σ ξ for mode k, in units of its largest part."""
        if self.task != "condition":
            return jnp.zeros((len(which), 0))
        clarity = jnp.asarray(self.clarity, float)
        hot = jax.nn.one_hot(which % self.modes, self.modes)
        noisy = clarity * hot + jax.random.normal(key, hot.shape)
        return noisy / jnp.sqrt(1 + clarity**2)

    def errors(
        self, network: Callable[[Array], Array], centres: Array, batch: Batch, key: Key[Array, ""]
    ) -> Float[Array, " b"]:
        """|u − target|² of each pair; for r = t it is that of flow matching."""

        def u(z: Array, r: Array, t: Array) -> Array:
            return jax.vmap(lambda z, r, t, c: network(inputs(z, r, t, c)))(
                z, r, t, batch.condition
            )

        learn = self.passed if self.target == "trajectories" else self.joined
        said, goal = learn(u, centres, batch, key)
        return jnp.sum((said - lax.stop_gradient(goal)) ** 2, axis=1)

    def joined(
        self, u: Average, centres: Array, batch: Batch, key: Key[Array, ""]
    ) -> tuple[Float[Array, "b 2"], Float[Array, "b 2"]]:
        """What the average is between data and noise, and what its identity makes of that."""
        for_times, for_equal = jax.random.split(key)
        times = jax.nn.sigmoid(jax.random.normal(for_times, (self.batch, 2)) - 0.4)
        r, t = jnp.min(times, axis=1), jnp.max(times, axis=1)
        r = jnp.where(jax.random.uniform(for_equal, (self.batch,)) < self.share, r, t)
        z = (1 - t)[:, None] * batch.x + t[:, None] * batch.e
        v = batch.e - batch.x
        if self.target == "teacher":
            v = jax.vmap(lambda z, t: self.velocity(centres, z[None], t)[0])(z, t)
        value, along = jax.jvp(u, (z, r, t), (v, jnp.zeros_like(r), jnp.ones_like(t)))
        return value, v - (t - r)[:, None] * along

    def passed(
        self, u: Average, centres: Array, batch: Batch, key: Key[Array, ""]
    ) -> tuple[Float[Array, "b 2"], Float[Array, "b 2"]]:
        """What the average is on a teacher's trajectories, and the difference that it should be.

        From every stop to a random later one; with r = t, the teacher's velocity there.
        """
        for_stops, for_later, for_equal = jax.random.split(key, 3)
        start = batch.e[: -(-self.batch // STOPS)]
        # Closer where little noise is left, and other stops for each trajectory.
        shift = jax.random.uniform(for_stops, (len(start), 1))
        stops = ((STOPS - jnp.arange(1, STOPS) + shift) / (STOPS + 1)) ** 2
        stops = jnp.pad(jnp.pad(stops, ((0, 0), (1, 0)), constant_values=1), ((0, 0), (0, 1)))

        def leg(z: Array, k: Array) -> tuple[Array, Array]:
            now, then = stops[:, k], stops[:, k + 1]
            end = jax.vmap(lambda z, t, r: self.flown(centres, z[None], t, r, 1)[0])(z, now, then)
            return end, z

        end, way = lax.scan(leg, start, jnp.arange(STOPS))
        way = jnp.concatenate([way, end[None]]).swapaxes(0, 1)  # [trajectory, stop]
        early = jnp.arange(STOPS)
        room = jax.random.uniform(for_later, (len(start), STOPS)) * (STOPS - early)
        later = early + 1 + jnp.floor(room).astype(int)
        stay = jax.random.uniform(for_equal, later.shape) >= self.share
        later = jnp.where(stay, early, later)
        z, t = (part[:, :-1].reshape(-1, *part.shape[2:])[: self.batch] for part in (way, stops))
        there = jnp.take_along_axis(way, later[..., None], axis=1).reshape(-1, 2)[: self.batch]
        r = jnp.take_along_axis(stops, later, axis=1).reshape(-1)[: self.batch]
        v = jax.vmap(lambda z, t: self.velocity(centres, z[None], t)[0])(z, t)
        apart = jnp.where(r < t, t - r, 1)[:, None]
        goal = jnp.where((r < t)[:, None], (z - there) / apart, v)
        return u(z, r, t), goal

    def velocity(self, centres: Array, z: Float[Array, "n 2"], t: Array) -> Float[Array, "n 2"]:
        """E[e − x | z] of the exact mixture."""
        data, noise = parted(z, centres, 1 - t, t, self.spread())
        return noise - data

    def flown(
        self, centres: Array, z: Float[Array, "n 2"], t: Array, r: Array, steps: int = FLOWN
    ) -> Array:
        """Where the exact velocity takes z from t back to r, by Runge and Kutta."""
        dt = (r - t) / steps

        ahead, share = jnp.array([0, 0.5, 0.5, 1.0]), jnp.array([1, 2, 2, 1.0]) / 6

        def advance(k: Array, z: Array) -> Array:
            def stage(i: Array, so_far: tuple[Array, Array]) -> tuple[Array, Array]:
                slope, total = so_far
                there = z + ahead[i] * dt * slope
                slope = self.velocity(centres, there, t + (k + ahead[i]) * dt)
                return slope, total + share[i] * slope

            return z + dt * lax.fori_loop(0, 4, stage, (jnp.zeros_like(z), jnp.zeros_like(z)))[1]

        return lax.fori_loop(0, steps, advance, z)

    def init(self, key: Key[Array, ""]) -> State:
        for_centres, for_data, for_noise, for_network, for_condition = jax.random.split(key, 5)
        centres = self.arranged(for_centres)
        which = jnp.arange(self.n) % len(centres)
        data = centres[which] + self.spread() * jax.random.normal(for_data, (self.n, 2))
        noise = jax.random.normal(for_noise, (self.n, 2))
        # In stages: the velocity changes fastest where little noise is left.
        stages = jnp.array([1.0, 0.5, 0.15, 0.0])
        landed = lax.fori_loop(
            0, 3, lambda k, z: self.flown(centres, z, stages[k], stages[k + 1]), noise
        )
        state = State(
            learned=self.training(centres).begin(for_network),
            centres=centres,
            data=data,
            noise=noise,
            landed=landed,
            mode=which % self.modes,
            condition=self.named(which, for_condition),
            made=jnp.zeros((2, self.n, 2)),
            how=self.how(),
        )
        return state._replace(made=self.sampled(state))

    def arranged(self, key: Key[Array, ""]) -> Float[Array, "m 2"]:
        """The centres of the data's Gaussians."""
        if self.dataset == "one Gaussian":
            return jnp.array([[2.0, 0.0]])
        if self.dataset == "8 Gaussians":
            turn = jnp.arange(8) * jnp.pi / 4
            return RADIUS * jnp.stack([jnp.cos(turn), jnp.sin(turn)], axis=1)
        return {"spiral": spiral, "checkerboard": checkerboard}[self.dataset](key, CENTRES)[:, :2]

    def step(self, state: State, key: Key[Array, ""]) -> State:
        left = jnp.maximum(jnp.asarray(self.lessons, float) - state.learned.steps, 0)
        pace = jnp.minimum(jnp.asarray(self.pace, float), left)
        learned = self.training(state.centres).on(state.learned, key, pace)
        new = state._replace(learned=learned, how=self.how())
        stale = (pace >= 0.5) | jnp.any(new.how != state.how)
        return new._replace(made=lax.cond(stale, self.sampled, lambda s: s.made, new))

    def how(self) -> Float[Array, " 2"]:
        return jnp.stack([self.count(), jnp.asarray(float(self.field == "exact"))])

    def count(self) -> Float[Array, ""]:
        """Steps from noise to data, as a whole number."""
        return jnp.round(jnp.asarray(self.steps, float))

    def sampled(self, state: State) -> Float[Array, "2 n 2"]:
        """K steps of the velocity, and K steps of its average, from the same noise."""
        count = self.count()
        network = self.training(state.centres).network(state.learned)

        def u(z: Array, r: Array, t: Array) -> Array:
            return jax.vmap(lambda z, c: network(inputs(z, r, t, c)))(z, state.condition)

        def moved(k: Array, z: Array) -> Array:
            t, r = 1 - k / count, 1 - (k + 1) / count
            if self.field == "exact":
                euler = z[0] - (t - r) * self.velocity(state.centres, z[0], t)
                return jnp.stack([euler, state.landed])  # jumps of an exact average compose
            return z - (t - r) * jnp.stack([u(z[0], t, t), u(z[1], r, t)])

        noise = jnp.stack([state.noise, state.noise])
        return lax.fori_loop(0, count.astype(int), moved, noise)

    def observables(self, state: State) -> Scalars:
        gaps, _ = nearest(state.made[1], state.centres)
        apart = jnp.sum((state.made[1][:, None] - state.centres[None, : self.modes]) ** 2, axis=-1)
        return {
            "distance": sliced_wasserstein(state.made[1], state.data),
            "flow": sliced_wasserstein(state.made[0], state.data),
            "on mode": jnp.mean(gaps < (NEAR * self.spread()) ** 2),
            "accuracy": jnp.mean(jnp.argmin(apart, axis=1) == state.mode),
            "residual": self.residual(state),
            "loss": state.learned.loss,
            "gradient": state.learned.slope,
            "trained": state.learned.steps.astype(float),
        }

    def residual(self, state: State) -> Float[Array, ""]:
        """E|u − v + (t − r) du/dt|² of the network at 64 places, with the exact v where known."""
        network = self.training(state.centres).network(state.learned)
        t = (jnp.arange(64) + 0.5) / 64
        r = t * ((jnp.arange(64) * 0.618) % 1)
        z = (1 - t)[:, None] * state.data[:64] + t[:, None] * state.noise[:64]

        def off(z: Array, r: Array, t: Array, c: Array) -> Array:
            v = self.velocity(state.centres, z[None], t)[0]
            if self.task == "condition":  # exact for no condition: take the network's own
                v = network(inputs(z, t, t, c))
            value, along = jax.jvp(
                lambda z, t: network(inputs(z, r, t, c)), (z, t), (v, jnp.ones_like(t))
            )
            return jnp.sum((value - v + (t - r) * along) ** 2)

        return jnp.mean(jax.vmap(off)(z, r, t, state.condition[:64]))

    def theory(self) -> Scalars:
        """The exact average lands on the data. A condition is right as often as Bayes is."""
        clarity = jnp.asarray(self.clarity, float)
        below = gaussian_mean(lambda g: jax.scipy.special.ndtr(g + clarity) ** (self.modes - 1))
        asked = self.task == "condition" and self.field == "learned"
        return {
            "distance": jnp.zeros(()),
            "accuracy": below if asked else jnp.asarray(1 / self.modes),
        }

    def lasts(self) -> Scalar:
        """Until it has learnt for T steps, unless it is paused."""
        pace = jnp.round(jnp.asarray(self.pace, float))
        return jnp.where(pace > 0, jnp.ceil(self.lessons / jnp.maximum(pace, 1)), 0)

    def caveats(self, state: State) -> Flags:
        young = state.learned.steps < 1000
        asked_for = jnp.maximum(jnp.round(jnp.asarray(self.lessons, float)), 0)
        return {
            "a network that has only begun to learn": young & (self.field == "learned"),
            "it has learnt for longer than T: start over to see what T steps give": (
                state.learned.steps > asked_for
            ),
            "a small version: the papers train on images, in a latent space": jnp.asarray(
                self.field == "learned"
            ),
            "the exact velocity of these data asks for no condition": jnp.asarray(
                self.task == "condition" and (self.field, self.target) != ("learned", "data")
            ),
        }

    def frame(self, state: State) -> Frame:
        corner = jnp.full((2, 2), EDGE)
        hue = jnp.broadcast_to(
            jnp.arctan2(state.noise[:, 1], state.noise[:, 0]), state.made.shape[:2]
        )
        colours = {"noise it came from": Colour(hue, scale="phase")}
        if self.task == "condition":
            asked = jnp.broadcast_to(state.mode.astype(float), hue.shape)
            colours = {"asked for": Colour(asked, scale="category"), **colours}
        words = ("K steps of the velocity", "K steps of its average")
        return {
            "swarms": (Box(-corner, corner), Points(state.made, colours), Captions(words)),
            "arrows": self.arrows(state),
            "loss": losses(state.learned.history),
        }

    def arrows(self, state: State) -> tuple[Box, Points, Arrows]:
        """u(z, r, t) on a grid: where a jump from t back to r leads."""
        side = jnp.linspace(-EDGE, EDGE, 2 * GRID + 1)[1::2]
        z = jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)
        t = jnp.asarray(self.late, float)
        r = jnp.minimum(jnp.asarray(self.early, float), t - 0.01)
        if self.field == "exact":
            jump = self.flown(state.centres, z, t, r) - z
        else:
            network = self.training(state.centres).network(state.learned)
            asked = jnp.zeros(state.condition.shape[1])
            jump = -(t - r) * jax.vmap(lambda z: network(inputs(z, r, t, asked)))(z)
        corner = jnp.full(2, EDGE)
        return Box(-corner, corner), Points(state.data), Arrows(z, jump, "−(t − r) u")


def inputs(z: Float[Array, " 2"], r: Array, t: Array, condition: Array) -> Float[Array, " i"]:
    """Features that are smooth in r and in t − r, for the derivative of a network is trained."""
    k = jnp.arange(1, HARMONICS + 1) * jnp.pi / 2
    times = [f(k * time) for time in (t, t - r) for f in (jnp.sin, jnp.cos)]
    return jnp.concatenate([z / 2, *times, condition])
