"""Paths from noise to data, and which of them moves a swarm with the least effort."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, Trails, strung
from engine.core.parameters import Scalar, live, mode, size
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.distances import sliced_wasserstein
from engine.numerics.gaussian_paths import parted
from engine.numerics.shapes import normalised


ANGLES = 120  # cells of φ in which the metric is known
CELLS = 400  # of τ, in which theory integrates
LEAST = 1e-3  # σ at the end: an empirical cloud has no score without noise
FLAT = 1e-4  # least √m: for Gaussian data the metric vanishes, and any path is as good
ROWS = 200  # times at which a run is remembered: as many as there are steps at most
FOLLOWED, TRAILS, KEPT = 40, 300, 40
COMPARED = 1000  # samples of the data that the swarm is compared with
PAUSE = 120  # steps that a finished swarm is shown for
EDGE = 2.6  # half the side of the box
PATHS = ("optimal", "straight", "circle", "drawn")


class State(NamedTuple):
    x: Float[Array, "n dim"]
    begun: Float[Array, "n dim"]  # the noise that it came from
    centres: Float[Array, "m dim"]
    sample: Float[Array, "k dim"]  # standard normal: the data compared with are made of it
    tau: Float[Array, ""]
    shown: Int[Array, ""]  # steps since the end
    metric: Float[Array, " angles"]  # m(φ), for the clusters' `width`
    width: Float[Array, ""]
    work: Float[Array, ""]  # ∫ E|u|² dτ / d so far
    speed: Float[Array, " rows"]  # E|u|²/d, by τ
    lines: Float[Array, "rows followed"]  # the first coordinate of a few
    trail: Float[Array, "kept trails dim"]


class KineticPaths(System[State]):
    """Kinetic optimal paths

    A swarm goes from noise x₀ to data x₁ through the densities of x = α x₁ + σ x₀, carried by

        u = (σ′/σ) x + (α′ − σ′α/σ) E[x₁|x]

    Which path (α, σ) from (0, 1) to (1, 0) takes the least kinetic energy ∫E|u|²dτ? With
    α = r sin φ, σ = r cos φ it is the length of a curve on a cone of angle Ψ, so the best path is a
    straight line on the unrolled cone. Gaussian data close the cone (Ψ = 0, no energy at all), far
    clusters open it to a right angle, where the best path is x = τ x₁ + (1 − τ) x₀.
    """

    sources = ("shaul2023kinetic",)
    equations = (
        Equation(
            r"u(x,\tau)=\frac{\dot\sigma}{\sigma}x+\left(\dot\alpha-\frac{\dot\sigma\alpha}"
            r"{\sigma}\right)\mathbb{E}[x_1\,|\,x]",
            "what carries the swarm",
        ),
        Equation(
            r"\frac{1}{d}\int_0^1\mathbb{E}|u|^2\mathrm{d}\tau=\int_0^1\left[\dot r^2+r^2"
            r"\dot\varphi^2\,m(\varphi)\right]\mathrm{d}\tau,\quad "
            r"m=1-\frac{1-\Lambda(\tan\varphi)}{\cos^2\varphi}",
            "its energy; Λ(s) = E|E[x₁|x]|²/d at α = s σ tells how well the data are told apart",
        ),
        Equation(
            r"\Psi=\int_0^{\pi/2}\!\sqrt{m}\,\mathrm{d}\varphi,\qquad "
            r"\mathrm{KE}_{\min}=2\,(1-\cos\Psi)\,d",
            "the angle of the cone, and the chord on it",
        ),
    )
    theory_name = "cone"
    assumptions = "Infinitely many particles and steps; Λ from samples of the data."
    cell: ClassVar[Mapping[str, int]] = {"n": 256}
    hints: ClassVar[Mapping[str, Hint]] = {
        "plane": Hint(large=False),
        "lines": Hint(large=False),
        "speed": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (
        Pair("many steps | few", {"steps": 100}, {"steps": 6}),
        Pair("clusters | one Gaussian", {"spread": 0.1}, {"spread": 1.0}),
    )
    presets = (
        Preset("optimal", path="optimal", steps=100),
        Preset("straight", path="straight", steps=100),
        Preset("circle", path="circle", steps=100),
        Preset("few steps", path="optimal", steps=6, solver="Euler"),
        Preset("Gaussian data", path="optimal", spread=1.0),
        Preset("two points on a line", path="optimal", m=2, dim=1, spread=0.0),
    )
    quantities = (
        Quantity("energy", symbol="KE/d", help="kinetic energy spent so far, per dimension"),
        Quantity("straightness", symbol="S", span=(0, 1), help="1 where every path is a line"),
        Quantity("distance", symbol="SW₂", span=(0, 1), help="sliced Wasserstein, to the data"),
        Quantity("angle", symbol="Ψ", span=(0, math.pi / 2), unit="rad", help="of the cone"),
        Quantity("tau", symbol="τ", span=(0, 1), help="0 is noise, 1 is data"),
    )
    clock = "steps"

    spread: Scalar = live(
        default=0.1,
        span=(0, 1),
        symbol="h",
        help="width of the clusters: 0 is points, 1 is one Gaussian",
        limits=(0, 1),
    )
    steps: Scalar = live(
        default=100, span=(5, 200), symbol="K", help="steps", log=True, limits=(1, 200)
    )
    bend: Scalar = live(
        default=0.9,
        span=(0.05, 1.2),
        symbol="c",
        help="control point (c, c) of the drawn path: ½ is straight",
        limits=(0.01, 5),
    )
    path: str = mode(default="optimal", choices=PATHS, help="how signal and noise are mixed")
    solver: str = mode(default="Heun", choices=("Heun", "Euler"), help="of second or first order")
    flow: str = mode(default="again", choices=("again", "once"), help="begin anew, or stop")
    n: int = size(default=2000, span=(64, 20_000), symbol="N", help="particles")
    m: int = size(default=6, span=(2, 1000), symbol="n", help="clusters of the data")
    dim: int = size(default=2, span=(1, 512), symbol="d", help="dimensions")

    def init(self, key: Key[Array, ""]) -> State:
        for_centres, for_sample, for_x = jax.random.split(key, 3)
        centres = normalised(jax.random.normal(for_centres, (self.m, self.dim)))
        empty = jnp.zeros((self.n, self.dim))
        state = State(
            x=empty,
            begun=empty,
            centres=centres,
            sample=jax.random.normal(for_sample, (COMPARED, self.dim)),
            tau=jnp.zeros(()),
            shown=jnp.int32(0),
            metric=jnp.zeros(ANGLES),
            width=jnp.asarray(self.spread, float),
            work=jnp.zeros(()),
            speed=jnp.zeros(ROWS + 1),
            lines=jnp.zeros((ROWS + 1, min(FOLLOWED, self.n))),
            trail=jnp.zeros((KEPT, min(TRAILS, self.n), self.dim)),
        )
        return self.fresh(state._replace(metric=self.measured(state)), for_x)

    def fresh(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with noise."""
        x = jax.random.normal(key, state.x.shape)
        return state._replace(
            x=x,
            begun=x,
            tau=jnp.zeros(()),
            shown=jnp.int32(0),
            work=jnp.zeros(()),
            speed=jnp.zeros(ROWS + 1),
            lines=jnp.broadcast_to(x[: state.lines.shape[1], 0], state.lines.shape),
            trail=jnp.broadcast_to(x[: state.trail.shape[1]], state.trail.shape),
        )

    def data(self, state: State) -> Float[Array, "k dim"]:
        """Samples of the data: E|x₁|² = d whatever the width of the clusters."""
        which = jnp.arange(COMPARED) % self.m
        return self.shrink() * state.centres[which] + self.spread * state.sample

    def shrink(self) -> Float[Array, ""]:
        return jnp.sqrt(jnp.maximum(1 - jnp.asarray(self.spread, float) ** 2, 0))

    def measured(self, state: State) -> Float[Array, " angles"]:
        """m(φ) = 1 − E tr Cov(x₁|x) / (d cos²φ), x on the circle α = sin φ, σ = cos φ.

        The mean of the covariance varies less than that of |E[x₁|x]|², which Λ is made of. Given
        the cluster it is h²σ²/V, and between clusters that of their centres, shrunk by σ²/V.
        """
        count = max(256, min(4096, 2**20 // (self.m * self.dim)))
        for_x, for_noise = jax.random.split(jax.random.key(0))
        own = state.centres[jnp.arange(count) % self.m] * self.shrink()
        x1 = own + self.spread * jax.random.normal(for_x, own.shape)
        x0 = jax.random.normal(for_noise, own.shape)
        y = state.centres * self.shrink()
        square = jnp.sum(y**2, axis=1)

        def at(phi: Array) -> Array:
            alpha, sigma = jnp.sin(phi), jnp.cos(phi)
            v = sigma**2 + (alpha * self.spread) ** 2
            x = alpha * x1 + sigma * x0
            weight = jax.nn.softmax((alpha * x @ y.T - alpha**2 / 2 * square) / v, axis=1)
            mean = weight @ y
            between = jnp.mean(weight @ square - jnp.sum(mean**2, axis=1)) / self.dim
            return 1 - (sigma / v) ** 2 * between - self.spread**2 / v

        phi = (jnp.arange(ANGLES) + 0.5) / ANGLES * jnp.pi / 2
        return jnp.clip(lax.map(at, phi), 0, 1)

    def unrolled(self, state: State) -> tuple[Array, Array]:
        """φ at the edges of its cells, and ψ there: the angle on the unrolled cone."""
        phi = jnp.arange(ANGLES + 1) / ANGLES * jnp.pi / 2
        step = jnp.maximum(jnp.sqrt(state.metric), FLAT) * jnp.pi / 2 / ANGLES
        return phi, jnp.append(0.0, jnp.cumsum(step))

    def mixed(self, state: State, tau: Array, path: str = "") -> tuple[Array, Array]:
        """Signal α and noise σ at τ."""
        phi, psi = self.unrolled(state)
        match path or self.path:
            case "straight":
                return tau, 1 - tau
            case "circle":
                return jnp.sin(jnp.pi / 2 * tau), jnp.cos(jnp.pi / 2 * tau)
            case "drawn":
                pull = 2 * tau * (1 - tau) * self.bend
                return pull + tau**2, pull + (1 - tau) ** 2
        chord = 1 - tau + tau * jnp.cos(psi[-1])
        r = jnp.sqrt(1 - 2 * tau * (1 - tau) * (1 - jnp.cos(psi[-1])))
        angle = jnp.interp(jnp.arctan2(tau * jnp.sin(psi[-1]), chord), psi, phi)
        # A flat cone has no direction: the chord is its tip's circle, run through evenly.
        angle = jnp.where(psi[-1] < 0.01, jnp.pi / 2 * tau, angle)
        return r * jnp.sin(angle), r * jnp.cos(angle)

    def effort(self, state: State, path: str = "") -> Float[Array, " cells"]:
        """E|u|²/d over the cells of τ, by theory."""
        alpha, sigma = self.mixed(state, jnp.arange(CELLS + 1) / CELLS, path)
        r, phi = jnp.sqrt(alpha**2 + sigma**2), jnp.arctan2(alpha, sigma)
        middle = (phi[1:] + phi[:-1]) / 2
        cell = jnp.clip((middle / (jnp.pi / 2) * ANGLES).astype(int), 0, ANGLES - 1)
        across = ((r[1:] + r[:-1]) / 2 * jnp.diff(phi)) ** 2 * state.metric[cell]
        return (jnp.diff(r) ** 2 + across) * CELLS**2

    def step(self, state: State, key: Key[Array, ""]) -> State:
        finished = state.tau >= 1 - 1e-5
        due = finished & (state.shown >= PAUSE) & (self.flow == "again")
        choice = jnp.where(due, 2, finished.astype(int))
        seen = lax.cond(
            state.width == self.spread,
            lambda: state,
            lambda: state._replace(
                metric=self.measured(state), width=jnp.asarray(self.spread, float)
            ),
        )
        return lax.switch(
            choice,
            [
                lambda: self.advanced(seen),
                lambda: seen._replace(shown=seen.shown + 1),
                lambda: self.fresh(seen, key),
            ],
        )

    def advanced(self, state: State) -> State:
        dt = jnp.minimum(1 / jnp.asarray(self.steps, float), 1 - state.tau)
        tau = state.tau + dt
        (a0, s0), (a1, s1) = self.mixed(state, state.tau), self.mixed(state, tau)
        s0, s1 = jnp.maximum(s0, LEAST), jnp.maximum(s1, LEAST)

        def moved(x: Array, alpha: Array, sigma: Array) -> Array:
            """(α₁ − α₀) E[x₁|x] + (σ₁ − σ₀) E[x₀|x]: the path's own change, not its derivative."""
            data, noise = parted(x, self.shrink() * state.centres, alpha, sigma, self.spread)
            return (a1 - a0) * data + (s1 - s0) * noise

        change = moved(state.x, a0, s0)
        if self.solver == "Heun":
            change = (change + moved(state.x + change, a1, s1)) / 2
        x = state.x + change
        square = jnp.mean(jnp.sum(change**2, axis=1)) / self.dim
        to_come = jnp.arange(ROWS + 1) >= jnp.round(tau * ROWS)
        since = jnp.arange(ROWS + 1) > jnp.round(state.tau * ROWS)
        return state._replace(
            x=x,
            tau=tau,
            work=state.work + square / jnp.maximum(dt, 1e-9),
            speed=jnp.where(since, square / jnp.maximum(dt, 1e-9) ** 2, state.speed),
            lines=jnp.where(to_come[:, None], x[: state.lines.shape[1], 0], state.lines),
            trail=jnp.concatenate([state.trail[1:], x[None, : state.trail.shape[1]]]),
        )

    def observables(self, state: State) -> Scalars:
        gone = jnp.mean(jnp.sum((state.x - state.begun) ** 2, axis=1)) / self.dim
        # A step's share of α is a difference of two in float32, known to 1e-5 of it: no digit that
        # is only rounding.
        return {
            "energy": jnp.round(state.work, 4),
            "straightness": jnp.round(gone / jnp.maximum(state.tau * state.work, 1e-9), 4),
            "distance": sliced_wasserstein(state.x[:COMPARED], self.data(state)),
            "angle": self.unrolled(state)[1][-1],
            "tau": state.tau,
        }

    def limit(self, state: State) -> Scalars:
        """What this path has cost so far, by the metric of the cone."""
        spent = jnp.append(0.0, jnp.cumsum(self.effort(state)) / CELLS)
        return {"energy": jnp.interp(state.tau, jnp.arange(CELLS + 1) / CELLS, spent)}

    def boundaries(self) -> dict[str, Boundary]:
        """More clusters than √d run into each other; more than d are hardly told apart."""
        d, n = float(self.dim), float(self.m)
        return {
            "n = √d": Boundary({"m": jnp.sqrt(d), "dim": jnp.asarray(n**2)}, kind="guide"),
            "n = d": Boundary({"m": jnp.asarray(d), "dim": jnp.asarray(n)}, kind="guide"),
        }

    def lasts(self) -> Scalar:
        return self.steps

    def done(self, state: State) -> Bool[Array, ""]:
        return (state.tau >= 1 - 1e-5) & (self.flow == "once")

    def caveats(self, state: State) -> Flags:
        return {
            "fewer than 20 steps: the energy is that of the steps, not of the path": (
                jnp.asarray(self.steps) < 20
            ),
            "clusters of no width: the swarm ends on the data points themselves": (
                jnp.asarray(self.spread) == 0
            ),
        }

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with fresh noise."""
        return self.fresh(state, key)

    def frame(self, state: State) -> Frame:
        shown = min(self.dim, 3) if self.dim > 1 else 2
        corner = jnp.full(shown, EDGE)
        hue = jnp.arctan2(state.begun[:, 1 % self.dim], state.begun[:, 0])
        if self.dim == 1:
            hue = state.begun[:, 0]
        scale = "phase" if self.dim > 1 else "signed"
        tau = jnp.arange(ROWS + 1) / ROWS
        gone = tau <= state.tau + 1e-4
        fine = jnp.arange(CELLS + 1) / CELLS
        here = jnp.stack(self.mixed(state, state.tau))
        return {
            "swarm": (
                Box(-corner, corner),
                Points(self.flat(state.x), {"begun at": Colour(hue, scale=scale)}),
                Trails(self.flat(state.trail), Colour(hue[: state.trail.shape[1]], scale=scale)),
            ),
            "plane": (
                Axes("noise σ", "signal α"),
                *(
                    self.curve(state, fine, path, "guide")
                    for path in ("straight", "circle", "optimal")
                    if path != self.path
                ),
                self.curve(state, fine, self.path, "theory"),
                Points(here[None, ::-1]),
            ),
            "lines": (
                Axes("τ", "x₁ of a few particles"),
                strung(tau, jnp.where(gone[:, None], state.lines, jnp.nan)),
            ),
            "speed": (
                Axes("τ", "E|u|² / d"),
                Curve(tau[1:], jnp.where(gone, state.speed, jnp.nan)[1:], "measured", "swarm"),
                Curve(fine[:-1] + 0.5 / CELLS, self.effort(state), "theory", "cone"),
            ),
        }

    def curve(self, state: State, tau: Array, path: str, role: str) -> Curve:
        alpha, sigma = self.mixed(state, tau, path)
        return Curve(sigma, alpha, role, path)

    def flat(self, x: Float[Array, "*k dim"]) -> Float[Array, "*k shown"]:
        """The first three coordinates; on a line, with a height that tells points apart."""
        if self.dim > 1:
            return x[..., :3]
        height = (jnp.arange(x.shape[-2]) * 0.618) % 1 * 2 - 1
        return jnp.stack([x[..., 0], jnp.broadcast_to(height, x.shape[:-1])], axis=-1)
