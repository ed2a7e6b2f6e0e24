"""Particles that minimise a functional of their own cloud, with momentum and without."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import (
    Axes,
    Bars,
    Box,
    Captions,
    Colour,
    Curve,
    Frame,
    Points,
    Segments,
    histogram,
)
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.contours import contours
from engine.numerics.drift_diffusion import quantiles
from engine.numerics.functionals import (
    AXIS,
    SIDE,
    Discrepancy,
    Functional,
    Network,
    Quadratic,
    Stein,
    rim,
)
from engine.numerics.langevin import overdamped, settled, underdamped
from engine.numerics.training import ROWS, History, longer


SAMPLE = 256  # points of the target
DATA = 32  # of the regression
REACH = 3.0  # of its inputs
WIDE = 0.6  # of each Gaussian of the mixture
CENTRE = (3.0, 0.0)  # that the quadratic test pulls the mean to
TURNS = 4  # iterations of theory in a step
LEVELS = (0.1, 0.4, 0.8)  # of the highest density, drawn as lines


class State(NamedTuple):
    position: Float[Array, "2 n d"]  # of the cloud with momentum, and of the one without
    velocity: Float[Array, "n d"]
    origin: Float[Array, " n"]  # rad: where a particle began, seen from the middle of its cloud
    target: Float[Array, "m 2"]  # what is to be met: points, centres, data
    ideal: Float[Array, "..."]  # what theory iterates: see `engine.numerics.functionals`
    moved: Float[Array, ""]  # share of the density of theory that moved in the last step
    value: Float[Array, " 2"]  # F of both clouds when its slope was last taken
    course: tuple[History, History]  # of F


class MeanFieldLangevin(System[State]):
    """Mean-field Langevin with momentum

    Particles fall down the first variation of a functional F of their own empirical measure μ_N,
    with momentum and friction γ, in noise of temperature T:

        dX = V dt,    dV = −γV dt − ∇(δF/δμ)(μ_N, X) dt + √(2γT) dW

    Together they minimise F(μ) + T ∫ μ ln μ, whose minimum μ* ∝ exp(−δF/δμ(μ*)/T) is drawn as
    lines. A step of N-ULA holds the slope for a time h and solves the rest exactly. On the right
    the same particles without momentum, with the same h and as many slopes taken: where the
    functional is flat, momentum wins, if friction is low enough to let it.
    """

    sources = ("fu2024nula",)
    equations = (
        Equation(
            r"\mathrm dV=-\gamma V\,\mathrm dt"
            r"-\nabla\frac{\delta F}{\delta\mu}(\mu_N,X)\,\mathrm dt"
            r"+\sqrt{2\gamma T}\,\mathrm dW,\quad\mathrm dX=V\,\mathrm dt",
            "friction, slope, heat",
        ),
        Equation(
            r"X^+=X+\frac{1-e}{\gamma}V-\frac{1}{\gamma}\left(h-\frac{1-e}{\gamma}\right)G+\xi_x,"
            r"\quad V^+=eV-\frac{1-e}{\gamma}G+\xi_v,\quad e=e^{-\gamma h}",
            "a step of N-ULA: exact while the slope G is held",
        ),
        Equation(
            r"\mu^*\propto\exp\!\left(-\frac{1}{T}\frac{\delta F}{\delta\mu}(\mu^*)\right)",
            "the minimiser of F(μ) + T ∫ μ ln μ",
        ),
        Equation(r"X^+=X-hG+\sqrt{2hT}\,\xi", "without momentum (N-LA)"),
    )
    assumptions = (
        "μ* for N → ∞ and h → 0, on a grid of the plane; for the quadratic functional N → ∞ at the "
        "present h, exactly."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 128}
    hints: ClassVar[Mapping[str, Hint]] = {
        "clouds": Hint(glow=False),
        "objective": Hint(large=False),
        "likeness": Hint(large=False),
        "phase": Hint(large=False, glow=False),
    }
    presets = (
        Preset("clusters", functional="MMD", dt=0.2, friction=0.6),
        Preset("ring", functional="MMD", target="ring", dt=0.2, friction=0.6),
        Preset("much friction", functional="MMD", dt=0.2, friction=10.0),
        Preset("two-layer network", functional="network", dt=0.3, friction=0.3),
        Preset("Stein", functional="Stein", dt=0.05, friction=1.0),
        Preset("exact", functional="quadratic", dt=0.05, friction=2.0, temperature=1.0),
    )
    quantities = (
        Quantity("objective", symbol="F", log=True, help="of the cloud with momentum"),
        Quantity("bare", symbol="F bare", log=True, help="of the cloud without"),
        Quantity("temperature", symbol="⟨V²⟩/T", span=(0, 2), help="per component"),
        Quantity(
            "centre", symbol="⟨x⟩", span=(-4, 4), signed=True, help="of the cloud with momentum"
        ),
        Quantity("spread", symbol="Var x", help="within the cloud, per component of the plane"),
        Quantity("gap", symbol="W₁", span=(0, 2), help="along x, from the cloud to μ*"),
    )

    dt: Scalar = live(
        default=0.2,
        span=(0.005, 1),
        symbol="h",
        help="time step",
        log=True,
        limits=(1e-4, 10),
    )
    friction: Scalar = live(
        default=0.6, span=(0.1, 20), symbol="γ", help="friction", log=True, limits=(1e-4, 1e4)
    )
    temperature: Scalar = live(
        default=0.01, span=(1e-4, 1), symbol="T", help="of the noise", log=True, limits=(1e-6, 100)
    )
    width: Scalar = live(
        default=1.0,
        span=(0.3, 3),
        symbol="ℓ",
        help="width of the kernel",
        log=True,
        limits=(0.2, 100),
    )
    confinement: Scalar = live(
        default=0.05,
        span=(1e-3, 1),
        symbol="λ",
        help="of (λ/2)|x|², which holds the cloud together",
        log=True,
        limits=(1e-5, 100),
    )
    pull: Scalar = live(
        default=2.0,
        span=(0, 10),
        symbol="a",
        help="of the mean to its place, in the quadratic functional",
        limits=(0, 1000),
    )
    functional: str = start(
        default="MMD",
        choices=("MMD", "network", "quadratic", "Stein"),
        help="distance to points, to data, a test, distance to a density by its score",
    )
    target: str = start(
        default="clusters", choices=("clusters", "ring"), help="the points that MMD compares with"
    )
    n: int = size(default=1024, span=(16, 4096), symbol="N", help="particles of a cloud")

    def measure(self, target: Float[Array, "m 2"]) -> Functional:
        """The functional at the present parameters."""
        match self.functional:
            case "MMD":
                return Discrepancy(self.temperature, self.confinement, self.width, target)
            case "Stein":
                return Stein(self.temperature, self.confinement, self.width, target, WIDE)
            case "network":
                return Network(self.temperature, self.confinement, target)
            case _:
                return Quadratic(self.temperature, self.pull, target[0])

    def aimed(self, key: Key[Array, ""]) -> Float[Array, "m 2"]:
        """Points, centres or data to meet."""
        count = {"MMD": SAMPLE, "Stein": 3, "network": DATA, "quadratic": 1}[self.functional]
        if self.functional == "quadratic":
            return jnp.asarray(CENTRE)[None]
        if self.functional == "network":
            x = REACH * jnp.linspace(-1, 1, DATA)
            return jnp.stack([x, jnp.sin(2 * x)], axis=1)
        apart = {"clusters": 5, "ring": SAMPLE}[self.target] if self.functional == "MMD" else 3
        turn = 2 * jnp.pi * (jnp.arange(count) % apart) / apart + jnp.pi / 2
        ring = jnp.stack([jnp.cos(turn), jnp.sin(turn)], axis=1)
        if self.functional == "Stein":
            return 1.5 * ring
        wide = 0.25 if self.target == "clusters" else 0.1
        return 2 * ring + wide * jax.random.normal(key, ring.shape)

    def gathered(self, key: Key[Array, ""]) -> Float[Array, "n d"]:
        """A cloud before it has moved."""
        if self.functional == "network":
            return jax.random.normal(key, (self.n, 3))
        return 0.5 * jax.random.normal(key, (self.n, 2)) + jnp.array([-2.0, 0.0])

    def init(self, key: Key[Array, ""]) -> State:
        for_cloud, for_target = jax.random.split(key)
        target = self.aimed(for_target)
        ideal = self.measure(target).start()
        return self.begun(self.gathered(for_cloud), target, jnp.asarray(ideal, float))

    def begun(self, cloud: Array, target: Array, ideal: Array) -> State:
        value, _ = self.measure(target).felt(cloud)
        x, y = (cloud - jnp.mean(cloud, axis=0))[:, :2].T
        empty = History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
        return State(
            position=jnp.stack([cloud, cloud]),
            velocity=jnp.zeros_like(cloud),
            origin=jnp.arctan2(y, x),
            target=target,
            ideal=ideal,
            moved=jnp.ones(()),
            value=jnp.stack([value, value]),
            course=(empty, empty),
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        measure = self.measure(state.target)
        with_momentum, without = jax.random.split(key)
        # A map, not a batch: two tables of pairs at once would leave the processor's cache.
        value, slope = lax.map(measure.felt, state.position)
        heat = {"h": self.dt, "temperature": self.temperature}
        x, v = underdamped(
            state.position[0],
            state.velocity,
            slope[0],
            with_momentum,
            friction=self.friction,
            **heat,
        )
        y = overdamped(state.position[1], slope[1], without, **heat)
        ideal = lax.fori_loop(0, TURNS, lambda _, ideal: measure.nearer(ideal), state.ideal)
        moved = jnp.sum(jnp.abs(measure.density(ideal) - measure.density(state.ideal))) / 2
        course = (longer(state.course[0], value[0]), longer(state.course[1], value[1]))
        return state._replace(
            position=jnp.stack([x, y]),
            velocity=v,
            ideal=ideal,
            moved=moved,
            value=value,
            course=course,
        )

    def observables(self, state: State) -> Scalars:
        x = state.position[0]
        density = self.measure(state.target).density(state.ideal)
        share = (jnp.arange(self.n) + 0.5) / self.n
        there = quantiles(jnp.sum(density, axis=1), jnp.asarray(AXIS), share)
        return {
            "objective": state.value[0],
            "bare": state.value[1],
            "temperature": jnp.mean(state.velocity**2) / self.temperature,
            "centre": jnp.mean(x[:, 0]),
            "spread": jnp.mean(jnp.var(x[:, :2], axis=0)),
            "gap": jnp.mean(jnp.abs(jnp.sort(x[:, 0]) - there)),
        }

    def theory(self) -> Scalars:
        """The quadratic functional, N → ∞ at the present step: the mean is exact at any h."""
        if self.functional != "quadratic":
            return {}  # μ* depends on what the seed drew: it is shown, and measured by W₁
        heat = jnp.asarray(self.temperature, float)
        spread, _, speed = settled(1.0, h=self.dt, friction=self.friction, temperature=heat)
        without = jnp.where(jnp.asarray(self.dt) < 2, heat / (1 - self.dt / 2), jnp.nan)
        measure = Quadratic(heat, self.pull, jnp.asarray(CENTRE))
        mean = measure.mean()
        rest = measure.at(mean) - heat
        return {
            "objective": rest + spread,
            "bare": jnp.where(self.dt * (1 + self.pull) < 2, rest + without, jnp.nan),
            "temperature": speed / heat,
            "centre": mean[0],
            "spread": spread,
        }

    def boundaries(self) -> dict[str, Boundary]:
        """Of the quadratic functional, whose wells have the curvatures 1 and 1 + a."""
        if self.functional != "quadratic":
            return {}
        steep = jnp.asarray(1 + self.pull, float)
        return {
            "without momentum it explodes": Boundary({"dt": 2 / steep}, kind="spinodal"),
            "critical damping of the mean": Boundary({"friction": 2 * jnp.sqrt(steep)}, "guide"),
        }

    def caveats(self, state: State) -> Flags:
        density = self.measure(state.target).density(state.ideal)
        off = rim(density) > 2e-3
        return {
            "μ* reaches beyond the grid of theory: raise λ or lower T": off,
            "the lines of μ* are still being worked out": (state.moved > 1e-3) & ~off,
            "a step is too long for a slope this steep: lower h": ~jnp.all(
                jnp.abs(state.position) < 1e3
            ),
        }

    @poke(view="clouds")
    def push(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Drag the particles under the hand along."""
        apart = state.position[..., :2] - touch.position[:2]
        grip = jnp.exp(-jnp.sum(apart**2, axis=-1) / (2 * jnp.asarray(touch.radius) ** 2))
        moved = state.position.at[..., :2].add(grip[..., None] * touch.drag[:2])
        return state._replace(position=moved)

    @poke()
    def race(self, state: State, key: Key[Array, ""]) -> State:
        """Let both begin anew, towards the same target."""
        return self.begun(self.gathered(key), state.target, state.ideal)

    def frame(self, state: State) -> Frame:
        measure = self.measure(state.target)
        density = measure.density(state.ideal)
        ideal = measure.at(state.ideal)
        ideal = jnp.where(rim(density) > 2e-3, jnp.nan, ideal)
        evaluations, value = state.course[0].curve()
        _, bare = state.course[1].curve()
        corner = jnp.full(2, SIDE)
        velocity = state.velocity[:, 0] / jnp.sqrt(jnp.asarray(self.temperature, float))
        phase = jnp.stack([state.position[0, :, 0], velocity], axis=1)
        return {
            "clouds": self.clouds(state, density),
            "objective": (
                Axes("slopes taken", "F", log="xy"),
                Curve(evaluations, jnp.full_like(value, ideal), label="μ*, N → ∞"),
                Curve(evaluations, bare, "guide", label="without momentum"),
                Curve(evaluations, value, "measured", label="with momentum"),
            ),
            "likeness": self.likeness(state, density),
            "phase": (
                Box(-corner, corner),
                Points(phase, {"where it began": Colour(state.origin, scale="phase")}),
                Captions(("position x, and speed v/√T",)),
            ),
        }

    def clouds(
        self, state: State, density: Float[Array, "g g"]
    ) -> tuple[Box, Segments, Points, Captions]:
        lines = [contours(density, AXIS, AXIS, level * jnp.max(density)) for level in LEVELS]
        start, end = (jnp.concatenate([line[i] for line in lines]) for i in (0, 1))
        corner = jnp.full(2, SIDE)
        place = state.position[..., :2]
        origin = jnp.broadcast_to(state.origin, place.shape[:2])
        colours = {"where it began": Colour(origin, scale="phase")}
        if self.functional == "network":
            colours = {"a of the neuron": Colour(state.position[..., 2], "signed"), **colours}
        words = ("with momentum", "without")
        if self.functional == "network":
            words = ("neurons (w, b) with momentum", "without")
        return (
            Box(-corner, corner),
            Segments(jnp.stack([start, start]), jnp.stack([end, end])),
            Points(place, colours, radius=0.04),
            Captions(words),
        )

    def likeness(
        self, state: State, density: Float[Array, "g g"]
    ) -> tuple[Axes, Curve, Curve, Curve] | tuple[Axes, Bars, Curve]:
        """What the network has learnt; of other functionals the cloud along x."""
        measure = self.measure(state.target)
        if isinstance(measure, Network):
            at = REACH * jnp.linspace(-1, 1, 101)
            return (
                Axes("x", "f(x)"),
                Curve(state.target[:, 0], state.target[:, 1], "guide", label="data"),
                Curve(at, measure.function(state.ideal, at), label="μ*"),
                Curve(at, measure.made(state.position[0], at), "measured", label="the cloud"),
            )
        marginal = jnp.sum(density, axis=1) / np.float32(AXIS[1] - AXIS[0])
        return (
            Axes("x", "density"),
            histogram(state.position[0, :, 0], (-SIDE, SIDE), bins=48),
            Curve(jnp.asarray(AXIS), marginal, label="μ*"),
        )
