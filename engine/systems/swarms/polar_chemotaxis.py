"""Cells with a polarity at the threshold of collapse: a field whose exponents are known exactly."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Curve, Frame, Image
from engine.core.parameters import Scalar, live, size
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.cumulants import average


MEMORY = 20_000  # steps that the spectrum is averaged over
STEEPEST = 1e3  # (∇φ)² is cut here, or a long step with a strong coupling would overflow
EXPONENT = 2 / 3  # of S(k) at long waves: (4 − d)/3 in the plane


class State(NamedTuple):
    density: Complex[Array, "grid half"]  # Fourier modes of ρ; white noise of variance 1: grid²
    power: Float[Array, "grid half"]  # running mean of S
    age: Float[Array, ""]  # steps since the parameters moved
    under: Float[Array, " p"]  # those parameters


class PolarChemotaxis(System[State]):
    """Chemotaxis with polarity

    At the threshold of collapse attraction and diffusion balance, and what remains of cells that
    also turn along the signal φ they emit is a field of density fluctuations ρ = −∇²φ:

        ∂ₜρ = D∇²ρ + (λ/2)∇²(∇φ)² + √(2D) ∇·η

    For φ this is the equation of Kardar, Parisi and Zhang with noise ∝ 1/k². As it looks the same
    to a moving observer and as no scale changes its noise, its exponents are known: fluctuations
    relax in times ∝ k^{−z}, z = (d + 2)/3 = 4/3, faster than they diffuse, and long waves are held
    down, S(k) ∝ k^{(4−d)/3} = k^{2/3}. Without polarity S = 1. Waves beyond two thirds of the
    shortest only diffuse. Where λ is much above 5 D, so coarse a lattice overflows.
    """

    sources = ("mahdisoltani2023coulomb",)
    after = True
    equations = (
        Equation(
            r"\partial_t\rho=D\nabla^2\rho+\tfrac{\lambda}{2}\nabla^2(\nabla\phi)^2"
            r"+\sqrt{2D}\,\nabla\!\cdot\!\boldsymbol\eta,\qquad -\nabla^2\phi=\rho",
            "critical: no linear attraction is left",
        ),
        Equation(
            r"z=\frac{d+2}{3}=\frac43,\qquad S(k)\sim k^{(4-d)/3}=k^{2/3}",
            "by Galilean symmetry, and as the noise is not renormalised",
        ),
    )
    theory_name = "no polarity"
    assumptions = "λ = 0: exact. The slope ⅔ is that of waves much longer than the field has here."
    presets = (
        Preset("polar", polarity=4.0),
        Preset("no polarity", polarity=0.0),
        Preset("weak", polarity=1.0),
    )
    quantities = (
        Quantity("longest", symbol="S(k₁)", span=(0, 1.5), help="of the longest waves"),
        Quantity("next", symbol="S(k₂)", span=(0, 1.5), help="of waves half as long"),
        Quantity("slope", symbol="d ln S/d ln k", span=(-0.5, 1.5), help="between these two"),
        Quantity("spread", symbol="⟨ρ²⟩", help="scatter of the density; 1 without polarity"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "density": Hint(large=True),
        "structure": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"grid": 32}

    polarity: Scalar = live(
        default=4.0, span=(0, 5), symbol="λ", help="coupling of the signal's slope", limits=(0, 100)
    )
    diffusion: Scalar = live(
        default=1.0, span=(0.8, 4), symbol="D", help="of the density", log=True, limits=(1e-3, 1e3)
    )
    dt: Scalar = live(
        default=0.02,
        span=(0.005, 0.05),
        symbol="Δt",
        help="time step",
        log=True,
        limits=(1e-5, 10),
    )
    grid: int = size(default=128, span=(16, 512), symbol="M", help="points along a side")

    def init(self, key: Key[Array, ""]) -> State:
        noise = jnp.fft.rfft2(jax.random.normal(key, (self.grid, self.grid)))
        white = noise.at[0, 0].set(0.0)
        none = jnp.zeros(white.shape)
        return State(white, none, jnp.zeros(()), self._under())

    def _under(self) -> Float[Array, " p"]:
        return jnp.stack([jnp.asarray(p, float) for p in (self.polarity, self.diffusion)])

    def waves(self) -> tuple[Float[np.ndarray, "1 half"], Float[np.ndarray, "grid 1"]]:
        """k_x and k_y of the modes of `rfft2`, on a lattice of spacing 1."""
        kx, ky = np.fft.rfftfreq(self.grid), np.fft.fftfreq(self.grid)
        return np.float32(2 * np.pi) * kx[None].astype("f4"), 2 * np.float32(np.pi) * ky[
            :, None
        ].astype("f4")

    def kept(self) -> Float[np.ndarray, "grid half"]:
        """1 for waves of two thirds of the shortest: products of them alias onto none of them."""
        kx, ky = self.waves()
        return ((np.abs(kx) < 2 * np.pi / 3) & (np.abs(ky) < 2 * np.pi / 3)).astype(np.float32)

    def slope_squared(self, density: Complex[Array, "grid half"]) -> Float[Array, "grid grid"]:
        """(∇φ)², of the waves that are kept."""
        kx, ky = self.waves()
        square = kx**2 + ky**2
        signal = self.kept() * density / np.where(square > 0, square, 1)
        along = jnp.fft.irfft2(jnp.stack([1j * kx * signal, 1j * ky * signal]), (self.grid,) * 2)
        return jnp.sum(along**2, axis=0)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        """Diffusion and noise exactly, the coupling by its mean over both ends of the step (Heun).

        Euler's method, with the coupling of the beginning, heats waves that are carried along.
        """
        kx, ky = self.waves()
        diffusion = jnp.asarray(self.diffusion, float)
        rate = diffusion * (kx**2 + ky**2) * self.dt
        # (λ/2)∇²(∇φ)² for a time in which it is forgotten at the rate Dk².
        share = self.polarity / (2 * diffusion) * jnp.expm1(-rate) * self.kept()
        noise = jnp.fft.rfft2(jax.random.normal(key, (self.grid, self.grid)))
        free = jnp.exp(-rate) * state.density + jnp.sqrt(-jnp.expm1(-2 * rate)) * noise

        def pushed(density: Complex[Array, "grid half"]) -> Complex[Array, "grid half"]:
            steep = jnp.minimum(self.slope_squared(density), STEEPEST)
            return share * jnp.fft.rfft2(steep)

        now = pushed(state.density)
        density = free + (now + pushed(free + now)) / 2
        same = (state.under == self._under()).all()
        age = jnp.where(same, state.age, 0.0)
        power = average(state.power, self.power(density), age, MEMORY)
        return State(density, power, age + 1, self._under())

    def power(self, density: Complex[Array, "grid half"]) -> Float[Array, "grid half"]:
        """S of each wave now; 1 for particles that know nothing of each other."""
        return jnp.abs(density) ** 2 / float(self.grid) ** 2

    def shells(self) -> tuple[np.ndarray, np.ndarray]:
        """The number of each wave's shell, by its whole number of wavelengths, and its weight."""
        kx, ky = self.waves()
        number = np.round(np.hypot(kx, ky) * self.grid / (2 * np.pi)).astype(int)
        twice = np.full(number.shape, 2.0)  # a wave and its opposite, of which one is not kept
        twice[:, 0] = twice[:, -1] = 1.0
        return number, (twice * self.kept()).astype(np.float32)

    def shell(self, values: Float[Array, "grid half"], which: int) -> Float[Array, ""]:
        """The mean over the waves of a shell."""
        number, weight = self.shells()
        chosen = np.where(number == which, weight, 0)
        return jnp.sum(chosen * values) / chosen.sum()

    def observables(self, state: State) -> Scalars:
        power = self.power(state.density)
        weight = self.shells()[1]
        return {
            "longest": self.shell(power, 1),
            "next": self.shell(power, 2),
            "spread": jnp.sum(weight * power) / weight.sum(),
        }

    def derived(self, mean: Scalars) -> Scalars:
        first, second = (self.mean_wave(which) for which in (1, 2))
        ratio = mean["next"] / mean["longest"]
        return {"slope": jnp.log(ratio) / np.log(second / first)}

    def mean_wave(self, which: int) -> float:
        """The mean of |k| in a shell."""
        number, weight = self.shells()
        chosen = np.where(number == which, weight, 0)
        return float(np.sum(chosen * np.hypot(*self.waves())) / chosen.sum())

    def theory(self) -> Scalars:
        plain = jnp.where(jnp.asarray(self.polarity) == 0, 1.0, jnp.nan)
        return {"longest": plain, "next": plain, "spread": plain}

    def guides(self) -> dict[str, Scalars]:
        return {"(4 − d)/3": {"slope": jnp.asarray(EXPONENT)}}

    def caveats(self, state: State) -> Flags:
        steep = self.slope_squared(state.density)
        # A wave is carried along by λ∇φ; in a step no farther than a part of the shortest one.
        speed = self.polarity * jnp.sqrt(jnp.max(steep)) * 2 * np.pi / 3
        return {
            "slopes are cut: lower λ or Δt": jnp.max(steep) >= STEEPEST,
            "a step carries waves too far: lower λ or Δt": speed * self.dt > 1,
        }

    def backend(self) -> str:
        return "waves, two thirds kept"

    def frame(self, state: State) -> Frame:
        box = Box(jnp.zeros(2), jnp.full(2, float(self.grid)), periodic=True)
        density = jnp.fft.irfft2(self.kept() * state.density, (self.grid, self.grid))
        return {
            "density": (box, Image(density, scale="signed", span=(-2.0, 2.0))),
            "structure": self._structure(state),
        }

    def _structure(self, state: State) -> tuple[Axes, Curve, Curve, Curve]:
        number, weight = self.shells()
        last = self.grid // 3
        count = np.bincount(number.ravel(), weight.ravel())[1 : last + 1]
        length = np.bincount(number.ravel(), (weight * np.hypot(*self.waves())).ravel())
        k = jnp.asarray(length[1 : last + 1] / count, float)
        total = jnp.zeros(number.max() + 1).at[number].add(weight * state.power)
        measured = total[1 : last + 1] / count
        return (
            Axes("k", "S(k)", log="xy"),
            Curve(k, jnp.ones(last), label="λ = 0"),
            Curve(k, measured[0] * (k / k[0]) ** EXPONENT, "guide", "slope ⅔"),
            Curve(k, measured, "measured"),
        )
