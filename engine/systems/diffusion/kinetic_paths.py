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
from engine.numerics.distances import directions, projected, sliced
from engine.numerics.gaussian_paths import parted
from engine.numerics.quadrature import normal_lattice


ANGLES = 120  # cells of φ in which the metric is known
CELLS = 400  # of τ, in which theory integrates
LEAST = 1e-3  # σ at the end: an empirical cloud has no score without noise
FLAT = 1e-4  # least √m: for Gaussian data the metric vanishes, and any path is as good
ROWS = 200  # times at which a run is remembered: as many as there are steps at most
FOLLOWED, TRAILS, KEPT = 40, 300, 40
COMPARED = 1000  # samples of the data that as many of the swarm are compared with, at most
PAUSE = 120  # steps that a finished swarm is shown for
EDGE = 2.6  # half the side of what is seen
PATHS = ("optimal", "straight", "circle", "drawn")


class State(NamedTuple):
    x: Float[Array, "n dim"]
    begun: Float[Array, "n dim"]  # the noise that it came from
    centres: Float[Array, "m dim"]  # standard normal: the data's are made of the first of them
    sample: Float[Array, "k dim"]  # standard normal: the data compared with are made of it
    tau: Float[Array, ""]
    shown: Int[Array, ""]  # steps since the end
    metric: Float[Array, " angles"]  # m(φ), for the data of `known`
    known: Float[Array, " 3"]  # h, n and d
    work: Float[Array, ""]  # ∫ E|u|² dτ / d so far
    speed: Float[Array, " rows"]  # E|u|²/d, by τ
    lines: Float[Array, "rows followed"]  # the first coordinate of a few
    trail: Float[Array, "kept trails shown"]


class KineticPaths(System[State]):
    """Kinetic optimal paths

    A swarm goes from noise x₀ to data x₁ through the densities of x = α x₁ + σ x₀, carried by

        u = (σ′/σ) x + (α′ − σ′α/σ) E[x₁|x]

    Which path (α, σ) from (0, 1) to (1, 0) takes the least kinetic energy ∫E|u|²dτ? With
    α = r sin φ, σ = r cos φ it is the length of a curve on a cone of angle Ψ, so the best path is a
    straight line on the unrolled cone. Gaussian data close the cone (Ψ = 0, no energy at all), far
    clusters open it to a right angle, where the best path is x = τ x₁ + (1 − τ) x₀. In d
    dimensions, random clusters are far apart while there are n ≪ √d of them.
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
    mapped = "angle"
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(azimuth=-90, elevation=90),  # from above: as a plane, while there is no more
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
        Preset("two points on a line", path="optimal", clusters=2, dimension=1, spread=0.0),
        Preset("far apart", path="optimal", clusters=6, dimension=64),
    )
    quantities = (
        Quantity("energy", symbol="KE/d", help="kinetic energy spent so far, per dimension"),
        Quantity("straightness", symbol="S", span=(0, 1), help="1 where every path is a line"),
        Quantity("distance", symbol="SW₂", span=(0, 1), help="sliced Wasserstein, to the data"),
        Quantity("angle", symbol="Ψ", span=(0, math.pi / 2), unit="rad", help="of the cone"),
        Quantity("tau", symbol="τ", span=(0, 1), help="0 is noise, 1 is data"),
    )
    clock = "steps"

    clusters: Scalar = live(
        default=6,
        span=(2, 128),
        symbol="n",
        help="clusters of the data, as many as there is room for; to the nearest whole number",
        log=True,
        limits=(2, math.inf),
    )
    dimension: Scalar = live(
        default=2,
        span=(1, 64),
        symbol="d",
        help="dimensions, as many as there is room for; to the nearest whole number",
        log=True,
        limits=(1, math.inf),
    )
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
    m: int = size(default=128, span=(2, 1000), symbol="n_max", help="room for clusters")
    dim: int = size(default=64, span=(1, 512), symbol="d_max", help="room for dimensions")

    # The data.

    def count(self) -> Int[Array, ""]:
        """n, a whole number."""
        return jnp.clip(jnp.round(jnp.asarray(self.clusters, float)), 2, self.m).astype(int)

    def dimensions(self) -> Float[Array, ""]:
        """d, a whole number."""
        return jnp.clip(jnp.round(jnp.asarray(self.dimension, float)), 1, self.dim)

    def inside(self, x: Float[Array, "*k dim"]) -> Float[Array, "*k dim"]:
        """Nought beyond the d dimensions."""
        return jnp.where(jnp.arange(self.dim) < self.dimensions(), x, 0.0)

    def present(self) -> Bool[Array, " m"]:
        return jnp.arange(self.m) < self.count()

    def means(self, state: State) -> Float[Array, "m dim"]:
        """Where the clusters lie, centred, E|x₁|² = d whatever their width.

        The rows of those that are not there repeat the first: none of them is ever the nearest
        alone.
        """
        there = self.present()[:, None]
        y = self.inside(state.centres)
        y = jnp.where(there, y - jnp.sum(y, axis=0, where=there) / self.count(), 0.0)
        y = y / jnp.sqrt(jnp.sum(y**2) / (self.count() * self.dimensions()))
        return self.shrink() * jnp.where(there, y, y[0])

    def data(self, state: State) -> Float[Array, "k dim"]:
        """Samples of the data."""
        which = jnp.arange(len(state.sample)) % self.count()
        return self.means(state)[which] + self.spread * self.inside(state.sample)

    def shrink(self) -> Float[Array, ""]:
        return jnp.sqrt(jnp.maximum(1 - jnp.asarray(self.spread, float) ** 2, 0))

    def measured(
        self, state: State, metric: Float[Array, " angles"], due: Bool[Array, ""] | bool = True
    ) -> Float[Array, " angles"]:
        """m(φ) = 1 − E tr Cov(x₁|x) / (d cos²φ), x on the circle α = sin φ, σ = cos φ.

        The mean of the covariance varies less than that of |E[x₁|x]|², which Λ is made of. Given
        the cluster it is h²σ²/V, and between clusters that of their centres, shrunk by σ²/V. Over
        a lattice of clusters and noise Ψ is known to some 0.005.

        A loop over the angles that are `due`, all or none: cells of a map then take their turns.
        Side by side a branch would be taken by all of them, in each step.
        """
        share, noise = normal_lattice(self.dim)
        y = self.means(state)
        own = y[jnp.floor(jnp.asarray(share) * self.count()).astype(int)]
        noise = self.inside(jnp.asarray(noise))
        square = jnp.sum(y**2, axis=1)

        def at(k: Array, metric: Array) -> Array:
            phi = (k + 0.5) / ANGLES * jnp.pi / 2
            alpha, sigma = jnp.sin(phi), jnp.cos(phi)
            v = sigma**2 + (alpha * self.spread) ** 2
            x = alpha * own + jnp.sqrt(v) * noise
            logit = (alpha * x @ y.T - alpha**2 / 2 * square) / v
            weight = jax.nn.softmax(logit, axis=1, where=self.present())
            mean = weight @ y
            between = jnp.mean(weight @ square - jnp.sum(mean**2, axis=1)) / self.dimensions()
            known = 1 - (sigma / v) ** 2 * between - self.spread**2 / v
            return metric.at[k].set(jnp.clip(known, 0, 1))

        return lax.fori_loop(jnp.where(due, 0, ANGLES), ANGLES, at, metric)

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
        r = jnp.sqrt(alpha**2 + sigma**2)
        # On the unrolled cone, where the optimal path is a straight line at an even pace.
        turn = jnp.diff(jnp.interp(jnp.arctan2(alpha, sigma), *self.unrolled(state)))
        across = 4 * r[1:] * r[:-1] * jnp.sin(turn / 2) ** 2
        return (jnp.diff(r) ** 2 + across) * CELLS**2

    # The swarm.

    def init(self, key: Key[Array, ""]) -> State:
        for_centres, for_sample, for_x = jax.random.split(key, 3)
        empty = jnp.zeros((self.n, self.dim))
        state = State(
            x=empty,
            begun=empty,
            centres=jax.random.normal(for_centres, (self.m, self.dim)),
            sample=jax.random.normal(for_sample, (min(COMPARED, self.n), self.dim)),
            tau=jnp.zeros(()),
            shown=jnp.int32(0),
            metric=jnp.zeros(ANGLES),
            known=self.setting(),
            work=jnp.zeros(()),
            speed=jnp.zeros(ROWS + 1),
            lines=jnp.zeros((ROWS + 1, min(FOLLOWED, self.n))),
            trail=jnp.zeros((KEPT, min(TRAILS, self.n), min(self.dim, 3))),
        )
        return self.fresh(state._replace(metric=self.measured(state, state.metric)), for_x)

    def setting(self) -> Float[Array, " 3"]:
        """What decides the data, beside the seed."""
        return jnp.stack([jnp.asarray(self.spread, float), self.count(), self.dimensions()])

    def fresh(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with noise."""
        x = self.inside(jax.random.normal(key, state.x.shape))
        return state._replace(
            x=x,
            begun=x,
            tau=jnp.zeros(()),
            shown=jnp.int32(0),
            work=jnp.zeros(()),
            speed=jnp.zeros(ROWS + 1),
            lines=jnp.broadcast_to(x[: state.lines.shape[1], 0], state.lines.shape),
            trail=jnp.broadcast_to(self.shown_of(state, x), state.trail.shape),
        )

    def shown_of(self, state: State, x: Float[Array, "n dim"]) -> Float[Array, "trails shown"]:
        return x[: state.trail.shape[1], : state.trail.shape[2]]

    def step(self, state: State, key: Key[Array, ""]) -> State:
        finished = state.tau >= 1 - 1e-5
        due = finished & (state.shown >= PAUSE) & (self.flow == "again")
        now = self.setting()
        # A swarm among other clusters, or in another space, has nowhere to go on from.
        due = due | jnp.any(state.known[1:] != now[1:])
        metric = self.measured(state, state.metric, jnp.any(state.known != now))
        seen = state._replace(metric=metric, known=now)
        return lax.switch(
            jnp.where(due, 2, finished.astype(int)),
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

        means, present = self.means(state), self.present()

        def moved(x: Array, alpha: Array, sigma: Array) -> Array:
            """(α₁ − α₀) E[x₁|x] + (σ₁ − σ₀) E[x₀|x]: the path's own change, not its derivative."""
            data, noise = parted(x, means, alpha, sigma, self.spread, present)
            return (a1 - a0) * data + (s1 - s0) * noise

        change = moved(state.x, a0, s0)
        if self.solver == "Heun":
            change = (change + moved(state.x + change, a1, s1)) / 2
        x = state.x + change
        square = jnp.mean(jnp.sum(change**2, axis=1)) / self.dimensions()
        to_come = jnp.arange(ROWS + 1) >= jnp.round(tau * ROWS)
        since = jnp.arange(ROWS + 1) > jnp.round(state.tau * ROWS)
        return state._replace(
            x=x,
            tau=tau,
            work=state.work + square / jnp.maximum(dt, 1e-9),
            speed=jnp.where(since, square / jnp.maximum(dt, 1e-9) ** 2, state.speed),
            lines=jnp.where(to_come[:, None], x[: state.lines.shape[1], 0], state.lines),
            trail=jnp.concatenate([state.trail[1:], self.shown_of(state, x)[None]]),
        )

    def observables(self, state: State) -> Scalars:
        gone = jnp.mean(jnp.sum((state.x - state.begun) ** 2, axis=1)) / self.dimensions()
        # A step's share of α is a difference of two in float32, known to 1e-5 of it: no digit that
        # is only rounding.
        return {
            "energy": jnp.round(state.work, 4),
            "straightness": jnp.round(gone / jnp.maximum(state.tau * state.work, 1e-9), 4),
            "distance": self.distance(state),
            "angle": self.unrolled(state)[1][-1],
            "tau": state.tau,
        }

    def distance(self, state: State) -> Float[Array, ""]:
        """Along directions of d dimensions, not of those that there is room for."""
        along = self.inside(jnp.asarray(directions(dim=self.dim)))
        along = along / jnp.linalg.norm(along, axis=1, keepdims=True)
        swarm = state.x[: len(state.sample)]
        return sliced(projected(swarm, along), projected(self.data(state), along))

    def limit(self, state: State) -> Scalars:
        """What this path has cost so far, by the metric of the cone."""
        spent = jnp.append(0.0, jnp.cumsum(self.effort(state)) / CELLS)
        return {"energy": jnp.interp(state.tau, jnp.arange(CELLS + 1) / CELLS, spent)}

    def boundaries(self) -> dict[str, Boundary]:
        """More clusters than √d run into each other; more than d are hardly told apart."""
        n, d = jnp.asarray(self.clusters, float), jnp.asarray(self.dimension, float)
        return {
            "n = √d": Boundary({"clusters": jnp.sqrt(d), "dimension": n**2}, kind="guide"),
            "n = d": Boundary({"clusters": d, "dimension": n}, kind="guide"),
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
            "the data have changed: a step measures their cone anew": (
                jnp.any(state.known != self.setting())
            ),
            "no room for so many clusters or dimensions: raise n_max, d_max": (
                (jnp.round(jnp.asarray(self.clusters)) > self.m)
                | (jnp.round(jnp.asarray(self.dimension)) > self.dim)
            ),
        }

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with fresh noise."""
        return self.fresh(state, key)

    def frame(self, state: State) -> Frame:
        d, x = self.dimensions(), state.begun
        # On a line the angle is the place itself, which seldom leaves (−π, π).
        hue = jnp.where(d > 1, jnp.arctan2(x[:, 1 % self.dim], x[:, 0]), x[:, 0])
        corner = jnp.full(2, EDGE)
        if self.dim > 2:  # a plane while there are but two, in the ball that a camera shows whole
            corner = EDGE / math.sqrt(2) * jnp.array([1, 1, d > 2])
        tau = jnp.arange(ROWS + 1) / ROWS
        gone = tau <= state.tau + 1e-4
        fine = jnp.arange(CELLS + 1) / CELLS
        here = jnp.stack(self.mixed(state, state.tau))
        return {
            "swarm": (
                Box(-corner, corner),
                Points(self.flat(state.x), {"begun at": Colour(hue, scale="phase")}),
                Trails(self.flat(state.trail), Colour(hue[: state.trail.shape[1]], scale="phase")),
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
        height = (jnp.arange(x.shape[-2]) * 0.618) % 1 * 2 - 1
        along = x[..., 0]
        across = jnp.where(self.dimensions() > 1, x[..., 1 % self.dim], height)
        return jnp.concatenate([jnp.stack([along, across], axis=-1), x[..., 2:3]], axis=-1)
