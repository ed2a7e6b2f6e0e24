"""Latent variables that die one by one, and what their means pretend."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import (
    Axes,
    Bars,
    Box,
    Captions,
    Colour,
    Curve,
    Frame,
    Image,
    Layer,
    Points,
    losses,
)
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.embedded_torus import BLUR, DIMENSIONS, SPREAD, covariance, on_torus
from engine.numerics.handwriting import INK, SIDE, digits
from engine.numerics.matrices import orthonormal
from engine.numerics.training import Learned, Training, adam, drawn_at_once


GAUSSIAN, POWER, TORUS, DIGITS = "Gaussian", "power law", "torus", "digits"
EDITED = ("ev1", "ev2", "ev3", "ev4", "ev5", "ev6")  # eigenvalues that a hand may drag
WIDTH, BATCH = 64, 256  # of the networks of a deep code, and the samples of a step
# A latent is dead for a datum where its posterior variance is above DEAD: close to the 1 of the
# prior, so that it counts as active from where theory lets it live. It is passive if it is dead for
# all data but FEW, or if the variance of its means is below MOVES; active if it is dead for FEW.
DEAD, FEW, MOVES = 0.95, 0.1, 0.04
GAP = 1  # pixels between digits
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


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
    order: Int[Array, " l"]  # which of the network's latents each is


class State(NamedTuple):
    learned: Learned
    drawn: Float[Array, "n d"]  # the data; Gaussian ones in units of their deviations
    noise: Float[Array, "n l"]  # of which posteriors are sampled
    hue: Float[Array, " n"]  # where on the data a point lies, in rad; or which digit it is
    place: Float[Array, "3 d"]  # of the torus, in the space that it lies in


def eigenvalue(k: int, default: float) -> Any:
    """One that a hand may drag while the code is learnt."""
    return live(
        default=default,
        span=(0.01, 10),
        symbol="λ" + str(k).translate(SUBSCRIPTS),
        help=f"eigenvalue {k} of Gaussian data" + (", and of the power law" if k == 1 else ""),
        log=True,
        limits=(0, 1e4),
    )


class VaeActive(System[State]):
    """Active and passive latents

    A variational autoencoder squeezes data x through L noisy latents z and pays for what it keeps:

        loss = |x − g(z)|² / 2s² + β KL(q(z|x) ‖ N(0, 1))

    As β or the decoder's variance s² grows, latents die one by one: their posterior becomes the
    prior. For a linear code it is exact: the latent of variance λ, an eigenvalue of the data's
    covariance, lives while λ > β s². Drag the eigenvalues of Gaussian data, or squeeze a torus
    or handwritten digits. Dead (passive) latents look strongly correlated in their means and are
    not at all in their samples: who reads means, reads a ghost.
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
    assumptions = (
        "A linear code, trained to the end: exact for all data of this covariance. A deep code may "
        "do better."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 128}
    hints: ClassVar[Mapping[str, Hint]] = {
        "latents": Hint(azimuth=35.0, elevation=25.0),
        "reconstruction": Hint(azimuth=35.0, elevation=25.0, large=False),
        "spectrum": Hint(large=False),
        "variances": Hint(large=False),
        "correlations": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("four live", beta=1.0, s2=0.3, data=GAUSSIAN, code="linear"),
        Preset("three live", beta=3.0, s2=0.3, data=GAUSSIAN, code="linear"),
        Preset("all dead", beta=10.0, s2=1.0, data=GAUSSIAN, code="linear"),
        Preset(
            "two levels",
            ev1=3.0,
            ev2=3.0,
            ev3=3.0,
            ev4=0.2,
            ev5=0.2,
            ev6=0.2,
            data=GAUSSIAN,
            code="linear",
        ),
        Preset("torus", beta=1.0, s2=0.02, data=TORUS, latents=8, code="deep"),
        Preset("torus, collapsed", beta=1.0, s2=0.3, data=TORUS, latents=8, code="deep"),
        Preset("digits", beta=1.0, s2=1.0, data=DIGITS, latents=12, code="deep"),
    )
    quantities = (
        Quantity("active", symbol="n", help="latents that live"),
        Quantity("mixed", symbol="n_mix", help="active for some data, passive for others"),
        Quantity("passive", symbol="n_pas", help="latents whose posterior is the prior"),
        Quantity("loss", symbol="L", help="per datum, averaged over the last steps"),
        Quantity("in means", symbol="|ρ| means", span=(0, 1), help="correlation with passive ones"),
        Quantity("in samples", symbol="|ρ| samples", span=(0, 1), help="the same, of samples"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

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
    ev1: Scalar = eigenvalue(1, 4.0)
    ev2: Scalar = eigenvalue(2, 2.0)
    ev3: Scalar = eigenvalue(3, 1.0)
    ev4: Scalar = eigenvalue(4, 0.5)
    ev5: Scalar = eigenvalue(5, 0.1)
    ev6: Scalar = eigenvalue(6, 0.05)
    decay: Scalar = live(
        default=1.5,
        span=(0, 4),
        symbol="a",
        help="of the power law λₖ = λ₁ k^(−a)",
        limits=(-10, 10),
    )
    data: str = start(
        default=GAUSSIAN,
        choices=(GAUSSIAN, POWER, TORUS, DIGITS),
        help="Gaussian with λ₁ to λ₆ or λ₁ k^(−a); a torus in 10 dimensions; 400 digits, 64 pixels",
    )
    code: str = start(
        default="linear",
        choices=("linear", "deep"),
        help="encoder and decoder: matrices, learnt by the exact loss, or networks, by samples",
    )
    n: int = size(default=1000, span=(64, 10_000), symbol="N", help="data that are shown")
    latents: int = size(default=6, span=(2, 16), symbol="L", help="latent variables")
    room: int = size(default=16, span=(3, 64), symbol="D", help="dimensions of the power law")

    @property
    def linear(self) -> bool:
        return self.code == "linear"

    @property
    def gaussian(self) -> bool:
        return self.data in (GAUSSIAN, POWER)

    def variances(self) -> Float[Array, " d"]:
        """Of the data along the axes of their covariance, in the order that they are drawn in."""
        if self.data == GAUSSIAN:
            return jnp.stack([jnp.asarray(getattr(self, name), float) for name in EDITED])
        if self.data == POWER:
            return self.ev1 * jnp.arange(1.0, self.room + 1) ** -jnp.asarray(self.decay, float)
        if self.data == TORUS:
            return jnp.zeros(DIMENSIONS).at[:3].set(jnp.array(SPREAD)) + BLUR**2
        return jnp.asarray(digits().spectrum)

    def spectrum(self) -> Float[Array, " d"]:
        """The eigenvalues of the data's covariance, the largest first."""
        return jnp.sort(self.variances(), descending=True)

    def covariance(self, place: Float[Array, "3 _"]) -> Float[Array, "d d"]:
        if self.gaussian:
            return jnp.diag(self.variances())
        if self.data == TORUS:
            return covariance(place)
        return jnp.asarray(digits().covariance)

    def some(
        self, key: Key[Array, ""], count: int, place: Float[Array, "3 _"]
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Data as they are drawn, and where among all of them each lies."""
        if self.gaussian:
            drawn = jax.random.normal(key, (count, len(self.variances())))
            return drawn, jnp.arctan2(drawn[:, 1], drawn[:, 0])
        if self.data == TORUS:
            return on_torus(key, count, place)
        held = digits()
        which = jnp.resize(jax.random.permutation(key, len(held.pixels)), (count,))
        return jnp.asarray(held.pixels)[which], jnp.asarray(held.digit)[which]

    def scaled(self, drawn: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """The data themselves: Gaussian ones follow the eigenvalues that are dragged."""
        return drawn * jnp.sqrt(self.variances()) if self.gaussian else drawn

    def training(self, place: Float[Array, "3 _"]) -> Training[Any]:  # of a Linear or a Deep
        if self.linear:
            covariance = self.covariance(place)
            return Training(
                self.drawn_linear, lambda net, _: self.expected(net, covariance), adam(self.rate)
            )

        def build(key: Key[Array, ""]) -> Deep:
            one, other = jax.random.split(key)
            many, tanh = len(self.variances()), jax.nn.tanh
            return Deep(
                eqx.nn.MLP(many, 2 * self.latents, WIDTH, 2, activation=tanh, key=one),
                eqx.nn.MLP(self.latents, many, WIDTH, 2, activation=tanh, key=other),
            )

        def loss(network: Deep, key: Key[Array, ""]) -> Float[Array, ""]:
            for_x, for_z = jax.random.split(key)
            x = self.scaled(self.some(for_x, BATCH, place)[0])
            mean, log_variance = jnp.split(jax.vmap(network.encoder)(x), 2, axis=1)
            z = mean + jnp.exp(log_variance / 2) * jax.random.normal(for_z, mean.shape)
            off = jnp.sum((x - jax.vmap(network.decoder)(z)) ** 2, axis=1)
            price = jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1, axis=1) / 2
            return jnp.mean(off / (2 * self.s2) + self.beta * price)

        return Training(lambda key: drawn_at_once(build, key, biases=True), loss, adam(self.rate))

    def drawn_linear(self, key: Key[Array, ""]) -> Linear:
        one, other = jax.random.split(key)
        shape = (self.latents, len(self.variances()))
        return Linear(
            0.1 * jax.random.normal(one, shape),
            0.1 * jax.random.normal(other, shape[::-1]),
            jnp.zeros(self.latents),
        )

    def expected(self, net: Linear, covariance: Float[Array, "d d"]) -> Float[Array, ""]:
        """The loss averaged over all data of this covariance and all samples, exactly."""
        miss = jnp.eye(len(covariance)) - net.decode @ net.encode
        variance = jnp.exp(net.log_variance)
        off = jnp.sum((miss @ covariance) * miss)
        off = off + jnp.sum(variance * jnp.sum(net.decode**2, axis=0))
        moved = jnp.sum((net.encode @ covariance) * net.encode, axis=1)
        price = jnp.sum(moved + variance - net.log_variance - 1) / 2
        return off / (2 * self.s2) + self.beta * price

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_data, for_place, for_noise = jax.random.split(key, 4)
        place = orthonormal(jax.random.normal(for_place, (DIMENSIONS, 3))).T
        drawn, hue = self.some(for_data, self.n, place)
        noise = jax.random.normal(for_noise, (self.n, self.latents))
        return State(self.training(place).begin(for_network), drawn, noise, hue, place)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        learned = self.training(state.place).on(state.learned, key, self.pace)
        return state._replace(learned=learned)

    def seen(self, state: State) -> Seen:
        network = self.training(state.place).network(state.learned)
        data = self.scaled(state.drawn)
        if isinstance(network, Linear):
            mean = data @ network.encode.T
            variance = jnp.broadcast_to(jnp.exp(network.log_variance), mean.shape)
        else:
            mean, log_variance = jnp.split(jax.vmap(network.encoder)(data), 2, axis=1)
            variance = jnp.exp(log_variance)
        order = jnp.argsort(jnp.mean(variance, axis=0))
        mean, variance = mean[:, order], variance[:, order]
        sampled = mean + jnp.sqrt(variance) * state.noise[:, order]
        both = jnp.stack([correlated(mean), correlated(sampled)])
        return Seen(mean, variance, sampled, both, order)

    def decoded(self, state: State, latent: Float[Array, "n l"], order: Array) -> Array:
        """What the decoder makes of latents in the order that they are seen in."""
        network = self.training(state.place).network(state.learned)
        latent = latent[:, jnp.argsort(order)]
        if isinstance(network, Linear):
            return latent @ network.decode.T
        return jax.vmap(network.decoder)(latent)

    def observables(self, state: State) -> Scalars:
        seen = self.seen(state)
        active, mixed, passive = kinds(seen)
        # Pairs with a passive latent in them.
        pairs = (passive[:, None] | passive) & ~jnp.eye(self.latents, dtype=bool)
        found = jnp.sum(jnp.abs(seen.correlation) * pairs, axis=(1, 2)) / jnp.maximum(
            jnp.sum(pairs), 1
        )
        return {
            "active": jnp.sum(active).astype(float),
            "mixed": jnp.sum(mixed).astype(float),
            "passive": jnp.sum(passive).astype(float),
            "loss": state.learned.loss,
            "in means": found[0],
            "in samples": found[1],
            "trained": state.learned.steps.astype(float),
        }

    def expected_variances(self) -> Float[Array, " l"]:
        """The posterior variances of the best linear code; latents beyond the data are dead."""
        held = self.spectrum()[: self.latents]
        dead = jnp.zeros(self.latents - len(held))
        return jnp.minimum(self.beta * self.s2 / jnp.maximum(jnp.append(held, dead), 1e-9), 1)

    def theory(self) -> Scalars:
        spectrum = self.spectrum()
        price = jnp.asarray(self.beta * self.s2, float)
        lives = (spectrum > price) & (jnp.arange(len(spectrum)) < self.latents)
        kept = self.beta / 2 * (jnp.log(jnp.maximum(spectrum, 1e-9) / price) + 1)
        return {
            "active": jnp.sum(lives).astype(float),
            "loss": jnp.sum(jnp.where(lives, kept, spectrum / (2 * self.s2))),
        }

    def boundaries(self) -> dict[str, Boundary]:
        """Where each latent dies: β s² = λ."""
        beta, s2 = jnp.asarray(self.beta, float), jnp.asarray(self.s2, float)
        return {
            f"λ{k + 1}".translate(SUBSCRIPTS): Boundary({"beta": level / s2, "s2": level / beta})
            for k, level in enumerate(self.spectrum()[: self.latents])
        }

    def caveats(self, state: State) -> Flags:
        return {
            "still learning: fewer than 1000 steps": state.learned.steps < 1000,
            "a small version: the paper trains on images": jnp.asarray(not self.linear),
            "it learns its 400 digits by heart too: others would cost more": jnp.asarray(
                self.data == DIGITS and not self.linear
            ),
        }

    def frame(self, state: State) -> Frame:
        seen = self.seen(state)
        whole = jnp.full((2, 2), float(self.latents))
        edges = jnp.arange(self.latents + 1) + 0.5
        return {
            "latents": self.pointed(state, seen.mean, seen.sampled, words=("means", "samples")),
            "reconstruction": self.reconstructed(state, seen),
            "spectrum": self.waterline(),
            "variances": (
                Axes("latent, the surest first", "posterior variance"),
                Bars(edges, jnp.mean(seen.variance, axis=0), label="measured"),
                Bars(edges, self.expected_variances(), role="theory", label="linear theory"),
            ),
            "correlations": (
                Box(0 * whole, whole),
                Image(seen.correlation, scale="signed", span=(-1, 1)),
                Captions(("means", "samples")),
            ),
            "loss": (*losses(state.learned.history, "x"), self.least(state)),
        }

    def pointed(self, state: State, *clouds: Array, words: tuple[str, ...]) -> tuple[Layer, ...]:
        """Clouds side by side, by their first three coordinates."""
        three = [jnp.pad(x[:, :3], ((0, 0), (0, max(0, 3 - x.shape[1])))) for x in clouds]
        position = jnp.stack(three)
        corner = jnp.full((len(clouds), 3), 2.6)
        hue = jnp.broadcast_to(state.hue, position.shape[:2])
        colour = (
            {"digit": Colour(hue, scale="category")}
            if self.data == DIGITS
            else {"where in the data": Colour(hue, scale="phase")}
        )
        return Box(-corner, corner), Points(position, colour), Captions(words)

    def reconstructed(self, state: State, seen: Seen) -> tuple[Layer, ...]:
        """The data, and what comes back: a cloud, or one digit of each kind."""
        data = self.scaled(state.drawn)
        if self.data == DIGITS:
            kind = jnp.arange(10.0)
            first = jnp.argmax(state.hue[:, None] == kind, axis=0)
            back = self.decoded(state, seen.mean[first], seen.order)
            rows = jnp.stack([digits().ink(x) for x in (data[first], back)])
            return (
                Axes("digits, each over what comes back", ""),
                Image(in_rows(rows), span=(0, INK)),
            )
        clouds = (data, self.decoded(state, seen.mean, seen.order))
        if self.data == TORUS:
            clouds = tuple(x @ state.place.T for x in clouds)
        return self.pointed(state, *clouds, words=("data", "from means"))

    def waterline(self) -> tuple[Axes, Curve, Curve]:
        """The largest eigenvalues of the data, and the level below which latents drown."""
        spectrum = self.spectrum()[: 2 * self.latents]
        rank = jnp.arange(1.0, len(spectrum) + 1)
        seen = jnp.where(spectrum > 1e-4, spectrum, jnp.nan)
        level = jnp.full(2, self.beta * self.s2)
        return (
            Axes("eigenvalue of the data, the largest first", "λ", log="y"),
            Curve(rank, seen, "measured", "λ of the data"),
            Curve(rank[jnp.array([0, -1])], level, "guide", "β s²"),
        )

    def least(self, state: State) -> Curve:
        """The least loss of a linear code, as a line."""
        steps, _ = state.learned.history.curve()
        level = jnp.full(2, self.theory()["loss"])
        return Curve(jnp.stack([steps[0], steps[-1]]), level, "theory", "least of a linear code")


def kinds(seen: Seen) -> tuple[Bool[Array, " l"], Bool[Array, " l"], Bool[Array, " l"]]:
    """Which latents are active, mixed (active for some data, passive for others), and passive."""
    dead = jnp.mean(seen.variance > DEAD, axis=0)  # share of the data
    passive = (dead > 1 - FEW) | (jnp.var(seen.mean, axis=0) < MOVES)
    active = ~passive & (dead < FEW)
    return active, ~active & ~passive, passive


def correlated(z: Float[Array, "n l"]) -> Float[Array, "l l"]:
    """The correlation matrix; 0 where something does not vary at all."""
    off = z - jnp.mean(z, axis=0)
    unit = off / jnp.maximum(jnp.linalg.norm(off, axis=0), 1e-12)
    return unit.T @ unit


def in_rows(pictures: Float[Array, "2 10 side side"]) -> Float[Array, "height width"]:
    """Pictures of two kinds, five beside each other, each of the first over its second."""
    framed = jnp.pad(pictures, ((0, 0), (0, 0), (GAP, 0), (0, GAP)))
    rows = framed.reshape(2, 2, 5, SIDE + GAP, SIDE + GAP)
    # Row 0 of a picture is at the bottom, so the last ones come first.
    upward = jnp.swapaxes(rows, 0, 1)[::-1, ::-1].reshape(4, 5, SIDE + GAP, SIDE + GAP)
    return jnp.concatenate([jnp.concatenate(list(row), axis=1) for row in upward])
