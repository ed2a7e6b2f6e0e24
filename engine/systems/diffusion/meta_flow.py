"""A flow that looks at the whole population before it moves a particle."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Captions, Colour, Curve, Frame, Points, losses
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.distances import sliced_wasserstein
from engine.numerics.letters import ALPHABET, written
from engine.numerics.matrices import eigh, eigvalsh
from engine.numerics.populations import DeepSet, NeighbourGraph, deep_set, neighbour_graph
from engine.numerics.training import Learned, Training, adam, drawn_at_once


MOST, WIDEST = 1024, 64  # populations to train on, and numbers of φ: a live value masks the rest
HELD = 12  # populations that are never trained on
PANELS = 4  # of them that are shown
TOLD = 8  # populations trained on whose error is told
EULER = 25  # steps from the beginning of a population to its end: a learnt path is straight
SWEEP = 50  # steps in which a population is shown on its way
MAPPED = 128  # populations whose embedding is drawn
HARMONICS = 3  # of the time features
SEEN = 64  # particles of a population in a training step, at most
EDGE = 5.5  # half the side of the box
KEPT = "XY"  # letters that are never trained on
TALL, JITTER = 6.0, 0.05  # of a letter, and of its points


ASKING = ("embedding", "k-NN graph")  # how a flow may look at particles


class Network(eqx.Module):
    embedding: DeepSet | NeighbourGraph  # φ
    code: Float[Array, "populations e"]  # instead of it, one for each population that is trained on
    velocity: eqx.nn.MLP


class Data(NamedTuple):
    first: Float[Array, "populations n 2"]
    last: Float[Array, "populations n 2"]  # where each particle really goes


class State(NamedTuple):
    learned: Learned
    trained: Data
    held: Data
    shown: Int[Array, ""]


class MetaFlow(System[State]):
    """Population-conditioned flow

    Many populations evolve, each by a law that depends on the population itself. A flow matched on
    single particles, v(x, t), knows only the average law, and is wrong for every new population.
    Meta flow matching embeds the whole first population and asks it:

        v(x, t, φ(P₀)),    φ(P) = (1/N) Σᵢ MLP(xᵢ)

    φ may also be a network on the graph of nearest neighbours, as in the paper. The map tells how
    many populations a flow must have seen, and how many numbers φ must be, for it to be right about
    new ones.
    What it must learn here is known exactly: each cloud is whitened by its own mean and covariance,
    or drawn together about its own mean by as much as it is wide. Or letters, turned at random, are
    to come sharp again out of noise, with X and Y held out. Shown are populations that were never
    trained on: made and true.
    """

    sources = ("atanackovic2025mfm",)
    equations = (
        Equation(
            r"\mathbb{E}\left|v_\theta\!\left(x_t,t,\varphi(P_0)\right)-(x_1-x_0)\right|^2,\quad "
            r"x_t=(1-t)\,x_0+t\,x_1",
            "flow matching, for each population of its own",
        ),
        Equation(
            r"\varphi(P)=\frac{1}{N}\sum_{i=1}^{N}\mathrm{MLP}_\varphi(x_i)",
            "what a population tells: no order, and no number of particles",
        ),
        Equation(
            r"\varphi(P)=\frac{1}{N}\sum_i\mathrm{MLP}_2\!\Big(\frac1k\sum_{j\,\in\,k\mathrm{NN}(i)}"
            r"\mathrm{MLP}_1(x_i,\,x_j-x_i)\Big)",
            "or, on the graph of the k nearest neighbours: no order",
        ),
        Equation(r"x_1=C^{-1/2}\,(x_0-m)", "whitening, by the population's own m and C"),
    )
    assumptions = "The exact law of each population, which a perfect network would find."
    cell: ClassVar[Mapping[str, int]] = {"n": 32, "batch": 4, "width": 16, "k": 2}
    hints: ClassVar[Mapping[str, Hint]] = {
        "embedding": Hint(large=False),
        "error": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("asks the population", conditioning="embedding", law="whitening"),
        Preset("asks neighbours", conditioning="k-NN graph", law="whitening"),
        Preset("asks nobody", conditioning="none", law="whitening"),
        Preset("knows them by name", conditioning="one-hot", law="whitening"),
        Preset("attraction", conditioning="embedding", law="attraction"),
        Preset(
            "letters",
            conditioning="embedding",
            law="letters",
            n=128,
            populations=240.0,
            features=32.0,
            rate=1.5e-3,
        ),
    )
    quantities = (
        Quantity("error", symbol="ε", log=True, help="mean square, of populations held out"),
        Quantity("known", symbol="ε_train", log=True, help="the same, of populations trained on"),
        Quantity("loss", symbol="L", log=True, help="of flow matching, averaged over late steps"),
        Quantity("unmoved", symbol="ε₀", help="error of a flow that does nothing"),
        Quantity(
            "distance",
            symbol="SW₂",
            log=True,
            help="sliced, made to true, held out; of N points, so noise of sampling is in it",
        ),
        Quantity("untouched", symbol="SW₂⁰", help="the same of a flow that does nothing"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    populations: Scalar = live(
        default=256,
        span=(8, MOST),
        symbol="P",
        help="populations that are trained on",
        log=True,
        limits=(1, MOST),
    )
    features: Scalar = live(
        default=16,
        span=(2, WIDEST),
        symbol="E",
        help="numbers that φ consists of",
        log=True,
        limits=(1, WIDEST),
    )
    rate: Scalar = live(
        default=2e-3, span=(1e-4, 1e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    pace: Scalar = live(
        default=5, span=(0, 50), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    conditioning: str = start(
        default="embedding",
        choices=(*ASKING, "none", "one-hot"),
        help=(
            "what the flow knows of a population: the mean over its particles, or over the graph "
            "of neighbours, which is another one if each particle is there twice; nothing; or its "
            "number"
        ),
    )
    law: str = start(
        default="whitening",
        choices=("whitening", "attraction", "letters"),
        help="what populations do",
    )
    blur: Scalar = start(
        default=0.5,
        span=(0.1, 1),
        symbol="σ",
        help="noise that letters begin in; they are 6 high",
        limits=(0, 100),
    )
    n: int = size(default=64, span=(32, 512), symbol="N", help="particles of a population")
    k: int = size(default=4, span=(1, 16), symbol="k", help="nearest neighbours in the graph")
    batch: int = size(default=8, span=(4, 32), symbol="B", help="populations of a step")
    width: int = size(default=128, span=(16, 256), symbol="W", help="neurons of a layer")

    def training(self, data: Data) -> Training[Network]:
        def build(key: Key[Array, ""]) -> Network:
            one, other = jax.random.split(key)
            half, into = self.width // 2, 2 + 2 * HARMONICS + WIDEST
            return Network(
                neighbour_graph(one, WIDEST, half, self.k)
                if self.conditioning == "k-NN graph"
                else deep_set(one, WIDEST, half),
                jnp.zeros((MOST if self.conditioning == "one-hot" else 0, WIDEST)),
                eqx.nn.MLP(into, 2, self.width, 3, activation=jax.nn.silu, key=other),
            )

        def loss(network: Network, key: Key[Array, ""]) -> Float[Array, ""]:
            for_which, for_t = jax.random.split(key)
            which = jax.random.randint(for_which, (self.batch,), 0, self.known())
            first, last = data.first[which], data.last[which]
            asked = self.asked(network, first, which)
            first, last = first[:, :SEEN], last[:, :SEEN]
            t = jax.random.uniform(for_t, first.shape[:2])
            x = first + t[..., None] * (last - first)
            made = jax.vmap(jax.vmap(velocity, (None, 0, 0, None)), (None, 0, 0, 0))(
                network, x, t, asked
            )
            return jnp.mean(jnp.sum((made - (last - first)) ** 2, axis=-1))

        return Training(
            lambda key: drawn_at_once(build, key, biases=True),
            loss,
            adam(self.rate, decay=3000),
        )

    def asked(
        self, network: Network, first: Float[Array, "p n 2"], which: Int[Array, " p"] | None
    ) -> Float[Array, "p e"]:
        """What the flow is told of each population; new ones have no number."""
        told = jnp.zeros((len(first), WIDEST))
        if self.conditioning in ASKING:
            told = jax.vmap(network.embedding)(first)
        elif self.conditioning == "one-hot" and which is not None:
            told = network.code[which]
        return told * (jnp.arange(WIDEST) < jnp.round(self.features))

    def known(self) -> Int[Array, ""]:
        """How many populations are trained on."""
        return jnp.clip(jnp.round(self.populations), 1, MOST).astype(jnp.int32)

    def drawn(self, key: Key[Array, ""], count: int, held: bool = False) -> Data:
        """Populations, and where their law takes them."""
        if self.law == "letters":
            return self.lettered(key, count, KEPT if held else set(ALPHABET).difference(KEPT))
        first = self.blobs(key, count)
        return Data(first, jax.vmap(self.evolved)(first))

    def lettered(self, key: Key[Array, ""], count: int, letters: Iterable[str]) -> Data:
        """Letters, turned at random, in noise and without."""
        for_ink, for_turn, for_noise = jax.random.split(key, 3)
        known = jnp.array([ALPHABET.index(letter) for letter in sorted(letters)])
        ink = TALL * written(for_ink, known[jnp.arange(count) % len(known)], self.n)
        noise = jax.random.normal(for_noise, (2, *ink.shape))
        turn = jax.random.uniform(for_turn, (count, 1), maxval=2 * jnp.pi)
        last = turned(ink, turn) + JITTER * noise[0]
        return Data(last + self.blur * noise[1], last)

    def blobs(self, key: Key[Array, ""], count: int) -> Float[Array, "p n 2"]:
        """Populations of two blobs, stretched and turned."""
        keys = jax.random.split(key, 6)
        centre = 1.3 * jax.random.normal(keys[0], (count, 1, 2))
        wide = jnp.exp(jax.random.uniform(keys[1], (count, 1, 2), minval=-0.7, maxval=0.9))
        apart = jax.random.uniform(keys[2], (count, 1, 1), minval=0.3, maxval=1.8)
        side = jnp.where(jnp.arange(self.n) % 2 == 0, 1.0, -1.0)[None, :, None]
        blob = 0.5 * jax.random.normal(keys[3], (count, self.n, 2))
        x = (blob + apart * side * jnp.array([1.0, 0.0])) * wide
        turn = jax.random.uniform(keys[4], (count, 1), maxval=2 * jnp.pi)
        return centre + turned(x, turn)

    def evolved(self, x: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        """Where the law of its own population takes each particle."""
        off = x - jnp.mean(x, axis=0)
        covariance = off.T @ off / len(x)
        if self.law == "attraction":
            return jnp.mean(x, axis=0) + off / (1 + jnp.trace(covariance) / 2)
        # C^(−1/2) of two dimensions, by Cayley and Hamilton.
        (a, b), (_, d) = covariance
        trace, root = a + d, jnp.sqrt(a * d - b**2)
        unmixed = (trace + root) * jnp.eye(2) - covariance
        return off @ unmixed / (root * jnp.sqrt(trace + 2 * root))

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_trained, for_held = jax.random.split(key, 3)
        trained, held = self.drawn(for_trained, MOST), self.drawn(for_held, HELD, True)
        learned = self.training(trained).begin(for_network)
        return State(learned, trained, held, jnp.int32(0))

    def paths(self, state: State) -> tuple[Float[Array, "moments held n 2"], Data, Array]:
        """Of what was not trained on, with the weights of now; and some of the trained, and ends.

        Both flow at once: it compiles in half the time.
        """
        network = self.training(state.trained).network(state.learned)
        some = jnp.arange(TOLD) % self.known()
        trained = jax.tree.map(lambda x: x[some], state.trained)
        first = jnp.concatenate([state.held.first, trained.first])
        asked = jnp.concatenate(
            [
                self.asked(network, state.held.first, None),
                self.asked(network, trained.first, some),
            ]
        )
        path = flowed(network, first, asked)
        return path[:, :HELD], trained, path[-1, HELD:]

    def step(self, state: State, key: Key[Array, ""]) -> State:
        learned = self.training(state.trained).on(state.learned, key, self.pace)
        return state._replace(learned=learned, shown=state.shown + 1)

    def observables(self, state: State) -> Scalars:
        path, trained, end = self.paths(state)
        new = path[-1]
        return {
            "error": apart(new, state.held.last),
            "known": apart(end, trained.last),
            "loss": state.learned.loss,
            "unmoved": apart(state.held.first, state.held.last),
            "distance": jnp.mean(jax.vmap(sliced_wasserstein)(new, state.held.last)),
            "untouched": jnp.mean(jax.vmap(sliced_wasserstein)(state.held.first, state.held.last)),
            "trained": state.learned.steps.astype(float),
        }

    def caveats(self, state: State) -> Flags:
        return {
            "a network that has only begun to learn": state.learned.steps < 500,
            "a new population has no number: the flow is asked with none": jnp.asarray(
                self.conditioning == "one-hot"
            ),
            "a small version: the paper trains on more letters, and on cells": jnp.asarray(True),
            "which way each point was noised nobody can tell: not ε falls to 0, but SW₂ falls": (
                jnp.asarray(self.law == "letters")
            ),
        }

    def frame(self, state: State) -> Frame:
        phase = state.shown % (2 * SWEEP)
        at = jnp.minimum(phase, 2 * SWEEP - phase) * EULER // SWEEP
        path, *_ = self.paths(state)
        made, true = path[at, :PANELS], state.held.last[:PANELS]
        both = jnp.concatenate([made, true], axis=1)
        kind = jnp.broadcast_to(jnp.repeat(jnp.arange(2.0), self.n), both.shape[:2])
        corner = jnp.full((PANELS, 2), EDGE)
        far = jnp.sum((path[-1] - state.held.last) ** 2, axis=-1)
        words = Captions(("held out, error",) * PANELS, value=jnp.mean(far, axis=1)[:PANELS])
        return {
            "populations": (
                Box(-corner, corner),
                Points(both, {"made | true": Colour(kind, scale="category")}),
                words,
            ),
            "embedding": self.embedded(state),
            "error": (
                Axes("true change", "change that was made"),
                *self.changes(state, path[-1]),
            ),
            "loss": losses(state.learned.history),
        }

    def changes(self, state: State, end: Float[Array, "held n 2"]) -> tuple[Points, Curve]:
        true = (state.held.last - state.held.first)[:8].reshape(-1)
        made = (end - state.held.first)[:8].reshape(-1)
        line = jnp.array([-6.0, 6.0])
        return Points(jnp.stack([true, made], axis=1)), Curve(line, line, "guide", "right")

    def embedded(self, state: State) -> tuple[Axes, Points]:
        """The first principal components of what the flow is told, coloured by anisotropy."""
        network = self.training(state.trained).network(state.learned)
        some = jnp.arange(MAPPED)
        first = state.trained.first[:MAPPED]
        known = (some < self.known())[:, None]
        told = self.asked(network, first, some)
        off = (told - jnp.mean(told, axis=0, where=known)) * known
        _, axes = eigh(off.T @ off)
        centred = first - jnp.mean(first, axis=1, keepdims=True)
        spread = eigvalsh(jnp.swapaxes(centred, 1, 2) @ centred)
        anisotropy = jnp.log(spread[:, 1] / spread[:, 0]) / 2
        return (
            Axes("first component of φ", "second component"),
            Points(
                jnp.where(known, off @ axes[:, :-3:-1], jnp.nan), {"anisotropy": Colour(anisotropy)}
            ),
        )


def turned(x: Float[Array, "p n 2"], turn: Float[Array, "p 1"]) -> Float[Array, "p n 2"]:
    """Each population turned about (0, 0), by an angle in rad."""
    c, s = jnp.cos(turn), jnp.sin(turn)
    return jnp.stack([c * x[..., 0] - s * x[..., 1], s * x[..., 0] + c * x[..., 1]], axis=-1)


def velocity(network: Network, x: Array, t: Array, asked: Array) -> Float[Array, " 2"]:
    k = jnp.arange(1, HARMONICS + 1) * jnp.pi / 2
    return network.velocity(jnp.concatenate([x, jnp.sin(k * t), jnp.cos(k * t), asked]))


def flowed(
    network: Network, first: Float[Array, "p n 2"], asked: Float[Array, "p e"]
) -> Float[Array, "moments p n 2"]:
    """The flow of whole populations, in Euler steps."""

    def advance(x: Array, k: Array) -> tuple[Array, Array]:
        t = k / EULER
        each = jax.vmap(jax.vmap(velocity, (None, 0, None, None)), (None, 0, None, 0))
        x = x + each(network, x, t, asked) / EULER
        return x, x

    _, path = lax.scan(advance, first, jnp.arange(float(EULER)))
    return jnp.concatenate([first[None], path])


def apart(made: Float[Array, "p n 2"], true: Float[Array, "p n 2"]) -> Float[Array, ""]:
    """Mean square distance between where particles were taken and where they belong."""
    return jnp.mean(jnp.sum((made - true) ** 2, axis=-1))
