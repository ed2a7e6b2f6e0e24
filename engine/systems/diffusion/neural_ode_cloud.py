"""A learned flow that carries labelled points until a plane tells them apart."""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import (
    Axes,
    Box,
    Colour,
    Curve,
    Frame,
    Image,
    Points,
    Segments,
    Trails,
    losses,
)
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.training import Learned, Training, adam, drawn_at_once


class RungeKutta(diffrax.AbstractERK):
    """The classical method of fourth order, which diffrax has not: it knows no error of its own."""

    tableau: ClassVar[diffrax.ButcherTableau | diffrax.MultiButcherTableau] = (
        diffrax.ButcherTableau(
            a_lower=(np.array([1 / 2]), np.array([0, 1 / 2]), np.array([0.0, 0.0, 1.0])),
            b_sol=np.array([1 / 6, 1 / 3, 1 / 3, 1 / 6]),
            b_error=np.zeros(4),
            c=np.array([1 / 2, 1 / 2, 1.0]),
        )
    )
    interpolation_cls: ClassVar[Callable[..., diffrax.ThirdOrderHermitePolynomialInterpolation]] = (
        diffrax.ThirdOrderHermitePolynomialInterpolation.from_k
    )

    def order(self, terms: object) -> int:
        return 4


SOLVERS = {
    "Euler": diffrax.Euler(),
    "midpoint": diffrax.Midpoint(),
    "RK4": RungeKutta(),
    "Tsitouras": diffrax.Tsit5(),
    "reversible Heun": diffrax.ReversibleHeun(),
}
FORWARD = diffrax.ForwardMode()  # nothing is learnt through these solves
MOST = 128  # steps of a solve, at most
LEARNT = 20  # midpoint steps of the flow that is trained
MOMENTS = LEARNT + 1  # of the path that is shown
SWEEP = 120  # steps in which the swarm is shown from the beginning to the end of the flow
TRAILS = 120
LATTICE = 15  # lines of the grid
TRIED = (5.0, 10.0, 20.0, 40.0, 80.0)  # steps, to go there and back
FIELD = 49  # pixels along a side
EDGE = 2.6  # half the side of the box
INNER, RING = 0.8, (1.5, 2.2)  # radii of the annuli


class Carried(NamedTuple):
    """What a solve integrates."""

    x: Float[Array, "n dim"]
    work: Float[Array, " n"]  # ∫|f|² dt
    volume: Float[Array, " n"]  # ∫ ∇·f dt: ln of the Jacobian determinant


class Network(eqx.Module):
    field: eqx.nn.MLP
    readout: eqx.nn.Linear


class State(NamedTuple):
    learned: Learned
    x: Float[Array, "n 2"]  # data
    label: Float[Array, " n"]
    path: Float[Array, "moments n dim"]  # along the flow, with the weights of now
    lattice: Float[Array, "moments sites dim"]
    kinetic: Float[Array, ""]  # mean ∫|f|² dt of the data
    shown: Int[Array, ""]  # steps taken: where in the sweep


class NeuralOdeCloud(System[State]):
    """Neural differential equations

    A network is the velocity of a flow, and the flow is trained:

        dx/dt = f_θ(x, t),    0 < t < 1

    To classify, points must be carried to either side of a line. In the plane a flow cannot tear a
    ring off the disc within it: trajectories do not cross, so it squeezes through and pays. With
    one more dimension, in which all begin at 0, it lifts the ring off. The other task is density: a
    flow that carries data to a Gaussian knows ln p(x) = ln N(x(1)) + ∫∇·f dt. (The swarm is shown
    going along the flow and back.)
    """

    sources = ("kidger2022nde",)
    equations = (
        Equation(r"\dot x=f_\theta(x,t),\qquad \hat y=w\cdot x(1)+b", "a flow, and a plane"),
        Equation(
            r"\ln p(x)=\ln\mathcal{N}(x(1))+\int_0^1\nabla\!\cdot f_\theta\,\mathrm{d}t",
            "the density that a flow stands for",
        ),
        Equation(
            r"\hat y_{n+1}=2y_n-\hat y_n+h f(\hat y_n),\quad y_{n+1}=y_n+\tfrac{h}{2}"
            r"\left[f(\hat y_n)+f(\hat y_{n+1})\right]",
            "reversible Heun: with −h it goes back exactly",
        ),
    )
    assumptions = (
        "None: what is shown is what the solver makes of a velocity learnt with 20 midpoint steps."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 128, "width": 16}
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(azimuth=-60.0, elevation=22.0),
        "grid": Hint(large=False, azimuth=-60.0, elevation=22.0),
        "field": Hint(large=False),
        "return": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("in the plane", dimensions=2, dataset="annuli", task="classify"),
        Preset("lifted", dimensions=3, dataset="annuli", task="classify"),
        Preset("moons", dimensions=2, dataset="moons", task="classify"),
        Preset("spirals", dimensions=3, dataset="spirals", task="classify"),
        Preset("density of moons", dimensions=2, dataset="moons", task="density"),
        Preset("lazy", dimensions=3, dataset="annuli", task="classify", effort=0.1),
    )
    quantities = (
        Quantity("loss", symbol="L", log=True, help="averaged over the last steps"),
        Quantity("accuracy", symbol="a", span=(0, 1), help="share of the data on the right side"),
        Quantity("kinetic", symbol="E|f|²", log=True, help="kinetic energy of the flow"),
        Quantity("squeeze", symbol="ln J", help="mean |ln of the volume's change|"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    effort: Scalar = live(
        default=0.0,
        span=(0, 1),
        symbol="λ",
        help="price of the kinetic energy",
        limits=(0, math.inf),
    )
    steps: Scalar = live(
        default=20,
        span=(2, 100),
        symbol="n",
        help="steps of the solver that shows the flow",
        log=True,
        limits=(1, 120),
    )
    pace: Scalar = live(
        default=4, span=(0, 50), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    rate: Scalar = live(
        default=5e-3, span=(1e-4, 2e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    solver: str = mode(default="midpoint", choices=tuple(SOLVERS), help="that shows the flow")
    task: str = start(
        default="classify", choices=("classify", "density"), help="what the flow is trained for"
    )
    dataset: str = start(default="annuli", choices=("annuli", "moons", "spirals"), help="the data")
    n: int = size(default=600, span=(64, 4000), symbol="N", help="points that are shown")
    dimensions: int = size(
        default=2, span=(2, 5), symbol="d", help="of the flow; beyond the plane all begin at 0"
    )
    width: int = size(default=32, span=(8, 128), symbol="W", help="neurons of a layer")
    batch: int = size(default=256, span=(16, 1024), symbol="B", help="samples of a step")

    @property
    def dim(self) -> int:
        # A density is that of the plane: further dimensions would have none to begin with.
        return self.dimensions if self.task == "classify" else 2

    def training(self) -> Training[Network]:
        def build(key: Key[Array, ""]) -> Network:
            for_field, for_readout = jax.random.split(key)
            d = self.dim
            field = eqx.nn.MLP(d + 1, d, self.width, 2, activation=jax.nn.tanh, key=for_field)
            return Network(field, eqx.nn.Linear(d, 1, key=for_readout))

        def loss(network: Network, key: Key[Array, ""]) -> Float[Array, ""]:
            x, label = drawn(self.dataset, key, self.batch)
            return self.price(network, self.carried(network, x), label)

        return Training(lambda key: drawn_at_once(build, key, biases=True), loss, adam(self.rate))

    def price(self, network: Network, end: Carried, label: Float[Array, " n"]) -> Float[Array, ""]:
        """What is to become small, of points that have been carried to their ends."""
        effort = self.effort * jnp.mean(end.work)
        if self.task == "density":
            return effort - jnp.mean(log_density(end))
        logit = jax.vmap(network.readout)(end.x)[:, 0]
        return effort + jnp.mean(optax.sigmoid_binary_cross_entropy(logit, label))

    def raised(self, x: Float[Array, "n 2"]) -> Float[Array, "n dim"]:
        return jnp.pad(x, ((0, 0), (0, self.dim - 2)))

    def along(self, network: Network, x: Float[Array, "n 2"]) -> Carried:
        """The flow at some moments on its way, by the chosen solver and its steps."""
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, net: self.slope(net, t, y)),
            SOLVERS[self.solver],
            t0=0.0,
            t1=1.0,
            dt0=self.stride(),
            y0=self.begun(x),
            args=network,
            saveat=diffrax.SaveAt(ts=jnp.linspace(0, 1, MOMENTS)),
            adjoint=FORWARD,
            max_steps=MOST,
        )
        assert isinstance(solution.ys, Carried)
        return solution.ys

    def carried(self, network: Network, x: Float[Array, "n 2"]) -> Carried:
        """The end of the flow as it is trained."""
        return self.trained(network, x)[0]

    def trained(self, network: Network, x: Float[Array, "n 2"]) -> tuple[Carried, Carried]:
        """The end of the flow and its moments: by a fixed number of midpoint steps.

        A scan of known length is differentiated and compiled in a fraction of the time of a solver
        that could stop anywhere.
        """
        dt = 1 / LEARNT

        def moved(y: Carried, slope: Carried, h: float) -> Carried:
            return jax.tree.map(lambda y, f: y + h * f, y, slope)

        def advance(y: Carried, k: Array) -> tuple[Carried, Carried]:
            half = moved(y, self.slope(network, k * dt, y), dt / 2)
            return moved(y, self.slope(network, (k + 0.5) * dt, half), dt), y

        end, before = jax.lax.scan(advance, self.begun(x), jnp.arange(float(LEARNT)))
        return end, jax.tree.map(lambda y, last: jnp.concatenate([y, last[None]]), before, end)

    def begun(self, x: Float[Array, "n 2"]) -> Carried:
        return Carried(self.raised(x), jnp.zeros(len(x)), jnp.zeros(len(x)))

    def stride(self) -> Float[Array, ""]:
        return 1 / jnp.round(jnp.asarray(self.steps, float))

    def slope(self, network: Network, t: Any, y: Carried) -> Carried:
        def field(x: Float[Array, " dim"]) -> Float[Array, " dim"]:
            return network.field(jnp.append(x, t))

        def both(x: Float[Array, " dim"]) -> tuple[Array, Array]:
            return field(x), jnp.trace(jax.jacfwd(field)(x))

        if self.task == "density":
            f, divergence = jax.vmap(both)(y.x)
        else:
            f = jax.vmap(field)(y.x)
            divergence = jnp.zeros(len(f))
        return Carried(f, jnp.sum(f**2, axis=1), divergence)

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_data = jax.random.split(key)
        x, label = drawn(self.dataset, for_data, self.n)
        training = self.training()
        learned = training.begin(for_network, before=0.0)
        network = training.network(learned)
        # At first as it is trained, not by the chosen solver: that one compiles for seconds.
        end, along = self.trained(network, self.swarm(x))
        own = jax.tree.map(lambda y: y[: self.n], end)
        learned = learned._replace(loss=self.price(network, own, label))
        return State(learned, x, label, *self.parted(along), jnp.int32(0))

    def swarm(self, x: Float[Array, "n 2"]) -> Float[Array, "all 2"]:
        """All that is carried: the data, and the lattice."""
        return jnp.concatenate([x, lattice()])

    def parted(self, along: Carried) -> tuple[Array, Array, Array]:
        """The paths of the data and of the lattice, and the kinetic energy of the data."""
        n = self.n
        return along.x[:, :n], along.x[:, n:], jnp.mean(along.work[-1, :n])

    def step(self, state: State, key: Key[Array, ""]) -> State:
        learned = self.training().on(state.learned, key, self.pace)
        along = self.along(self.training().network(learned), self.swarm(state.x))
        return State(learned, state.x, state.label, *self.parted(along), state.shown + 1)

    def observables(self, state: State) -> Scalars:
        network = self.training().network(state.learned)
        logit = jax.vmap(network.readout)(state.path[-1])[:, 0]
        some = state.x[:64]
        return {
            "loss": state.learned.loss,
            "accuracy": jnp.mean((logit > 0) == (state.label > 0.5)),
            "kinetic": state.kinetic,
            "squeeze": jnp.mean(jnp.abs(jax.vmap(lambda x: self.volume(network, x))(some))),
            "trained": state.learned.steps.astype(float),
        }

    def volume(self, network: Network, x: Float[Array, " 2"]) -> Float[Array, ""]:
        """∫∇·f dt along the path of one point, by as many steps of the midpoint rule as moments."""
        dt = 1 / (MOMENTS - 1)

        def advance(y: Array, k: Array) -> tuple[Array, Array]:
            t = k * dt

            def field(x: Array, t: Array) -> Array:
                return network.field(jnp.append(x, t))

            middle = y + dt / 2 * field(y, t)
            slope = jax.jacfwd(lambda x: field(x, t + dt / 2))(middle)
            return y + dt * field(middle, t + dt / 2), jnp.trace(slope)

        start = self.raised(x[None])[0]
        return dt * jnp.sum(jax.lax.scan(advance, start, jnp.arange(MOMENTS - 1.0))[1])

    def returns(self, state: State) -> tuple[Axes, Curve]:
        """How far the solver misses, there and back; the reversible one only by rounding."""
        network = self.training().network(state.learned)
        begun = self.raised(state.x[:64])

        def field(t: Any, x: Array, net: Network) -> Array:
            return jax.vmap(lambda x: net.field(jnp.append(x, t)))(x)

        def miss(n: Array) -> Array:
            term = diffrax.ODETerm(field)
            _, back = there_and_back(term, self.solver, begun, network, 1 / n)
            return jnp.sqrt(jnp.mean(jnp.sum((back - begun) ** 2, axis=1)))

        return (
            Axes("steps there and back", "rms miss", log="xy"),
            Curve(jnp.array(TRIED), jax.lax.map(miss, jnp.array(TRIED)), "measured", self.solver),
        )

    def caveats(self, state: State) -> Flags:
        few = jnp.asarray(self.steps) < 10
        return {
            "fewer than 10 steps: a solver's trajectories may cross, a flow's cannot": few,
            "a network that has only begun to learn": state.learned.steps < 200,
        }

    def frame(self, state: State) -> Frame:
        phase = state.shown % (2 * SWEEP)
        at = jnp.minimum(phase, 2 * SWEEP - phase) / SWEEP * (MOMENTS - 1)
        low = jnp.clip(at.astype(int), 0, MOMENTS - 2)
        share = at - low

        # What is told apart is pushed ever farther out: each moment is shown as large as there is
        # room for, the beginning as it is.
        size = jnp.max(jnp.abs(state.path), axis=(1, 2), keepdims=True)
        fit = 0.95 * EDGE / jnp.maximum(0.95 * EDGE, size)

        def now(path: Float[Array, "moments k dim"]) -> Float[Array, "k shown"]:
            path = fit * path
            return (path[low] * (1 - share) + path[low + 1] * share)[:, :3]

        corner = jnp.full(min(self.dim, 3), EDGE)
        box = Box(-corner, corner)
        gone = (jnp.arange(MOMENTS) <= at)[:, None, None]
        followed = min(TRAILS, self.n)
        trail = jnp.where(gone, (fit * state.path)[:, :followed, :3], jnp.nan)
        network = self.training().network(state.learned)
        return {
            "swarm": (
                box,
                Points(now(state.path), {"class": Colour(state.label, scale="category")}),
                Trails(trail, Colour(state.label[:followed], scale="category")),
            ),
            "grid": (box, *self.grid(now(state.lattice))),
            "field": (Box(-corner[:2], corner[:2]), self.picture(network), Points(state.x)),
            "return": self.returns(state),
            "loss": losses(state.learned.history, "xy" if self.task == "classify" else "x"),
        }

    def grid(self, site: Float[Array, "sites shown"]) -> tuple[Segments]:
        """The lattice, bent by the flow."""
        site = site.reshape(LATTICE, LATTICE, -1)
        lines = ((site[:, :-1], site[:, 1:]), (site[:-1], site[1:]))  # along rows, along columns
        first, last = (
            jnp.concatenate([ends[k].reshape(-1, site.shape[-1]) for ends in lines]) for k in (0, 1)
        )
        return (Segments(first, last),)

    def picture(self, network: Network) -> Image:
        """Over the plane: the probability of the second class, or the density."""
        end = self.carried(network, plane(FIELD))
        if self.task == "density":
            return Image(jnp.exp(log_density(end)).reshape(FIELD, FIELD))
        share = jax.nn.sigmoid(jax.vmap(network.readout)(end.x)[:, 0])
        return Image(share.reshape(FIELD, FIELD), span=(0, 1))


def there_and_back(
    term: diffrax.ODETerm, solver: str, y: Array, args: object, h: Scalar, t1: Scalar = 1.0
) -> tuple[Array, Array]:
    """The end of a solve from 0 to t1, and what comes back to 0 from it."""
    kept = diffrax.SaveAt(t1=True, solver_state=True)
    there = diffrax.diffeqsolve(
        term, SOLVERS[solver], 0.0, t1, h, y, args, saveat=kept, adjoint=FORWARD, max_steps=None
    )
    (end,) = leaves(there)
    back = diffrax.diffeqsolve(
        term,
        SOLVERS[solver],
        t1,
        0.0,
        -h,
        end,
        args,
        solver_state=there.solver_state if solver == "reversible Heun" else None,
        adjoint=FORWARD,
        max_steps=None,
    )
    return end, leaves(back)[0]


def leaves(solution: diffrax.Solution) -> Array:
    """What a solve of a single array has saved."""
    assert solution.ys is not None
    return solution.ys


def log_density(end: Carried) -> Float[Array, " n"]:
    """ln p of the data that were carried to `end`, a standard normal of the plane."""
    return end.volume - jnp.sum(end.x**2, axis=1) / 2 - jnp.log(2 * jnp.pi)


def plane(count: int) -> Float[Array, "sites 2"]:
    """The middles of the pixels of the box."""
    side = (jnp.arange(count) + 0.5) / count * 2 * EDGE - EDGE
    return jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)


def lattice() -> Float[Array, "sites 2"]:
    side = jnp.linspace(-2.2, 2.2, LATTICE)
    return jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)


def drawn(
    dataset: str, key: Key[Array, ""], count: int
) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
    """Points and their class, 0 or 1, as many of both."""
    for_turn, for_radius, for_blur = jax.random.split(key, 3)
    label = jnp.arange(count) % 2
    u = jax.random.uniform(for_turn, (count,))
    if dataset == "annuli":
        low = jnp.where(label == 0, 0.0, RING[0])
        high = jnp.where(label == 0, INNER, RING[1])
        share = jax.random.uniform(for_radius, (count,))
        radius = jnp.sqrt(low**2 + share * (high**2 - low**2))
        x = radius[:, None] * jnp.stack([jnp.cos(2 * jnp.pi * u), jnp.sin(2 * jnp.pi * u)], axis=1)
        return x, label.astype(float)
    blur = jax.random.normal(for_blur, (count, 2))
    if dataset == "moons":
        x = jnp.stack([jnp.cos(jnp.pi * u), jnp.sin(jnp.pi * u)], axis=1)
        x = jnp.where(label[:, None] == 0, x, jnp.array([1.0, 0.5]) - x)
        x = 1.3 * (x - jnp.array([0.5, 0.25])) + 0.1 * blur
    else:
        turn = 3 * jnp.pi * jnp.sqrt(u) + jnp.pi * label
        x = (2.2 * jnp.sqrt(u))[:, None] * jnp.stack([jnp.cos(turn), jnp.sin(turn)], axis=1)
        x = x + 0.05 * blur
    return x, label.astype(float)
