"""The XY model in two dimensions: vortices, and the transition that they make by parting."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Curve, Frame, Image, Points
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Criticality, Flags, Scalars
from engine.numerics.roots import bisect
from engine.numerics.trig import sincos
from engine.numerics.vortices import charges, renormalised


CRITICAL = 0.8929  # T_BKT / J, by simulations of others (Hasenbusch 2005: 0.89294)
PASSES = 3  # of over-relaxation after each sweep
DRAWN = 4096  # vortices, at most
AWAY = -1e6  # where marks wait that are not needed: no view reaches there
TICK = 0.02  # of the Langevin dynamics

Colours = Float[Array, "2 2 length half"]  # black and white squares; cosine and sine of each


class State(NamedTuple):
    spin: Colours


class XYVortices(System[State]):
    """2D XY model

    Arrows of angle θ on a periodic square lattice, each drawn to its neighbours:

        H = −J Σ_⟨ij⟩ cos(θᵢ − θⱼ)

    Nothing orders at any T > 0, yet below T_BKT = 0.893 J the lattice is stiff: vortices come in
    pairs of opposite sign. At T_BKT they part, and the stiffness falls from 2T/π to 0 at once. A
    tick is a sweep of Metropolis and three of over-relaxation, or a step of Langevin's dynamics.
    """

    sources = ("kosterlitz1973", "berezinskii1971", "nelson1977")
    equations = (
        Equation(r"H=-J\sum_{\langle ij\rangle}\cos(\theta_i-\theta_j)", "arrows in a plane"),
        Equation(
            r"\Upsilon=\frac{1}{2N}\sum_{\mu}\left[\langle E_\mu\rangle-\frac{1}{T}"
            r"\langle I_\mu^2\rangle\right],\quad E_\mu=J\sum_i\cos\partial_\mu\theta_i,\quad "
            r"I_\mu=J\sum_i\sin\partial_\mu\theta_i",
            "helicity modulus: the cost of a twist",
        ),
        Equation(r"\Upsilon(T_{\mathrm{BKT}}^-)=\frac{2}{\pi}T_{\mathrm{BKT}}", "universal jump"),
        Equation(
            r"\Upsilon_0=J e^{-T/4\Upsilon_0},\qquad y_0=e^{-\pi^2\Upsilon_0/2T}",
            "self-consistent harmonic start of the flow of vortices",
        ),
    )
    theory_name = "harmonic + vortex flow"
    assumptions = (
        "An infinite lattice; spin waves by the self-consistent harmonic approximation, vortices "
        "by their renormalisation flow from it. It puts the transition at 0.957 J instead of "
        "0.893 J."
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "lattice": Hint(glow=False),
        "correlation": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"length": 16}
    presets = (
        Preset("pairs", temperature=0.8, beginning="aligned"),
        Preset("unbinding", temperature=0.95, beginning="aligned"),
        Preset("plasma", temperature=1.3, beginning="random"),
        Preset("quench", temperature=0.2, beginning="random"),
        Preset("quench, smooth", temperature=0.1, beginning="random", update="langevin"),
    )
    quantities = (
        Quantity("stiffness", symbol="Υ", span=(0, 1), help="helicity modulus"),
        Quantity("energy", symbol="e", span=(-2, 0), help="per arrow"),
        Quantity("vortices", symbol="n_v", help="of either sign, per plaquette"),
        Quantity("magnetisation", symbol="|m|", span=(0, 1), help="of a finite lattice"),
        Quantity("decay", symbol="η", help="exponent of the correlations, T / 2πΥ"),
    )
    clock = "sweeps"
    critical = Criticality(
        "temperature", (16, 32, 64), (0.7, 1.1), "jump", "stiffness", 2 / math.pi,
        boundary="vortices part",
    )  # fmt: skip

    temperature: Scalar = live(
        default=0.85, span=(0.05, 2), symbol="T", help="of the bath", limits=(1e-3, math.inf)
    )
    coupling: Scalar = live(
        default=1.0, span=(0.1, 2), symbol="J", help="between neighbours", limits=(1e-3, math.inf)
    )
    update: str = mode(
        default="metropolis",
        choices=("metropolis", "langevin"),
        help="random turns and over-relaxation, or smooth motion",
    )
    beginning: str = start(
        default="aligned", choices=("aligned", "random"), help="the first state: cold or hot"
    )
    length: int = size(default=128, span=(16, 1024), symbol="L", help="side of the lattice; even")

    def init(self, key: Key[Array, ""]) -> State:
        if self.length % 2:
            raise ValueError(f"length = {self.length} is odd: a periodic chessboard is even.")
        shape = (2, self.length, self.length // 2)
        if self.beginning == "random":
            angle = jax.random.uniform(key, shape, maxval=2 * np.pi)
        else:
            angle = jnp.zeros(shape)
        s, c = sincos(angle)
        return State(jnp.stack([c, s], axis=1))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        if self.update == "langevin":
            return State(self._drifted(state.spin, key))
        colours = list(state.spin)
        for colour, its_key in enumerate(jax.random.split(key)):
            h = beside(colours[1 - colour], colour)
            colours[colour] = self._tried(colours[colour], h, its_key)
        for _ in range(PASSES):
            for colour in (0, 1):
                colours[colour] = reflected(colours[colour], beside(colours[1 - colour], colour))
        # Rounding lets a unit vector drift; one step of Newton brings it back.
        return State(jnp.stack([c * (1.5 - 0.5 * jnp.sum(c**2, axis=0)) for c in colours]))

    def reach(self) -> Float[Array, ""]:
        """How far a trial turns at most: half of them are accepted."""
        return jnp.minimum(1.7 * jnp.sqrt(self.temperature / jnp.asarray(self.coupling)), jnp.pi)

    def _tried(
        self, old: Float[Array, "2 length half"], h: Float[Array, "2 length half"], key: Array
    ) -> Float[Array, "2 length half"]:
        turn, chance = jax.random.uniform(key, (2, *old.shape[1:]))
        new = turned(old, (2 * turn - 1) * self.reach())
        gain = self.coupling * jnp.sum((new - old) * h, axis=0)
        return jnp.where(chance < jnp.exp(gain / self.temperature), new, old)

    def _drifted(self, spin: Colours, key: Key[Array, ""]) -> Colours:
        """dθᵢ = J Σⱼ sin(θⱼ − θᵢ) dt + √(2T) dW: all at once, by Euler's method."""
        h = jnp.stack([beside(spin[1], 0), beside(spin[0], 1)])
        torque = self.coupling * (h[:, 1] * spin[:, 0] - h[:, 0] * spin[:, 1])
        kick = jnp.sqrt(2 * self.temperature * TICK) * jax.random.normal(key, torque.shape)
        new = jnp.stack([turned(c, t) for c, t in zip(spin, TICK * torque + kick, strict=True)])
        return new * (1.5 - 0.5 * jnp.sum(new**2, axis=1, keepdims=True))

    def observables(self, state: State) -> Scalars:
        c, s = joined(state.spin)
        pairs = [(jnp.roll(c, -1, axis), jnp.roll(s, -1, axis)) for axis in (0, 1)]
        along = [jnp.mean(c * c1 + s * s1) for c1, s1 in pairs]
        current = [self.length * jnp.mean(s1 * c - c1 * s) for c1, s1 in pairs]
        twist = self.coupling**2 / self.temperature * (current[0] ** 2 + current[1] ** 2) / 2
        return {
            "stiffness": self.coupling * (along[0] + along[1]) / 2 - twist,
            "energy": -self.coupling * (along[0] + along[1]),
            "vortices": jnp.mean(jnp.abs(charges(jnp.arctan2(s, c))), dtype=float),
            "magnetisation": jnp.hypot(jnp.mean(c), jnp.mean(s)),
        }

    def derived(self, mean: Scalars) -> Scalars:
        stiff = jnp.where(mean["stiffness"] > 0, mean["stiffness"], jnp.nan)
        return {"decay": self.temperature / (2 * jnp.pi * stiff)}

    def theory(self) -> Scalars:
        stiffness = self.coupling * stiffness_of(self.temperature / jnp.asarray(self.coupling))
        decay = self.temperature / (2 * jnp.pi * jnp.where(stiffness > 0, stiffness, jnp.nan))
        return {"stiffness": stiffness, "decay": decay}

    def guides(self) -> dict[str, Scalars]:
        return {"2T/π": {"stiffness": 2 * jnp.asarray(self.temperature, float) / jnp.pi}}

    def boundaries(self) -> dict[str, Boundary]:
        own = bisect(lambda t: jnp.where(stiffness_of(t) > 0, 1.0, -1.0), 0.5, 1.4)
        j, t = jnp.asarray(self.coupling), jnp.asarray(self.temperature)
        return {
            "vortices part": Boundary({"temperature": CRITICAL * j, "coupling": t / CRITICAL}),
            "harmonic + vortex flow": Boundary(
                {"temperature": own * j, "coupling": t / own}, kind="guide"
            ),
        }

    def caveats(self, state: State) -> Flags:
        t = self.temperature / jnp.asarray(self.coupling)
        return {
            "near T_BKT the stiffness of a finite lattice is too large, by 1/(2 ln L)": jnp.abs(
                t - CRITICAL
            )
            < 0.1,
            "more vortices than are drawn": jnp.sum(jnp.abs(charges(angle_of(state.spin)))) > DRAWN,
        }

    @poke(view="lattice")
    def wind(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Wind the arrows under the hand once around it, or backwards with the other button."""
        row, column = jnp.indices((self.length, self.length)) + 0.5
        x, y = column - touch.position[0], row - touch.position[1]
        x, y = (d - self.length * jnp.round(d / self.length) for d in (x, y))
        under = x**2 + y**2 < jnp.asarray(touch.radius) ** 2
        angle = jnp.where(under, jnp.sign(touch.sign) * jnp.arctan2(y, x), angle_of(state.spin))
        return State(split(jnp.stack([jnp.cos(angle), jnp.sin(angle)])))

    @poke()
    def quench(self, state: State, key: Key[Array, ""]) -> State:
        """Point all arrows at random, as if it came from an infinite temperature."""
        s, c = sincos(jax.random.uniform(key, state.spin[:, 0].shape, maxval=2 * np.pi))
        return State(jnp.stack([c, s], axis=1))

    def frame(self, state: State) -> Frame:
        angle = angle_of(state.spin)
        charge = charges(angle)
        many = min(self.length**2, DRAWN)
        row, column = jnp.nonzero(charge, size=many, fill_value=-1)
        there = row >= 0
        place = jnp.where(there[:, None], jnp.stack([column, row], axis=1) + 1.0, AWAY)
        sign = jnp.where(there, charge[row, column], 0).astype(float)
        # Colour tells angles here, so size tells signs: a large dot turns forwards.
        forward, backward = (jnp.where((sign == way)[:, None], place, AWAY) for way in (1.0, -1.0))
        dot = max(0.8, self.length / 120)
        board = Box(jnp.zeros(2), jnp.full(2, float(self.length)), periodic=True)
        return {
            "lattice": (
                board,
                Image(angle % (2 * jnp.pi), scale="phase", span=(0, 2 * np.pi)),
                Points(forward, radius=dot),
                Points(backward, radius=dot / 2),
            ),
            "correlation": self._correlation(joined(state.spin)),
        }

    def _correlation(self, spin: Float[Array, "2 length length"]) -> tuple[Axes, Curve, Curve]:
        power = jnp.sum(jnp.abs(jnp.fft.rfft2(spin)) ** 2, axis=0) / self.length**2
        both = jnp.fft.irfft2(power, spin.shape[1:])
        half = self.length // 2
        r = jnp.arange(1.0, half)
        measured = (both[0, 1:half] + both[1:half, 0]) / 2
        decay = self.theory()["decay"]
        return (
            Axes("distance r", "⟨cos(θ₀ − θ_r)⟩", log="xy"),
            Curve(r, measured[0] * r**-decay, label="r^{-η}"),
            Curve(r, jnp.where(measured > 0, measured, jnp.nan), "measured"),
        )


def stiffness_of(t: Float[Array, ""]) -> Float[Array, ""]:
    """Υ/J at T/J: u = e^{−t/4u} = e^{−v} with v e^{−v} = t/4, then screened by vortices."""
    v = bisect(lambda v: t / 4 - v * jnp.exp(-v), 0.0, 1.0)
    bare = jnp.where(t < 4 / math.e, jnp.exp(-v), 1e-3)
    return t * renormalised(bare / t, jnp.exp(-(jnp.pi**2) / 2 * bare / t))


def split(spin: Float[Array, "2 length length"]) -> Colours:
    """The squares of either colour, each pushed together to half the width."""
    left, right = spin[..., ::2], spin[..., 1::2]
    odd = (np.arange(spin.shape[1]) % 2 == 1)[:, None]
    return jnp.stack([jnp.where(odd, right, left), jnp.where(odd, left, right)])


def joined(spin: Colours) -> Float[Array, "2 length length"]:
    """The board of its squares of either colour."""
    odd = (np.arange(spin.shape[2]) % 2 == 1)[:, None]
    left, right = jnp.where(odd, spin[1], spin[0]), jnp.where(odd, spin[0], spin[1])
    return jnp.stack([left, right], axis=-1).reshape(2, spin.shape[2], -1)


def beside(other: Float[Array, "2 length half"], colour: int) -> Float[Array, "2 length half"]:
    """The sum over the four neighbours of the squares of a colour, all of the other one."""
    rows = other + jnp.roll(other, 1, axis=1) + jnp.roll(other, -1, axis=1)
    odd = (np.arange(other.shape[1]) % 2 == 1)[:, None]
    way = 1 if colour == 0 else -1
    return rows + jnp.where(odd, jnp.roll(other, -way, axis=2), jnp.roll(other, way, axis=2))


def reflected(
    spin: Float[Array, "2 length half"], h: Float[Array, "2 length half"]
) -> Float[Array, "2 length half"]:
    """θ → 2φ − θ about the field of the neighbours: another state of the same energy."""
    return 2 * jnp.sum(spin * h, axis=0) / (jnp.sum(h**2, axis=0) + 1e-12) * h - spin


def turned(
    spin: Float[Array, "2 length half"], by: Float[Array, "length half"]
) -> Float[Array, "2 length half"]:
    s, c = sincos(by)
    return jnp.stack([c * spin[0] - s * spin[1], s * spin[0] + c * spin[1]])


def angle_of(spin: Colours) -> Float[Array, "length length"]:
    c, s = joined(spin)
    return jnp.arctan2(s, c)
