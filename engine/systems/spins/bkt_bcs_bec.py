"""Superconductors in two dimensions, from large loose pairs to small tight ones."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Curve, Frame
from engine.core.parameters import Scalar, live
from engine.core.system import Scene
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.roots import bisect
from engine.numerics.vortices import flow_line, renormalised, separatrix


# Momenta, by ε − μ = Δ sinh u: the square root at ε = μ is gone, and 64 nodes are enough.
NODES, WEIGHTS = (a.astype(np.float32) for a in np.polynomial.legendre.leggauss(64))
SMALLEST = 1e-3  # Δ/T that stands for a gap about to open


class State(NamedTuple):
    nothing: Float[Array, ""]


class Solution(NamedTuple):
    """The mean field at a temperature, in units of the Fermi energy."""

    gap: Float[Array, ""]
    chemical: Float[Array, ""]
    superfluid: Float[Array, ""]  # n_s / n


class BktBcsBec(Scene[State]):
    """T_BKT through the BCS–BEC crossover

    Fermions in a plane that attract each other in pairs. A mean field gives the gap Δ, the
    chemical potential μ and the superfluid density, and so a stiffness J(T); vortices renormalise
    it, and superconductivity ends where what is left of J reaches 2T/π. Pairs may form much
    earlier: between T_BKT and T* there are pairs without a condensate.

    After Midei et al.; the continuum in two dimensions stands for their superconductor.
    """

    sources = ("midei2024bkt", "kosterlitz1973", "nelson1977")
    after = True
    equations = (
        Equation(
            r"\int_0^\infty\!d\epsilon\left[\frac{\tanh(E/2T)}{E}-\frac{1}{\epsilon+E_B/2}\right]"
            r"=0,\qquad E=\sqrt{(\epsilon-\mu)^2+\Delta^2}",
            "gap",
        ),
        Equation(
            r"\int_0^\infty\!d\epsilon\left[1-\frac{\epsilon-\mu}{E}\tanh\frac{E}{2T}\right]=2",
            "number of particles",
        ),
        Equation(
            r"J=\frac{1}{4\pi}\left[1-\int_0^\infty\!d\epsilon\,\frac{\epsilon}{4T}\,"
            r"\mathrm{sech}^2\frac{E}{2T}\right]",
            "stiffness",
        ),
        Equation(
            r"\frac{dK^{-1}}{dl}=4\pi^3y^2,\quad\frac{dy}{dl}=(2-\pi K)y,\quad K(0)=\frac{J}{T},"
            r"\;y(0)=e^{-cJ/T}",
            "flow of vortices",
        ),
    )
    theory_name = "zero temperature"
    assumptions = "Mean-field pairing at T = 0, where Δ = √(2 E_B) and μ = 1 − E_B/2 exactly."
    hints: ClassVar[Mapping[str, Hint]] = {"flow": Hint(large=False), "gap": Hint(large=False)}
    presets = (
        Preset("loose pairs (BCS)", binding=0.02, temperature=0.03),
        Preset("crossover", binding=0.3, temperature=0.06),
        Preset("tight pairs (BEC)", binding=3.0, temperature=0.07),
        Preset("pairs without a condensate", binding=0.3, temperature=0.2),
    )
    quantities = (
        Quantity("renormalised stiffness", symbol="J_R", help="with vortices; 0 above T_BKT"),
        Quantity("stiffness", symbol="J", help="of the mean field"),
        Quantity("gap", symbol="Δ", unit="E_F"),
        Quantity("chemical potential", symbol="μ", unit="E_F"),
        Quantity("superfluid fraction", symbol="n_s/n", span=(0, 1)),
    )

    binding: Scalar = live(
        default=0.1,
        span=(1e-3, 10),
        symbol="E_B",
        help="binding energy of a pair in vacuum",
        unit="E_F",
        log=True,
        limits=(1e-4, 1e3),
    )
    temperature: Scalar = live(
        default=0.06,
        span=(0.002, 1),
        symbol="T",
        help="temperature",
        unit="E_F",
        log=True,
        limits=(1e-3, 1e3),
    )
    core: Scalar = live(
        default=math.pi**2 / 4,
        span=(1, 6),
        symbol="c",
        help="energy of a vortex core, in units of J: π²/4 as in superconductors, π²/2 as in XY",
        limits=(1e-2, math.inf),
    )

    def init(self, key: Key[Array, ""]) -> State:
        return State(jnp.zeros(()))

    def observables(self, state: State) -> Scalars:
        found = solved(self.binding, self.temperature)
        bare = found.superfluid / (4 * jnp.pi)
        return {
            "renormalised stiffness": self.screened(bare, self.temperature),
            "stiffness": bare,
            "gap": found.gap,
            "chemical potential": found.chemical,
            "superfluid fraction": found.superfluid,
        }

    def screened(self, stiffness: Float[Array, ""], t: Scalar) -> Float[Array, ""]:
        """J after the flow of vortices."""
        k = jnp.maximum(stiffness, 1e-6) / t
        return jnp.where(stiffness > 1e-5, t * renormalised(k, jnp.exp(-self.core * k)), 0.0)

    def theory(self) -> Scalars:
        cold = jnp.asarray(self.binding)
        return {"gap": jnp.sqrt(2 * cold), "chemical potential": 1 - cold / 2}

    def boundaries(self) -> dict[str, Boundary]:
        def left(t: Array) -> Array:
            return solved(self.binding, t).superfluid / (4 * jnp.pi)

        pairs = pairing_temperature(self.binding)
        top = jnp.minimum(pairs, 0.125)
        bare = bisect(lambda s: left(s * top) * jnp.pi / 2 - s * top, 1e-3, 1.0, halvings=16)
        flowed = bisect(
            lambda s: jnp.where(self.screened(left(s * top), s * top) > 0, 1.0, -1.0),
            1e-3,
            1.0,
            halvings=16,
        )
        return {
            "pairs form (T*)": Boundary({"temperature": pairs}, kind="guide"),
            "bare stiffness (Nelson–Kosterlitz)": Boundary(
                {"temperature": bare * top}, kind="spinodal"
            ),
            "superconductor (T_BKT)": Boundary({"temperature": flowed * top}),
        }

    def caveats(self, state: State) -> Flags:
        return {
            "no pairs at this temperature: the gap has closed": jnp.asarray(
                self.temperature > pairing_temperature(self.binding)
            ),
        }

    def frame(self, state: State) -> Frame:
        t = jnp.geomspace(2e-3, 1.0, 96)
        along = jax.vmap(lambda t: solved(self.binding, t))(t)
        bare = along.superfluid / (4 * jnp.pi)
        left = jax.vmap(self.screened)(bare, t)
        here = solved(self.binding, self.temperature)
        j = here.superfluid / (4 * jnp.pi)
        spot = jnp.asarray(self.temperature)[None]
        return {
            "stiffness": (
                Axes("T / E_F", "stiffness J / E_F", log="x"),
                Curve(t, jnp.where(2 * t / jnp.pi < 0.1, 2 * t / jnp.pi, jnp.nan), "guide", "2T/π"),
                Curve(t, bare, label="J: mean field"),
                Curve(t, left, "measured", label="with vortices"),
                Curve(spot, self.screened(j, self.temperature)[None], "measured", label="here"),
            ),
            "flow": self._flow(j),
            "gap": (
                Axes("T / E_F", "Δ, μ in E_F", log="x"),
                Curve(t, along.gap, label="Δ"),
                Curve(t, along.chemical, "guide", label="μ"),
            ),
        }

    def _flow(self, stiffness: Float[Array, ""]) -> tuple[Axes | Curve, ...]:
        k = jnp.maximum(stiffness, 1e-4) / self.temperature
        y0 = jnp.exp(-self.core * k)
        end = renormalised(k, y0)
        last = jnp.where(end > 0, 1 / jnp.maximum(end, 1e-6), jnp.maximum(1 / k, 2.5) + 0.5)
        share = jnp.linspace(0, 1, 200)
        inverse = 1 / k + (last - 1 / k) * share
        shown = jnp.linspace(0.02, 3.0, 200)
        starts = jnp.linspace(0.2, 1.4, 5)
        others = [
            Curve(shown, jnp.where(shown >= s, flow_line(1 / s, 0.02 + 0.03 * s, shown), jnp.nan),
                  "guide")
            for s in starts
        ]  # fmt: skip
        y = flow_line(k, y0, inverse)
        within = (inverse < 3.2) & (y < 0.35)
        return (
            Axes("1 / K = T / J", "fugacity y"),
            *others,
            Curve(shown, separatrix(shown), label="separatrix"),
            Curve(jnp.where(within, inverse, jnp.nan), jnp.where(within, y, jnp.nan), "measured",
                  label="this flow"),
        )  # fmt: skip


def thermal(
    gap: Float[Array, ""], mu: Float[Array, ""], t: Scalar
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """What heat takes from the gap equation, adds to the number, and takes from n_s.

    All integrals are over u in ε − μ = Δ sinh u, from ε = 0 to where e^{−E/T} has vanished.
    """
    low = -jnp.arcsinh(mu / gap)
    high = jnp.maximum(jnp.arcsinh(30 * t / gap), low + 0.1)
    # Two pieces, which meet where the integrands change most.
    middle = jnp.clip(0.0, low, high)

    def piece(a: Array, b: Array) -> tuple[Array, Array, Array]:
        u = a + (b - a) * (NODES + 1) / 2
        energy = gap * jnp.cosh(u)
        x = jnp.minimum(energy / t, 80.0)
        occupied = 1 / (jnp.exp(x) + 1)
        over = gap * jnp.sinh(u)
        sech2 = 4 * occupied * (1 - occupied)
        kernels = (2 * occupied, 2 * occupied * over, energy * (mu + over) / (4 * t) * sech2)
        weight = (b - a) / 2 * WEIGHTS
        one, two, three = (jnp.sum(weight * kernel) for kernel in kernels)
        return one, two, three

    first, second = piece(low, middle), piece(middle, high)
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def solved(binding: Scalar, t: Scalar) -> Solution:
    """Gap and chemical potential at a temperature; a gap of 0 above T*."""
    binding = jnp.asarray(binding, float)
    cold = jnp.sqrt(2 * binding)

    def chemical(gap: Array) -> Array:
        """μ of the number equation: μ + √(μ² + Δ²) + heat = 2, by Newton's method."""

        def newton(_: Array, mu: Array) -> Array:
            excess, slope = jax.value_and_grad(number)(mu, gap)
            return mu - jnp.clip(excess / jnp.maximum(slope, 1e-3), -2 - jnp.abs(mu), 2 + 20 * t)

        return lax.fori_loop(0, 10, newton, 1 - binding / 2)

    def number(mu: Array, gap: Array) -> Array:
        return mu + jnp.sqrt(mu**2 + gap**2) + thermal(gap, mu, t)[1] - 2

    def lack(log_gap: Array) -> Array:
        gap = jnp.exp(log_gap)
        mu = chemical(gap)
        return jnp.log(binding / gap) + jnp.arcsinh(mu / gap) - thermal(gap, mu, t)[0]

    least = jnp.log(jnp.minimum(SMALLEST * t, 0.5 * cold))
    span = jnp.log(cold) + 0.1 - least
    share = bisect(lambda s: lack(least + s * span), 0.0, 1.0, halvings=20)
    gap = jnp.exp(least + share * span)
    mu = chemical(gap)
    paired = share > 1e-4
    superfluid = jnp.clip(1 - thermal(gap, mu, t)[2], 0, 1)
    return Solution(jnp.where(paired, gap, 0.0), mu, jnp.where(paired, superfluid, 0.0))


def pairing_temperature(binding: Scalar) -> Float[Array, ""]:
    """T*, where the gap closes; then μ = T ln(e^{1/T} − 1)."""
    binding = jnp.asarray(binding, float)

    def lack(log_t: Array) -> Array:
        t = jnp.exp(log_t)
        mu = 1 + t * jnp.log(-jnp.expm1(-1 / t))
        gap = SMALLEST * t
        return jnp.log(binding / gap) + jnp.arcsinh(mu / gap) - thermal(gap, mu, t)[0]

    return jnp.exp(bisect(lack, math.log(1e-3), math.log(50.0)))
