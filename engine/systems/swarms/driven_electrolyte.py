"""Ions driven by a field: screening is gone, and correlations reach far again."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Captions, Colour, Curve, Frame, Image, Points
from engine.core.parameters import Scalar, live, mode, size
from engine.core.system import System
from engine.core.theory import Flags, Scalars
from engine.numerics.cumulants import average
from engine.numerics.long_range import FEW, periodic_field
from engine.numerics.particle_mesh import deposited, periodic_mesh_field


DEBYE = 16  # the box is 2π Debye lengths wide, so often: k = κ n / 16
LOW = 4.5  # waves up to this number, in units of the longest, tell the limit of long ones
MEMORY = 20_000  # steps that spectra are averaged over
ANGLES = 9  # of the curve against the angle, from along the field to across it


class State(NamedTuple):
    total: Complex[Array, "grid half"]  # Fourier modes of c = C₊ + C₋ − 2C₀; white: |c|² = grid²
    charge: Complex[Array, "grid half"]  # and of ρ = C₊ − C₋
    place: Float[Array, "n 2"]  # of the ions, as a share of the box
    power: Float[Array, "2 grid half"]  # running means of S_cc and S_ρρ
    age: Float[Array, ""]  # steps since the parameters moved
    under: Float[Array, " p"]  # those parameters


class DrivenElectrolyte(System[State]):
    """Driven electrolyte

    Positive and negative ions drift apart in a field E. Without it each is screened, and beyond the
    Debye length 1/κ nothing is correlated. The field undoes that: density fluctuations along it are
    held down however long they are, and the limit of long waves depends on their direction, so
    correlations fall off as r^{−d} only. Fields: every wave is stepped exactly. Ions: charges on a
    mesh, to which the fields are the approximation for weak coupling.
    """

    sources = ("mahdisoltani2023coulomb",)
    equations = (
        Equation(
            r"\partial_t c=D\nabla^2c-D\kappa\mathcal{E}\,\partial_x\rho"
            r"+\sqrt{4DC_0}\,\nabla\!\cdot\!\boldsymbol\eta_c",
            "number of ions",
        ),
        Equation(
            r"\partial_t\rho=D\nabla^2\rho-D\kappa^2\rho-D\kappa\mathcal{E}\,\partial_xc"
            r"+\sqrt{4DC_0}\,\nabla\!\cdot\!\boldsymbol\eta_\rho",
            "their charge, screened over 1/κ; 𝓔 = Q E₀ / k_B T κ",
        ),
        Equation(
            r"S_{cc}=\frac{a\,[b(a+b)+2e^2]}{(a+b)(ab+e^2)},\quad "
            r"S_{\rho\rho}=\frac{a\,[a(a+b)+2e^2]}{(a+b)(ab+e^2)}",
            "a = k², b = k² + κ², e = κ𝓔 k_x; in units of 2C₀",
        ),
        Equation(
            r"S_{cc}\to\frac{1}{1+\mathcal{E}^2\cos^2\vartheta}\quad(k\to0)",
            "a limit that depends on the direction: no screening",
        ),
    )
    theory_name = "linear theory"
    assumptions = "Fluctuations so small that their product drops out; exact for the fields."
    presets = (
        Preset("equilibrium", drive=0.0),
        Preset("driven", drive=2.0),
        Preset("strongly driven", drive=5.0),
        Preset("ions", drive=3.0, model="ions"),
    )
    quantities = (
        Quantity("along", symbol="S_cc ∥", span=(0, 1.5), help="long waves along the field"),
        Quantity("across", symbol="S_cc ⊥", span=(0, 1.5), help="long waves across the field"),
        Quantity("charge", symbol="S_ρρ", help="the longest waves, all directions"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "fields": Hint(large=True),
        "spectrum": Hint(large=False),
        "angle": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"grid": 32, "n": 256}

    drive: Scalar = live(default=2.0, span=(0, 6), symbol="𝓔", help="field", limits=(-100, 100))
    kappa: Scalar = live(
        default=1.0,
        span=(0.2, 4),
        symbol="κ",
        help="inverse Debye length",
        log=True,
        limits=(1e-2, 1e2),
    )
    diffusion: Scalar = live(
        default=1.0, span=(0.1, 4), symbol="D", help="of ions", log=True, limits=(1e-3, 1e3)
    )
    dt: Scalar = live(
        default=0.05,
        span=(0.005, 0.2),
        symbol="Δt",
        help="time step; exact for fields of any",
        log=True,
        limits=(1e-5, 1e3),
    )
    model: str = mode(
        default="fields", choices=("fields", "ions"), help="fluctuating fields, or single ions"
    )
    grid: int = size(default=128, span=(16, 512), symbol="M", help="cells along a side")
    n: int = size(default=8192, span=(64, 1_048_576), symbol="N", help="ions of either sign")

    @property
    def length(self) -> Float[Array, ""]:
        """Side of the periodic square: 16 times 2π Debye lengths."""
        return 2 * jnp.pi * DEBYE / jnp.asarray(self.kappa, float)

    def init(self, key: Key[Array, ""]) -> State:
        for_fields, for_ions = jax.random.split(key)
        noise = jnp.fft.rfft2(jax.random.normal(for_fields, (2, self.grid, self.grid)))
        kx, ky = self.waves()
        noise = jnp.where(kx**2 + ky**2 > 0, noise, 0.0)
        place = jax.random.uniform(for_ions, (self.n, 2))
        none = jnp.zeros((2, self.grid, self.grid // 2 + 1))
        return State(noise[0], 0.1 * noise[1], place, none, jnp.zeros(()), self._under())

    def _under(self) -> Float[Array, " p"]:
        numbers = (self.drive, self.kappa, self.diffusion, float(self.model == "ions"))
        return jnp.stack([jnp.asarray(number, float) for number in numbers])

    def waves(self) -> tuple[Float[Array, "1 half"], Float[Array, "grid 1"]]:
        """k_x and k_y of the modes of `rfft2`."""
        unit = jnp.asarray(self.kappa, float) / DEBYE
        nx, ny = np.fft.rfftfreq(self.grid, 1 / self.grid), np.fft.fftfreq(self.grid, 1 / self.grid)
        return unit * nx[None, :], unit * ny[:, None]

    def step(self, state: State, key: Key[Array, ""]) -> State:
        if self.model == "ions":
            state = state._replace(place=self._drifted(state.place, key))
        else:
            state = self._fluctuated(state, key)
        now = jnp.stack(self.powers(state))
        same = (state.under == self._under()).all()
        age = jnp.where(same, state.age, 0.0)
        power = average(state.power, now, age, MEMORY)
        return state._replace(power=power, age=age + 1, under=self._under())

    def _fluctuated(self, state: State, key: Key[Array, ""]) -> State:
        """The exact step of each wave.

        In c and σ = −iρ all is real: d(c, σ)/dt = −A (c, σ) + noise, A = D [[a, −e], [e, b]]. What
        noise adds within a step is Σ − G Σ Gᵀ, with G = exp(−A Δt) and the stationary Σ.
        """
        (g11, g12, g21, g22), (scc, scs, sss) = self.propagator(), self.covariance()
        cc = scc - (g11**2 * scc + 2 * g11 * g12 * scs + g12**2 * sss)
        cs = scs - (g11 * g21 * scc + (g11 * g22 + g12 * g21) * scs + g12 * g22 * sss)
        ss = sss - (g21**2 * scc + 2 * g21 * g22 * scs + g22**2 * sss)
        one = jnp.sqrt(jnp.maximum(cc, 0.0))
        both = cs / jnp.maximum(one, 1e-20)
        other = jnp.sqrt(jnp.maximum(ss - both**2, 0.0))
        first, second = jnp.fft.rfft2(jax.random.normal(key, (2, self.grid, self.grid)))
        c, rho = state.total, state.charge
        return state._replace(
            total=g11 * c - 1j * g12 * rho + one * first,
            charge=1j * g21 * c + g22 * rho + 1j * both * first + other * second,
        )

    def coefficients(self) -> tuple[Array, Array, Array]:
        """a, b and e of each wave; the shortest has no sign, and so no drift."""
        kx, ky = self.waves()
        a = kx**2 + ky**2
        half = self.grid // 2
        signed = (np.arange(half + 1) != half)[None, :]
        return a, a + jnp.asarray(self.kappa, float) ** 2, self.kappa * self.drive * kx * signed

    def propagator(self) -> tuple[Array, Array, Array, Array]:
        """exp(−A Δt) by its two rates m ± q, real or a complex pair."""
        a, b, e = self.coefficients()
        t = self.diffusion * jnp.asarray(self.dt, float)
        m, d = (a + b) / 2 * t, (b - a) / 2 * t
        q2 = d**2 - (e * t) ** 2
        q = jnp.sqrt(jnp.abs(q2))
        slow, fast = jnp.exp(-(m - q)), jnp.exp(-(m + q))
        calm, safe = jnp.exp(-m), jnp.maximum(q, 1e-6)
        even = jnp.where(q2 > 0, (slow + fast) / 2, calm * jnp.cos(q))
        odd = jnp.where(q2 > 0, (slow - fast) / (2 * safe), calm * jnp.sin(q) / safe)
        odd = jnp.where(q < 1e-3, calm, odd)
        return even + d * odd, e * t * odd, -e * t * odd, even - d * odd

    def covariance(self) -> tuple[Array, Array, Array]:
        """S_cc, ⟨c σ⟩ and S_ρρ in the stationary state."""
        a, b, e = self.coefficients()
        scc, srr = spectra(a, b, e)
        return scc, e * (srr - scc) / (a + b), srr

    def _drifted(self, place: Float[Array, "n 2"], key: Key[Array, ""]) -> Float[Array, "n 2"]:
        """dx = D q (κ𝓔 + Γ e) dt + √(2D) dW, with Γ from κ² = 2πΓ · 2C₀ in units of k_B T."""
        length, sign = self.length, self.signs()
        strength = (self.kappa * length) ** 2 / (2 * jnp.pi * self.n)
        if self.n > FEW:
            field = periodic_mesh_field(place * length, sign, length, self.grid)
        else:
            field = periodic_field(place * length, sign, length, 0.05 / self.kappa)
        drive = jnp.stack([self.kappa * jnp.asarray(self.drive, float), jnp.zeros(())])
        drift = self.diffusion * sign[:, None] * (drive + strength * field)
        kick = jnp.sqrt(2 * self.diffusion * self.dt) * jax.random.normal(key, place.shape)
        moved = place + (drift * self.dt + kick) / length
        return moved - jnp.floor(moved)

    def signs(self) -> Float[Array, " n"]:
        """Charges, half of them positive."""
        return jnp.where(jnp.arange(self.n) % 2 == 0, 1.0, -1.0)

    def backend(self) -> str:
        if self.model == "fields":
            return "exact waves"
        return f"mesh {self.grid}²" if self.n > FEW else "all pairs"

    def powers(self, state: State) -> tuple[Float[Array, "grid half"], Float[Array, "grid half"]]:
        """|c|² and |ρ|² of each wave now, over those of ideal ions."""
        if self.model == "fields":
            both = (state.total, state.charge)
            cells = float(self.grid) ** 2
            return jnp.abs(both[0]) ** 2 / cells, jnp.abs(both[1]) ** 2 / cells
        nx, ny = np.fft.rfftfreq(self.grid), np.fft.fftfreq(self.grid)
        shared = (np.sinc(nx)[None, :] * np.sinc(ny)[:, None]) ** 4
        whole = jnp.ones(self.n)
        modes = [
            jnp.fft.rfft2(deposited(state.place, charge, 1.0, self.grid)) / self.grid**2
            for charge in (whole, self.signs())
        ]
        kx, ky = self.waves()
        there = kx**2 + ky**2 > 0  # sharing among nodes blurs each wave; that is divided out
        c, r = (jnp.where(there, jnp.abs(mode) ** 2 / (shared * self.n), 0.0) for mode in modes)
        return c, r

    def observables(self, state: State) -> Scalars:
        c, r = self.powers(state)
        along, across, near = self.sectors()
        return {
            "along": jnp.sum(along * c) / jnp.sum(along),
            "across": jnp.sum(across * c) / jnp.sum(across),
            "charge": jnp.sum(near * r) / jnp.sum(near),
        }

    def sectors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Long waves within 30° of the field, of its normal, and all of them."""
        nx = np.fft.rfftfreq(self.grid, 1 / self.grid)[None, :]
        ny = np.fft.fftfreq(self.grid, 1 / self.grid)[:, None]
        near = ((nx**2 + ny**2 > 0) & (nx**2 + ny**2 < LOW**2)).astype(np.float32)
        angle = np.arctan2(np.abs(ny), nx)
        return near * (angle < np.pi / 6), near * (angle > np.pi / 3), near

    def theory(self) -> Scalars:
        scc, _, srr = self.covariance()
        along, across, near = self.sectors()
        values = {"along": (along, scc), "across": (across, scc), "charge": (near, srr)}
        return {name: jnp.sum(w * s) / jnp.sum(w) for name, (w, s) in values.items()}

    def caveats(self, state: State) -> Flags:
        if self.model == "fields":
            return {}
        t = self.diffusion * jnp.asarray(self.kappa, float) ** 2 * self.dt
        return {
            "steps too long for the screening of ions": t > 0.2,
            "few ions in a Debye length: linear theory is off": jnp.bool_(self.n < 4096),
        }

    def frame(self, state: State) -> Frame:
        length = self.length
        box = Box(jnp.zeros(2), jnp.full(2, length), periodic=True)
        if self.model == "fields":
            shape = (self.grid, self.grid)
            fields = jnp.fft.irfft2(jnp.stack([state.charge, state.total]), shape)
            seen = (box, Image(fields, scale="signed", span=(-3.0, 3.0)), Captions(("ρ", "c")))
        else:
            ions = Points(state.place * length, {"charge": Colour(self.signs(), scale="signed")})
            seen = (box, ions)
        scc, _, _ = self.covariance()
        k = jnp.asarray(self.kappa, float) * self.grid / 2 / DEBYE
        both = jnp.stack([mirrored(state.power[0]), mirrored(scc)])
        square = Box(jnp.stack([-k, -k]), jnp.stack([k, k]))
        maps = (square, Image(both, span=(0.0, 1.2)), Captions(("S_cc measured", "theory")))
        return {"fields": seen, "spectrum": maps, "angle": self._angle(state)}

    def _angle(self, state: State) -> tuple[Axes, Curve, Curve]:
        """S_cc of long waves by their angle to the field."""
        nx = np.fft.rfftfreq(self.grid, 1 / self.grid)[None, :]
        ny = np.fft.fftfreq(self.grid, 1 / self.grid)[:, None]
        sector = np.clip(np.arctan2(np.abs(ny), nx) / (np.pi / 2) * ANGLES, 0, ANGLES - 1)
        near = self.sectors()[2]
        which = (sector.astype(int)[None] == np.arange(ANGLES)[:, None, None]) * near
        measured = jnp.sum(which * state.power[0], axis=(1, 2)) / which.sum(axis=(1, 2))
        angle = jnp.linspace(0.0, 90.0, 91)
        cosine = jnp.cos(jnp.deg2rad(angle))
        limit = 1 / (1 + (self.drive * cosine) ** 2)
        middle = (jnp.arange(ANGLES) + 0.5) * (90 / ANGLES)
        return (
            Axes("angle to the field (degrees)", "S_cc of long waves"),
            Curve(angle, limit, label="k → 0"),
            Curve(middle, measured, "measured"),
        )


def spectra(a: Array, b: Array, e: Array) -> tuple[Array, Array]:
    """S_cc and S_ρρ in units of 2C₀; the mode k = 0 is conserved, and nothing is there."""
    there = a > 0
    a = jnp.where(there, a, 1.0)
    e2 = e**2
    below = (a + b) * (a * b + e2)
    scc, srr = a * (b * (a + b) + 2 * e2) / below, a * (a * (a + b) + 2 * e2) / below
    return jnp.where(there, scc, 0.0), jnp.where(there, srr, 0.0)


def mirrored(half: Float[Array, "grid half"]) -> Float[Array, "grid grid"]:
    """The whole plane of waves from its right half, k = 0 in the middle."""
    grid = half.shape[0]
    other = jnp.roll(half[::-1], 1, axis=0)[:, 1 : (grid + 1) // 2][:, ::-1]
    return jnp.fft.fftshift(jnp.concatenate([half, other], axis=1))
