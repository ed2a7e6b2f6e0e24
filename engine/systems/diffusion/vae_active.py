"""Latent variables that die one by one, and what their means pretend."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Captions, Colour, Curve, Frame, Image, Points
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.matrices import orthonormal
from engine.numerics.shapes import torus
from engine.numerics.training import Learned, Training, adam, drawn_at_once


SPECTRA = {
    "falling": (4.0, 2.0, 1.0, 0.5, 0.1, 0.05),
    "two levels": (3.0, 3.0, 3.0, 0.2, 0.2, 0.2),
    "flat": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
}
TORUS = "torus"
DIMENSIONS, BLUR = 10, 0.05  # of the space that the torus lies in, and its noise
WIDTH, BATCH = 64, 256  # of the networks that learn the torus, and the samples of a step
# Posterior variance below which, and variance of the means above which, a latent is active: close
# to the 1 and 0 of a dead one, so that it counts from where theory lets it live.
ACTIVE, MOVES = 0.95, 0.04
STEADY = 0.1  # standard deviation over the data of a passive latent's posterior variance, at most


class Linear(eqx.Module):
    """Encoder m = E x, decoder W z, and posterior variances that do not depend on x."""

    encode: Float[Array, "l d"]
    decode: Float[Array, "d l"]
    log_variance: Float[Array, " l"]


class Deep(eqx.Module):
    encoder: eqx.nn.MLP
    decoder: eqx.nn.MLP


class Seen(NamedTuple):
    """The latent variables of the data; latents from the surest to the least sure."""

    mean: Float[Array, "n l"]
    variance: Float[Array, "n l"]  # of the posterior
    sampled: Float[Array, "n l"]
    correlation: Float[Array, "2 l l"]  # of the means, of the samples


class State(NamedTuple):
    learned: Learned
    data: Float[Array, "n d"]
    noise: Float[Array, "n l"]  # of which posteriors are sampled
    hue: Float[Array, " n"]  # rad: where on the data a point lies
    place: Float[Array, "3 d"]  # of the torus, in the space that it lies in


class VaeActive(System[State]):
    """Active and passive latents

    A variational autoencoder squeezes data x through L noisy latents z and pays for what it keeps:

        loss = |x − g(z)|² / 2s² + β KL(q(z|x) ‖ N(0, 1))

    As β or the decoder's variance s² grows, latents die one by one: their posterior becomes the
    prior. For Gaussian data and a linear code it is exact: the latent of variance λ lives while
    λ > β s². Dead (passive) latents look strongly correlated in their means and are not at all in
    their samples: who reads means, reads a ghost.
    """

    sources = ("bonheme2021active",)
    after = True
    equations = (
        Equation(
            r"\mathcal{L}=\frac{\mathbb{E}|x-g(z)|^2}{2s^2}+\beta\,\mathrm{KL}\!\left(q(z|x)\,\|\,"
            r"\mathcal{N}(0,1)\right)",
            "what is kept, and its price",
        ),
        Equation(
            r"v_k=\min\!\left(\frac{\beta s^2}{\lambda_k},\,1\right),\qquad \mathrm{Var}\,m_k="
            r"1-v_k",
            "linear: posterior variance, and variance of the means, for the eigenvalue λ",
        ),
        Equation(
            r"\mathcal{L}_{\min}=\sum_{\lambda>\beta s^2}\frac{\beta}{2}\left(\ln\frac{\lambda}"
            r"{\beta s^2}+1\right)+\sum_{\lambda\le\beta s^2}\frac{\lambda}{2s^2}",
            "the least loss",
        ),
    )
    theory_name = "linear"
    assumptions = "Gaussian data and a linear code, trained to the end; silent for the torus."
    cell: ClassVar[Mapping[str, int]] = {"n": 128}
    hints: ClassVar[Mapping[str, Hint]] = {
        "latents": Hint(azimuth=35.0, elevation=25.0),
        "variances": Hint(large=False),
        "correlations": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("four live", beta=1.0, s2=0.3, data="falling"),
        Preset("three live", beta=3.0, s2=0.3, data="falling"),
        Preset("all dead", beta=10.0, s2=1.0, data="falling"),
        Preset("torus", beta=1.0, s2=0.02, data=TORUS, latents=8),
        Preset("torus, collapsed", beta=1.0, s2=0.3, data=TORUS, latents=8),
    )
    quantities = (
        Quantity("active", symbol="n", help="latents that live"),
        Quantity("mixed", symbol="n_mix", help="neither active nor passive for all data"),
        Quantity("loss", symbol="L", help="per datum, averaged over the last steps"),
        Quantity("in means", symbol="|ρ| means", span=(0, 1), help="correlation with passive ones"),
        Quantity("in samples", symbol="|ρ| samples", span=(0, 1), help="the same, of samples"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "trained"

    beta: Scalar = live(
        default=1.0,
        span=(0.1, 20),
        symbol="β",
        help="price of what is kept",
        log=True,
        limits=(1e-3, 1e3),
    )
    s2: Scalar = live(
        default=0.3,
        span=(0.01, 2),
        symbol="s²",
        help="variance of the decoder",
        log=True,
        limits=(1e-3, 1e3),
    )
    pace: Scalar = live(
        default=10, span=(0, 50), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    rate: Scalar = live(
        default=5e-3, span=(1e-4, 2e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    data: str = start(
        default="falling", choices=(*SPECTRA, TORUS), help="Gaussians by their spectrum, or a torus"
    )
    n: int = size(default=1000, span=(64, 10_000), symbol="N", help="data that are shown")
    latents: int = size(default=6, span=(3, 16), symbol="L", help="latent variables")

    @property
    def linear(self) -> bool:
        return self.data != TORUS

    def spectrum(self) -> Float[np.ndarray, " d"]:
        """The eigenvalues of the data's covariance, the largest first."""
        return np.array(SPECTRA.get(self.data, ()), np.float32)

    def training(self, place: Float[Array, "3 d"]) -> Training[Any]:  # of a Linear or a Deep
        if self.linear:
            return Training(self.drawn_linear, lambda net, _: self.expected(net), adam(self.rate))

        def build(key: Key[Array, ""]) -> Deep:
            one, other = jax.random.split(key)
            into, out = 2 * self.latents, DIMENSIONS
            return Deep(
                eqx.nn.MLP(DIMENSIONS, into, WIDTH, 2, activation=jax.nn.tanh, key=one),
                eqx.nn.MLP(self.latents, out, WIDTH, 2, activation=jax.nn.tanh, key=other),
            )

        def loss(network: Deep, key: Key[Array, ""]) -> Float[Array, ""]:
            for_x, for_z = jax.random.split(key)
            x, _ = on_torus(for_x, BATCH, place)
            mean, log_variance = jnp.split(jax.vmap(network.encoder)(x), 2, axis=1)
            z = mean + jnp.exp(log_variance / 2) * jax.random.normal(for_z, mean.shape)
            off = jnp.sum((x - jax.vmap(network.decoder)(z)) ** 2, axis=1)
            price = jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1, axis=1) / 2
            return jnp.mean(off / (2 * self.s2) + self.beta * price)

        return Training(lambda key: drawn_at_once(build, key, biases=True), loss, adam(self.rate))

    def drawn_linear(self, key: Key[Array, ""]) -> Linear:
        one, other = jax.random.split(key)
        shape = (self.latents, len(self.spectrum()))
        return Linear(
            0.1 * jax.random.normal(one, shape),
            0.1 * jax.random.normal(other, shape[::-1]),
            jnp.zeros(self.latents),
        )

    def expected(self, net: Linear) -> Float[Array, ""]:
        """The loss averaged over all Gaussian data and all samples, exactly."""
        spectrum = jnp.asarray(self.spectrum())
        miss = jnp.eye(len(spectrum)) - net.decode @ net.encode
        variance = jnp.exp(net.log_variance)
        off = jnp.sum(miss**2 * spectrum) + jnp.sum(variance * jnp.sum(net.decode**2, axis=0))
        moved = jnp.sum(net.encode**2 * spectrum, axis=1)
        price = jnp.sum(moved + variance - net.log_variance - 1) / 2
        return off / (2 * self.s2) + self.beta * price

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_data, for_place, for_noise = jax.random.split(key, 4)
        place = orthonormal(jax.random.normal(for_place, (DIMENSIONS, 3))).T
        if self.linear:
            spectrum = jnp.asarray(self.spectrum())
            data = jnp.sqrt(spectrum) * jax.random.normal(for_data, (self.n, len(spectrum)))
            hue = jnp.arctan2(data[:, 1], data[:, 0])
        else:
            data, hue = on_torus(for_data, self.n, place)
        noise = jax.random.normal(for_noise, (self.n, self.latents))
        return State(self.training(place).begin(for_network), data, noise, hue, place)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        learned = self.training(state.place).on(state.learned, key, self.pace)
        return state._replace(learned=learned)

    def seen(self, state: State) -> Seen:
        network = self.training(state.place).network(state.learned)
        if isinstance(network, Linear):
            mean = state.data @ network.encode.T
            variance = jnp.broadcast_to(jnp.exp(network.log_variance), mean.shape)
        else:
            mean, log_variance = jnp.split(jax.vmap(network.encoder)(state.data), 2, axis=1)
            variance = jnp.exp(log_variance)
        order = jnp.argsort(jnp.mean(variance, axis=0))
        mean, variance = mean[:, order], variance[:, order]
        sampled = mean + jnp.sqrt(variance) * state.noise[:, order]
        both = jnp.stack([correlated(mean), correlated(sampled)])
        return Seen(mean, variance, sampled, both)

    def observables(self, state: State) -> Scalars:
        seen = self.seen(state)
        sure = jnp.mean(seen.variance, axis=0)
        active = (sure < ACTIVE) & (jnp.var(seen.mean, axis=0) > MOVES)
        passive = (sure >= ACTIVE) & (jnp.std(seen.variance, axis=0) < STEADY)
        # Pairs with a passive latent in them.
        pairs = (passive[:, None] | passive) & ~jnp.eye(self.latents, dtype=bool)
        found = jnp.sum(jnp.abs(seen.correlation) * pairs, axis=(1, 2)) / jnp.maximum(
            jnp.sum(pairs), 1
        )
        return {
            "active": jnp.sum(active).astype(float),
            "mixed": jnp.sum(~active & ~passive).astype(float),
            "loss": state.learned.loss,
            "in means": found[0],
            "in samples": found[1],
            "trained": state.learned.steps.astype(float),
        }

    def expected_variances(self) -> Float[Array, " l"]:
        """The posterior variances of the best linear code; latents beyond the data are dead."""
        held = self.spectrum()[: self.latents]
        dead = np.full(self.latents - len(held), 1e-9, np.float32)
        return jnp.minimum(self.beta * self.s2 / jnp.asarray(np.append(held, dead)), 1)

    def theory(self) -> Scalars:
        if not self.linear:
            return {"active": jnp.asarray(jnp.nan), "loss": jnp.asarray(jnp.nan)}
        spectrum = jnp.asarray(self.spectrum())
        price = jnp.asarray(self.beta * self.s2, float)
        lives = (spectrum > price) & (jnp.arange(len(spectrum)) < self.latents)
        kept = self.beta / 2 * (jnp.log(spectrum / price) + 1)
        return {
            "active": jnp.sum(lives).astype(float),
            "loss": jnp.sum(jnp.where(lives, kept, spectrum / (2 * self.s2))),
        }

    def boundaries(self) -> dict[str, Boundary]:
        """Where each latent dies: β s² = λ."""
        levels = dict.fromkeys(self.spectrum()[: self.latents].tolist())
        beta, s2 = jnp.asarray(self.beta, float), jnp.asarray(self.s2, float)
        return {
            f"λ = {level:.3g}": Boundary({"beta": level / s2, "s2": level / beta})
            for level in levels
        }

    def caveats(self, state: State) -> Flags:
        return {
            "still learning: fewer than 1000 steps": state.learned.steps < 1000,
            "a small version: the paper trains on images": jnp.asarray(not self.linear),
        }

    def frame(self, state: State) -> Frame:
        seen = self.seen(state)
        both = jnp.stack([seen.mean, seen.sampled])[..., :3]
        corner, whole = jnp.full((2, 3), 2.6), jnp.full((2, 2), float(self.latents))
        hue = jnp.broadcast_to(state.hue, both.shape[:2])
        edges = jnp.arange(self.latents + 1) + 0.5
        bars = Bars(edges, jnp.mean(seen.variance, axis=0), label="measured")
        theory = (
            (Bars(edges, self.expected_variances(), role="theory", label="linear"),)
            if self.linear
            else ()
        )
        words = Captions(("means", "samples"))
        return {
            "latents": (
                Box(-corner, corner),
                Points(both, {"where in the data": Colour(hue, scale="phase")}),
                words,
            ),
            "variances": (Axes("latent, the surest first", "posterior variance"), bars, *theory),
            "correlations": (
                Box(0 * whole, whole),
                Image(seen.correlation, scale="signed", span=(-1, 1)),
                words,
            ),
            "loss": (
                Axes("optimiser steps", "loss", log="x"),
                Curve(*state.learned.history.curve(), "measured"),
                *self.least(state),
            ),
        }

    def least(self, state: State) -> tuple[Curve, ...]:
        """The least loss there is, as a line."""
        if not self.linear:
            return ()
        steps, _ = state.learned.history.curve()
        level = jnp.full(2, self.theory()["loss"])
        return (Curve(jnp.stack([steps[0], steps[-1]]), level, "theory", "least"),)


def on_torus(
    key: Key[Array, ""], count: int, place: Float[Array, "3 d"]
) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
    """Points of a torus of unit variance, in ten dimensions, and where around they are."""
    for_point, for_blur = jax.random.split(key)
    point = torus(for_point, count) / math.sqrt(1.32 / 3)  # R² + 2r², shared by three axes
    blur = BLUR * jax.random.normal(for_blur, (count, place.shape[1]))
    return point @ place + blur, jnp.arctan2(point[:, 1], point[:, 0])


def correlated(z: Float[Array, "n l"]) -> Float[Array, "l l"]:
    """The correlation matrix; 0 where something does not vary at all."""
    off = z - jnp.mean(z, axis=0)
    unit = off / jnp.maximum(jnp.linalg.norm(off, axis=0), 1e-12)
    return unit.T @ unit
