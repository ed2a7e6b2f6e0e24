"""Clouds that condense out of noise, and must agree on what to become."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Colour, Frame, Points
from engine.core.parameters import Scalar, asset, live, mode, size, start
from engine.core.system import System, poke
from engine.core.theory import Scalars
from engine.numerics.shapes import SHAPES, normalised


EARLIEST, LATEST = 5.0, 1e-3  # noise times between which a cloud condenses


class State(NamedTuple):
    cloud: Float[Array, "clouds n 3"]
    shape: Float[Array, "shapes m 3"]  # the data, without noise
    time: Float[Array, ""]  # of the noise: it falls


class MeanFieldChaos(System[State]):
    """Mean-field chaos diffusion

    Every cloud of N points runs the noising dx = −x dt + √2 dW backwards with the exact score of
    its law, a mixture over shapes z of independent points from the noised shape μ_z:

        sᵢ = Σ_z p_z ∇ log μ_z(xᵢ),    p_z ∝ exp Σⱼ log μ_z(xⱼ)

    Through p_z each point feels the empirical measure of all: with it a cloud becomes one pure
    shape; without it (mode "independent") a superposition of all. Time steps are geometric.
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
            r"\mu_z(x)=\frac{1}{M}\sum_{m=1}^{M}\mathcal{N}\!\left(x;\,a\,y_m^z,\,s^2\right),"
            r"\quad a=e^{-t},\;s^2=1-e^{-2t}",
            "a shape in noise",
        ),
    )
    assumptions = "The score is exact: points of a cloud are independent, given its shape."
    hints: ClassVar[Mapping[str, Hint]] = {
        "clouds": Hint(azimuth=35.0, elevation=25.0),
        "belief": Hint(large=False),
    }
    presets = (
        Preset("agreed", score="mean field", noise=1.0),
        Preset("all shapes at once", score="independent", noise=1.0),
        Preset("flow", score="mean field", noise=0.0),
    )
    quantities = (
        Quantity("purity", symbol="P", span=(0, 1), help="share nearest to one shape"),
        Quantity("certainty", symbol="max p", span=(0, 1), help="of the likeliest shape"),
        Quantity("time", symbol="t", span=(LATEST, EARLIEST), log=True, help="of the noise"),
    )
    clock = "time"

    noise: Scalar = live(
        default=1.0,
        span=(0, 2),
        symbol="λ",
        help="0 is the flow, 1 the diffusion",
        limits=(0, math.inf),
    )
    turn: Scalar = live(
        default=1.0,
        span=(0.01, 5),
        symbol="t₀",
        help="noise time of a U-turn",
        log=True,
        limits=(LATEST, 20),
    )
    score: str = mode(
        default="mean field", choices=("mean field", "independent"), help="what points agree on"
    )
    shapes: tuple[str, ...] = start(
        default=("torus", "trefoil", "sphere", "helix"), choices=tuple(SHAPES), help="in the data"
    )
    own: Float[Array, "m 3"] | None = asset(help="a cloud of yours, as one more shape")
    moments: Scalar = start(
        default=150,
        span=(50, 500),
        symbol="T",
        help="steps from noise to data",
        limits=(1, math.inf),
    )
    n: int = size(default=256, span=(1, 4096), symbol="N", help="points of a cloud")
    clouds: int = size(default=8, span=(1, 32), symbol="C", help="clouds side by side")
    m: int = size(default=500, span=(50, 2000), symbol="M", help="data points of a shape")

    def init(self, key: Key[Array, ""]) -> State:
        for_cloud, for_shape = jax.random.split(key)
        keys = jax.random.split(for_shape, len(self.shapes) + 1)
        data = [normalised(SHAPES[z](k, self.m)) for z, k in zip(self.shapes, keys, strict=False)]
        if self.own is not None:
            data.append(normalised(jax.random.choice(keys[-1], self.own, (self.m,))))
        cloud = jax.random.normal(for_cloud, (self.clouds, self.n, 3))
        return State(cloud, jnp.stack(data), jnp.asarray(EARLIEST))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        later = state.time * (LATEST / EARLIEST) ** (1 / self.moments)
        dt = state.time - later
        drift = state.cloud + (1 + self.noise) * self.joint_score(state)
        kick = jnp.sqrt(2 * self.noise * dt) * jax.random.normal(key, state.cloud.shape)
        return state._replace(cloud=state.cloud + dt * drift + kick, time=later)

    def joint_score(self, state: State) -> Float[Array, "clouds n 3"]:
        log_density, scores = noised(state)
        return jnp.einsum("czn,czni->cni", self.posterior(log_density), scores)

    def posterior(self, log_density: Float[Array, "clouds shapes n"]) -> Array:
        """The probability of each shape, for each point."""
        if self.score == "mean field":
            whole = jnp.sum(log_density, axis=-1, keepdims=True)
            log_density = jnp.broadcast_to(whole, log_density.shape)
        return jax.nn.softmax(log_density, axis=1)

    def observables(self, state: State) -> Scalars:
        belief = self.posterior(noised(state)[0])
        nearest = jax.nn.one_hot(jnp.argmin(gaps(state), axis=1), belief.shape[1], axis=1)
        return {
            "purity": jnp.mean(jnp.max(jnp.mean(nearest, axis=-1), axis=1)),
            "certainty": jnp.mean(jnp.max(belief, axis=1)),
            "time": state.time,
        }

    def done(self, state: State) -> Bool[Array, ""]:
        return state.time < LATEST * 1.001

    @poke()
    def turn_back(self, state: State, key: Key[Array, ""]) -> State:
        """Add noise up to t₀, and condense once more."""
        time = jnp.maximum(self.turn, state.time)
        a = jnp.exp(state.time - time)
        noise = jax.random.normal(key, state.cloud.shape)
        return state._replace(cloud=a * state.cloud + jnp.sqrt(1 - a**2) * noise, time=time)

    def frame(self, state: State) -> Frame:
        belief = self.posterior(noised(state)[0])
        edges = jnp.broadcast_to(
            jnp.arange(belief.shape[1] + 1.0), (self.clouds, belief.shape[1] + 1)
        )
        shape = Colour(jnp.argmax(belief, axis=1).astype(float), scale="category")
        corner = jnp.full((self.clouds, 3), 2.5)
        return {
            "clouds": (Box(-corner, corner), Points(state.cloud, {"shape": shape})),
            "belief": (Axes("shape", "p"), Bars(edges, jnp.mean(belief, axis=-1))),
        }


def noised(
    state: State,
) -> tuple[Float[Array, "clouds shapes n"], Float[Array, "clouds shapes n 3"]]:
    """Of each point under each noised shape: log density, up to a constant, and score."""
    a, s2 = jnp.exp(-state.time), -jnp.expm1(-2 * state.time)

    def under(shape: Float[Array, "m 3"], x: Float[Array, "n 3"]) -> tuple[Array, Array]:
        # |x − a y|² without its x² part, which all shapes share: one product of matrices.
        logit = (a * x @ shape.T - a**2 / 2 * jnp.sum(shape**2, axis=1)) / s2
        top = jnp.max(logit, axis=1, keepdims=True)
        # One exponential a pair: the weights and their sum come of the same product.
        sums = jnp.exp(logit - top) @ jnp.concatenate([shape, jnp.ones((len(shape), 1))], axis=1)
        mean = sums[:, :3] / sums[:, 3:]
        return top[:, 0] + jnp.log(sums[:, 3]), (a * mean - x) / s2

    # One cloud at a time, so that its block of pairs stays in the cache.
    return lax.map(lambda x: jax.vmap(under, in_axes=(0, None))(state.shape, x), state.cloud)


def gaps(state: State) -> Float[Array, "clouds shapes n"]:
    """Squared distance from each point to the nearest data point of each shape."""

    def gap(shape: Float[Array, "m 3"], x: Float[Array, "n 3"]) -> Array:
        apart = jnp.sum(shape**2, axis=1) - 2 * x @ shape.T
        return jnp.sum(x**2, axis=1) + jnp.min(apart, axis=1)

    return lax.map(lambda x: jax.vmap(gap, in_axes=(0, None))(state.shape, x), state.cloud)
