"""Two gases of very unequal mass, which come to rest in epochs."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Captions, Colour, Curve, Frame, Points, histogram
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.sorting import sorted_by


ROWS = 256  # of the record, even on a logarithmic axis
FIRST, LAST = 0.02, 2e4  # times of its ends
SHORT = 0.02  # first step, in units of the shortest time between collisions
GROWTH = 0.05  # of later steps, by the time that has passed
UNEVEN = (1.8, 0.6, 0.6)  # ⟨v²⟩ along and across the beams that a gas starts as, over T
EDGE = 5.0  # of the views, in thermal speeds at T = 1
BINS = 32


class State(NamedTuple):
    light: Float[Array, "n 3"]  # velocities at mass 1
    heavy: Float[Array, "n 3"]  # velocities in units of ε: their squares too are energies
    time: Float[Array, ""]
    exact: Float[Array, "2 3"]  # ⟨v²⟩ of both by component, for infinitely many
    filled: Int[Array, ""]  # rows of the record
    seen: Float[Array, "r 4"]  # temperatures and anisotropies of both
    ideal: Float[Array, "r 4"]


class EpochalRelaxation(System[State]):
    """Two gases of very unequal mass

    A hot light gas and a cold heavy one, with ε = √(m_L/m_H), evenly spread, each at first two
    beams. Molecules collide in pairs and scatter alike in all directions (Maxwell molecules):

        v′ = V ± (m/M) |g| s,    s uniform on the sphere

    First the light gas becomes Maxwellian, in a time of order 1, on the heavy one as on fixed
    obstacles; then the heavy gas, in 1/ε; and only in 1/ε² do the temperatures meet, since a light
    molecule hands over ε² of its energy at a blow. The method of the paper is made for all three
    epochs at once; this is its gas, by direct simulation.
    """

    after = True
    sources = ("hao2024disparate",)
    equations = (
        Equation(
            r"v_L'=v_L-\frac{g-|g|s}{1+\varepsilon^2},\quad "
            r"v_H'=v_H+\frac{\varepsilon^2}{1+\varepsilon^2}(g-|g|s),\quad g=v_L-v_H",
            "a collision: momentum and energy are kept",
        ),
        Equation(
            r"\frac{\mathrm d}{\mathrm dt}(T_L-T_H)="
            r"-\frac{4\varepsilon^2}{(1+\varepsilon^2)^2}\,\nu_{LH}\,(T_L-T_H)",
            "the temperatures, exactly; equal numbers",
        ),
        Equation(
            r"\dot P_a=\sum_b\nu_{ab}\Big[\frac{m_a^2P_a+m_b^2P_b}{M^2}"
            r"+\frac{m_b^2}{M^2}\,\frac{\operatorname{tr}(P_a+P_b)}{3}-P_a\Big]",
            "second moments, exactly",
        ),
    )
    theory_name = "exact moments"
    assumptions = "Infinitely many molecules, evenly spread, without drift; at the present step."
    clock = "steps"
    cell: ClassVar[Mapping[str, int]] = {"n": 512}
    hints: ClassVar[Mapping[str, Hint]] = {
        "velocities": Hint(),
        "temperatures": Hint(large=False),
        "anisotropy": Hint(large=False),
        "light": Hint(large=False),
        "heavy": Hint(large=False),
    }
    presets = (
        Preset("three epochs", ratio=0.1),
        Preset("far apart", ratio=0.03),
        Preset("equal masses", ratio=1.0),
        Preset("a heavy gas without itself", ratio=0.1, heavy_rate=0.0),
    )
    quantities = (
        Quantity("gap", symbol="ΔT", help="difference of the temperatures"),
        Quantity("light", symbol="T light", span=(0, 3), help="temperature of the light gas"),
        Quantity("heavy", symbol="T heavy", span=(0, 3), help="temperature of the heavy gas"),
        Quantity("light beam", symbol="A light", help="⟨vₓ² − v_z²⟩ of the light gas"),
        Quantity(
            "heavy beam", symbol="A heavy", help="⟨v_z² − vₓ²⟩ of the heavy gas, times its mass"
        ),
        Quantity("light shape", symbol="K light", help="excess kurtosis of vₓ; 0 is Maxwellian"),
        Quantity("heavy shape", symbol="K heavy", help="excess kurtosis of v_z; 0 is Maxwellian"),
        Quantity("light lack", symbol="ΔS light", help="entropy that vₓ lacks of a Maxwellian's"),
        Quantity("heavy lack", symbol="ΔS heavy", help="entropy that v_z lacks of a Maxwellian's"),
        Quantity("energy", symbol="E", help="of all, per pair; it is kept"),
        Quantity("time", symbol="t", help="in times between collisions"),
    )

    ratio: Scalar = live(
        default=0.1,
        span=(0.02, 1),
        symbol="ε",
        help="√(m_L/m_H)",
        log=True,
        limits=(1e-3, 1),
    )
    heavy_rate: Scalar = live(
        default=1.0,
        span=(0, 5),
        symbol="h",
        help="ν_HH/ε, collisions among the heavy",
        limits=(0, 1000),
    )
    light_rate: Scalar = live(
        default=1.0, span=(0, 3), symbol="ν_LL", help="collisions among the light", limits=(0, 100)
    )
    cross_rate: Scalar = live(
        default=1.0, span=(0, 3), symbol="ν_LH", help="collisions of both", limits=(0, 100)
    )
    pace: Scalar = live(
        default=0.1,
        span=(0.02, 0.5),
        symbol="ν Δt",
        help="longest step, in times between collisions",
        log=True,
        limits=(1e-3, 1),
    )
    hot: Scalar = start(
        default=2.0, span=(0.1, 4), symbol="T_L", help="of the light at first", limits=(1e-3, 100)
    )
    cold: Scalar = start(
        default=0.5, span=(0.1, 4), symbol="T_H", help="of the heavy at first", limits=(1e-3, 100)
    )
    n: int = size(default=8192, span=(64, 262_144), symbol="N", help="molecules of each gas")

    def init(self, key: Key[Array, ""]) -> State:
        drawn = jax.random.normal(key, (2, self.n, 3))
        heat = jnp.sqrt(jnp.stack([jnp.asarray(self.hot, float), jnp.asarray(self.cold, float)]))
        uneven = jnp.sqrt(jnp.asarray(UNEVEN))
        # Two beams: most of the motion along is that of the beam, the rest its own heat.
        beam = jnp.where(jnp.arange(self.n) % 2 == 0, 1.0, -1.0)
        along = np.sqrt(0.8) * beam + np.sqrt(0.2) * drawn[:, :, 0]
        v = uneven * drawn.at[:, :, 0].set(along) * heat[:, None, None]
        v = v - jnp.mean(v, axis=1, keepdims=True)
        light, heavy = v[0], v[1, :, ::-1]  # along x, and along z
        empty = jnp.zeros((ROWS, 4))
        exact = moments(light, heavy)
        return State(light, heavy, jnp.zeros(()), exact, jnp.int32(0), empty, empty)

    def rates(self) -> tuple[Array, Array, Array]:
        """ν of light with light, heavy with heavy, light with heavy."""
        light, cross = jnp.asarray(self.light_rate, float), jnp.asarray(self.cross_rate, float)
        return light, jnp.asarray(self.heavy_rate * self.ratio, float), cross

    def stride(self, time: Float[Array, ""]) -> Float[Array, ""]:
        """Steps that grow with the time that has passed, up to the pace."""
        quickest = jnp.maximum(jnp.max(jnp.stack(self.rates())), 1e-3)
        return jnp.minimum(jnp.maximum(SHORT / quickest, GROWTH * time), self.pace / quickest)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_light, for_heavy, for_whom, for_way = jax.random.split(key, 4)
        dt = self.stride(state.time)
        often = [-jnp.expm1(-rate * dt) for rate in self.rates()]
        way = jax.random.normal(for_way, (2 * self.n, 3))
        way = way / jnp.sqrt(jnp.sum(way**2, axis=1, keepdims=True) + 1e-20)
        meets = jax.random.uniform(for_whom, (2, self.n))
        half = self.n // 2
        # Shuffled, so that halves meet each other, and then the two gases in their order.
        light, heavy = shuffled(state.light, for_light), shuffled(state.heavy, for_heavy)
        light = among(light, way[:half], meets[0, :half] < often[0])
        heavy = among(heavy, way[half : 2 * half], meets[0, half : 2 * half] < often[1])
        light, heavy = between(light, heavy, way[self.n :], meets[1] < often[2], self.ratio)
        exact = self.onward(state.exact, *often)
        time = state.time + dt
        row = jnp.floor(ROWS * jnp.log(time / FIRST) / np.log(LAST / FIRST)).astype(int)
        at = jnp.arange(ROWS)[:, None]
        new = (at >= state.filled) & (at <= row)
        return State(
            light,
            heavy,
            time,
            exact,
            jnp.clip(row + 1, state.filled, ROWS),
            jnp.where(new, told(moments(light, heavy)), state.seen),
            jnp.where(new, told(exact), state.ideal),
        )

    def onward(
        self, exact: Float[Array, "2 3"], light: Array, heavy: Array, cross: Array
    ) -> Float[Array, "2 3"]:
        """One step of the exact moments, at these shares of molecules that collide.

        Those of the heavy are in units of ε², so all masses are 1 but for the factors of ε.
        """
        share = jnp.stack([light, heavy])[:, None] / 2
        even = jnp.mean(exact, axis=1, keepdims=True)
        exact = exact + share * (even - exact)
        e2 = jnp.asarray(self.ratio, float) ** 2
        p, q = exact
        # tr(P_a + P_b)/3 of g = v_L − ε w.
        scattered = jnp.mean(p + e2 * q)
        total = (1 + e2) ** 2
        new_p = (e2**2 * p + e2 * q + scattered) / total
        new_q = (e2 * p + q + e2 * scattered) / total
        return exact + cross * (jnp.stack([new_p, new_q]) - exact)

    def observables(self, state: State) -> Scalars:
        light, heavy, along, across = told(moments(state.light, state.heavy))
        x, z = state.light[:, 0], state.heavy[:, 2]
        return {
            "gap": light - heavy,
            "light": light,
            "heavy": heavy,
            "light beam": along,
            "heavy beam": across,
            "light shape": jnp.mean(x**4) / jnp.mean(x**2) ** 2 - 3,
            "heavy shape": jnp.mean(z**4) / jnp.mean(z**2) ** 2 - 3,
            "light lack": lack(x),
            "heavy lack": lack(z),
            "energy": 1.5 * (light + heavy),
            "time": state.time,
        }

    def limit(self, state: State) -> Scalars:
        light, heavy, along, across = told(state.exact)
        return {
            "gap": light - heavy,
            "light": light,
            "heavy": heavy,
            "light beam": along,
            "heavy beam": across,
            "energy": 1.5 * (light + heavy),
        }

    def theory(self) -> Scalars:
        """Equilibrium: one temperature for both, and Maxwellians."""
        mean = jnp.asarray((self.hot + self.cold) / 2, float)
        names = ("gap", "light beam", "heavy beam", "light shape", "heavy shape")
        return {"light": mean, "heavy": mean, **{name: jnp.zeros(()) for name in names}}

    def speeds(self) -> tuple[Array, Array, Array]:
        """Rates of decay of A_L, A_H and T_L − T_H, but for what one gas feeds into the other."""
        light, heavy, cross = self.rates()
        e2 = jnp.asarray(self.ratio, float) ** 2
        total = (1 + e2) ** 2
        return (
            light / 2 + cross * (1 - e2**2 / total),
            heavy / 2 + cross * (1 - 1 / total),
            4 * e2 / total * cross,
        )

    def boundaries(self) -> dict[str, Boundary]:
        """Where the heavy gas takes as long to forget its beams as the temperatures to meet."""
        e2 = jnp.asarray(self.ratio, float) ** 2
        same = 2 * self.cross_rate * self.ratio * (2 - e2) / (1 + e2) ** 2
        return {"the last two epochs are one": Boundary({"heavy_rate": same}, kind="guide")}

    def regions(self) -> Flags:
        _, shape, meeting = self.speeds()
        return {"Maxwellian first": shape > meeting, "temperatures first": shape <= meeting}

    def caveats(self, state: State) -> Flags:
        return {
            "steps are so long that a molecule may miss collisions: lower ν Δt": jnp.asarray(
                self.pace > 0.15
            ),
            "it was heated: the temperature of theory is that of the gas as it began": jnp.abs(
                jnp.sum(state.exact) / (3 * jnp.asarray(self.hot + self.cold, float)) - 1
            )
            > 0.3,
        }

    @poke()
    def heat(self, state: State, key: Key[Array, ""]) -> State:
        """Heat the light gas to twice its temperature."""
        exact = state.exact * jnp.array([[2.0], [1.0]])
        return state._replace(light=np.sqrt(2) * state.light, exact=exact)

    def frame(self, state: State) -> Frame:
        cloud = jnp.stack([state.light[:, ::2], state.heavy[:, ::2]])
        energy = jnp.stack([jnp.sum(v**2, axis=1) / 2 for v in (state.light, state.heavy)])
        colours = {"energy": Colour(energy, span=(0.0, 6.0))}
        corner = jnp.full((2, 2), EDGE)
        time = FIRST * (LAST / FIRST) ** ((jnp.arange(ROWS) + 0.5) / ROWS)
        there = (jnp.arange(ROWS) < state.filled)[:, None]
        seen, ideal = (jnp.where(there, rows, jnp.nan) for rows in (state.seen, state.ideal))

        def course(what: str, light: int) -> tuple[Axes, Curve, Curve, Curve, Curve]:
            return (
                Axes("t", what, log="x"),
                Curve(time, ideal[:, light], label="light, exact"),
                Curve(time, ideal[:, light + 1], label="heavy, exact"),
                Curve(time, seen[:, light], "measured", label="light"),
                Curve(time, seen[:, light + 1], "measured", label="heavy"),
            )

        return {
            "velocities": (
                Box(-corner, corner),
                Points(cloud, colours),
                Captions(("light gas", "heavy gas, speeds × 1/ε")),
            ),
            "temperatures": course("T", 0),
            "anisotropy": course("A", 2),
            "light": self.law(state.light[:, 0], "vₓ of the light"),
            "heavy": self.law(state.heavy[:, 2], "v_z of the heavy, × 1/ε"),
        }

    def law(self, v: Float[Array, " n"], name: str) -> tuple[Axes, Bars, Curve]:
        """A histogram, and the Maxwellian of its temperature."""
        x = jnp.linspace(-EDGE, EDGE, 129)
        heat = jnp.mean(v**2)
        maxwellian = jnp.exp(-(x**2) / (2 * heat)) / jnp.sqrt(2 * np.pi * heat)
        return (
            Axes(name, "density"),
            histogram(v, (-EDGE, EDGE), bins=50),
            Curve(x, maxwellian, label="Maxwellian"),
        )


def shuffled(v: Float[Array, "n 3"], key: Key[Array, ""]) -> Float[Array, "n 3"]:
    _, order = sorted_by((jax.random.bits(key, (len(v),)) >> 1).astype(jnp.int32))
    return v[order]


def turned(g: Float[Array, "k 3"], way: Float[Array, "k 3"], meets: Array) -> Float[Array, "k 3"]:
    """g − |g| s of those who collide, and nothing of the others."""
    length = jnp.sqrt(jnp.sum(g**2, axis=1, keepdims=True))
    return jnp.where(meets[:, None], g - length * way, 0.0)


def among(v: Float[Array, "n 3"], way: Float[Array, "k 3"], meets: Array) -> Float[Array, "n 3"]:
    """Collisions of equals: one of the first half with one of the second; an odd one rests."""
    half = len(way)
    one, other = v[:half], v[half : 2 * half]
    handed = turned(one - other, way, meets) / 2
    return v.at[: 2 * half].set(jnp.concatenate([one - handed, other + handed]))


def between(
    light: Float[Array, "n 3"],
    heavy: Float[Array, "n 3"],
    way: Float[Array, "n 3"],
    meets: Array,
    ratio: Scalar,
) -> tuple[Float[Array, "n 3"], Float[Array, "n 3"]]:
    """Collisions of the unlike, each light one with the heavy one of its place.

    In double precision: 1/(1 + ε²) is no number of single precision but for a few ε, and its
    rounding would take or give energy at every blow, always alike: 3e-4 in 5000 of them.
    """
    ratio = jnp.asarray(ratio, jnp.float32)
    with jax.enable_x64(True):
        v, w, s, e = (part.astype(jnp.float64) for part in (light, heavy, way, ratio))
        handed = turned(v - e * w, s, meets) / (1 + e**2)
        return (v - handed).astype(jnp.float32), (w + e * handed).astype(jnp.float32)


def moments(light: Float[Array, "n 3"], heavy: Float[Array, "n 3"]) -> Float[Array, "2 3"]:
    """⟨v²⟩ of both gases by component, times their masses."""
    return jnp.stack([jnp.mean(light**2, axis=0), jnp.mean(heavy**2, axis=0)])


def told(moments: Float[Array, "2 3"]) -> Float[Array, " 4"]:
    """T_L, T_H, and by how much each gas moves more along its beams than across."""
    apart = moments[:, 0] - moments[:, 2]
    return jnp.concatenate([jnp.mean(moments, axis=1), apart * jnp.array([1.0, -1.0])])


def lack(v: Float[Array, " n"]) -> Float[Array, ""]:
    """The entropy that a component lacks of a Gaussian's of its variance, from a histogram.

    Chance adds about bins/2N to it.
    """
    spread = jnp.sqrt(jnp.mean(v**2))
    place = jnp.clip(jnp.floor((v / spread + 4) * BINS / 8), 0, BINS - 1).astype(int)
    share = jnp.zeros(BINS).at[place].add(1 / len(v))
    log = jnp.log(jnp.maximum(share, 1e-12) * BINS / 8)
    gaussian = 0.5 * np.log(2 * np.pi * np.e)
    return gaussian + jnp.sum(share * log)
