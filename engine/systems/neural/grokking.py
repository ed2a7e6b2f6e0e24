"""Grokking: the loss on new data falls long after the loss on old data."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Curve, Frame, Image, Points
from engine.core.parameters import Scalar, live, size
from engine.core.system import System
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.matrices import eigh


class Moments(NamedTuple):
    """The cloud of weights as far as the network's output knows it."""

    mean: Float[Array, " d"]
    second: Float[Array, "d d"]  # ⟨w wᵀ⟩


class State(NamedTuple):
    weight: Float[Array, "n d"]
    first: Moments  # of the weights at the beginning
    infinite: Moments  # of infinitely many neurons, trained on the same data
    x: Float[Array, "p d"]
    direction: Float[Array, " d"]  # β, hidden in the labels y = (β·x)²/2


class Grokking(System[State]):
    """Grokking, from lazy to rich

    N neurons learn y = (β·x)²/2 from P samples by gradient descent on the mean square loss:

        f(x) = (α/N) Σᵢ φ(wᵢ·x) − f₀(x),    φ(z) = z + ε z²/2

    With a large output scale α the weights hardly move (lazy): the training data are learnt by
    heart. Later the cloud stretches along β (rich), and then new data are understood too. φ is
    quadratic, so a step moves all neurons by one affine map, and infinitely many neurons are a
    Gaussian cloud whose mean and second moment follow the same map.
    """

    sources = ("kumar2024grokking",)
    equations = (
        Equation(
            r"f(x)=\frac{\alpha}{N}\sum_{i=1}^{N}\varphi(w_i\cdot x)-f_0(x),\qquad "
            r"\varphi(z)=z+\frac{\varepsilon}{2}z^2",
            "a wide layer, centred at its beginning",
        ),
        Equation(
            r"w_i\leftarrow w_i-\hat\eta\,\frac{N}{\alpha^2}\,\nabla_{w_i}\,"
            r"\frac{1}{P}\sum_{\mu=1}^{P}\left[f(x_\mu)-\tfrac{1}{2}(\beta\cdot x_\mu)^2\right]^2",
            "gradient descent on the hidden direction β",
        ),
        Equation(
            r"M_{\beta\beta}=\frac{\beta^{\!\top}\langle w w^{\!\top}\rangle\beta}{D}"
            r"\;\to\;1+\frac{D}{\alpha\varepsilon}",
            "the rich fixed point",
        ),
    )
    assumptions = (
        "The end of training with data enough to find β, from infinitely many neurons; "
        "the moving lines are infinitely many neurons on the same data."
    )
    hints: ClassVar[Mapping[str, Hint]] = {"second moment": Hint(large=False)}
    presets = (
        Preset("grokking", scale=1.0, bend=0.25, p=165),
        Preset("lazy", scale=10.0, bend=0.25, p=165),
        Preset("rich", scale=0.25, bend=0.25, p=165),
        Preset("data enough", scale=1.0, bend=0.25, p=600),
    )
    quantities = (
        Quantity("test", symbol="L_test", log=True, help="on all data there could be"),
        Quantity("train", symbol="L_train", log=True, help="on the training data"),
        Quantity("alignment", symbol="M_ββ", log=True, help="weights along β"),
    )
    clock = "training steps"

    scale: Scalar = live(
        default=1.0,
        span=(0.25, 30),
        symbol="α",
        help="of the output: large is lazy",
        log=True,
        limits=(1e-3, math.inf),
    )
    bend: Scalar = live(
        default=0.25,
        span=(0.02, 1),
        symbol="ε",
        help="quadratic part of φ",
        log=True,
        limits=(1e-4, math.inf),
    )
    rate: Scalar = live(
        default=1.0, span=(0.2, 4), symbol="η", help="learning rate", log=True, limits=(0, math.inf)
    )
    n: int = size(default=400, span=(16, 4000), symbol="N", help="neurons")
    d: int = size(default=30, span=(4, 100), symbol="D", help="inputs")
    p: int = size(default=165, span=(8, 5000), symbol="P", help="training samples")

    def init(self, key: Key[Array, ""]) -> State:
        for_weight, for_x, for_direction = jax.random.split(key, 3)
        weight = jax.random.normal(for_weight, (self.n, self.d))
        x = jax.random.normal(for_x, (self.p, self.d)) / jnp.sqrt(self.d)
        direction = jax.random.normal(for_direction, (self.d,))
        direction = direction * jnp.sqrt(self.d) / jnp.linalg.norm(direction)
        return State(weight, moments(weight), self.gaussian(), x, direction)

    def gaussian(self) -> Moments:
        """Of the infinitely many neurons at the beginning."""
        return Moments(jnp.zeros(self.d), jnp.eye(self.d))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        a, v = self.descent(state, moments(state.weight), state.first)
        b, u = self.descent(state, state.infinite, self.gaussian())
        mean, second = state.infinite
        cross = jnp.outer(b @ mean, u)
        return state._replace(
            weight=state.weight @ a.T + v,
            infinite=Moments(b @ mean + u, b @ second @ b.T + cross + cross.T + jnp.outer(u, u)),
        )

    def descent(self, state: State, now: Moments, first: Moments) -> tuple[Array, Array]:
        """A gradient step as the map w → A w + v of every neuron."""
        error = self.output(now, state.x) - self.output(first, state.x) - label(state)
        pull = 2 * self.rate / self.scale
        v = -pull * jnp.mean(error[:, None] * state.x, axis=0)
        a = jnp.eye(self.d) - pull * self.bend * (error * state.x.T) @ state.x / self.p
        return a, v

    def output(self, now: Moments, x: Float[Array, "p d"]) -> Float[Array, " p"]:
        square = jnp.sum((x @ now.second) * x, axis=1)
        return self.scale * (x @ now.mean + self.bend / 2 * square)

    def losses(self, state: State, now: Moments, first: Moments) -> Scalars:
        """On the training data, and exactly on all data there could be."""
        error = self.output(now, state.x) - self.output(first, state.x) - label(state)
        beta = state.direction
        a = self.scale * (now.mean - first.mean)
        b = self.scale * self.bend / 2 * (now.second - first.second) - jnp.outer(beta, beta) / 2
        test = jnp.sum(a**2) / self.d + (jnp.trace(b) ** 2 + 2 * jnp.sum(b**2)) / self.d**2
        return {
            "test": test,
            "train": jnp.mean(error**2),
            "alignment": beta @ now.second @ beta / self.d,
        }

    def observables(self, state: State) -> Scalars:
        return self.losses(state, moments(state.weight), state.first)

    def limit(self, state: State) -> Scalars:
        return self.losses(state, state.infinite, self.gaussian())

    def theory(self) -> Scalars:
        """The rich fixed point."""
        end = 1 + self.d / (self.scale * self.bend)
        return {"alignment": jnp.asarray(end), "train": jnp.zeros(()), "test": jnp.zeros(())}

    def boundaries(self) -> dict[str, Boundary]:
        return {
            "the kernel knows enough": Boundary(
                {"p": jnp.asarray(self.d * (self.d + 1) / 2)}, kind="guide"
            ),
            "nothing can be known": Boundary({"p": jnp.asarray(float(self.d))}, kind="guide"),
        }

    def caveats(self, state: State) -> Flags:
        tallest = jnp.max(jnp.sum(state.x**2, axis=1))
        return {"the learning rate is too large for these data": self.rate * tallest > self.p}

    def frame(self, state: State) -> Frame:
        hidden = state.direction / jnp.linalg.norm(state.direction)
        other = jnp.eye(self.d)[0] - hidden[0] * hidden
        plane = jnp.stack([hidden, other / jnp.linalg.norm(other)], axis=1)
        mean, second = state.infinite
        spread = plane.T @ (second - jnp.outer(mean, mean)) @ plane
        turn = jnp.linspace(0, 2 * jnp.pi, 65)
        ring = 2 * jnp.stack([jnp.cos(turn), jnp.sin(turn)], axis=1)
        low, high = eigh(spread)
        ellipse = mean @ plane + ring * jnp.sqrt(jnp.maximum(low, 0)) @ high.T
        return {
            "neurons": (
                Axes("w along β", "w along another direction"),
                Points(state.weight @ plane),
                Curve(*ellipse.T, label="2σ of infinitely many"),
            ),
            "second moment": (Image(second, scale="signed"),),
        }


def moments(weight: Float[Array, "n d"]) -> Moments:
    return Moments(jnp.mean(weight, axis=0), weight.T @ weight / len(weight))


def label(state: State) -> Float[Array, " p"]:
    return (state.x @ state.direction) ** 2 / 2
