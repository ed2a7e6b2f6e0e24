"""Two flows with different fields and the same clouds, and what reads the data from a field."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import (
    Arrows,
    Axes,
    Box,
    Captions,
    Colour,
    Curve,
    Frame,
    Image,
    Points,
    Trails,
    strung,
)
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.distances import sliced_wasserstein
from engine.numerics.matrices import eigh, orthonormal, singular_values
from engine.numerics.scores import BLOCK, weighted
from engine.numerics.shapes import DIMENSION, SHAPES, normalised
from engine.numerics.subspaces import largest_angle


STEPS = 300  # of equal ratio, from the widest noise to the finest
PAUSE = 180  # steps that the finished clouds are shown for
PROBES = 8  # data points at which the fields are read
SCORES = 256  # samples of a field at a probe
CARRIED = 24  # particles whose neighbourhood is carried along
SHEET = "Gaussian sheet"
SURFACES = {"line": 1, **{k: DIMENSION[k] for k in ("circle", "sphere", "torus", "swiss roll")}}
SQUARE = {"circle": 1.0, "sphere": 1.0, "torus": 1.32}  # mean |y|² of those centred by symmetry
EDGE = 1.5  # half the side of the box
TRAILS, KEPT = 160, 24  # particles with a trail, and its positions
GRID = 15  # arrows along a side of the slice


class Plane(NamedTuple):
    """The plane in which the gauge turns: J u = w, J w = −u."""

    u: Float[Array, " dim"]
    w: Float[Array, " dim"]


class State(NamedTuple):
    swarms: Float[Array, "2 n dim"]  # of the gradient field, and of the other one
    data: Float[Array, "m dim"]
    frame: Float[Array, "3 dim"]  # the space of the shape, within all dimensions
    sigma: Float[Array, ""]
    stretch: Float[Array, "2 carried dim dim"]  # ∂x/∂x_T of the first particles
    turned: Float[Array, " n"]  # rad: how far the second swarm went round in the plane
    hue: Float[Array, " n"]  # rad: where on the shape a particle began
    shown: Int[Array, ""]  # steps since the clouds were finished
    past: Float[Array, "steps 2 dim"]  # mean ln of the singular values of `stretch`, by step
    taken: Int[Array, ""]  # steps of this cloud
    trail: Float[Array, "2 kept trails dim"]


class GaugeFreedom(System[State]):
    """Gauge freedom of the score

    Noise x = y + σ z is taken away by a flow dx/d ln σ = −σ² s. With s = ∇ log p the swarm passes
    through the densities p_σ. So it does with any other field whose surplus r carries no density:

        s = ∇ log p + r,    ∇·(p r) = 0,    for instance r = ω J ∇ log p, J antisymmetric

    for ∇·(J∇p) = 0 whatever p is. The second swarm swirls, and yet both are the same cloud at any
    time. But who reads the tangents of the data from the field is turned by arctan ω: sampling
    needs no gradient field, geometry does. (Mode "symmetric": no gauge, and the clouds part.)
    """

    sources = ("horvat2024gauge",)
    equations = (
        Equation(
            r"\frac{\mathrm{d}x}{\mathrm{d}\ln\sigma}=-\sigma^2\,s(x,\sigma),\qquad "
            r"s=\nabla\log p_\sigma+r",
            "the flow that takes noise away",
        ),
        Equation(
            r"\nabla\!\cdot r+r\cdot\nabla\log p_\sigma=0",
            "the gauge condition: r carries no density",
        ),
        Equation(
            r"r=\omega\,J\,\nabla\log p_\sigma,\qquad J^{\!\top}=-J",
            "an exact gauge of every density",
        ),
        Equation(
            r"\frac{\mathrm{d}Y}{\mathrm{d}\ln\sigma}=-\sigma^2\,\nabla s\,Y",
            "how the flow stretches a neighbourhood",
        ),
    )
    assumptions = (
        "Infinitely many particles and samples, a probe's noise finer than any bend of the data."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 200, "m": 200}
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarms": Hint(azimuth=-70.0, elevation=38.0),
        "slice": Hint(large=False),
        "stretch": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (Pair("no gauge | gauge", {"gauge": 0.0}, {"gauge": 1.5}),)
    presets = (
        Preset("swirl", gauge=1.5, tilt=0.0, surplus="gauge"),
        Preset("no gauge", gauge=0.5, tilt=0.0, surplus="symmetric"),
        Preset("sphere", gauge=2.0, tilt=30.0, shape="sphere"),
        Preset("exact sheet", gauge=1.0, tilt=90.0, shape=SHEET, far=1.0, near=0.02),
    )
    quantities = (
        Quantity("misread", symbol="∠", span=(0, 90), unit="°", help="angle of the normals read"),
        Quantity("apart", symbol="SW₂", span=(0, 0.5), help="between the two swarms"),
        Quantity("dimension", symbol="k", span=(0, 3), help="of the data, read from the field"),
        Quantity(
            "rotation", symbol="⟨|θ|⟩", unit="rad", help="of the second swarm since the start"
        ),
        Quantity("curl", symbol="|∂ᵢsⱼ−∂ⱼsᵢ|", log=True, help="0 for a gradient, in units 1/σ²"),
        Quantity("leak", symbol="|∇·r+r·S|/S²", span=(0, 1), help="0 for a gauge"),
        Quantity("sigma", symbol="σ", log=True, help="noise now"),
    )
    clock = "steps"

    gauge: Scalar = live(
        default=1.5,
        span=(0, 5),
        symbol="ω",
        help="strength of the surplus field",
        limits=(-20, 20),
    )
    probe: Scalar = live(
        default=0.03,
        span=(0.01, 0.3),
        symbol="σₚ",
        help="noise at which the field is read",
        log=True,
        limits=(1e-3, 10),
    )
    tilt: Scalar = live(
        default=0.0,
        span=(0, 90),
        symbol="τ",
        unit="°",
        help="of the plane that J turns, about the x axis; from three dimensions up",
    )
    surplus: str = mode(
        default="gauge", choices=("gauge", "symmetric"), help="a J that is antisymmetric, or not"
    )
    flow: str = mode(default="again", choices=("again", "once"), help="begin anew, or stop")
    shape: str = start(default="circle", choices=(*SURFACES, SHEET), help="of the data")
    far: Scalar = start(
        default=3.0,
        span=(1, 10),
        symbol="σ_T",
        help="noise at the start",
        log=True,
        limits=(0.01, 50),
    )
    near: Scalar = start(
        default=0.03,
        span=(0.01, 0.3),
        symbol="σ₀",
        help="noise at the end",
        log=True,
        limits=(1e-3, 10),
    )
    n: int = size(default=1200, span=(100, 20_000), symbol="N", help="particles of a swarm")
    m: int = size(default=800, span=(50, 4000), symbol="M", help="data points")
    dim: int = size(default=3, span=(2, 10), symbol="D", help="dimensions that the shape lies in")

    def init(self, key: Key[Array, ""]) -> State:
        for_data, for_frame, for_swarm = jax.random.split(key, 3)
        frame = jnp.eye(3, self.dim)
        if self.dim > 3:
            mixed = jax.random.normal(for_frame, (self.dim, 3))
            frame = orthonormal(mixed).T
        state = State(
            swarms=jnp.zeros((2, self.n, self.dim)),
            data=self.drawn(for_data) @ frame,
            frame=frame,
            sigma=jnp.asarray(self.far, float),
            stretch=jnp.zeros((2, min(CARRIED, self.n), self.dim, self.dim)),
            turned=jnp.zeros(self.n),
            hue=jnp.zeros(self.n),
            shown=jnp.int32(0),
            past=jnp.zeros((STEPS + 1, 2, self.dim)),
            taken=jnp.int32(0),
            trail=jnp.zeros((2, KEPT, min(TRAILS, self.n), self.dim)),
        )
        return self.begun(state, for_swarm)

    def drawn(self, key: Key[Array, ""]) -> Float[Array, "m 3"]:
        """The data: unit variance for each dimension that the shape itself has."""
        if self.shape == "line":
            along = jax.random.uniform(key, (self.m,), minval=-1)
            return jnp.sqrt(3.0) * along[:, None] * jnp.eye(3)[0]
        if self.shape == SHEET:
            return jax.random.normal(key, (self.m, 3)).at[:, 2].set(0)
        cloud = SHAPES[self.shape](key, self.m)
        if self.shape in SQUARE:
            # By their exact moments: those of a sample would shift a circle by 1/√(2M).
            return cloud * jnp.sqrt(SURFACES[self.shape] / SQUARE[self.shape])
        return normalised(cloud) * jnp.sqrt(SURFACES[self.shape] / 3)

    def begun(self, state: State, key: Key[Array, ""]) -> State:
        """Both swarms at the same places, drawn from p at the widest noise."""
        for_data, for_noise, for_sheet = jax.random.split(key, 3)
        origin = jax.random.choice(for_data, state.data, (self.n,))
        if self.shape == SHEET:
            flat = jax.random.normal(for_sheet, (self.n, 3)).at[:, 2].set(0)
            origin = flat @ state.frame
        far = jnp.asarray(self.far, float)
        swarm = origin + far * jax.random.normal(for_noise, origin.shape)
        place = swarm @ state.frame.T
        carried = jnp.broadcast_to(jnp.eye(self.dim), state.stretch.shape)
        return state._replace(
            swarms=jnp.stack([swarm, swarm]),
            sigma=far,
            stretch=carried,
            turned=jnp.zeros(self.n),
            hue=jnp.arctan2(place[:, 1], place[:, 0]),
            shown=jnp.int32(0),
            past=jnp.broadcast_to(jnp.zeros((2, self.dim)), state.past.shape),
            taken=jnp.int32(0),
            trail=jnp.broadcast_to(swarm[: state.trail.shape[2]], state.trail.shape),
        )

    def plane(self, state: State) -> Plane:
        tilt = jnp.deg2rad(jnp.asarray(self.tilt, float)) * (self.dim > 2)
        return Plane(
            state.frame[0], jnp.cos(tilt) * state.frame[1] + jnp.sin(tilt) * state.frame[2]
        )

    def twisted(self, s: Float[Array, "*n dim"], plane: Plane) -> Float[Array, "*n dim"]:
        """J s, for vectors s along the last axis."""
        along, across = s @ plane.u, s @ plane.w
        back = 1.0 if self.surplus == "symmetric" else -1.0
        return along[..., None] * plane.w + back * across[..., None] * plane.u

    def score(self, state: State, x: Float[Array, "n dim"], sigma: Array) -> Float[Array, "n dim"]:
        """∇ log p_σ."""
        if self.shape == SHEET:
            return -x @ self.precision(state, sigma)
        columns = jnp.concatenate([state.data, jnp.ones((len(state.data), 1))], axis=1)
        sums, _ = weighted(x, state.data, columns, jnp.ones(()), sigma**2, BLOCK)
        return (sums[:, :-1] / sums[:, -1:] - x) / sigma**2

    def curvature(self, state: State, x: Float[Array, "k dim"], sigma: Array) -> Array:
        """∇∇ log p_σ at a few places."""
        if self.shape == SHEET:
            return jnp.broadcast_to(-self.precision(state, sigma), (len(x), self.dim, self.dim))
        y = state.data
        apart = jnp.sum(y**2, axis=1) / 2 - x @ y.T
        weight = jax.nn.softmax(-apart / sigma**2, axis=1)
        off = y - (weight @ y)[:, None]
        spread = jnp.einsum("km,kmi,kmj->kij", weight, off, off)
        return (spread / sigma**2 - jnp.eye(self.dim)) / sigma**2

    def precision(self, state: State, sigma: Array) -> Float[Array, "dim dim"]:
        """The inverse covariance of the sheet in noise: `flat` projects on it."""
        flat = state.frame[:2].T @ state.frame[:2]
        return flat / (1 + sigma**2) + (jnp.eye(self.dim) - flat) / sigma**2

    def field(self, state: State, swarms: Float[Array, "2 n dim"], sigma: Array) -> Array:
        """σ² s of each swarm."""
        s = self.score(state, swarms.reshape(-1, self.dim), sigma).reshape(swarms.shape)
        r = self.gauge * self.twisted(s[1], self.plane(state))
        return sigma**2 * jnp.stack([s[0], s[1] + r])

    def gradient(self, state: State, swarms: Float[Array, "2 n dim"], sigma: Array) -> Array:
        """σ² ∇s where a neighbourhood is carried along."""
        x = swarms[:, : state.stretch.shape[1]]
        bend = jax.vmap(lambda x: self.curvature(state, x, sigma))(x)
        columns = jnp.swapaxes(bend[1], -1, -2)  # J acts on the first index
        twist = jnp.swapaxes(self.twisted(columns, self.plane(state)), -1, -2)
        return sigma**2 * jnp.stack([bend[0], bend[1] + self.gauge * twist])

    def step(self, state: State, key: Key[Array, ""]) -> State:
        finished = state.sigma <= self.near * 1.001
        due = finished & (state.shown >= PAUSE) & (self.flow == "again")
        return lax.cond(
            finished,
            lambda: lax.cond(
                due, lambda: self.begun(state, key), lambda: state._replace(shown=state.shown + 1)
            ),
            lambda: self.advanced(state),
        )

    def advanced(self, state: State) -> State:
        """A step of the midpoint rule in ln σ, of the particles and of their neighbourhoods."""
        dt = jnp.log(jnp.asarray(self.near, float) / self.far) / STEPS

        def stage(at: tuple[Array, Array, Array], share: Array) -> tuple[Any, None]:
            swarms, stretch, sigma = at
            moved = state.swarms - share * dt * self.field(state, swarms, sigma)
            bent = self.gradient(state, swarms, sigma) @ stretch
            middle = state.sigma * jnp.exp(dt / 2)
            return (moved, state.stretch - share * dt * bent, middle), None

        begun = (state.swarms, state.stretch, state.sigma)
        (swarms, stretch, _), _ = lax.scan(stage, begun, jnp.array([0.5, 1.0]))
        taken = state.taken + 1
        return state._replace(
            swarms=swarms,
            sigma=state.sigma * jnp.exp(dt),
            stretch=stretch,
            turned=state.turned + self.angle(state, swarms[1]),
            past=jnp.where(
                (jnp.arange(STEPS + 1) >= taken)[:, None, None], singular(stretch), state.past
            ),
            taken=taken,
            trail=jnp.concatenate(
                [state.trail[:, 1:], swarms[:, None, : state.trail.shape[2]]], axis=1
            ),
        )

    def angle(self, state: State, later: Float[Array, "n dim"]) -> Float[Array, " n"]:
        """By how much each particle went round in the plane of the gauge."""
        u, w = self.plane(state)
        before, after = state.swarms[1], later
        cross = (before @ u) * (after @ w) - (before @ w) * (after @ u)
        return jnp.arctan2(cross, (before @ u) * (after @ u) + (before @ w) * (after @ w))

    def read(self, state: State) -> tuple[Array, Array]:
        """Scores about the probes: singular values, and directions (the columns), largest first.

        Samples are those of fixed noise, so that dragging a parameter changes nothing else.
        """
        width = jnp.asarray(self.probe, float)
        x = (state.data[:PROBES, None] + width * samples(self.dim)).reshape(-1, self.dim)
        s = self.score(state, x, width)
        both = jnp.stack([s, s + self.gauge * self.twisted(s, self.plane(state))])
        s = both.reshape(2, PROBES, SCORES, self.dim)
        s = s - jnp.mean(s, axis=2, keepdims=True)  # the slope of a density along the shape
        square, directions = eigh(jnp.swapaxes(s, -1, -2) @ s / SCORES)
        return jnp.sqrt(jnp.maximum(square[..., ::-1], 1e-20)), directions[..., ::-1]

    def observables(self, state: State) -> Scalars:
        values, directions = self.read(state)
        # The gradient field says how many directions are normal; how it tells, both do.
        rank = jnp.argmax(-jnp.diff(jnp.log(values), axis=-1), axis=-1) + 1
        normal = jnp.arange(self.dim) < rank[0][:, None]
        some = state.swarms[1, :64]
        bend = self.curvature(state, some, state.sigma)
        plane = self.plane(state)
        twist = jnp.swapaxes(self.twisted(jnp.swapaxes(bend, -1, -2), plane), -1, -2)
        curl = self.gauge * (twist - jnp.swapaxes(twist, -1, -2))
        s = self.score(state, some, state.sigma)
        surplus = jnp.trace(twist, axis1=-2, axis2=-1) + jnp.sum(s * self.twisted(s, plane), axis=1)
        leak = jnp.mean(jnp.abs(self.gauge * surplus)) / jnp.mean(jnp.sum(s**2, axis=1))
        pairs = self.dim * (self.dim - 1)
        return {
            "misread": jnp.rad2deg(jnp.mean(largest_angle(directions[0], directions[1], normal))),
            "apart": sliced_wasserstein(*state.swarms),
            "dimension": jnp.mean(self.dim - rank[1]),
            "rotation": jnp.mean(jnp.abs(state.turned)),
            "curl": jnp.sum(jnp.mean(jnp.abs(curl), axis=0)) / pairs * state.sigma**2,
            "leak": jnp.where(leak < 1e-6, 0.0, leak),  # less is rounding
            "sigma": state.sigma,
        }

    def theory(self) -> Scalars:
        """How far off the normals are, by the normals of the shape: arctan ω where J turns them.

        A normal n of a surface is read as n + ω J n, hence arctan(ω |Pn|) off, with P onto the
        plane; a tangent t of a curve as (1 − ωJ)⁻¹ t. Both are averaged over the shape. A torus
        and a roll, and a field that is no gauge, are left out.
        """
        nothing = jnp.asarray(jnp.nan)
        if self.surplus != "gauge":
            return {"misread": nothing, "apart": nothing}
        omega = jnp.asarray(self.gauge, float)
        tilt = jnp.deg2rad(jnp.asarray(self.tilt, float)) * (self.dim > 2)
        cos, sin = jnp.cos(tilt), jnp.sin(tilt)
        angle = nothing
        if self.shape in ("circle", "line"):
            turn = jnp.linspace(0, 2 * jnp.pi, 64, endpoint=False)
            turn = turn if self.shape == "circle" else jnp.full(1, -jnp.pi / 2)
            along, across, off = -jnp.sin(turn), cos * jnp.cos(turn), -sin * jnp.cos(turn)
            inside = along**2 + across**2
            # (1 − ωJ)⁻¹ turns what lies in the plane by arctan ω, and shortens it by its cosine.
            size = jnp.sqrt(inside / (1 + omega**2) + off**2)
            angle = jnp.mean(jnp.arccos(jnp.clip((inside / (1 + omega**2) + off**2) / size, -1, 1)))
        elif self.dim == 3 and self.shape == "sphere":
            height = (jnp.arange(64) + 0.5) / 64
            angle = jnp.mean(jnp.arctan(jnp.abs(omega) * jnp.sqrt(1 - height**2)))
        elif self.dim == 3 and self.shape == SHEET:
            angle = jnp.arctan(jnp.abs(omega) * sin)
        return {"misread": jnp.rad2deg(angle), "apart": jnp.zeros(())}

    def boundaries(self) -> dict[str, Boundary]:
        """Where normals and tangents are read as each other's halves."""
        return {"45°": Boundary({"gauge": jnp.ones(())}, kind="guide")}

    def done(self, state: State) -> Bool[Array, ""]:
        return (state.sigma <= self.near * 1.001) & (self.flow == "once")

    def caveats(self, state: State) -> Flags:
        spacing = jnp.sqrt(SURFACES.get(self.shape, 2) / 3) * 6 / self.m
        return {
            "no gauge: the second swarm leaves the density on purpose": jnp.asarray(
                self.surplus == "symmetric"
            ),
            "σₚ is finer than the spacing of the data: points are read, not a shape": (
                jnp.asarray(self.shape != SHEET) & (self.probe < spacing)
            ),
        }

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with fresh noise."""
        return self.begun(state, key)

    def frame(self, state: State) -> Frame:
        corner, followed = jnp.full((2, 3), EDGE), state.trail.shape[2]
        hue = jnp.broadcast_to(state.hue, state.swarms.shape[:2])
        turned = jnp.stack([0 * state.turned, state.turned])
        colours = {"begun at": Colour(hue, scale="phase"), "gone round": Colour(turned, "signed")}
        return {
            "swarms": (
                Box(-corner, corner),
                Points(state.swarms @ state.frame.T, colours),
                Trails(state.trail @ state.frame.T, Colour(hue[:, :followed], "phase")),
                self.glyphs(state),
                Captions(("∇ log p", "∇ log p + r")),
            ),
            "slice": self.slice(state),
            "stretch": self.stretched(state),
        }

    def glyphs(self, state: State) -> Arrows:
        """At each probe what is read as the tangent of a curve, the normal of a surface."""
        _, directions = self.read(state)
        curve = SURFACES.get(self.shape, 2) == 1
        shown = directions[..., -1 if curve else 0] @ state.frame.T
        # A direction has no sign: both take that of the gradient field, which points outwards.
        place = state.data[:PROBES] @ state.frame.T
        way = shown[0] @ jnp.array([0.3, 0.5, 0.8]) if curve else jnp.sum(shown[0] * place, axis=1)
        first = shown[0] * jnp.where(way < 0, -1.0, 1.0)[:, None]
        second = shown[1] * jnp.where(jnp.sum(shown[1] * first, axis=1) < 0, -1.0, 1.0)[:, None]
        vector = 0.6 * jnp.stack([first, second])
        return Arrows(jnp.broadcast_to(place, vector.shape), vector, "read here")

    def slice(self, state: State) -> tuple[Box, Image, Arrows]:
        """The second field in the plane of the gauge, on its curl."""
        u, w = self.plane(state)
        side = jnp.linspace(-EDGE, EDGE, 2 * GRID + 1)[1::2]
        flat = jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)
        x = flat[:, :1] * u + flat[:, 1:] * w
        pull = self.score(state, x, state.sigma) * state.sigma**2
        pull = pull + self.gauge * self.twisted(pull, Plane(u, w))
        pull = jnp.stack([pull @ u, pull @ w], axis=1)
        long = jnp.linalg.norm(pull, axis=1, keepdims=True)
        bend = self.curvature(state, x, state.sigma)
        twist = self.twisted(jnp.swapaxes(bend, -1, -2), Plane(u, w))  # its last index is J's
        curl = self.gauge * (twist @ w @ u - twist @ u @ w) * state.sigma**2
        corner = jnp.full(2, EDGE)
        room = 1.8 * EDGE / GRID
        return (
            Box(-corner, corner),
            Image(curl.reshape(GRID, GRID), scale="signed"),
            Arrows(flat, room * pull / (long + 0.3), "σ² s"),
        )

    def stretched(self, state: State) -> tuple[Axes, *tuple[Curve, ...]]:
        """The singular values of the flow so far, of both fields and of the Gaussian sheet."""
        step = jnp.arange(STEPS + 1)
        sigma = self.far * (self.near / jnp.asarray(self.far, float)) ** (step / STEPS)
        reached = (step <= state.taken)[:, None]
        lines = jnp.where(reached[:, None], jnp.exp(state.past), jnp.nan)
        curves = [
            strung(sigma, lines[:, 1], "measured", "with r"),
            strung(sigma, lines[:, 0], "guide", "∇ log p"),
        ]
        if self.shape == SHEET:
            spread = jnp.array([1.0, 0.0])
            exact = jnp.sqrt((spread + sigma[:, None] ** 2) / (spread + sigma[0] ** 2))
            curves.append(strung(sigma, exact, "theory", "exact for ∇ log p"))
        return (Axes("noise σ", "stretch of the flow", log="xy"), *curves)


@cache
def samples(dim: int) -> Float[np.ndarray, "probes scores dim"]:
    """Standard noise about each probe, the same at every call."""
    drawn = np.random.default_rng(0).standard_normal((PROBES, SCORES, dim))
    return drawn.astype(np.float32)


def singular(stretch: Float[Array, "2 carried dim dim"]) -> Float[Array, "2 dim"]:
    """The mean logarithm of each singular value, largest first."""
    return jnp.mean(jnp.log(jnp.maximum(singular_values(stretch), 1e-30)), axis=1)
