"""The same score by a flow and by a diffusion: with an error of it the two end apart."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import (
    Axes,
    Box,
    Captions,
    Colour,
    Curve,
    Frame,
    Image,
    Points,
    histogram,
    losses,
)
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.drift_diffusion import carried, quantiles, wasserstein
from engine.numerics.roots import bisect
from engine.numerics.scores import spent
from engine.numerics.training import Learned, Training, adam, drawn_at_once


LATEST = 0.01  # schedule time at which data are reached; noise is at 1
PAUSE = 80  # steps that the two are shown for at the end
REACH, CELLS = 6.0, 321  # half the length of the grid of densities, and its cells
GRID = np.linspace(-REACH, REACH, CELLS).astype(np.float32)
LEVELS = ((np.arange(256) + 0.5) / 256).astype(np.float32)  # of quantiles
KEPT = 1024  # steps that the curve of the gap remembers
BATCH, WIDTH = 256, 48  # of an optimiser step, and of the network
TIMES, PLACES = 40, 81  # of the map of the residual
LAWS = {  # weights, means and variances of a coordinate of the data
    "mixture": ((0.3, 0.7), (-1.5, 1.5), (0.25**2, 0.25**2)),
    "Gaussian": ((1.0,), (0.0,), (1.0,)),
}

Potential = Callable[[Float[Array, ""], Float[Array, ""]], Float[Array, ""]]


class State(NamedTuple):
    first: Float[Array, "n 2"]  # where both swarms began
    flow: Float[Array, "n 2"]
    diffusion: Float[Array, "n 2"]
    quantile: Float[Array, " q"]  # of a coordinate of infinitely many that flow
    density: Float[Array, " cells"]  # of a coordinate of infinitely many that diffuse
    taken: Int[Array, ""]  # steps since the noise
    shown: Int[Array, ""]  # steps since the data were reached
    past: Float[Array, "kept 2"]  # (schedule time, gap), the newest last
    learned: Learned


class OdeSdeGap(System[State]):
    """Flow and diffusion apart

    Two swarms start from the same noise and are led back by the same score s = ∂u: one by the
    probability flow, one by the reversed diffusion. With the exact score both pass through the
    same densities. With an error of it they do not, and the gap is bounded by the residual of the
    Fokker–Planck equation that u leaves. An error is amplified by the flow without end; noise
    forgets it. A network that is trained with a price w_R on the residual closes the gap, and may
    pay for it with the diffusion's samples. (Both coordinates are independent copies.)
    """

    sources = ("deveney2025odesde",)
    equations = (
        Equation(
            r"\mathrm{d}x=-\tfrac{1}{2}\beta x\,\mathrm{d}t+\sqrt{\beta}\,\mathrm{d}W",
            "noise, forwards; β rises from 0.1 to 19.9 in units of B/10",
        ),
        Equation(
            r"\dot x=\tfrac{1}{2}\beta\,(x+s)\quad\text{or}\quad "
            r"\mathrm{d}x=\beta\left(\tfrac{1}{2}x+s\right)\mathrm{d}t+\sqrt{\beta}\,\mathrm{d}W",
            "backwards: the flow, or the diffusion",
        ),
        Equation(
            r"R=\frac{\partial_t u}{\beta}-\tfrac{1}{2}\left(1+x\,\partial_x u+\partial_x^2 u"
            r"+(\partial_x u)^2\right),\qquad s=\partial_x u",
            "what u leaves of the Fokker–Planck equation",
        ),
        Equation(
            r"v_{\mathrm{flow}}=e^{-\delta B},\quad v_{\mathrm{diff}}=\frac{1}{c}+"
            r"\left(1-\frac{1}{c}\right)e^{-cB},\quad c=1+2\delta",
            "Gaussian data with the score (1 + δ) S: variances at the end",
        ),
    )
    theory_name = "exact"
    assumptions = "Gaussian data, the score wrong by a factor 1 + δ alone, infinitely many."
    cell: ClassVar[Mapping[str, int]] = {"n": 256}
    spanned = ("score_error", "total")
    mapped = "ratio"
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarms": Hint(glow=False),
        "densities": Hint(large=False),
        "residual": Hint(large=False),
        "gap": Hint(large=False),
        "learning": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (
        Pair("exact score | wrong score", {"score_error": 0.0}, {"score_error": 0.3}),
    )
    presets = (
        Preset("wrong by a fifth", score="analytic", score_error=0.2, ripple=0.0),
        Preset("exact score", score="analytic", score_error=0.0, ripple=0.0),
        Preset("score too weak", score="analytic", score_error=-0.2, ripple=0.0),
        Preset("rippled score", score="analytic", score_error=0.0, ripple=0.7, wave=4.0),
        Preset("Gaussian, all known", data="Gaussian", score_error=0.3, total=10.0),
        Preset("learn it", score="trained", price=0.0, pace=10),
        Preset("learn it, residual priced", score="trained", price=0.1, pace=10),
    )
    quantities = (
        Quantity(
            "gap", symbol="W₂", log=True, help="between flow and diffusion, of infinitely many"
        ),
        Quantity("residual", symbol="⟨s²|R|⟩", log=True, help="of Fokker–Planck, over the data"),
        Quantity("flow variance", symbol="v_ODE", log=True, help="of a coordinate"),
        Quantity("diffusion variance", symbol="v_SDE", log=True, help="of a coordinate"),
        Quantity(
            "ratio", symbol="ln v_ODE/v_SDE", signed=True, help="of the variances: 0 if they agree"
        ),
        Quantity("flow error", symbol="W₂ ODE", log=True, help="from the flow to the exact law"),
        Quantity("diffusion error", symbol="W₂ SDE", log=True, help="from the diffusion to it"),
        Quantity("time", symbol="t", span=(0, 1), help="of the schedule, 1 is noise"),
        Quantity("loss", symbol="L", log=True, help="of the network"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    score_error: Scalar = live(
        default=0.2,
        span=(-0.45, 1),
        symbol="δ",
        help="relative error of the score",
        limits=(-1, 100),
    )
    ripple: Scalar = live(
        default=0.0,
        span=(0, 1),
        symbol="ε₀",
        help="of sin(kx), added to the score",
        limits=(0, math.inf),
    )
    wave: Scalar = live(
        default=2.0, span=(0.5, 8), symbol="k", help="wave number of that", limits=(0.01, 100)
    )
    price: Scalar = live(
        default=0.0,
        span=(0, 10),
        symbol="w_R",
        help="of the residual, in the network's loss",
        limits=(0, math.inf),
    )
    rate: Scalar = live(
        default=3e-3, span=(1e-5, 1e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    pace: Scalar = live(
        default=10,
        span=(0, 30),
        symbol="Δk",
        help="optimiser steps in a step of a trained score; 0 pauses learning",
        limits=(0, 1000),
    )
    score: str = mode(
        default="analytic", choices=("analytic", "trained"), help="exact with an error, or learnt"
    )
    flow: str = mode(default="again", choices=("again", "once"), help="start anew, or stay")
    data: str = start(default="mixture", choices=tuple(LAWS), help="law of each coordinate")
    total: Scalar = start(
        default=10.0,
        span=(0.1, 20),
        symbol="B",
        help="total noise ∫β",
        log=True,
        limits=(1e-3, 100),
    )
    steps: Scalar = start(
        default=400,
        span=(100, 1000),
        symbol="T",
        help="from noise to data",
        log=True,
        limits=(10, math.inf),
    )
    n: int = size(default=5000, span=(100, 50_000), symbol="N", help="particles of a swarm")

    # The law and the score.

    def noise(self, t: Scalar | Float[Array, "*t"]) -> Float[Array, "*t"]:
        """τ = ∫₀ᵗ β: in it noise is dx = −x/2 dτ + dW."""
        t = jnp.asarray(t, float)
        return self.total * (0.1 * t + 9.95 * t**2) / 10.05

    def schedule(self, tau: Float[Array, ""]) -> Float[Array, ""]:
        """t at which the noise is τ."""
        return (jnp.sqrt(0.01 + 39.8 * 10.05 * tau / self.total) - 0.1) / 19.9

    def log_density(self, x: Float[Array, ""], tau: Float[Array, ""]) -> Float[Array, ""]:
        weight, mean, variance = (jnp.array(part) for part in LAWS[self.data])
        kept = jnp.exp(-tau)
        spread = kept * variance - jnp.expm1(-tau)
        apart = (x - jnp.sqrt(kept) * mean) ** 2
        parts = jnp.log(weight) - apart / (2 * spread) - jnp.log(2 * jnp.pi * spread) / 2
        return jax.nn.logsumexp(parts)

    def potential(self, learned: Learned | None = None) -> Potential:
        """u, whose slope along x is the score that is used; of a network what it has learnt."""
        if self.score == "trained" and learned is not None:
            network = self.training().network(learned)
            return lambda x, tau: self.learnt(network, x, tau)

        def exact_but(x: Float[Array, ""], tau: Float[Array, ""]) -> Float[Array, ""]:
            wrong = self.ripple / self.wave * jnp.cos(self.wave * x)
            return (1 + self.score_error) * self.log_density(x, tau) - wrong

        return exact_but

    def learnt(
        self, network: eqx.nn.MLP, x: Float[Array, ""], tau: Float[Array, ""]
    ) -> Float[Array, ""]:
        """A correction to the unit Gaussian, which noise ends in."""
        seen = jnp.stack([x, 2 * self.schedule(tau) - 1, jnp.sqrt(-jnp.expm1(-tau))])
        return network(seen)[0] - x**2 / 2

    def training(self) -> Training[eqx.nn.MLP]:
        """Denoising score matching in all of the data's noise, and the price of the residual."""
        weight, mean, variance = (jnp.array(part) for part in LAWS[self.data])

        def build(key: Key[Array, ""]) -> eqx.nn.MLP:
            return eqx.nn.MLP(3, 1, WIDTH, 2, activation=jnp.tanh, key=key)

        def loss(network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
            for_choice, for_noise = jax.random.split(key)
            choice = jax.random.uniform(for_choice, (2, BATCH))
            place, noise = jax.random.normal(for_noise, (2, BATCH))
            part = jnp.minimum(jnp.searchsorted(jnp.cumsum(weight), choice[0]), len(weight) - 1)
            t = LATEST + (1 - LATEST) * (jnp.arange(BATCH) + choice[1]) / BATCH
            tau = self.noise(t)
            spread = -jnp.expm1(-tau)
            y = mean[part] + jnp.sqrt(variance[part]) * place
            x = jnp.exp(-tau / 2) * y + jnp.sqrt(spread) * noise

            def u(x: Array, tau: Array) -> Array:
                return self.learnt(network, x, tau)

            slope = jax.vmap(jax.grad(u))(x, tau)
            matching = jnp.mean((jnp.sqrt(spread) * slope + noise) ** 2)
            left = jax.vmap(lambda x, tau: residual(u, x, tau))(x, tau)
            return matching + self.price * jnp.mean(spread * jnp.abs(left))

        return Training(lambda key: drawn_at_once(build, key), loss, adam(self.rate, decay=3000))

    # The way back.

    def init(self, key: Key[Array, ""]) -> State:
        for_swarm, for_network = jax.random.split(key)
        # A network that has learnt nothing is near the unit Gaussian: s (−x) + z is what it leaves.
        t = jnp.linspace(LATEST, 1, 64)
        kept = jnp.exp(-self.noise(t))
        weight, mean, variance = (np.array(part) for part in LAWS[self.data])
        second = float(weight @ (mean**2 + variance))
        before = jnp.mean(kept * (kept + (1 - kept) * second))
        learned = self.training().begin(for_network, before)
        return self.set_out(for_swarm, learned)

    def set_out(self, key: Key[Array, ""], learned: Learned) -> State:
        """Both swarms from the exact law at the end of the noise."""
        density = self.exact(self.noise(1.0))
        x = quantiles(density, jnp.asarray(GRID), jax.random.uniform(key, (2 * self.n,)))
        x = x.reshape(self.n, 2)
        levels = quantiles(density, jnp.asarray(GRID), jnp.asarray(LEVELS))
        past = jnp.zeros((KEPT, 2)).at[:, 0].set(1.0)
        return State(x, x, x, levels, density, jnp.int32(0), jnp.int32(0), past, learned)

    def exact(self, tau: Float[Array, ""]) -> Float[Array, " cells"]:
        """The exact law on the grid, of sum 1."""
        return jax.nn.softmax(jax.vmap(lambda x: self.log_density(x, tau))(jnp.asarray(GRID)))

    def time(self, state: State) -> Float[Array, ""]:
        share = jnp.minimum(state.taken / jnp.asarray(self.steps, float), 1)
        return 1 - (1 - LATEST) * share

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_noise, for_start, for_lesson = jax.random.split(key, 3)
        if self.score == "trained":
            learned = self.training().on(state.learned, for_lesson, self.pace)
            state = state._replace(learned=learned)
        arrived = state.taken >= self.steps
        again = arrived & (state.shown >= PAUSE) & (self.flow == "again")
        fresh, rested = (
            self.set_out(for_start, state.learned),
            state._replace(shown=state.shown + 1),
        )
        moved = self.moved(state, for_noise)
        return jax.tree.map(
            lambda a, b, c: jnp.where(again, a, jnp.where(arrived, b, c)), fresh, rested, moved
        )

    def moved(self, state: State, key: Key[Array, ""]) -> State:
        """Heun's rule for both: of second order for the flow, and in law for additive noise."""
        now = self.noise(self.time(state))
        later = state._replace(taken=state.taken + 1)
        then = self.noise(self.time(later))
        d = now - then
        score = jax.grad(self.potential(state.learned))

        def slope(x: Array, tau: Array, share: float) -> Array:
            flat = x.reshape(-1)
            s = jax.vmap(lambda x: score(x, tau))(flat).reshape(x.shape)
            return x / 2 + share * s

        def heun(x: Array, kick: Array | float, share: float) -> Array:
            first = slope(x, now, share)
            return x + d / 2 * (first + slope(x + d * first + kick, then, share)) + kick

        kick = jnp.sqrt(d) * jax.random.normal(key, state.diffusion.shape)
        edges = jnp.asarray((GRID[1:] + GRID[:-1]) / 2)
        drift = slope(edges, then, 1.0)
        later = later._replace(
            flow=heun(state.flow, 0.0, 0.5),
            diffusion=heun(state.diffusion, kick, 1.0),
            quantile=heun(state.quantile, 0.0, 0.5),
            density=carried(state.density, drift, 0.5, float(GRID[1] - GRID[0]), d),
        )
        entry = jnp.stack([self.time(later), self.gap(later)])
        return later._replace(past=jnp.concatenate([state.past[1:], entry[None]]))

    # What is measured, and known.

    def gap(self, state: State) -> Float[Array, ""]:
        return wasserstein(state.quantile, self.levels(state.density))

    def levels(self, density: Float[Array, " cells"]) -> Float[Array, " q"]:
        return quantiles(density, jnp.asarray(GRID), jnp.asarray(LEVELS))

    def observables(self, state: State) -> Scalars:
        exact = self.levels(self.exact(self.noise(self.time(state))))
        _, _, weight, left = self.residuals(state)
        return {
            "gap": self.gap(state),
            "residual": jnp.sum(weight * jnp.abs(left)),
            "flow variance": jnp.var(state.flow),
            "diffusion variance": jnp.var(state.diffusion),
            "ratio": jnp.log(jnp.var(state.flow) / jnp.var(state.diffusion)),
            "flow error": wasserstein(state.quantile, exact),
            "diffusion error": wasserstein(self.levels(state.density), exact),
            "time": self.time(state),
            "loss": state.learned.loss,
            "trained": state.learned.steps.astype(float),
        }

    def residuals(self, state: State) -> tuple[Array, Array, Array, Array]:
        """Times, places, the weights of ⟨s² ·⟩ over the exact law, and R itself."""
        t, x = jnp.linspace(LATEST, 1, TIMES), jnp.linspace(-3, 3, PLACES)
        u = self.potential(state.learned)

        def at(t: Float[Array, ""]) -> tuple[Array, Array]:
            tau = self.noise(t)
            p = jax.nn.softmax(jax.vmap(lambda x: self.log_density(x, tau))(x))
            return p * -jnp.expm1(-tau) / TIMES, jax.vmap(lambda x: residual(u, x, tau))(x)

        return t, x, *jax.vmap(at)(t)

    def closed(self, elapsed: Scalar) -> Scalars:
        """Variances and gap of Gaussian data after so much noise was taken away."""
        error = jnp.asarray(self.score_error, float)
        c = 1 + 2 * error
        flow = jnp.exp(-error * elapsed)
        # 1/c + (1 − 1/c) e^{−c τ}, without a pole at δ = −½.
        diffusion = jnp.exp(-c * elapsed) + spent(c, elapsed)
        known = (self.data == "Gaussian") & (self.score == "analytic")
        known = known & (jnp.asarray(self.ripple) == 0)
        said = {
            "gap": jnp.abs(jnp.sqrt(flow) - jnp.sqrt(diffusion)),
            "flow variance": flow,
            "diffusion variance": diffusion,
            "ratio": jnp.log(flow / diffusion),
        }
        return {name: jnp.where(known, value, jnp.nan) for name, value in said.items()}

    def theory(self) -> Scalars:
        return self.closed(self.total - self.noise(LATEST))

    def limit(self, state: State) -> Scalars:
        return self.closed(self.total - self.noise(self.time(state)))

    def boundaries(self) -> dict[str, Boundary]:
        """For Gaussian data; the third is where |v − 1| is the same for both."""
        error = jnp.asarray(self.score_error, float)
        c = 1 + 2 * error

        def flow_is_better(log_total: Array) -> Array:
            total = jnp.exp(log_total)
            off = jnp.exp(-c * total) + spent(c, total) - 1
            return jnp.abs(off) - jnp.abs(jnp.expm1(-error * total))

        root = jnp.exp(bisect(flow_is_better, -3.0, 4.0))
        equal = jnp.where((jnp.abs(error) > 1e-3) & (root < 50), root, jnp.nan)
        return {
            "exact score": Boundary({"score_error": jnp.zeros(())}, kind="guide"),
            "diffusion unstable": Boundary({"score_error": jnp.asarray(-0.5)}),
            "diffusion better above": Boundary({"total": equal}, kind="guide"),
        }

    def lasts(self) -> Scalar:
        return self.steps

    def done(self, state: State) -> Bool[Array, ""]:
        return (state.taken >= self.steps) & (self.flow == "once")

    def caveats(self, state: State) -> Flags:
        trained = self.score == "trained"
        wrong = (jnp.asarray(self.score_error) != 0) | (jnp.asarray(self.ripple) != 0)
        far = jnp.mean(jnp.abs(state.quantile) > REACH) > 0.01
        return {
            "the score is wrong on purpose: δ or ε₀ is not 0": wrong & jnp.bool_(not trained),
            "the swarm leaves the grid of densities: the gap is not right": far
            | (state.density[0] + state.density[-1] > 1e-3),
            "a small network: single runs scatter, compare several seeds": jnp.bool_(trained),
        }

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with fresh noise; what was learnt is kept."""
        return self.set_out(key, state.learned)

    # What is drawn.

    def frame(self, state: State) -> Frame:
        t, _, _, left = self.residuals(state)
        angle = jnp.arctan2(state.first[:, 1], state.first[:, 0])
        dx = GRID[1] - GRID[0]
        corner = jnp.full((2, 2), 4.0)
        now = self.time(state)
        exact = self.exact(self.noise(now)) / dx
        place = jnp.asarray(GRID)
        elapsed = self.total - jax.vmap(self.noise)(t)
        low = jnp.array([LATEST, -3.0])
        return {
            "swarms": (
                Box(-corner, corner),
                Points(
                    jnp.stack([state.flow, state.diffusion]),
                    {"where it began": Colour(jnp.stack([angle, angle]), scale="phase")},
                ),
                Captions(("flow (ODE)", "diffusion (SDE)")),
            ),
            "residual": (
                Axes("schedule time t", "x"),
                Box(low, jnp.array([1.0, 3.0])),
                # Its sign root: at little noise it is a hundred times what it is at much.
                Image(jnp.sign(left.T) * jnp.sqrt(jnp.abs(left.T)), scale="signed", span=(-3, 3)),
                Curve(jnp.stack([now, now]), jnp.array([-3.0, 3.0]), "guide", "now"),
            ),
            "densities": (
                Axes("x", "density"),
                histogram(state.flow.reshape(-1), (-4, 4), bins=64, label="flow"),
                Curve(place, state.density / dx, "measured", "diffusion"),
                Curve(place, exact, label="exact"),
            ),
            "gap": (
                Axes("schedule time t", "W₂(flow, diffusion)"),
                Curve(state.past[:, 0], state.past[:, 1], "measured", "this run"),
                Curve(t, jax.vmap(lambda e: self.closed(e)["gap"])(elapsed), label="exact"),
            ),
            "learning": losses(state.learned.history),
        }


def residual(u: Potential, x: Float[Array, ""], tau: Float[Array, ""]) -> Float[Array, ""]:
    """R = ∂_τ u − ½ (1 + x u′ + u″ + u′²): zero for the logarithm of an exact density."""
    slope = jax.grad(u)
    first, second = jax.value_and_grad(slope)(x, tau)
    rate = jax.grad(u, argnums=1)(x, tau)
    return rate - (1 + x * first + second + first**2) / 2
