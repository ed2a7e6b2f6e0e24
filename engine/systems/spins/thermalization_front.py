"""Thermalisation as a front: into an unstable state it travels at a speed of its own."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Curve, Frame, Image
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.roots import bisect


ROWS = 192  # profiles that the picture keeps
SHORT = 2  # Euler steps to a tick of the wave
FINE = 0.02  # time step of the ladder, in units of τ
SHARP = 20.0  # a start this steep is a step


class State(NamedTuple):
    profile: Float[Array, " x"]  # u, from 1 behind the front to 0 ahead of it
    age: Float[Array, ""]  # time, or iterations
    picture: Float[Array, "rows x"]  # profiles at equal intervals of age
    place: Float[Array, " rows"]  # of the front, at the same


class ThermalizationFront(System[State]):
    """Thermalisation fronts

    Two models of a front that enters an unstable state, pulled by its own leading edge. The wave of
    Fisher, Kolmogorov, Petrovsky and Piskunov in space x and time t:

        ∂u/∂t = D ∂²u/∂x² + r u (1 − u)

    and a ladder in real time t and iteration n, in which each step is heated by the bath that the
    step before has left:

        u_{n+1} = K ∗ [uₙ + g uₙ (1 − uₙ)],    K(s) = e^{−s/τ}/τ

    After Picano, Biroli and Schirò, who find such fronts when dynamical mean-field theory is solved
    iteration by iteration. The ladder is a minimal model of ours, not their equation.
    """

    sources = ("picano2025thermalization", "fisher1937", "kolmogorov1937", "bramson1983")
    after = True
    equations = (
        Equation(r"\partial_t u=D\,\partial_x^2u+r\,u(1-u)", "the wave"),
        Equation(
            r"v^*=2\sqrt{rD},\qquad x_f(t)=v^*t-\frac{3}{2\lambda^*}\ln t,\qquad "
            r"\lambda^*=\sqrt{r/D}",
            "its speed, and how slowly it is reached (Bramson)",
        ),
        Equation(
            r"v(\lambda)=\frac{r}{\lambda}+D\lambda\quad(\lambda<\lambda^*)",
            "from an edge e^{−λx} that falls slowly",
        ),
        Equation(
            r"c^*=\min_{0<\lambda<1/\tau}\frac{\ln(1+g)-\ln(1-\lambda\tau)}{\lambda}",
            "time per iteration, on the ladder",
        ),
    )
    theory_name = "pulled front"
    assumptions = "t → ∞: the speed of the linear edge. A step approaches it as 1/t, from below."
    hints: ClassVar[Mapping[str, Hint]] = {
        "profile": Hint(large=False),
        "lag": Hint(large=False),
        "speeds": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"cells": 256}
    presets = (
        Preset("wave from a step", model="wave", steepness=20.0),
        Preset("wave from a slow edge", model="wave", steepness=0.4),
        Preset("ladder of iterations", model="ladder", gain=1.0, memory=1.0),
        Preset("weakly unstable ladder", model="ladder", gain=0.3, memory=1.0),
    )
    quantities = (
        Quantity("speed", symbol="v", help="over the later half of the run; time per iteration"),
        Quantity("front", symbol="x_f", help="where u = 1/2"),
    )
    clock = "t"

    rate: Scalar = live(
        default=1.0, span=(0.1, 5), symbol="r", help="growth", log=True, limits=(1e-3, 100)
    )
    diffusion: Scalar = live(
        default=1.0, span=(0.1, 5), symbol="D", help="spreading", log=True, limits=(1e-3, 100)
    )
    gain: Scalar = live(
        default=1.0, span=(0.05, 4), symbol="g", help="of a step of the ladder", limits=(1e-3, 100)
    )
    memory: Scalar = live(
        default=1.0, span=(0.1, 5), symbol="τ", help="of a step of the ladder", limits=(1e-3, 100)
    )
    model: str = start(default="wave", choices=("wave", "ladder"), help="space, or iterations")
    steepness: Scalar = start(
        default=SHARP,
        span=(0.1, SHARP),
        symbol="λ₀",
        help="of the edge at the start; 20 is a step",
        log=True,
        limits=(1e-2, math.inf),
    )
    spacing: Scalar = start(
        default=0.2, span=(0.05, 0.5), symbol="Δx", help="of the wave's grid", limits=(1e-3, 10)
    )
    cells: int = size(default=1024, span=(256, 32_768), symbol="N_x", help="cells of the grid")

    @property
    def dt(self) -> Scalar:
        """Time of a tick: of the wave, as long as Euler's method allows; or one iteration."""
        if self.model == "ladder":
            return 1.0
        return SHORT * self._short()

    def _short(self) -> Float[Array, ""]:
        dx2 = jnp.asarray(self.spacing) ** 2
        return jnp.minimum(0.2 * dx2 / self.diffusion, 0.01 / jnp.asarray(self.rate))

    def unit(self) -> Float[Array, ""]:
        """Of the axis along a profile: a cell of the wave, or a time step of the ladder."""
        if self.model == "ladder":
            return FINE * jnp.asarray(self.memory)
        return jnp.asarray(self.spacing, float)

    def axis(self) -> Float[Array, " x"]:
        return self.unit() * jnp.arange(self.cells)

    def whole(self) -> Float[Array, ""]:
        """The age at which a front will have crossed the grid."""
        return 0.97 * self.unit() * self.cells / self.pulled()[0]

    def init(self, key: Key[Array, ""]) -> State:
        x, start_at = self.axis(), 20 * self.unit()
        edge = jnp.exp(-self.steepness * jnp.maximum(x - start_at, 0))
        step = (x < start_at).astype(float)
        profile = jnp.where(jnp.asarray(self.steepness) >= SHARP, step, edge)
        return State(
            profile, jnp.zeros(()), jnp.zeros((ROWS, self.cells)), jnp.full(ROWS, start_at)
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        profile = self._risen(state.profile) if self.model == "ladder" else self._spread(state)
        age = state.age + self.dt
        # A row stands for an interval of age; later ones show the present until they are reached.
        later = jnp.arange(ROWS) >= self._row(age)
        return State(
            profile,
            age,
            lax.dynamic_update_index_in_dim(state.picture, profile, self._row(age), 0),
            jnp.where(later, self.position(profile), state.place),
        )

    def _row(self, age: Float[Array, ""]) -> Int[Array, ""]:
        return jnp.clip((age / self.whole() * ROWS).astype(int), 0, ROWS - 1)

    def _spread(self, state: State) -> Float[Array, " x"]:
        short = self._short()
        mixing = short * self.diffusion / jnp.asarray(self.spacing) ** 2

        def euler(_: Array, u: Array) -> Array:
            left = jnp.concatenate([u[:1], u[:-1]])
            right = jnp.concatenate([u[1:], u[-1:]])
            return u + mixing * (left + right - 2 * u) + short * self.rate * u * (1 - u)

        return lax.fori_loop(0, SHORT, euler, state.profile)

    def _risen(self, u: Float[Array, " x"]) -> Float[Array, " x"]:
        """K ∗ [u + g u(1 − u)], by the recursion y_t = a y_{t−1} + (1 − a) f_t; before t = 0 all
        was hot.
        """
        kept = math.exp(-FINE)
        f = (1 - kept) * (u + self.gain * u * (1 - u))
        f = f.at[0].add(kept)

        def joined(one: tuple[Array, Array], two: tuple[Array, Array]) -> tuple[Array, Array]:
            return one[0] * two[0], one[1] * two[0] + two[1]

        return lax.associative_scan(joined, (jnp.full_like(f, kept), f))[1]

    def position(self, u: Float[Array, " x"]) -> Float[Array, ""]:
        """Where u falls through 1/2, between two cells."""
        last = jnp.argmax(u < 0.5)
        first = jnp.maximum(last - 1, 0)
        share = (u[first] - 0.5) / jnp.maximum(u[first] - u[last], 1e-6)
        inside = self.unit() * (first + jnp.clip(share, 0, 1))
        return jnp.where(jnp.any(u < 0.5), inside, self.unit() * (self.cells - 1))

    def observables(self, state: State) -> Scalars:
        row = self._row(state.age)
        earlier = row // 2
        passed = state.age - (earlier + 1) / ROWS * self.whole()
        moved = self.position(state.profile) - state.place[earlier]
        return {
            "speed": jnp.where(row > 1, moved / jnp.maximum(passed, 1e-6), 0.0),
            "front": self.position(state.profile),
        }

    def done(self, state: State) -> Bool[Array, ""]:
        return state.age > self.whole()

    # Theory.

    def spectrum(self, steepness: Float[Array, "*λ"]) -> Float[Array, "*λ"]:
        """The speed of an edge e^{−λx}."""
        if self.model == "wave":
            return self.rate / steepness + self.diffusion * steepness
        loss = jnp.log1p(-jnp.minimum(steepness * self.memory, 0.999999))
        return (jnp.log1p(jnp.asarray(self.gain)) - loss) / steepness

    def pulled(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The least speed of an edge, and its steepness."""
        if self.model == "wave":
            best = jnp.sqrt(self.rate / jnp.asarray(self.diffusion))
        else:
            # dc/dλ = 0: λτ/(1 − λτ) = ln(1 + g) − ln(1 − λτ).
            gain = jnp.log1p(jnp.asarray(self.gain))
            share = bisect(lambda y: gain - jnp.log1p(-y) - y / (1 - y), 1e-6, 0.99999)
            best = share / jnp.asarray(self.memory)
        return self.spectrum(best), best

    def theory(self) -> Scalars:
        speed, best = self.pulled()
        slow = jnp.minimum(jnp.asarray(self.steepness, float), best)
        steep = jnp.asarray(self.steepness) >= best
        return {"speed": jnp.where(steep, speed, self.spectrum(slow))}

    def limit(self, state: State) -> Scalars:
        """The speed over the later half of the run, with Bramson's logarithm."""
        speed, best = self.pulled()
        lag = 3 * math.log(2) / (best * jnp.maximum(state.age, 1.0))
        steep = jnp.asarray(self.steepness) >= best
        return {"speed": jnp.where(steep & (state.age > 10), speed - lag, jnp.nan)}

    def caveats(self, state: State) -> Flags:
        coarse = jnp.asarray(self.spacing) > 0.25 * jnp.sqrt(
            self.diffusion / jnp.asarray(self.rate)
        )
        return {
            "the grid is coarse for so narrow an edge, and speeds it up: lower Δx": coarse
            & (self.model == "wave"),
            "early: the speed is approached as 1/t": state.age < 20,
        }

    def frame(self, state: State) -> Frame:
        x, whole = self.axis(), self.whole()
        speed, best = self.pulled()
        across, up = ("x", "t") if self.model == "wave" else ("t", "iteration n")
        age = whole * (jnp.arange(ROWS) + 1.0) / ROWS
        first = 20 * self.unit()
        seen = jnp.arange(ROWS) <= self._row(state.age)
        line = first + self.theory()["speed"] * age
        every = max(1, self.cells // 512)
        lag = jnp.where(seen, state.place - first - speed * age, jnp.nan)
        bramson = jnp.where(age > 1, -1.5 / best * jnp.log(age), jnp.nan)
        slopes = best * jnp.geomspace(0.25, 4.0, 128)
        if self.model == "ladder":
            slopes = jnp.minimum(slopes, 0.98 / jnp.asarray(self.memory))
        now = self.observables(state)["speed"]
        return {
            "front": (
                Axes(across, up),
                Box(jnp.zeros(2), jnp.stack([x[-1], whole])),
                Image(state.picture[:, ::every], "level", (0, 1)),
                Curve(jnp.where(line < x[-1], line, jnp.nan), age, label="pulled front"),
            ),
            "profile": (Axes(across, "u"), Curve(x[::every], state.profile[::every], "measured")),
            "lag": (
                Axes(f"ln {up[0] if self.model == 'wave' else 'n'}", "front − v* t"),
                Curve(jnp.log(age), bramson, label="−(3/2λ*) ln t"),
                Curve(jnp.log(age), lag, "measured"),
            ),
            "speeds": (
                Axes("steepness λ of the edge", "speed"),
                Curve(slopes, self.spectrum(slopes), label="v(λ)"),
                Curve(best[None], speed[None], "guide"),
                Curve(best[None], now[None], "measured", label="now"),
            ),
        }
