"""A stochastic differential equation that is learnt from paths: drift and noise are networks."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Curve, Frame, losses, strung
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.drift_diffusion import carried
from engine.numerics.reversible import Fields, Pair, gradient_by_return, heun, solved, undone
from engine.numerics.signatures import apart, signature
from engine.numerics.training import Learned, Training, adam, drawn_at_once


MEAN, WELL, GEOMETRIC = "reverting", "double well", "geometric"
BEGUN = {MEAN: 0.5, WELL: 0.3, GEOMETRIC: 0.1}  # scatter of X(0); of ln X(0) where geometric
FINER = 4  # steps of the data in one of the network's
WIDTHS = (0.2, 0.6, 2.0)  # of the kernel, in scatters of the data
DEPTH = 3  # letters of the longest word of the signature
SHOWN = 60  # paths in the fan
FOLLOWED = 4  # of the data and of the network under the same noise
BINS = 50  # of the histogram
LEAVES = 0.3  # scatters that ŷ may be off y
GRID, TIMES = 241, 200  # of the density in the double well


class State(NamedTuple):
    learned: Learned
    normal: Float[Array, " n"]  # that X(0) is made of
    noise: Float[Array, "fine n"]  # ΔW of the shown paths, of variance 1
    data: Float[Array, "nodes n"]  # under that noise
    made: Float[Array, "nodes n"]  # by the network, under the same noise
    parted: Float[Array, ""]  # rms of ŷ − y at the end
    returned: Float[Array, ""]  # rms of the beginning that is found from the end


class NeuralSde(System[State]):
    """Neural stochastic differential equations

    Drift and noise of an equation in the sense of Stratonovich are networks, learnt from paths
    alone, by making the two laws of paths look alike:

        dX = f_θ(t, X) dt + g_θ(t, X) ∘ dW,    X(0) given

    What made the data is known, so f and g are known too: a mean that is followed,
    κ(sin 2πt − X) and σ; a double well, κ(X − X³) and σ; geometric, −κX and σX. Data and network
    are also shown under the same noise. The reversible Heun method finds its way back to the
    beginning, so that a gradient needs no memory of the way; but what decays in the equation grows
    in its companion ŷ, and where the drift is steep it takes more steps.
    """

    sources = ("kidger2022nde",)
    after = True
    equations = (
        Equation(
            r"\mathrm{d}X=f_\theta(t,X)\,\mathrm{d}t+g_\theta(t,X)\circ\mathrm{d}W",
            "drift and noise are networks",
        ),
        Equation(
            r"\hat y'=2y-\hat y+f(t,\hat y)h+g(t,\hat y)\Delta W,\quad "
            r"y'=y+\tfrac{h}{2}(f+f')+\tfrac{\Delta W}{2}(g+g')",
            "reversible Heun: with −h and −ΔW it goes back exactly",
        ),
        Equation(
            r"\mathrm{MMD}^2=\mathbb{E}k(X,X')+\mathbb{E}k(Y,Y')-2\,\mathbb{E}k(X,Y)",
            "of paths with their steps ΔX/√h; or by expected signatures",
        ),
    )
    theory_name = "data"
    assumptions = "What made the data: exact (double well: its Fokker–Planck equation on a grid)."
    cell: ClassVar[Mapping[str, int]] = {"n": 256, "width": 8, "batch": 64, "steps": 16}
    hints: ClassVar[Mapping[str, Hint]] = {
        "same noise": Hint(large=False),
        "end": Hint(large=False),
        "drift": Hint(large=False),
        "noise": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("a mean that moves", process=MEAN, pull=2.0, sigma=0.5),
        Preset("two wells", process=WELL, pull=2.0, sigma=0.5),
        Preset("noise that grows with X", process=GEOMETRIC, pull=1.0, sigma=0.5),
        Preset("by signatures", process=MEAN, pull=2.0, sigma=0.5, compared="signature"),
        Preset("ŷ leaves", process=MEAN, pull=8.0, sigma=0.5, solver="reversible Heun"),
    )
    quantities = (
        Quantity("miss", symbol="ΔX/s", help="rms of network − data at t = 1, under one noise"),
        Quantity("drift", symbol="Δf/s", help="rms along the data, in scatters of X per unit time"),
        Quantity("noise", symbol="Δg/g", help="rms along the data"),
        Quantity("mean", symbol="⟨X⟩", help="of the network's paths at t = 1"),
        Quantity("scatter", symbol="s", help="standard deviation of the network's paths at t = 1"),
        Quantity("loss", symbol="L", log=True, help="averaged over the last steps"),
        Quantity("return", symbol="Δ₀", log=True, help="rms of the beginning found from the end"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    mapped = "scatter"
    clock = "steps"

    pull: Scalar = live(
        default=2.0, span=(0, 8), symbol="κ", help="drift of the data", limits=(0, 20)
    )
    sigma: Scalar = live(
        default=0.5, span=(0.05, 1.5), symbol="σ", help="noise of the data", limits=(1e-2, 5)
    )
    moment: Scalar = live(
        default=0.5, span=(0, 1), symbol="t", help="when f and g are shown", limits=(0, 1)
    )
    pace: Scalar = live(
        default=4, span=(0, 20), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    rate: Scalar = live(
        default=5e-3, span=(1e-4, 2e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    solver: str = mode(
        default="reversible Heun",
        choices=("reversible Heun", "Heun"),
        help="of the network; the first finds its gradient by going back, the other remembers",
    )
    compared: str = mode(
        default="kernel", choices=("kernel", "signature"), help="how laws of paths are"
    )
    process: str = start(default=MEAN, choices=(MEAN, WELL, GEOMETRIC), help="that made the data")
    n: int = size(default=512, span=(64, 4096), symbol="N", help="paths that are shown")
    steps: int = size(default=32, span=(8, 128), symbol="n", help="of the solver")
    width: int = size(default=16, span=(4, 64), symbol="W", help="neurons of a layer")
    batch: int = size(default=256, span=(32, 1024), symbol="B", help="paths of an optimiser step")

    # The data.

    def fields(self, t: Array, x: Float[Array, "*n"]) -> tuple[Array, Array]:
        """Drift and noise of what made the data, in the sense of Stratonovich."""
        if self.process == MEAN:
            f = self.pull * (jnp.sin(2 * jnp.pi * t) - x)
        elif self.process == WELL:
            f = self.pull * (x - x**3)
        else:
            f = -self.pull * x
        return f, self.sigma * (x if self.process == GEOMETRIC else jnp.ones_like(x))

    def begun(self, normal: Float[Array, " n"]) -> Float[Array, " n"]:
        x = BEGUN[self.process] * normal
        return jnp.exp(x) if self.process == GEOMETRIC else x

    def drawn(self, normal: Float[Array, " n"], noise: Float[Array, "fine n"]) -> Array:
        """Paths of the data at the nodes of the network's solver, by Heun's method in finer steps.

        Not by the reversible one, which is no friend of steep drifts: X³ makes it overflow.
        """
        path = heun(lambda _, t, x: self.fields(t, x), None, self.begun(normal), self.scaled(noise))
        return path[::FINER]

    def scaled(self, noise: Float[Array, "fine n"]) -> Float[Array, "fine n"]:
        return noise / math.sqrt(FINER * self.steps)

    def normals(self, key: Key[Array, ""], count: int) -> tuple[Array, Array]:
        """What X(0) and what the Brownian paths are made of."""
        drawn = jax.random.normal(key, (1 + FINER * self.steps, count))
        return drawn[0], drawn[1:]

    # The network.

    def build(self, key: Key[Array, ""]) -> eqx.nn.MLP:
        return eqx.nn.MLP(2, 2, self.width, 2, activation=jax.nn.tanh, key=key)

    def path(
        self, network: eqx.nn.MLP, normal: Array, noise: Float[Array, "fine n"]
    ) -> Float[Array, "nodes n"]:
        """Of the network, to be differentiated."""
        fields, weights = parted(network)
        begun, noise = self.begun(normal), coarse(self.scaled(noise))
        if self.solver == "Heun":
            return heun(fields, weights, begun, noise)
        return gradient_by_return(fields, weights, begun, noise)

    def training(self) -> Training[eqx.nn.MLP]:
        def loss(network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
            for_data, for_network = jax.random.split(key)
            data = self.drawn(*self.normals(for_data, self.batch))
            return self.distance(self.path(network, *self.normals(for_network, self.batch)), data)

        return Training(
            lambda key: drawn_at_once(self.build, key, biases=True), loss, adam(self.rate)
        )

    def distance(
        self, made: Float[Array, "nodes n"], data: Float[Array, "nodes m"]
    ) -> Float[Array, ""]:
        """Between two laws of paths, from samples of both; in scatters of the data."""
        scatter = jnp.std(data)
        if self.compared == "signature":
            return apart(*(signature(channels(path / scatter), DEPTH) for path in (made, data)))
        return discrepancy(features(made / scatter), features(data / scatter))

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_paths = jax.random.split(key)
        learned = self.training().begin(for_network, before=0.0)
        normal, noise = self.normals(for_paths, self.n)
        state = self.shown(State(learned, normal, noise, *(jnp.zeros(()),) * 4))
        begun = self.distance(state.made, state.data)
        return state._replace(learned=learned._replace(loss=begun))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        return self.shown(state._replace(learned=self.training().on(state.learned, key, self.pace)))

    def shown(self, state: State) -> State:
        """The paths of data and network, with the weights of now."""
        fields, weights = parted(self.training().network(state.learned))
        begun, noise = self.begun(state.normal), coarse(self.scaled(state.noise))
        data = self.drawn(state.normal, state.noise)
        if self.solver == "Heun":
            made = heun(fields, weights, begun, noise)
            # Taken back by its own formula, as a solver would that forgot the way.
            back = heun(fields, weights, made[-1], -noise[::-1], backward=True)[-1]
            off = jnp.zeros(())
        else:
            made, end = solved(fields, weights, Pair(begun, begun), noise)
            back = undone(fields, weights, end, noise)[1].y
            off = rms(end.twin - end.y)
        return state._replace(data=data, made=made, parted=off, returned=rms(back - begun))

    def observables(self, state: State) -> Scalars:
        network = self.training().network(state.learned)
        nodes = jnp.linspace(0, 1, self.steps + 1)[:, None]
        x = state.data[:, :64]
        t = jnp.broadcast_to(nodes, x.shape)
        f, g = jax.vmap(lambda t, x: learnt(network, t, x))(t, x)
        f_data, g_data = self.fields(t, x)
        scatter = jnp.std(state.data[-1])
        return {
            "miss": rms(state.made[-1] - state.data[-1]) / scatter,
            "drift": rms(f - f_data) / scatter,
            "noise": rms(g - g_data) / rms(g_data),
            "mean": jnp.mean(state.made[-1]),
            "scatter": jnp.std(state.made[-1]),
            "loss": state.learned.loss,
            "return": state.returned,
            "trained": state.learned.steps.astype(float),
        }

    # What made the data is known.

    def theory(self) -> Scalars:
        if self.process == WELL:
            x, density = self.end()
            weight = density / jnp.sum(density)
            return {"mean": jnp.zeros(()), "scatter": jnp.sqrt(jnp.sum(weight * x**2))}
        mean, variance = self.moments()
        if self.process == GEOMETRIC:
            whole = jnp.exp(mean + variance / 2)
            return {"mean": whole, "scatter": whole * jnp.sqrt(jnp.expm1(variance))}
        return {"mean": mean, "scatter": jnp.sqrt(variance)}

    def moments(self) -> tuple[Array, Array]:
        """Mean and variance at t = 1 of X, which is Gaussian, or of ln X where geometric."""
        pull, sigma = jnp.asarray(self.pull, float), jnp.asarray(self.sigma, float)
        first = BEGUN[self.process] ** 2
        if self.process == GEOMETRIC:
            return -pull, first + sigma**2
        turn = 2 * jnp.pi
        mean = pull * turn * jnp.expm1(-pull) / (pull**2 + turn**2)
        slow = jnp.maximum(pull, 1e-3)  # below it the variance grows as σ²t to a part in 1000
        return mean, first * jnp.exp(-2 * pull) - sigma**2 * jnp.expm1(-2 * slow) / (2 * slow)

    def end(self) -> tuple[Float[Array, " g"], Float[Array, " g"]]:
        """The density of X(1)."""
        if self.process == WELL:
            reach = 1.6 + 1.4 * jnp.asarray(self.sigma, float)
            x = reach * jnp.linspace(-1, 1, GRID)
            edge, dx = (x[1:] + x[:-1]) / 2, x[1] - x[0]
            begun = gaussian(x, jnp.zeros(()), jnp.asarray(BEGUN[WELL] ** 2))
            drift = self.fields(jnp.zeros(()), edge)[0]

            def advance(density: Array, _: None) -> tuple[Array, None]:
                return carried(density, drift, self.sigma**2 / 2, dx, 1 / TIMES), None

            return x, lax.scan(advance, begun, length=TIMES)[0]
        mean, variance = self.moments()
        y = mean + jnp.sqrt(variance) * jnp.linspace(-4, 3, GRID)
        if self.process == GEOMETRIC:
            return jnp.exp(y), gaussian(y, mean, variance) / jnp.exp(y)
        return y, gaussian(y, mean, variance)

    def caveats(self, state: State) -> Flags:
        return {
            "ŷ has left the solution: more steps, or Heun": state.parted
            > LEAVES * jnp.std(state.data[-1]),
            "a network that has only begun to learn": state.learned.steps < 400,
        }

    def frame(self, state: State) -> Frame:
        t = jnp.linspace(0, 1, self.steps + 1)
        mean, scatter = jnp.mean(state.data, axis=1), jnp.std(state.data, axis=1)
        data = jnp.stack([mean - 2 * scatter, mean, mean + 2 * scatter], axis=1)
        x, density = self.end()
        low, high = jnp.min(state.data), jnp.max(state.data)
        along = jnp.linspace(low, high, 81)
        network = self.training().network(state.learned)
        moment = jnp.asarray(self.moment, float)
        f, g = learnt(network, moment, along)
        f_data, g_data = self.fields(moment, along)
        return {
            "paths": (
                Axes("t", "X"),
                strung(t, state.made[:, :SHOWN], label="network"),
                strung(t, data, "theory", "data: mean, ± 2 s"),
            ),
            "same noise": (
                Axes("t", "X"),
                strung(t, state.data[:, :FOLLOWED], "theory", "data"),
                strung(t, state.made[:, :FOLLOWED], label="network"),
            ),
            "end": (
                Axes("X(1)", "density"),
                ended(state.made[-1]),
                Curve(x, density, label="exact"),
            ),
            "drift": (
                Axes("X", "f at t"),
                Curve(along, f_data, label="exact"),
                Curve(along, f, "measured", "network"),
            ),
            "noise": (
                Axes("X", "g at t"),
                Curve(along, g_data, label="exact"),
                Curve(along, g, "measured", "network"),
            ),
            "loss": losses(state.learned.history),
        }


def parted(network: eqx.nn.MLP) -> tuple[Fields, eqx.nn.MLP]:
    """The fields as a function of their weights, and those weights."""
    weights, rest = eqx.partition(network, eqx.is_inexact_array)

    def fields(weights: eqx.nn.MLP, t: Array, x: Float[Array, " n"]) -> tuple[Array, Array]:
        return learnt(eqx.combine(weights, rest), t, x)

    return fields, weights


def learnt(network: eqx.nn.MLP, t: Array, x: Float[Array, " n"]) -> tuple[Array, Array]:
    """f_θ and g_θ > 0 (its sign could not be told) at one time, or at one of each point."""
    place = jnp.stack([jnp.broadcast_to(t, x.shape), x], axis=1)
    f, g = jax.vmap(network)(place).T
    return f, jax.nn.softplus(g)


def coarse(noise: Float[Array, "fine n"]) -> Float[Array, "steps n"]:
    """Brownian increments over the network's steps."""
    return noise.reshape(-1, FINER, noise.shape[1]).sum(axis=1)


def features(path: Float[Array, "nodes n"]) -> Float[Array, "n features"]:
    """A path and its steps: values weigh as ∫X² dt does, steps as its quadratic variation."""
    change = jnp.diff(path, axis=0)
    return jnp.concatenate([path / math.sqrt(len(path)), change]).T


def discrepancy(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Float[Array, ""]:
    """MMD² of two samples, a point with itself counted (the V-statistic)."""
    return alike(a, a) + alike(b, b) - 2 * alike(a, b)


def alike(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Float[Array, ""]:
    """The mean over all pairs of the kernel 1/(1 + |a − b|²/w²), and over its widths."""
    square = jnp.sum(a**2, axis=1)[:, None] + jnp.sum(b**2, axis=1) - 2 * a @ b.T
    return jnp.mean(jnp.stack([jnp.mean(1 / (1 + square / w**2)) for w in WIDTHS]))


def channels(path: Float[Array, "nodes n"]) -> Float[Array, "nodes+1 n 3"]:
    """Time, the path and its quadratic variation; from the origin, so that X(0) counts."""
    time = jnp.broadcast_to(jnp.linspace(0, 1, len(path))[:, None], path.shape)
    variation = jnp.cumsum(jnp.diff(path, axis=0, prepend=path[:1]) ** 2, axis=0)
    whole = jnp.stack([time, path, variation], axis=-1)
    return jnp.concatenate([jnp.zeros_like(whole[:1]), whole])


def gaussian(x: Array, mean: Array, variance: Array) -> Array:
    return jnp.exp(-((x - mean) ** 2) / (2 * variance)) / jnp.sqrt(2 * jnp.pi * variance)


def ended(x: Float[Array, " n"]) -> Bars:
    """The density of all of them, whatever room they take."""
    edges = jnp.linspace(jnp.min(x), jnp.max(x), BINS + 1)
    return Bars(edges, jnp.histogram(x, edges, density=True)[0], label="network")


def rms(x: Array) -> Float[Array, ""]:
    return jnp.sqrt(jnp.mean(x**2))
