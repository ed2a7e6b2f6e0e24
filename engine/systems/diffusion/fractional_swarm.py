"""A swarm under noise with a memory, and the machine that reads its roughness off the paths."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, Trails, strung
from engine.core.parameters import Scalar, live, mode, size
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.fractional import (
    LAGS,
    covariances,
    exact_variance,
    expected_moments,
    likelihood,
    memories,
    moments,
    rates,
    step_variances,
    variance,
    weights,
)


ROWS = 200  # times at which a run is remembered; a step is never longer than one of them
SEEN = 50  # times at which the paths are observed
OBSERVED = 16  # particles that are, along both axes
DRAWN = 8  # particles whose x is drawn against time
TRAILS, KEPT = 300, 32  # particles with a trail, and its positions
PAUSE = 150  # steps that a finished swarm is shown for
EDGE = 2.6  # half the side of the box
INDICES = tuple(np.linspace(0.05, 0.95, 37).round(3).tolist())  # of the likelihood


class State(NamedTuple):
    position: Float[Array, "n 2"]
    modes: Float[Array, "n 2 k"]  # Y: what each relaxation remembers of the noise
    noise: Float[Array, "observed 2"]  # B̂ of those that are observed
    time: Float[Array, ""]
    shown: Int[Array, ""]  # steps since the horizon was reached
    hurst: Float[Array, ""]  # with which this run began
    moved: Bool[Array, ""]  # whether H was dragged since
    spread: Float[Array, " rows"]  # mean square displacement at each of the rows
    paths: Float[Array, "rows drawn"]  # x of a few
    seen: Float[Array, "2*observed seen"]  # B̂ as observed, but for the error
    error: Float[Array, "2*observed seen"]  # standard normal
    trail: Float[Array, "kept trails 2"]


class FractionalSwarm(System[State]):
    """Fractional noise

    Every particle is driven by noise with a memory, the fractional Brownian motion of Hurst index
    H: rough and turning back for H < ½, without memory at ½, smooth and going on for H > ½.

        dx = F(x) dt + σ dB_H,    ⟨x²⟩ ~ t^{2H} for F = 0

    A few relaxations of one white noise, with the best weights, stand for it; H is a dial on these
    weights. Below, the likelihood of H given a few noisy paths: the machine infers what was set.
    (Time is in units of the horizon up to which the weights are fitted.)
    """

    sources = ("daems2024fractional",)
    equations = (
        Equation(
            r"B_H(t)=\frac{1}{\Gamma(H+\frac12)}\int_0^t (t-s)^{H-\frac12}\,\mathrm{d}W_s",
            "fractional Brownian motion of type II",
        ),
        Equation(
            r"\hat B(t)=\sum_{k=1}^{K}\omega_k Y_k(t),\qquad "
            r"\mathrm{d}Y_k=-\gamma_k Y_k\,\mathrm{d}t+\mathrm{d}W",
            "nearly that, without memory: the weights minimise ∫E(B̂ − B)² dt",
        ),
        Equation(r"\mathrm{d}x=F(x)\,\mathrm{d}t+\sigma\,\mathrm{d}\hat B", "a particle"),
        Equation(
            r"\langle B_H^2\rangle=\frac{t^{2H}}{2H\,\Gamma(H+\frac12)^2}", "how far it strays"
        ),
        Equation(
            r"V_p(\delta)=\sum_i|B(t_i+\delta)-B(t_i)|^p\sim\delta^{pH-1}",
            "how rough it is: cut finer, its p-variation stays for p = 1/H alone",
        ),
    )
    assumptions = (
        "Exact fractional noise for the free spread; the K relaxations in a trap, for ρ₁ and for "
        "H_V; H is read as exactly as the paths allow."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 500}
    hints: ClassVar[Mapping[str, Hint]] = {
        "paths": Hint(large=False),
        "variation": Hint(large=False),
        "displacement": Hint(large=False),
        "likelihood": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (
        Pair("rough | smooth", {"hurst": 0.2}, {"hurst": 0.8}),
        Pair("Brownian | smooth", {"hurst": 0.5}, {"hurst": 0.8}),
    )
    presets = (
        Preset("rough", hurst=0.2, force="free"),
        Preset("Brownian", hurst=0.5, force="free"),
        Preset("smooth", hurst=0.9, force="free"),
        Preset("trapped", hurst=0.3, stiffness=8.0, force="harmonic"),
        Preset("two wells", hurst=0.8, stiffness=8.0, sigma=1.2, force="double well"),
        Preset("swirl", hurst=0.85, stiffness=8.0, force="swirl"),
    )
    quantities = (
        Quantity("spread", symbol="⟨|x|²⟩", help="mean square distance to the origin"),
        Quantity("slope", symbol="H_MSD", span=(0, 1), help="half the slope of the displacement"),
        Quantity("estimate", symbol="H_ML", span=(0, 1), help="the likeliest H, of 32 noisy paths"),
        Quantity("roughness", symbol="H_V", span=(0, 1), help="from p-variations, cut finer"),
        Quantity(
            "memory",
            symbol="ρ₁",
            span=(-0.5, 1),
            signed=True,
            help="between neighbouring increments",
        ),
        Quantity("time", symbol="t", span=(0, 1), help="1 is the horizon"),
    )

    hurst: Scalar = live(
        default=0.7, span=(0.05, 0.95), symbol="H", help="Hurst index", limits=(0.05, 0.95)
    )
    stiffness: Scalar = live(
        default=0.0, span=(0, 10), symbol="θ", help="strength of the force", limits=(0, 200)
    )
    sigma: Scalar = live(
        default=1.0,
        span=(0.05, 2),
        symbol="σ",
        help="strength of the noise",
        limits=(0, math.inf),
    )
    blur: Scalar = live(
        default=0.01,
        span=(0.01, 0.3),
        symbol="ε",
        help="error of the observed paths",
        log=True,
        limits=(0.005, math.inf),
    )
    power: Scalar = live(
        default=2.0, span=(0.5, 6), symbol="p", help="of the variation", limits=(0.1, 10)
    )
    dt: Scalar = live(
        default=0.002,
        span=(0.0005, 0.005),
        symbol="Δt",
        help="time step",
        log=True,
        limits=(1e-5, 0.005),
    )
    force: str = mode(
        default="free",
        choices=("free", "harmonic", "double well", "swirl", "attraction"),
        help="F: none, −θx, two wells at x = ±1, round about, or to the mean of all",
    )
    flow: str = mode(default="again", choices=("again", "once"), help="begin anew, or stop")
    n: int = size(default=2000, span=(100, 100_000), symbol="N", help="particles")
    k: int = size(default=5, span=(3, 9), symbol="K", help="relaxations that stand for the noise")

    def init(self, key: Key[Array, ""]) -> State:
        observed = min(OBSERVED, self.n)
        return State(
            position=jnp.zeros((self.n, 2)),
            modes=jnp.zeros((self.n, 2, self.k)),
            noise=jnp.zeros((observed, 2)),
            time=jnp.zeros(()),
            shown=jnp.int32(0),
            hurst=jnp.asarray(self.hurst, float),
            moved=jnp.asarray(False),
            spread=jnp.zeros(ROWS + 1),
            paths=jnp.zeros((ROWS + 1, min(DRAWN, self.n))),
            seen=jnp.zeros((2 * observed, SEEN)),
            error=jax.random.normal(key, (2 * observed, SEEN)),
            trail=jnp.zeros((KEPT, min(TRAILS, self.n), 2)),
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        finished = state.time >= 1 - 1e-5
        due = finished & (state.shown >= PAUSE) & (self.flow == "again")
        later = self.advanced(state, key)
        rest = state._replace(shown=state.shown + 1)
        fresh = self.init(key)
        choose = jnp.where(due, 2, finished.astype(int))
        return lax.switch(choose, [lambda: later, lambda: rest, lambda: fresh])

    def advanced(self, state: State, key: Key[Array, ""]) -> State:
        dt = jnp.minimum(jnp.asarray(self.dt, float), 1 - state.time)
        white = jnp.sqrt(dt) * jax.random.normal(key, (*state.position.shape, 1))
        g = jnp.asarray(rates(self.k), jnp.float32)
        # The noise falls all over the step: half of the step is left for it to relax.
        modes = jnp.exp(-g * dt) * state.modes + jnp.exp(-g * dt / 2) * white
        kick = (modes - state.modes) @ weights(self.hurst, self.k)
        force = self.pull(state.position)
        # Tamed: a step of Euler that no force, however steep, can throw out of a well.
        drift = dt * force / (1 + dt * jnp.linalg.norm(force, axis=1, keepdims=True))
        position = state.position + drift + self.sigma * kick
        noise = state.noise + kick[: len(state.noise)]
        time = state.time + dt
        to_come = (jnp.arange(ROWS + 1) >= jnp.round(time * ROWS))[:, None]
        unseen = jnp.arange(1, SEEN + 1) >= jnp.round(time * SEEN)
        square = jnp.mean(jnp.sum(position**2, axis=1))
        return state._replace(
            position=position,
            modes=modes,
            noise=noise,
            time=time,
            moved=state.moved | (jnp.asarray(self.hurst, float) != state.hurst),
            spread=jnp.where(to_come[:, 0], square, state.spread),
            paths=jnp.where(to_come, position[: state.paths.shape[1], 0], state.paths),
            seen=jnp.where(unseen, noise.reshape(-1, 1), state.seen),
            trail=jnp.concatenate([state.trail[1:], position[None, : state.trail.shape[1]]]),
        )

    def pull(self, x: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        """The force on each particle."""
        match self.force:
            case "harmonic":
                force = -x
            case "double well":
                force = jnp.stack([x[:, 0] - x[:, 0] ** 3, -x[:, 1]], axis=1)
            case "swirl":
                force = jnp.stack([-x[:, 1], x[:, 0]], axis=1)
            case "attraction":
                force = jnp.mean(x, axis=0) - x
            case _:
                force = jnp.zeros_like(x)
        return self.stiffness * force

    def log_likelihood(self, state: State) -> Float[Array, " hurst"]:
        """Of each of the INDICES, given what was seen so far."""
        known = (jnp.arange(1, SEEN + 1) <= state.time * SEEN + 1e-3).astype(float)
        paths = state.seen + self.blur * state.error
        table = jnp.asarray(covariances(INDICES, SEEN, self.k))
        return likelihood(paths, known, self.blur, table)

    def moments(self, state: State) -> Float[Array, " lags"]:
        """⟨|ΔB̂|^p⟩ over each of the LAGS of what was seen so far."""
        known = (jnp.arange(1, SEEN + 1) <= state.time * SEEN + 1e-3).astype(float)
        return moments(state.seen, known, self.power)

    def expected_moments(self) -> Float[Array, " lags"]:
        """The same, of the K relaxations, up to the horizon."""
        told = expected_moments(jnp.asarray(step_variances(INDICES, SEEN, self.k)), self.power)
        hurst, nodes = jnp.asarray(self.hurst, float), jnp.array(INDICES)
        return jnp.exp(jax.vmap(lambda row: jnp.interp(hurst, nodes, row))(jnp.log(told).T))

    def roughness(self, moments: Float[Array, " lags"]) -> Float[Array, ""]:
        """H of ⟨|ΔB|^p⟩ ~ δ^{pH}."""
        known = jnp.isfinite(moments) & (moments > 0)
        size = jnp.log(jnp.where(known, moments, 1.0))
        return line(jnp.log(jnp.asarray(LAGS, float)), size, known.astype(float)) / self.power

    def observables(self, state: State) -> Scalars:
        t = jnp.arange(ROWS + 1) / ROWS
        reached = (t > 0) & (t <= state.time + 1e-4) & (t >= jnp.minimum(0.04, state.time / 2))
        weight = reached / jnp.maximum(t, 1e-3)  # each octave of time counts as much
        slope = line(jnp.log(jnp.maximum(t, 1e-9)), jnp.log(state.spread + 1e-12), weight)
        step = jnp.diff(state.seen, axis=1)
        late = jnp.arange(SEEN - 2) + 3 <= state.time * SEEN + 1e-3
        both = jnp.sum(step[:, 1:] * step[:, :-1] * late)
        either = jnp.sum((step[:, 1:] ** 2 + step[:, :-1] ** 2) / 2 * late)
        return {
            "spread": jnp.mean(jnp.sum(state.position**2, axis=1)),
            "slope": slope / 2,
            "estimate": best(self.log_likelihood(state)),
            "roughness": self.roughness(self.moments(state)),
            "memory": both / jnp.maximum(either, 1e-12),
            "time": state.time,
        }

    def theory(self) -> Scalars:
        hurst = jnp.asarray(self.hurst, float)
        free = self.force == "free"
        return {
            "slope": hurst if free else jnp.asarray(jnp.nan),
            "estimate": hurst,
            "roughness": self.roughness(self.expected_moments()),
            "memory": jnp.interp(
                hurst, jnp.array(INDICES), jnp.asarray(memories(INDICES, SEEN, self.k))
            ),
        }

    def limit(self, state: State) -> Scalars:
        if self.force not in ("free", "harmonic"):
            return {"spread": jnp.asarray(jnp.nan)}
        per_axis = self.expected(state.time[None])[0]
        known = jnp.where(state.moved, jnp.nan, 2 * self.sigma**2 * per_axis)
        return {"spread": known}

    def expected(self, t: Float[Array, " times"]) -> Float[Array, " times"]:
        """The variance of an axis for σ = 1: exact where free, of the K relaxations in a trap."""
        if self.force == "free":
            return exact_variance(self.hurst, t)
        return variance(weights(self.hurst, self.k), t, self.stiffness)

    def boundaries(self) -> dict[str, Boundary]:
        return {"no memory": Boundary({"hurst": jnp.asarray(0.5)}, kind="guide")}

    def lasts(self) -> Scalar:
        return 1 / self.dt

    def done(self, state: State) -> Bool[Array, ""]:
        return (state.time >= 1 - 1e-5) & (self.flow == "once")

    def caveats(self, state: State) -> Flags:
        return {
            "H was moved on the way: displacement and likelihood speak of both": state.moved,
            "so rough a noise is poorly matched by K relaxations: H < 0.2": (
                jnp.asarray(self.hurst) < 0.2
            ),
        }

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin at the origin with fresh noise."""
        return self.init(key)

    def frame(self, state: State) -> Frame:
        corner = jnp.full(2, EDGE)
        angle = jnp.arctan2(state.position[:, 1], state.position[:, 0])
        distance = jnp.linalg.norm(state.position, axis=1)
        colours = {"direction": Colour(angle, scale="phase"), "distance": Colour(distance)}
        t = jnp.arange(ROWS + 1) / ROWS
        reached = t <= state.time + 1e-4
        spread = jnp.where(reached & (t > 0), state.spread, jnp.nan)
        exact = 2 * self.sigma**2 * self.expected(jnp.maximum(t, 1e-6))
        odds = self.log_likelihood(state)
        lag = jnp.asarray(LAGS, float) / SEEN
        return {
            "swarm": (
                Box(-corner, corner),
                Points(state.position, colours),
                Trails(state.trail, Colour(angle[: state.trail.shape[1]], scale="phase")),
            ),
            "paths": (
                Axes("time t", "x"),
                strung(t, jnp.where(reached[:, None], state.paths, jnp.nan)),
            ),
            "displacement": (
                Axes("time t", "⟨|x|²⟩", log="xy"),
                Curve(t[1:], spread[1:], "measured", "swarm"),
                *(
                    [Curve(t[1:], exact[1:], "theory", "theory")]
                    if self.force in ("free", "harmonic")
                    else []
                ),
            ),
            "variation": (
                Axes("time δ between cuts", "p-variation Σ|ΔB|^p", log="xy"),
                Curve(lag, self.moments(state) / lag, "measured", "of the seen paths"),
                Curve(lag, self.expected_moments() / lag, "theory", "relaxations"),
            ),
            "likelihood": (
                Axes("Hurst index H", "ln P / paths"),
                Curve(jnp.array(INDICES), odds / len(state.seen), "measured", "of the seen paths"),
                Curve(
                    jnp.full(2, jnp.asarray(self.hurst, float)),
                    jnp.stack([jnp.min(odds), jnp.max(odds)]) / len(state.seen),
                    "guide",
                    "H",
                ),
            ),
        }


def line(x: Array, y: Array, weight: Array) -> Float[Array, ""]:
    """The slope of the weighted best line; 0 while there are fewer than two points."""
    total = jnp.maximum(jnp.sum(weight), 1e-12)
    off = x - jnp.sum(weight * x) / total
    square = jnp.sum(weight * off**2)
    return jnp.where(square > 1e-6, jnp.sum(weight * off * y) / jnp.maximum(square, 1e-6), 0.0)


def best(odds: Float[Array, " hurst"]) -> Float[Array, ""]:
    """Where the likelihood is greatest: the top of the parabola through its greatest three."""
    top = jnp.clip(jnp.argmax(odds), 1, len(INDICES) - 2)
    left, middle, right = odds[top - 1], odds[top], odds[top + 1]
    bend = jnp.minimum(left - 2 * middle + right, -1e-6)
    shift = jnp.clip((left - right) / (2 * bend), -1, 1)
    return jnp.array(INDICES)[top] + shift * (INDICES[1] - INDICES[0])
