"""An epidemic on a random network in the plane, and the field that predicts it."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Captions, Colour, Curve, Frame, Image, Points, Segments
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.roots import bisect
from engine.numerics.spatial_network import Edges, Nodes, cell_sums, edges, neighbours_that
from engine.numerics.spatial_network import sorted_nodes as sorted_by_cell


PARTS = 16  # Gaussians that make up a kernel without one width
GRID = 64  # of theory's field, along each side
COARSE = 20  # cells along a side: an infection with none in or around its cell is a new focus
RINGS = 48  # of the radial profile
SHOWN = 1500  # edges that are drawn
SUSCEPTIBLE, INFECTED, RECOVERED = 0, 1, 2


class State(NamedTuple):
    nodes: Nodes
    edges: Edges
    kernel: Float[Array, "parts grid grid"]  # Gaussians along a side, ...
    share: Float[Array, " parts"]  # ... and how much of each
    health: Int[Array, " n"]
    foci: Int[Array, ""]  # how often it began far from where it was
    time: Float[Array, ""]
    passed: Float[Array, "grid grid"]  # 1 − Θ: the share of contacts that have transmitted
    fresh: Float[Array, "grid grid"]  # whom no hand has infected
    recovered: Float[Array, "grid grid"]


class SpatialEpidemic(System[State]):
    """Epidemic in space

    Everyone has a few contacts, mostly near. The infected (rate β per contact) infect, and
    recover (rate γ). Contacts with thin tails carry a wave of constant speed; with heavy tails the
    disease hops far ahead and spreads from there.

        P(infected in dt) = 1 − exp(−β n_I dt),    P(recovers in dt) = 1 − exp(−γ dt)

    The field Θ(x, t), the probability that a contact of someone at x has not yet transmitted,
    closes in itself for N → ∞ and is solved beside the network. (1 − Θ is what is kept: ahead of a
    front it is far smaller than the rounding of Θ, and yet it is what pulls the front.)
    """

    sources = ("lang2017rsn",)
    equations = (
        Equation(
            r"\dot\Theta=-\beta\Theta+\gamma(1-\Theta)+\beta\, f*\frac{\Psi'(\Theta)}{\Psi'(1)}",
            "a contact that has not yet transmitted",
        ),
        Equation(
            r"S=\Psi(\Theta),\qquad \Psi(\Theta)=\langle e^{-\kappa(1-\Theta)}\rangle",
            "who was never infected; degrees are mixed Poisson",
        ),
        Equation(
            r"R_0=\frac{\beta}{\beta+\gamma}\frac{\langle\kappa^2\rangle}{\langle\kappa\rangle}",
            "it spreads where this is above 1",
        ),
        Equation(
            r"c=\min_\lambda\frac{1}{\lambda}\left[\beta\frac{\langle\kappa^2\rangle}"
            r"{\langle\kappa\rangle}M(\lambda)-\beta-\gamma\right]",
            "speed of a flat front; M is the moment generating function of the kernel",
        ),
    )
    theory_name = "edge-based"
    assumptions = (
        "N → ∞ without short loops (many nodes within σ). The final size is of an outbreak that "
        "takes off from few, at this step Δt."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 2000, "room": 8192}
    quenched = ("nodes", "edges", "kernel", "share")
    presets = (
        Preset("wave", kernel="gaussian", sigma=0.03),
        Preset("hop and spread", kernel="power law", sigma=0.01, alpha=3.2),
        Preset("well mixed", kernel="anywhere"),
        Preset("a few know many", contacts="two kinds", kappa=3.0, beta=0.6),
        Preset("dies out", beta=0.2),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "nodes": Hint(large=True),
        "field": Hint(large=False),
        "profile": Hint(large=False),
        "contacts": Hint(large=False),
    }
    quantities = (
        Quantity("attack", symbol="1 − S", span=(0, 1), help="share that ever was infected"),
        Quantity("infected", symbol="I", span=(0, 1), help="share that is infected now"),
        Quantity("radius", symbol="r", help="of a disc with the spread of all ever infected"),
        Quantity("foci", symbol="foci", help="times it began far from where it was"),
        Quantity("degree", symbol="⟨k⟩", help="contacts of a node"),
    )

    beta: Scalar = live(
        default=1.0, span=(0, 5), symbol="β", help="rate of infection", limits=(0, 1e3)
    )
    gamma: Scalar = live(
        default=1.0, span=(0.1, 3), symbol="γ", help="rate of recovery", limits=(1e-6, 1e3)
    )
    dt: Scalar = live(
        default=0.02, span=(0.002, 0.05), symbol="Δt", help="step", limits=(1e-5, 0.2)
    )
    kernel: str = start(
        default="gaussian",
        choices=("gaussian", "exponential", "power law", "anywhere"),
        help="how far contacts reach",
    )
    sigma: Scalar = start(
        default=0.03,
        span=(0.005, 0.5),
        symbol="σ",
        help="their width; the side is 1",
        log=True,
        limits=(1e-4, 10.0),
    )
    alpha: Scalar = start(
        default=3.0,
        span=(2.1, 8),
        symbol="α",
        help="of the power law (1 + r²/σ²)^(−α/2)",
        limits=(2.05, 50.0),
    )
    contacts: str = start(
        default="equal",
        choices=("equal", "two kinds", "power law"),
        help="who expects how many contacts",
    )
    kappa: Scalar = start(
        default=5.0, span=(1, 20), symbol="κ", help="contacts of a node", limits=(0.1, 200.0)
    )
    seed_radius: Scalar = start(
        default=0.03,
        span=(0.0, 0.2),
        symbol="r₀",
        help="all within it are infected first",
        limits=(0.0, 1.0),
    )
    n: int = size(default=10_000, span=(400, 1_000_000), symbol="N", help="nodes")
    room: int = size(default=32_768, span=(512, 2**24), symbol="E", help="room for edges")

    @property
    def side(self) -> int:
        """Cells along a side of the grid that sorts the nodes: about one node in each."""
        return COARSE * max(1, round(self.n**0.5 / COARSE))

    # The network.

    def init(self, key: Key[Array, ""]) -> State:
        for_place, for_kind, for_edges = jax.random.split(key, 3)
        weight = self.kappa * kinds(self.contacts, jax.random.uniform(for_kind, (self.n,)))
        nodes = sorted_by_cell(jax.random.uniform(for_place, (self.n, 2)), weight, self.side)
        expected = jnp.asarray(self.n * self.kappa / 2)
        network = edges(for_edges, nodes, self.jumps, expected, side=self.side, room=self.room)
        near = jnp.sum((nodes.position - 0.5) ** 2, axis=1) < jnp.asarray(self.seed_radius) ** 2
        return State(
            nodes,
            network,
            *self.mixture(),
            jnp.where(near, INFECTED, SUSCEPTIBLE).astype(jnp.int32),
            jnp.int32(0),
            jnp.float32(0.0),
            jnp.zeros((GRID, GRID)),
            1 - disc(jnp.full(2, 0.5), jnp.asarray(self.seed_radius)),
            jnp.zeros((GRID, GRID)),
        )

    def jumps(self, key: Key[Array, ""], count: int) -> Float[Array, "e 2"]:
        """Displacements from one end of an edge to the other."""
        for_way, for_scale = jax.random.split(key)
        if self.kernel == "anywhere":
            return jax.random.uniform(for_way, (count, 2))
        way = jax.random.normal(for_way, (count, 2)) * self.sigma
        match self.kernel:
            case "exponential":  # a Gaussian whose variance is exponential: Laplace marginals
                return way * jnp.sqrt(2 * jax.random.exponential(for_scale, (count, 1)))
            case "power law":  # and one whose precision is Gamma distributed
                t = jax.random.gamma(for_scale, self.alpha / 2 - 1, (count, 1))
                return jnp.clip(way / jnp.sqrt(2 * jnp.maximum(t, 1e-30)), -1e3, 1e3)
        return way

    def mixture(self) -> tuple[Float[Array, "parts grid grid"], Float[Array, " parts"]]:
        """The kernel on theory's grid, as a mixture of Gaussians: positive, as FFTs are not."""
        sigma = jnp.asarray(self.sigma, float)
        match self.kernel:
            case "gaussian":
                width, share = sigma[None], jnp.ones(1)
            case "exponential":  # of variance 2 σ² E, E exponential
                e = jnp.exp(jnp.linspace(-7.0, 2.5, PARTS))
                width, share = sigma * jnp.sqrt(2 * e), e * jnp.exp(-e)
            case "power law":  # of variance σ²/2t, t Gamma distributed
                t = jnp.exp(jnp.linspace(-14.0, 2.5, PARTS))
                width, share = sigma / jnp.sqrt(2 * t), t ** (self.alpha / 2 - 1) * jnp.exp(-t)
            case _:
                width, share = jnp.full(1, 10.0), jnp.ones(1)
        x = (jnp.arange(GRID) - GRID // 2) / GRID
        image = x + jnp.arange(-2, 3)[:, None]  # beyond two boxes a Gaussian is flat
        line = jnp.exp(-(image**2) / (2 * width[:, None, None] ** 2 + 1e-9)).sum(axis=1)
        line = jnp.where(width[:, None] > 1, 1.0, line)
        line = jnp.roll(line / line.sum(axis=1, keepdims=True), -(GRID // 2), axis=1)
        places = (jnp.arange(GRID)[:, None] - jnp.arange(GRID)) % GRID
        return line[:, places], share / share.sum()

    # The disease.

    def step(self, state: State, key: Key[Array, ""]) -> State:
        infected = state.health == INFECTED
        around = neighbours_that(state.edges, infected)
        draw = jax.random.uniform(key, (self.n,))
        caught = (state.health == SUSCEPTIBLE) & (draw < -jnp.expm1(-self.beta * self.dt * around))
        cured = infected & (draw < -jnp.expm1(-self.gamma * self.dt))
        health = jnp.where(caught, INFECTED, jnp.where(cured, RECOVERED, state.health))
        ever = self.coarse(state, state.health != SUSCEPTIBLE)
        padded = jnp.pad(ever, 1, mode="wrap")
        rows = padded[:-2] + padded[1:-1] + padded[2:]
        reached = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
        begun = (self.coarse(state, caught) > 0) & (reached == 0)
        return self.predicted(state)._replace(
            health=health.astype(jnp.int32),
            foci=state.foci + jnp.sum(begun, dtype=jnp.int32),
            time=state.time + self.dt,
        )

    def predicted(self, state: State) -> State:
        """The field one step later."""
        _, edge = self.deficits(state.passed)
        edge = 1 - state.fresh + state.fresh * edge
        spread = jnp.einsum("p,pik,kl,pjl->ij", state.share, state.kernel, edge, state.kernel)
        rate = self.beta * spread - (self.beta + self.gamma) * state.passed
        infected = self.ever(state) - state.recovered
        return state._replace(
            passed=jnp.clip(state.passed + self.dt * rate, 0, 1),
            recovered=state.recovered + self.dt * self.gamma * infected,
        )

    def ever(self, state: State) -> Float[Array, "grid grid"]:
        """The share that was infected, in theory, at each place."""
        return 1 - state.fresh + state.fresh * self.deficits(state.passed)[0]

    def deficits(self, passed: Float[Array, "*grid"]) -> tuple[Array, Array]:
        """1 − Ψ(Θ) and 1 − Ψ'(Θ)/Ψ'(1) at Θ = 1 − `passed`, precise where they are small."""
        many, share = expected(self.contacts, self.kappa)
        gone = -jnp.expm1(-many * passed[..., None])
        return gone @ share, gone @ (share * many) / self.kappa

    def coarse(self, state: State, mine: Array) -> Int[Array, "coarse coarse"]:
        """How many are so in each cell of the coarse grid."""
        fine = self.side // COARSE
        cells = cell_sums(state.nodes, mine).reshape(COARSE, fine, COARSE, fine)
        return cells.sum(axis=(1, 3))

    def done(self, state: State) -> Array:
        return ~jnp.any(state.health == INFECTED)

    def demand(self, state: State) -> dict[str, Int[Array, ""]]:
        return {"room": state.edges.total}

    @poke(view="nodes")
    def infect(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Infect those under the hand, or make them immune."""
        apart = state.nodes.position - touch.position
        apart = apart - jnp.round(apart)
        radius = jnp.asarray(touch.radius)
        inside = jnp.sum(apart**2, axis=1) < radius**2
        new = jnp.where(touch.sign > 0, INFECTED, RECOVERED)
        field = disc(jnp.asarray(touch.position), radius)
        immune = jnp.where(touch.sign > 0, 0.0, 1.0) * field * (1 - self.ever(state))
        return state._replace(
            health=jnp.where(inside & (state.health == SUSCEPTIBLE), new, state.health).astype(
                jnp.int32
            ),
            fresh=state.fresh * (1 - field),
            recovered=state.recovered + immune,
        )

    # What is measured, and what theory says.

    def observables(self, state: State) -> Scalars:
        ever = state.health != SUSCEPTIBLE
        square = jnp.sum((state.nodes.position - 0.5) ** 2, axis=1)
        return {
            "attack": jnp.mean(ever),
            "infected": jnp.mean(state.health == INFECTED),
            "radius": jnp.sqrt(2 * jnp.sum(ever * square) / jnp.maximum(jnp.sum(ever), 1)),
            "foci": state.foci.astype(float),
            "degree": 2 * state.edges.total / self.n,
        }

    def limit(self, state: State) -> Scalars:
        ever = self.ever(state)
        total = jnp.maximum(jnp.mean(ever), 1e-12)
        return {
            "attack": jnp.mean(ever),
            "infected": jnp.mean(ever - state.recovered),
            "radius": jnp.sqrt(2 * jnp.mean(ever * off_middle() ** 2) / total),
        }

    def theory(self) -> Scalars:
        return {"attack": self.final_size(), "degree": jnp.asarray(self.kappa, float)}

    def transmissibility(self) -> Array:
        """The probability that an infected node transmits along an edge, at this step."""
        caught = -jnp.expm1(-self.beta * self.dt)
        return caught / -jnp.expm1(-(self.beta + self.gamma) * self.dt)

    def final_size(self) -> Float[Array, ""]:
        """1 − Ψ at the largest root of 1 − Θ = T (1 − Ψ'(Θ)/Ψ'(1))."""
        many, share = expected(self.contacts, self.kappa)
        t = self.transmissibility()

        def slope(passed: Array) -> Array:
            return t * jnp.exp(-many * passed) @ (share * many**2) / self.kappa - 1

        def beyond(passed: Array) -> Array:
            return t * self.deficits(passed)[1] - passed

        # It rises from 0 to where its slope is 0, then falls: without a rise there is no outbreak.
        top = bisect(slope, 0.0, 1.0)
        share_of_rest = bisect(lambda x: beyond(top + (1 - top) * x), 0.0, 1.0)
        passed = jnp.where(slope(jnp.float32(0.0)) > 0, top + (1 - top) * share_of_rest, 0.0)
        return self.deficits(passed)[0]

    def excess(self) -> Array:
        """⟨κ²⟩/⟨κ⟩: contacts of whom a contact leads to, beside the one they were reached by."""
        many, share = expected(self.contacts, self.kappa)
        return jnp.sum(share * many**2) / self.kappa

    def speed(self) -> Float[Array, ""]:
        """Of a flat front pulled by few; not-a-number where the kernel has no such front."""
        ratio = self.excess()
        steep = jnp.geomspace(0.02, 8.0, 2001)  # λσ
        match self.kernel:
            case "gaussian":
                growth = jnp.exp(steep**2 / 2)
            case "exponential":
                steep = jnp.linspace(5e-4, 0.9995, 2000)
                growth = 1 / (1 - steep**2)
            case _:
                return jnp.float32(jnp.nan)
        speed = jnp.min((self.beta * ratio * growth - self.beta - self.gamma) / steep) * self.sigma
        return jnp.where(self.transmissibility() * ratio > 1, speed, jnp.nan)

    def boundaries(self) -> dict[str, Boundary]:
        q = self.excess()
        x, y = jnp.exp(-self.beta * self.dt), jnp.exp(-self.gamma * self.dt)
        left = (1 - q + q * x) / x
        beta = jnp.where(q > 1, -jnp.log(jnp.maximum(q - 1, 1e-9) / (q - y)) / self.dt, jnp.nan)
        gamma = jnp.where((left > 0) & (left < 1), -jnp.log(left) / self.dt, jnp.nan)
        return {"R₀ = 1": Boundary({"beta": beta, "gamma": gamma})}

    def caveats(self, state: State) -> Flags:
        near = self.n * jnp.pi * jnp.asarray(self.sigma) ** 2
        local = self.kernel in ("gaussian", "exponential")
        words = (
            "few nodes lie within σ: contacts share contacts, and it infects fewer than in theory"
        )
        return {words: local & (near < 12)}

    def frame(self, state: State) -> Frame:
        square = Box(jnp.zeros(2), jnp.ones(2), periodic=True)
        seen, expected = self.profiles(state)
        r = (jnp.arange(RINGS) + 0.5) / RINGS * 0.5
        front = jnp.asarray(self.seed_radius) + self.speed() * state.time
        tail, way, carries = self.some_edges(state)
        return {
            "nodes": (
                square,
                Points(
                    state.nodes.position,
                    {
                        "health": Colour(state.health.astype(float), "category", (0, 2)),
                        "contacts": Colour(jnp.diff(state.edges.first).astype(float)),
                    },
                ),
            ),
            "field": (
                square,
                Image(self.ever(state) - state.recovered, span=(0.0, 0.4)),
                Captions(("infected, in theory",)),
            ),
            "profile": (
                Axes("r", "infected"),
                Curve(r, expected, label="edge-based"),
                Curve(r, seen, "measured"),
                Curve(jnp.stack([front, front]), jnp.array([0.0, 0.4]), "guide", "flat front c t"),
            ),
            "contacts": (square, Segments(tail, tail + way, Colour(carries, "category", (0, 1)))),
        }

    def profiles(self, state: State) -> tuple[Float[Array, " rings"], Float[Array, " rings"]]:
        """The infected share of each ring around the middle: of nodes, and in theory."""
        r = jnp.linalg.norm(state.nodes.position - 0.5, axis=1)
        field = self.ever(state) - state.recovered
        place = off_middle().reshape(-1)
        return (
            in_rings(r, state.health == INFECTED),
            in_rings(place, field.reshape(-1)),
        )

    def some_edges(self, state: State) -> tuple[Array, Array, Array]:
        """A sample of the edges: tail, vector, and whether an infected node is at an end."""
        entries = len(state.edges.neighbour)
        chosen = jnp.linspace(0, 1, SHOWN) * 2 * jnp.minimum(state.edges.total, self.room)
        chosen = jnp.clip(chosen.astype(jnp.int32), 0, entries - 1)
        one = jnp.searchsorted(state.edges.first, chosen, side="right").astype(jnp.int32) - 1
        one = jnp.clip(one, 0, self.n - 1)
        other = jnp.minimum(state.edges.neighbour[chosen], self.n - 1)
        way = state.nodes.position[other] - state.nodes.position[one]
        carries = (state.health[one] == INFECTED) | (state.health[other] == INFECTED)
        return state.nodes.position[one], way - jnp.round(way), carries.astype(float)


def kinds(contacts: str, share: Float[Array, " n"]) -> Float[Array, " n"]:
    """Expected contacts over their mean, by the inverse of their distribution."""
    match contacts:
        case "two kinds":  # a tenth expects eleven times as many as the others
            return jnp.where(share < 0.9, 0.5, 5.5)
        case "power law":  # density κ⁻³ over a factor of 20
            return POWER / jnp.sqrt(1 - share * (1 - 1 / 400))
    return jnp.ones_like(share)


POWER = (1 - 1 / 400) / (2 * (1 - 1 / 20))  # the least of them, for a mean of 1
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)  # over the share of nodes


def expected(contacts: str, kappa: Scalar) -> tuple[Float[Array, " q"], Float[Array, " q"]]:
    """Expected contacts, and the share of nodes with each: exact, or a quadrature."""
    if contacts == "power law":
        # Substituting share = 1 − v² spreads the nodes to where contacts are many.
        v = (NODES + 1) / 2
        share = jnp.asarray(WEIGHTS * v, jnp.float32)
        return kinds(contacts, jnp.asarray(1 - v**2, jnp.float32)) * kappa, share
    share = jnp.array([0.9, 0.1]) if contacts == "two kinds" else jnp.array([1.0])
    return kinds(contacts, jnp.array([0.5, 0.95])[: len(share)]) * kappa, share


def disc(middle: Float[Array, " 2"], radius: Float[Array, ""]) -> Float[Array, "grid grid"]:
    """1 within a disc on the torus, 0 outside; its rim is one cell of the grid wide."""
    x = (jnp.arange(GRID) + 0.5) / GRID
    away = jnp.stack([(x - middle[k] + 0.5) % 1.0 - 0.5 for k in range(2)])
    r = jnp.hypot(away[0][None, :], away[1][:, None])
    return jnp.where(radius > 0, jnp.clip((radius - r) * GRID + 0.5, 0, 1), 0.0)


def off_middle() -> Float[Array, "grid grid"]:
    """Distance of the field's cells from the middle of the box."""
    x = (jnp.arange(GRID) + 0.5) / GRID - 0.5
    return jnp.hypot(x[None, :], x[:, None])


def in_rings(r: Float[Array, " n"], values: Array) -> Float[Array, " rings"]:
    """The mean of the values in each ring; not-a-number where a ring is empty."""
    ring = jnp.clip((r / 0.5 * RINGS).astype(jnp.int32), 0, RINGS)
    total = jax.ops.segment_sum(values.astype(float), ring, RINGS + 1)[:RINGS]
    count = jax.ops.segment_sum(jnp.ones_like(r), ring, RINGS + 1)[:RINGS]
    return jnp.where(count > 0, total / jnp.maximum(count, 1), jnp.nan)
