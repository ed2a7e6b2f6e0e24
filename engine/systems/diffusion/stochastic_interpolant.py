"""A swarm that flows from one density to another in unit time, with as much noise as one likes."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import (
    Axes,
    Bars,
    Box,
    Colour,
    Comparison,
    Curve,
    Frame,
    Image,
    Points,
    Trails,
    histogram,
)
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.distances import projected, sliced
from engine.numerics.interpolants import (
    PATHS,
    Mixture,
    Pairs,
    density,
    drawn,
    field,
    moments,
    pairs,
)


PAUSE = 60  # steps that an arrived swarm is shown for
COMPARED = 2048  # points that enter the sliced distance, at most
WALKERS, KEPT = 150, 48  # whose trails are drawn, and of how many steps
EDGE = 4.5  # half the side of the box
GRID = 72  # pixels of the exact density, a side
RIDGE = 2.0  # wave number of the drift's error

SCENES: dict[str, tuple[list, list]] = {  # (weight, mean, variance) at the start, and at the end
    "two to three": (
        [(0.5, (-2, 0), 0.25), (0.5, (2, 0), 0.25)],
        [(0.25, (-3, 0), 0.1), (0.5, (0, 0), 0.1), (0.25, (3, 0), 0.1)],
    ),
    "one to eight": (
        [(1.0, (0, 0), 1.0)],
        [
            (0.125, (3 * math.cos(k * math.pi / 4), 3 * math.sin(k * math.pi / 4)), 0.05)
            for k in range(8)
        ],
    ),
    "square to cross": (
        [(0.25, (2 * a, 2 * b), 0.1) for a in (-1, 1) for b in (-1, 1)],
        [(0.25, c, 0.1) for c in ((3, 0), (-3, 0), (0, 3), (0, -3))],
    ),
    "on a line": (
        [(0.5, (-2,), 0.25), (0.5, (2,), 0.25)],
        [(0.25, (-3,), 0.1), (0.5, (0,), 0.1), (0.25, (3,), 0.1)],
    ),
    "one to itself": ([(1.0, (0,), 1.0)], [(1.0, (0,), 1.0)]),
}


class State(NamedTuple):
    x: Float[Array, "n dim"]
    first: Mixture
    last: Mixture  # its modes can be dragged
    taken: Int[Array, ""]  # steps since the swarm set out
    shown: Int[Array, ""]  # steps since it arrived
    travelled: Float[Array, ""]  # mean length of the paths
    energy: Float[Array, ""]  # ∫ ⟨|b|²⟩ dt
    strayed: Float[Array, ""]  # ∫ ⟨|δb|²⟩ dt, of the drift's error
    trail: Float[Array, "kept walkers 2"]  # as drawn, oldest first; far outside before the start


class StochasticInterpolant(System[State]):
    """Stochastic interpolants

    x_t = α x₀ + β x₁ + γ z leads from any density to any other in unit time. Its velocity b and
    score S are means over all that could pass here, exact for mixtures, and for every ε

        dx = (b + ε S) dt + √(2ε) dW

    passes through the same densities: ε = 0 is a flow, ε > 0 a diffusion. The noise γ of the
    interpolant itself smooths the way. With an error of b the diffusion stays near the truth, and
    the flow need not. (Drag a mode of the target with the mouse.)
    """

    sources = ("albergo2025interpolants",)
    equations = (
        Equation(
            r"x_t=\alpha(t)\,x_0+\beta(t)\,x_1+\gamma(t)\,z,\qquad\gamma^2=a_g\,t(1-t)",
            "the interpolant: x₀ and x₁ independent",
        ),
        Equation(
            r"b(x,t)=\mathbb{E}\left[\dot x_t\,|\,x_t=x\right],\qquad "
            r"S=\nabla\log\rho_t",
            "velocity and score",
        ),
        Equation(
            r"\mathrm{d}x=(b+\varepsilon S)\,\mathrm{d}t+\sqrt{2\varepsilon}\,\mathrm{d}W",
            "one family, one law",
        ),
        Equation(
            r"\mathrm{KL}(\rho_1\|\hat\rho_1)\le\frac{1}{4\varepsilon}\int_0^1"
            r"\mathbb{E}|\delta b|^2\,\mathrm{d}t",
            "what an error of the drift can do to a diffusion; a flow has no such bound",
        ),
    )
    theory_name = "exact law"
    assumptions = "The exact velocity (η = 0) and many particles; on short steps."
    cell: ClassVar[Mapping[str, int]] = {"n": 512}
    spanned = ("diffusion", "steps")
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(glow=False),
        "shadow": Hint(large=False),
        "modes": Hint(large=False),
        "metrics": Hint(large=False),
    }
    pairs: ClassVar[tuple[Pair, ...]] = (
        Pair("flow | diffusion", {"diffusion": 0.0}, {"diffusion": 2.0}),
        Pair("no latent noise | much", {"latent": 0.0}, {"latent": 3.0}),
    )
    presets = (
        Preset("diffusion", diffusion=0.5, drift_error=0.0),
        Preset("flow", diffusion=0.0, drift_error=0.0),
        Preset("wrong drift, flow", diffusion=0.0, drift_error=0.7),
        Preset("wrong drift, diffusion", diffusion=2.0, drift_error=0.7),
        Preset("on a line", scene="on a line", diffusion=0.0, latent=0.0),
        Preset("noise to a ring", scene="one to eight", path="one-sided", diffusion=0.2),
    )
    quantities = (
        Quantity("distance", symbol="SW₂", log=True, help="to the target, sliced Wasserstein"),
        Quantity("time", symbol="t", span=(0, 1), help="from the first density to the last"),
        Quantity("mean", symbol="⟨x⟩", signed=True, help="of the first coordinate"),
        Quantity("variance", symbol="Var x", help="of the first coordinate"),
        Quantity("length", symbol="ℓ", help="of a path so far; with noise it grows as √steps"),
        Quantity("energy", symbol="∫|b|²", help="kinetic, so far"),
        Quantity("bound", symbol="KL ≤", log=True, help="of the drift's error, for ε ≥ 10⁻³"),
    )
    clock = "steps"

    diffusion: Scalar = live(
        default=0.5, span=(0, 5), symbol="ε", help="noise of the run", limits=(0, math.inf)
    )
    latent: Scalar = live(
        default=1.0,
        span=(0, 4),
        symbol="a_g",
        help="noise of the interpolant",
        limits=(0, math.inf),
    )
    drift_error: Scalar = live(
        default=0.0, span=(0, 1), symbol="η", help="b becomes b + η sin(2x)", limits=(0, math.inf)
    )
    path: str = mode(
        default="linear", choices=PATHS, help="α and β; one-sided starts from unit noise"
    )
    flow: str = mode(default="again", choices=("again", "once"), help="set out again, or stay")
    scene: str = start(
        default="two to three", choices=tuple(SCENES), help="the first density and the last"
    )
    steps: Scalar = start(
        default=200,
        span=(10, 1000),
        symbol="K",
        help="from the first density to the last",
        log=True,
        limits=(1, math.inf),
    )
    n: int = size(default=5000, span=(100, 100_000), symbol="N", help="particles")

    def init(self, key: Key[Array, ""]) -> State:
        first, last = (
            Mixture(*(jnp.array(part, float) for part in zip(*side, strict=True)))
            for side in SCENES[self.scene]
        )
        x = self.set_out(key, first)
        zero = jnp.zeros(())
        trail = jnp.full((KEPT, min(WALKERS, self.n), 2), 1e6)
        return State(x, first, last, jnp.int32(0), jnp.int32(0), zero, zero, zero, trail)

    def set_out(self, key: Key[Array, ""], first: Mixture) -> Float[Array, "n dim"]:
        if self.path == "one-sided":
            return jax.random.normal(key, (self.n, first.mean.shape[1]))
        return drawn(key, first, self.n)

    def time(self, state: State) -> Float[Array, ""]:
        return jnp.minimum(state.taken / jnp.asarray(self.steps, float), 1)

    def law(self, state: State, t: Scalar) -> Pairs:
        return pairs(state.first, state.last, t, self.path, self.latent)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_noise, for_start = jax.random.split(key)
        arrived = self.time(state) >= 1
        again = (arrived & (state.shown >= PAUSE)) & (self.flow == "again")
        moved = self.moved(state, for_noise)

        fresh = state._replace(
            x=self.set_out(for_start, state.first),
            taken=jnp.int32(0),
            shown=jnp.int32(0),
            travelled=jnp.zeros(()),
            energy=jnp.zeros(()),
            strayed=jnp.zeros(()),
            trail=jnp.full_like(state.trail, 1e6),
        )
        rested = state._replace(shown=state.shown + 1)
        return jax.tree.map(
            lambda a, b, c: jnp.where(again, a, jnp.where(arrived, b, c)), fresh, rested, moved
        )

    def moved(self, state: State, key: Key[Array, ""]) -> State:
        """The drift by the midpoint rule, then the noise and the score that undoes it.

        The second part is exact while the responsibilities stand still, so no ε is too large.
        """
        t, dt = self.time(state), 1 / jnp.asarray(self.steps, float)
        now = field(state.x, self.law(state, t)).velocity + self.error(state.x)
        half = state.x + dt / 2 * now
        middle = field(half, self.law(state, t + dt / 2)).velocity
        x = state.x + dt * (middle + self.error(half))
        there = field(x, self.law(state, jnp.minimum(t + dt, 1)))
        spent = -jnp.expm1(-2 * self.diffusion * dt * there.stiffness) / there.stiffness
        kept = jnp.exp(-self.diffusion * dt * there.stiffness)[:, None]
        kick = jnp.sqrt(spent)[:, None] * jax.random.normal(key, x.shape)
        x = there.target + kept * (x - there.target) + kick
        later = state._replace(
            x=x,
            taken=state.taken + 1,
            travelled=state.travelled + jnp.mean(jnp.linalg.norm(x - state.x, axis=1)),
            energy=state.energy + dt * jnp.mean(jnp.sum(middle**2, axis=1)),
            strayed=state.strayed + dt * jnp.mean(jnp.sum(self.error(half) ** 2, axis=1)),
        )
        here = self.placed(later)[: state.trail.shape[1]]
        return later._replace(trail=jnp.concatenate([state.trail[1:], here[None]]))

    def error(self, x: Float[Array, "n dim"]) -> Float[Array, "n dim"]:
        return self.drift_error * jnp.sin(RIDGE * x)

    # What is measured, and known.

    def observables(self, state: State) -> Scalars:
        some = state.x[:COMPARED]
        if state.x.shape[1] == 1:
            some = jnp.pad(some, ((0, 0), (0, 1)))  # a cloud on a line of the plane
        return {
            "distance": sliced(projected(some), projected(self.target(state))),
            "time": self.time(state),
            "mean": jnp.mean(state.x[:, 0]),
            "variance": jnp.var(state.x[:, 0]),
            "length": state.travelled,
            "energy": state.energy,
            "bound": state.strayed / (4 * jnp.maximum(jnp.asarray(self.diffusion), 1e-3)),
        }

    def target(self, state: State) -> Float[Array, "m 2"]:
        """A sample of the last density, the same one at every call."""
        sample = drawn(jax.random.key(0), state.last, min(COMPARED, self.n))
        return jnp.pad(sample, ((0, 0), (0, 2 - sample.shape[1])))

    def limit(self, state: State) -> Scalars:
        """Mean and variance of the law; the energy where it is one Gaussian all the way."""
        mean, variance = moments(self.law(state, self.time(state)))
        said = {"mean": mean[0], "variance": variance[0]}
        if len(state.first.weight) * len(state.last.weight) == 1:
            said["energy"] = self.gaussian_energy(state)
        exact = jnp.asarray(self.drift_error) == 0
        return {name: jnp.where(exact, value, jnp.nan) for name, value in said.items()}

    def gaussian_energy(self, state: State) -> Float[Array, ""]:
        """∫ [|dm|² + d (dC)²/4C] dt so far, by the midpoint rule."""
        count, end = 256, self.time(state)
        times = (jnp.arange(count) + 0.5) / count * end

        def power(t: Array) -> Array:
            law = self.law(state, t)
            dim = law.mean.shape[1]
            return jnp.sum(law.drift[0] ** 2) + dim * law.growth[0] ** 2 / (4 * law.variance[0])

        return end * jnp.mean(jax.vmap(power)(times))

    def boundaries(self) -> dict[str, Boundary]:
        return {"exact drift": Boundary({"drift_error": jnp.zeros(())}, kind="guide")}

    def lasts(self) -> Scalar:
        return self.steps

    def done(self, state: State) -> Bool[Array, ""]:
        return (self.time(state) >= 1) & (self.flow == "once")

    def caveats(self, state: State) -> Flags:
        dt, flow = 1 / jnp.asarray(self.steps, float), jnp.asarray(self.diffusion) == 0
        return {
            "the drift is wrong on purpose: η is not 0": jnp.asarray(self.drift_error) != 0,
            "a flow (ε = 0) has no bound on what an error of the drift does": flow
            & (jnp.asarray(self.drift_error) != 0),
            "few steps for so much noise: raise K": self.diffusion * dt
            > 0.5 * jnp.min(state.last.variance),
        }

    @poke("swarm")
    def drag_mode(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Move the nearest mode of the target."""
        dim = state.last.mean.shape[1]
        # On a line time runs to the right, and the place upwards.
        hand = touch.position[:2] if dim == 2 else touch.position[1:2]
        nearest = jnp.argmin(jnp.sum((state.last.mean - hand) ** 2, axis=1))
        mean = state.last.mean.at[nearest].set(jnp.clip(hand, -EDGE, EDGE))
        return state._replace(last=state.last._replace(mean=mean))

    @poke()
    def start_over(self, state: State, key: Key[Array, ""]) -> State:
        """Set out from the first density."""
        return self.init(key)._replace(last=state.last)

    # What is drawn.

    def placed(self, state: State) -> Float[Array, "n 2"]:
        """In the plane; on a line against time, which runs from −EDGE to EDGE."""
        if state.x.shape[1] == 2:
            return state.x
        across = jnp.full_like(state.x, EDGE * (2 * self.time(state) - 1))
        return jnp.concatenate([across, state.x], axis=1)

    def frame(self, state: State) -> Frame:
        law = self.law(state, self.time(state))
        corner = jnp.full(2, EDGE)
        grid = jnp.linspace(-EDGE, EDGE, 181)
        exact = sum_of_marginals(grid, law)
        gone = jnp.abs(state.trail) > 1e5
        trail = jnp.where(gone, jnp.nan, state.trail)
        apart = jnp.sum((state.x[:, None] - state.last.mean) ** 2, axis=-1)
        count = len(state.last.weight)
        share = jnp.mean(jax.nn.one_hot(jnp.argmin(apart, axis=1), count), axis=0)
        nearest = jnp.argmin(apart, axis=1).astype(float)
        edges = jnp.arange(count + 1) + 0.5
        some = jnp.pad(state.x, ((0, 0), (0, 2 - state.x.shape[1])))
        return {
            "swarm": (
                Box(-corner, corner),
                self.exact_picture(state),
                Trails(trail),
                Points(self.placed(state), {"nearest mode": Colour(nearest, scale="category")}),
            ),
            "shadow": (
                Axes("x", "density"),
                histogram(state.x[:, 0], (-EDGE, EDGE), bins=60, label="particles"),
                Curve(grid, exact, label="exact ρₜ"),
            ),
            "modes": (
                Axes("mode of the target", "share nearest to it"),
                Bars(edges, share, label="particles"),
                Curve(jnp.repeat(edges, 2)[1:-1], jnp.repeat(state.last.weight, 2), label="target"),
            ),
            "metrics": (Comparison(some, self.target(state)),),
        }

    def exact_picture(self, state: State) -> Image:
        """ρ_t of now in the plane; on a line, ρ_t(x) at all times."""
        centres = EDGE * (2 * (np.arange(GRID) + 0.5) / GRID - 1)
        if state.x.shape[1] == 2:
            place = jnp.asarray(
                np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2), float
            )
            values = density(place, self.law(state, self.time(state))).reshape(GRID, GRID)
        else:
            place = jnp.asarray(centres[:, None], float)
            times = jnp.asarray((centres / EDGE + 1) / 2, float)
            values = jax.vmap(lambda t: density(place, self.law(state, t)), out_axes=1)(times)
        # By its root, or between narrow modes all would be black; never so bright as the points.
        return Image(jnp.sqrt(values), span=(0, 1.5))


def sum_of_marginals(x: Float[Array, " g"], law: Pairs) -> Float[Array, " g"]:
    """The density of the first coordinate."""
    return density(x[:, None], law._replace(mean=law.mean[:, :1], drift=law.drift[:, :1]))
