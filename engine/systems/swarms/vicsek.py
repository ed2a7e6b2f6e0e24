"""The Vicsek model: flocks out of neighbours that agree."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import i0e, i1e
from jaxtyping import Array, Float, Int, Key
from scipy.fft import next_fast_len

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Branch, Flags, Scalars
from engine.numerics.grid_kernel import summed_on_a_grid
from engine.numerics.local_density import boxes
from engine.numerics.neighbours import sorted_into_cells, summed, summed_densely, taken
from engine.numerics.random_words import shares
from engine.numerics.roots import bisect
from engine.numerics.trig import sincos


FEW = 512  # particles up to which all pairs are quicker than cells
MANY = 16_384  # and from which on all pairs would take seconds a step
# The ten longest waves that fit into the square, in units of 2π/L.
WAVES = np.array(
    [(1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2), (2, 1), (1, 2), (2, -1), (1, -2)]
)


class State(NamedTuple):
    """Particles in the order of their cells, so that neighbours in space are so in memory."""

    x: Float[Array, " n"]  # in [0, L]
    y: Float[Array, " n"]
    ux: Float[Array, " n"]  # heading, a unit vector: no angle is ever needed
    uy: Float[Array, " n"]
    identity: Int[Array, " n"]  # who stands here
    length: Float[Array, ""]  # side L of the periodic square


class Vicsek(System[State]):
    """Vicsek flock

    Particles fly at constant speed, each step in the mean direction of all within a distance 1,
    itself included, turned by noise:

        θᵢ ← arg Σ_{|xⱼ−xᵢ|<1} e^{iθⱼ} + 2πη ξᵢ,  ξ uniform in [−½, ½],    xᵢ ← xᵢ + v e(θᵢ)

    Below a noise that grows with the density they flock; near it, in a square wide enough, the
    flock travels in dense bands. Vectorial noise adds η nᵢ e^{iζ} to the sum of nᵢ neighbours.
    """

    sources = ("vicsek1995", "cui2024decpomfc")
    equations = (
        Equation(
            r"\theta_i(t+1)=\arg\!\sum_{|x_j-x_i|<1}e^{i\theta_j(t)}+2\pi\eta\,\xi_i",
            "scalar noise, ξ uniform in [−½, ½]; the η of 1995 is 2πη here",
        ),
        Equation(r"x_i(t+1)=x_i(t)+v\,e(\theta_i(t+1))", "a step in the new direction"),
        Equation(r"\varphi=\Big|\frac{1}{N}\sum_j e^{i\theta_j}\Big|", "polar order"),
        Equation(
            r"\varphi\leq\frac{\sin\pi\eta}{\pi\eta}",
            "if all saw the same direction: an upper bound",
        ),
    )
    theory_name = "mean field"
    assumptions = (
        "Scalar noise and neighbours drawn anew in each step, 1 + πρ of them: a mean field without "
        "correlations, which puts the onset at too much noise (for ρ = 2 at 0.66, not about 0.5)."
    )
    presets = (
        Preset("flock", noise=0.15, speed=0.5, density=2.0),
        Preset("bands", noise=0.3, speed=0.5, density=1.0, n=16_384),
        Preset("onset", noise=0.45, speed=0.5, density=2.0),
        Preset("gas", noise=0.8, speed=0.5, density=2.0),
        Preset("clusters", noise=0.1, speed=0.1, density=0.5),
        Preset("1995", noise=0.1, speed=0.03, density=4.0, n=400),
    )
    quantities = (
        Quantity("order", symbol="φ", span=(0, 1), help="length of the mean heading"),
        Quantity("band", symbol="|ρₖ|", span=(0, 1), help="strongest of the ten longest waves"),
        Quantity("binder", symbol="U", span=(0, 0.7), help="2/3 in order, 1/3 in disorder"),
    )
    clock = "steps"
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(large=True),
        "profile": Hint(large=False),
    }

    noise: Scalar = live(
        default=0.3, span=(0, 1), symbol="η", help="share of all directions", limits=(0, np.inf)
    )
    speed: Scalar = live(
        default=0.5, span=(0.01, 1), symbol="v", help="distance a step", log=True, limits=(0, 1e3)
    )
    noise_type: str = mode(
        default="scalar",
        choices=("scalar", "vectorial"),
        help="of the direction, or of each neighbour's message",
    )
    neighbours: str = mode(
        default="auto",
        choices=("auto", "dense", "cells", "grid kernel"),
        help="found by all pairs or by cells (exact), or through a grid (approximate)",
    )
    density: Scalar = start(
        default=2.0,
        span=(0.25, 8),
        symbol="ρ",
        help="particles per unit area",
        log=True,
        limits=(1e-6, 1e6),
    )
    alignment: str = start(
        default="random", choices=("random", "aligned"), help="headings at the start"
    )
    n: int = size(default=4096, span=(256, 1_048_576), symbol="N", help="particles")

    def init(self, key: Key[Array, ""]) -> State:
        for_x, for_y, for_direction = jax.random.split(key, 3)
        length = jnp.sqrt(self.n / self.density)
        x = length * jax.random.uniform(for_x, (self.n,))
        y = length * jax.random.uniform(for_y, (self.n,))
        angle = jax.random.uniform(for_direction, (self.n,), maxval=2 * jnp.pi)
        uy, ux = sincos(0 * angle if self.alignment == "aligned" else angle)
        return State(x, y, ux, uy, jnp.arange(self.n), length)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        values = (state.ux, state.uy)
        if self.noise_type == "vectorial":
            values = (*values, jnp.ones(self.n))
        identity, x, y = state.identity, state.x, state.y
        if self.backend() == "dense":
            sums = summed_densely(x, y, values, state.length, reach=1.0)
        elif self.neighbours == "grid kernel":
            nodes = next_fast_len(int(3 * self.n**0.5) + 1, real=True)
            sums = summed_on_a_grid(x, y, values, state.length, reach=1.0, nodes=nodes)
        else:
            cells = sorted_into_cells(state.x, state.y, state.length, reach=1.0)
            identity, x, y, *values = (
                taken(part, cells.order) for part in (state.identity, state.x, state.y, *values)
            )
            sums = summed(cells, x, y, tuple(values), state.length, reach=1.0)
        ux, uy = self._turned(*sums, key=key)
        return State(
            inside(x + self.speed * ux, state.length),
            inside(y + self.speed * uy, state.length),
            ux,
            uy,
            identity,
            state.length,
        )

    def backend(self) -> str:
        if self.neighbours == "grid kernel":
            return "grid kernel"
        few = FEW if self.neighbours == "auto" else MANY
        return "dense" if self.neighbours != "cells" and self.n <= few else "cells"

    def caveats(self, state: State) -> Flags:
        words = "grid kernel, approximate: the rim of the neighbourhood is smeared"
        return {words: jnp.bool_(self.neighbours == "grid kernel")}

    def _turned(
        self,
        x: Float[Array, " n"],
        y: Float[Array, " n"],
        count: Float[Array, " n"] | None = None,
        *,
        key: Key[Array, ""],
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """New headings from the sum of the neighbours' and, for vectorial noise, their number."""
        angle = 2 * jnp.pi * (shares(key, (self.n,)) - 0.5)
        if count is not None:
            s, c = sincos(angle)
            return normalised(x + self.noise * count * c, y + self.noise * count * s)
        s, c = sincos(self.noise * angle)
        x, y = normalised(x, y)
        return x * c - y * s, y * c + x * s

    def observables(self, state: State) -> Scalars:
        order = jnp.hypot(jnp.mean(state.ux), jnp.mean(state.uy))
        band = jnp.max(jnp.hypot(*waves(state)))
        return {"order": order, "band": band, "φ²": order**2, "φ⁴": order**4}

    def derived(self, mean: Scalars) -> Scalars:
        return {"binder": 1 - mean["φ⁴"] / (3 * mean["φ²"] ** 2)}

    # Theory: an estimate and a bound, and said to be so.

    def bound(self, noise: Scalar) -> Float[Array, ""]:
        """⟨cos 2πηξ⟩ = sin πη / πη: the order if all saw the very same direction."""
        return jnp.sinc(jnp.asarray(noise, float))

    def theory(self) -> Scalars:
        """Order where each sees m = 1 + πρ headings drawn anew; their sum is taken as Gaussian.

        Of m headings of mean φ each component varies by about (1 − φ²)/2m, and the direction of a
        Gaussian vector of mean a standard deviations has ⟨cos⟩ = √(π/8) a e^{−q}(I₀(q) + I₁(q))
        with q = a²/4.
        """
        m = 1 + jnp.pi * self.density

        def gain(order: Array) -> Array:
            a = order * jnp.sqrt(2 * m / jnp.maximum(1 - order**2, 1e-9))
            q = a**2 / 4
            seen = np.sqrt(np.pi / 8) * a * (i0e(q) + i1e(q))
            return self.bound(self.noise) * seen - order

        order = bisect(gain, 0.0, 1.0)
        known = self.noise_type == "scalar"
        return {"order": jnp.where(known & (jnp.asarray(self.noise) <= 1), order, jnp.nan)}

    def branches(self) -> dict[str, Branch]:
        bound = self.bound(self.noise) if self.noise_type == "scalar" else jnp.asarray(jnp.nan)
        return {
            "mean field": Branch(self.theory()),
            "upper bound": Branch({"order": bound}, stable=False),
        }

    def boundaries(self) -> dict[str, Boundary]:
        if self.noise_type == "vectorial":
            return {}
        m = 1 + jnp.pi * self.density
        onset = bisect(lambda noise: self.bound(noise) * jnp.sqrt(jnp.pi * m) / 2 - 1, 0.0, 1.0)
        return {"mean-field onset": Boundary({"noise": onset}, kind="guide")}

    @poke(view="swarm")
    def stir(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Turn those near the hand the way it moves; held still, it draws them in or drives off."""
        apart_x = state.x - touch.position[0]
        apart_y = state.y - touch.position[1]
        apart_x = apart_x - state.length * jnp.round(apart_x / state.length)
        apart_y = apart_y - state.length * jnp.round(apart_y / state.length)
        grip = 4 * jnp.exp(-(apart_x**2 + apart_y**2) / (2 * touch.radius**2))
        moves = jnp.hypot(*touch.drag) > 0
        way_x, way_y = normalised(
            jnp.where(moves, touch.drag[0], -apart_x), jnp.where(moves, touch.drag[1], -apart_y)
        )
        ux, uy = normalised(
            state.ux + touch.sign * grip * way_x, state.uy + touch.sign * grip * way_y
        )
        return state._replace(ux=ux, uy=uy)

    @poke()
    def scatter(self, state: State, key: Key[Array, ""]) -> State:
        """Give everyone a direction at random."""
        uy, ux = sincos(jax.random.uniform(key, (self.n,), maxval=2 * jnp.pi))
        return state._replace(ux=ux, uy=uy)

    def frame(self, state: State) -> Frame:
        square = Box(jnp.zeros(2), jnp.full(2, state.length), periodic=True)
        colours = {
            "heading": Colour(jnp.arctan2(state.uy, state.ux) % (2 * jnp.pi), scale="phase"),
            "density": Colour(boxes(state.x, state.y, state.length, side=2.0).around()),
        }
        position = jnp.stack([state.x, state.y], axis=1)
        return {
            "swarm": (square, Points(position, colours, identity=state.identity)),
            "profile": self._profile(state),
        }

    def _profile(self, state: State) -> tuple[Axes, Curve, Curve]:
        """Density along the strongest of the long waves, in the direction of flight."""
        wave = jnp.asarray(WAVES)[jnp.argmax(jnp.hypot(*waves(state)))]
        flight = wave[0] * jnp.mean(state.ux) + wave[1] * jnp.mean(state.uy)
        wave = jnp.where(flight < 0, -wave, wave)
        share = (wave[0] * state.x + wave[1] * state.y) / state.length % 1
        bins = 64
        place = jnp.clip((share * bins).astype(int), 0, bins - 1)
        density = jnp.zeros(bins).at[place].add(1.0) * (bins * self.density / self.n)
        span = state.length / jnp.hypot(*wave.astype(float))
        along = span * (jnp.arange(bins) + 0.5) / bins
        even = jnp.full(2, self.density, float)
        return (
            Axes("along the flight", "density"),
            Curve(jnp.stack([0 * span, span]), even, "guide", label="mean"),
            Curve(along, density, "measured"),
        )


def normalised(
    x: Float[Array, " n"], y: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Unit vectors; a vector of no direction keeps none and gets one from the next noise."""
    scale = lax.rsqrt(x * x + y * y + 1e-20)
    return x * scale, y * scale


def inside(x: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, " n"]:
    """Back into the square, from wherever a step may end."""
    return x - length * jnp.floor(x / length)


def waves(state: State) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Real and imaginary part of ⟨e^{ik·x}⟩ for the longest waves: how dense bands are."""
    wave = 2 * jnp.pi / state.length
    (sx, cx), (sy, cy) = sincos(wave * state.x), sincos(wave * state.y)
    along_x = {0: (jnp.ones_like(cx), jnp.zeros_like(sx)), 1: (cx, sx)}
    along_x[2] = (cx * cx - sx * sx, 2 * cx * sx)
    along_y = {0: along_x[0], 1: (cy, sy)}
    along_y[2] = (cy * cy - sy * sy, 2 * cy * sy)
    real, imaginary = [], []
    for a, b in WAVES:
        c, s = along_x[a]
        d, t = along_y[abs(b)]
        t = -t if b < 0 else t
        real.append(jnp.mean(c * d - s * t))
        imaginary.append(jnp.mean(c * t + s * d))
    return jnp.stack(real), jnp.stack(imaginary)
