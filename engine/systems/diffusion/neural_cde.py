"""An equation that a path drives: which way did it turn, told from noisy and missing samples."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, Trails, losses, strung
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.training import Learned, Training, adam, drawn_at_once


WITH_TIME, ALONE = "with time", "path alone"
SWEEP = 90  # steps in which the paths are shown from beginning to end
TRAILS = 40
LONG = 15.0  # the time of a path, to the network: about as far as X goes


Map = Callable[[Array], Array]  # of one path


class Network(eqx.Module):
    begin: eqx.nn.Linear  # ζ
    field: eqx.nn.MLP
    readout: eqx.nn.Linear


class Drawn(NamedTuple):
    """What paths are made of: none of it knows a slider."""

    phase: Float[Array, " n"]  # where the turning begins
    right: Bool[Array, " n"]  # the class: turns to the right, clockwise
    noise: Float[Array, "n knots 2"]
    luck: Float[Array, "n knots"]  # an observation is missing where it is below their share


class State(NamedTuple):
    learned: Learned
    drawn: Drawn
    logit: Float[Array, "n knots"]  # after each observation, with the weights of now
    latent: Float[Array, "n knots"]  # the first of z
    shown: Int[Array, ""]  # steps taken: where in the sweep


class NeuralCde(System[State]):
    """Neural controlled differential equations

    Observations X of a path drive a hidden state z, as a force drives a particle:

        dz = f_θ(z) dX,    z(0) = ζ_θ(X(0)),    ŷ = w·z(1) + b

    X is the straight line through what was observed, at whatever times. Here a point goes round a
    circle of radius 1, to the left or to the right, from an unknown angle; it is seen through
    noise of scatter σ, and some of its observations are missing. No observation, and no
    weighted sum of them, tells the two: areas do, which are iterated integrals of X. The best
    that anybody can do is known, from radio: two orthogonal tones of unknown phase are taken for
    each other in a share ½ exp(−K/4σ²) of all cases. Without the time in X the state does not
    depend on how fast the path is run through.
    """

    sources = ("kidger2022nde",)
    after = True
    equations = (
        Equation(
            r"z(t)=\zeta_\theta(X(0))+\int_0^t f_\theta(z(s))\,\mathrm{d}X(s)",
            "driven by the data",
        ),
        Equation(
            r"P_\mathrm{err}=\tfrac12\,e^{-K/4\sigma^2}",
            "the least there can be, of K observations of a whole number of turns",
        ),
    )
    theory_name = "the best"
    assumptions = (
        "The best guess of anybody: exact where none is missing; else the observations that are "
        "left are taken for orthogonal tones, which they nearly are."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 512, "batch": 64, "width": 16, "hidden": 4}
    hints: ClassVar[Mapping[str, Hint]] = {
        "latents": Hint(large=False),
        "evidence": Hint(large=False),
        "accuracy": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("clear", sigma=0.3, missing=0.0),
        Preset("noisy", sigma=1.5, missing=0.0),
        Preset("half is missing", sigma=1.0, missing=0.5),
        Preset("hopeless", sigma=4.0, missing=0.5),
        Preset("path alone", sigma=0.5, missing=0.3, driven=ALONE),
    )
    quantities = (
        Quantity("accuracy", symbol="a", span=(0.4, 1), help="share of paths told right"),
        Quantity("optimal", symbol="a*", span=(0.4, 1), help="of the best guess, same paths"),
        Quantity("loss", symbol="L", log=True, help="averaged over the last steps"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    sigma: Scalar = live(
        default=1.0, span=(0, 4), symbol="σ", help="noise of an observation", limits=(0, 100)
    )
    missing: Scalar = live(
        default=0.0,
        span=(0, 0.9),
        symbol="q",
        help="share of observations, but the first and last",
        limits=(0, 1),
    )
    pace: Scalar = live(
        default=4, span=(0, 20), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    rate: Scalar = live(
        default=5e-3, span=(1e-4, 2e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    driven: str = start(
        default=WITH_TIME, choices=(WITH_TIME, ALONE), help="by X and t, or by X: at any speed"
    )
    n: int = size(default=1024, span=(64, 8192), symbol="N", help="paths that are shown")
    knots: int = size(default=24, span=(8, 96), symbol="K", help="observations of a path")
    turns: int = size(default=1, span=(1, 3), symbol="m", help="round the circle")
    hidden: int = size(default=8, span=(2, 32), symbol="h", help="numbers of z")
    width: int = size(default=32, span=(8, 128), symbol="W", help="neurons of a layer")
    batch: int = size(default=128, span=(16, 1024), symbol="B", help="paths of an optimiser step")

    # The paths.

    def draw(self, key: Key[Array, ""], count: int) -> Drawn:
        for_phase, for_noise, for_luck = jax.random.split(key, 3)
        return Drawn(
            jax.random.uniform(for_phase, (count,), maxval=2 * jnp.pi),
            jnp.arange(count) % 2 == 1,
            jax.random.normal(for_noise, (count, self.knots, 2)),
            jax.random.uniform(for_luck, (count, self.knots)),
        )

    def angles(self) -> Float[Array, " knots"]:
        """How far round the circle, at each observation: a whole number of turns, evenly."""
        return 2 * jnp.pi * self.turns * jnp.arange(self.knots) / self.knots

    def observed(self, drawn: Drawn) -> Float[Array, "n knots 2"]:
        """All observations, those that are missing among them."""
        sense = jnp.where(drawn.right, -1.0, 1.0)[:, None]
        angle = drawn.phase[:, None] + sense * self.angles()
        circle = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
        return circle + self.sigma * drawn.noise

    def kept(self, drawn: Drawn) -> Bool[Array, "n knots"]:
        """Which observations there are; the first and the last always."""
        ends = jnp.zeros(self.knots, bool).at[jnp.array([0, -1])].set(True)
        return ends | (drawn.luck >= self.missing)

    def path(self, drawn: Drawn) -> Float[Array, "n knots 2"]:
        """What was observed, and straight lines where nothing was."""
        return bridged(self.observed(drawn), self.kept(drawn))

    def control(self, drawn: Drawn) -> Float[Array, "n knots channels"]:
        """What drives: the path in scatters of an observation, and perhaps its time."""
        x = self.path(drawn) / jnp.sqrt(0.5 + jnp.asarray(self.sigma, float) ** 2)
        if self.driven == ALONE:
            return x
        time = LONG * jnp.arange(self.knots) / self.knots
        return jnp.concatenate([jnp.broadcast_to(time[:, None], (*x.shape[:2], 1)), x], axis=-1)

    def tones(self, drawn: Drawn) -> Float[Array, "n knots 2"]:
        """How strongly either tone, left and right, is heard in the observations so far.

        The larger one is the best guess: of a circle of known radius seen through Gaussian noise,
        the likelihood over an even phase is a Bessel function I₀ of it.
        """
        x = jnp.where(self.kept(drawn)[..., None], self.observed(drawn), 0.0)
        seen = x[..., 0] + 1j * x[..., 1]
        angle = jnp.stack([self.angles(), -self.angles()], axis=-1)
        return jnp.abs(jnp.cumsum(seen[..., None] * jnp.exp(-1j * angle), axis=1))

    # The network.

    def build(self, key: Key[Array, ""]) -> Network:
        channels = 3 if self.driven == WITH_TIME else 2
        for_begin, for_field, for_readout = jax.random.split(key, 3)
        return Network(
            eqx.nn.Linear(channels, self.hidden, key=for_begin),
            eqx.nn.MLP(
                self.hidden,
                self.hidden * channels,
                self.width,
                1,
                activation=jax.nn.softplus,
                final_activation=jax.nn.tanh,  # or z runs away
                key=for_field,
            ),
            eqx.nn.Linear(self.hidden, 1, key=for_readout),
        )

    def training(self) -> Training[Network]:
        def loss(network: Network, key: Key[Array, ""]) -> Float[Array, ""]:
            drawn = self.draw(key, self.batch)
            end = driven(network.begin, network.field, self.control(drawn))[-1]
            logit = jax.vmap(network.readout)(end)[:, 0]
            return jnp.mean(optax.sigmoid_binary_cross_entropy(logit, drawn.right.astype(float)))

        return Training(
            lambda key: drawn_at_once(self.build, key, biases=True), loss, adam(self.rate)
        )

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_paths = jax.random.split(key)
        learned = self.training().begin(for_network, before=math.log(2))
        drawn = self.draw(for_paths, self.n)
        return self.seen(State(learned, drawn, jnp.zeros(()), jnp.zeros(()), jnp.int32(0)))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        learned = self.training().on(state.learned, key, self.pace)
        return self.seen(state._replace(learned=learned, shown=state.shown + 1))

    def seen(self, state: State) -> State:
        """The states that the shown paths drive, with the weights of now."""
        network = self.training().network(state.learned)
        z = driven(network.begin, network.field, self.control(state.drawn))
        logit = jax.vmap(jax.vmap(network.readout))(z)[..., 0]
        return state._replace(logit=logit.T, latent=z[..., 0].T)

    def observables(self, state: State) -> Scalars:
        network, best = self.right(state)
        return {
            "accuracy": network[-1],
            "optimal": best[-1],
            "loss": state.learned.loss,
            "trained": state.learned.steps.astype(float),
        }

    def right(self, state: State) -> tuple[Float[Array, " knots"], Float[Array, " knots"]]:
        """The shares told right after each observation: by the network, and by the best guess."""
        right = state.drawn.right[:, None]
        left, clockwise = jnp.moveaxis(self.tones(state.drawn), -1, 0)
        # One observation says nothing: then both tones are alike, and so a coin decides.
        best = jnp.where(left == clockwise, 0.5, (clockwise > left) == right)
        return jnp.mean((state.logit > 0) == right, axis=0), jnp.mean(best, axis=0)

    def theory(self) -> Scalars:
        # Averaged over how many are left: two, and any other with the chance 1 − q.
        heard = jnp.exp(-1 / (4 * jnp.asarray(self.sigma, float) ** 2))
        lost = jnp.clip(jnp.asarray(self.missing, float), 0, 1)
        best = 1 - heard**2 * (lost + (1 - lost) * heard) ** (self.knots - 2) / 2
        return {"accuracy": best, "optimal": best}

    def caveats(self, state: State) -> Flags:
        return {"a network that has only begun to learn": state.learned.steps < 300}

    def frame(self, state: State) -> Frame:
        phase = state.shown % SWEEP
        at = phase / (SWEEP - 1) * (self.knots - 1)
        low = jnp.clip(at.astype(int), 0, self.knots - 2)
        share = at - low

        def now(values: Array) -> Array:
            return values[:, low] * (1 - share) + values[:, low + 1] * share

        path = self.path(state.drawn)
        kind = state.drawn.right.astype(float)
        reach = 1.3 + 2 * jnp.asarray(self.sigma, float)
        corner = jnp.full(2, reach)
        gone = (jnp.arange(self.knots) <= at)[:, None, None]
        trail = jnp.where(gone, jnp.moveaxis(path[:TRAILS], 0, 1), jnp.nan)
        # How sure it is, from −1 (left) to 1, and the first number of z as large as there is room.
        high = jnp.maximum(jnp.max(jnp.abs(state.latent)), 1e-3)
        latent = jnp.stack([jnp.tanh(now(state.logit) / 2), now(state.latent) / high], axis=-1)
        span = jnp.full(2, 1.1)
        t = jnp.arange(self.knots) / self.knots
        network, best = self.right(state)
        return {
            "paths": (
                Box(-corner, corner),
                Points(now(path), {"turns right": Colour(kind, scale="category")}),
                Trails(trail, Colour(kind[:TRAILS], scale="category")),
            ),
            "latents": (
                Axes("told: left −1, right 1", "a number of z, of its largest"),
                Box(-span, span),
                Points(latent, {"turns right": Colour(kind, scale="category")}),
            ),
            "evidence": (
                Axes("t", "logit"),
                strung(t, state.logit[0:TRAILS:2].T, "theory", "left"),
                strung(t, state.logit[1:TRAILS:2].T, label="right"),
            ),
            "accuracy": (
                Axes("observed until t", "told right"),
                Curve(t, best, label="best guess, same paths"),
                Curve(t, network, "measured", "network"),
            ),
            "loss": losses(state.learned.history),
        }


def driven(
    begin: Map, field: Map, control: Float[Array, "n knots channels"]
) -> Float[Array, "knots n hidden"]:
    """z after each observation: one step of Heun's method along each straight piece."""
    channels = control.shape[-1]

    def push(z: Float[Array, "n hidden"], change: Float[Array, "n channels"]) -> Array:
        f = jax.vmap(field)(z).reshape(len(z), -1, channels)
        return jnp.einsum("nhc,nc->nh", f, change)

    def advance(z: Array, change: Array) -> tuple[Array, Array]:
        first = push(z, change)
        z = z + (first + push(z + first, change)) / 2
        return z, z

    begun = jax.vmap(begin)(control[:, 0])
    later = lax.scan(advance, begun, jnp.moveaxis(jnp.diff(control, axis=1), 1, 0))[1]
    return jnp.concatenate([begun[None], later])


def bridged(
    x: Float[Array, "n knots 2"], kept: Bool[Array, "n knots"]
) -> Float[Array, "n knots 2"]:
    """Straight lines from each kept observation to the next; first and last are kept."""
    knot = jnp.broadcast_to(jnp.arange(x.shape[1]), kept.shape)
    before = lax.cummax(jnp.where(kept, knot, 0), axis=1)
    after = lax.cummin(jnp.where(kept, knot, x.shape[1] - 1), axis=1, reverse=True)
    share = (knot - before) / jnp.maximum(after - before, 1)
    ends = (jnp.take_along_axis(x, which[..., None], axis=1) for which in (before, after))
    first, last = ends
    return first + share[..., None] * (last - first)
