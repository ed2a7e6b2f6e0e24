"""The Kuramoto model: the textbook transition to synchrony."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import erf, erfc, i0e, i1e, ndtri
from jaxtyping import Array, Complex, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Arrows, Axes, Bars, Box, Colour, Curve, Frame, Points, histogram
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Branch, Criticality, Flags, Scalars
from engine.numerics.normals import normals
from engine.numerics.roots import bisect
from engine.numerics.trig import sincos


TAU = 2 * np.pi
DEPTH = 64  # moments; the tail is closed, so noise may vanish (see `responses`)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
REACH = 6.0  # standard deviations that a Gaussian is integrated over


class State(NamedTuple):
    phase: Float[Array, " n"]  # rad, in [0, 2π)
    detuning: Float[Array, " n"]  # natural frequency in units of `width`, fixed in time
    endless: Float[Array, ""]  # r of infinitely many, by the equation of Ott and Antonsen


class Kuramoto(System[State]):
    """Kuramoto oscillators

    Phase oscillators with natural frequencies of their own, each pulled to the mean phase of all:

        dθᵢ = [ωᵢ + K r sin(ψ − θᵢ − α)] dt + √(2D) dWᵢ,    r e^{iψ} = (1/N) Σⱼ e^{iθⱼ}

    Below a critical coupling the phases are spread evenly and r is of order N^{-1/2}; above it a
    cluster locks. For most laws of frequency r then grows continuously, for a uniform one it jumps
    to π/4.
    """

    sources = ("kuramoto1975", "sakaguchi1988", "sakaguchi1986", "ott2008", "cui2024decpomfc")
    equations = (
        Equation(
            r"\dot\theta_i=\omega_i+K r\sin(\psi-\theta_i-\alpha)+\sqrt{2D}\,\xi_i",
            "each is pulled to the mean phase",
        ),
        Equation(r"r\,e^{i\psi}=\frac{1}{N}\sum_{j=1}^{N}e^{i\theta_j}", "order and mean phase"),
        Equation(
            r"(\gamma+mD)\,z_m=\frac{Kr}{2}\,(z_{m-1}-z_{m+1}),\quad z_0=1,\;z_1=r",
            "stationary moments, Lorentzian frequencies",
        ),
        Equation(
            r"\dot r=-\gamma r+\frac{K}{2}\cos\alpha\;r\,(1-r^2)",
            "N → ∞ in time, Lorentzian frequencies without noise",
        ),
    )
    assumptions = (
        "N → ∞, the synchronised state where there is one; with a phase lag only Lorentzian "
        "frequencies without noise."
    )
    presets = (
        Preset("locked", coupling=4.0, width=0.5, noise=0.0),
        Preset("onset", coupling=1.1, width=0.5, noise=0.0),
        Preset("incoherent", coupling=0.6, width=0.5, noise=0.0),
        Preset("noisy", coupling=3.0, width=0.5, noise=0.5),
        Preset("first order", coupling=1.3, width=1.0, noise=0.0, law="uniform"),
        Preset("identical in noise", coupling=2.0, noise=0.5, law="identical"),
    )
    quantities = (
        Quantity("order", symbol="r", span=(0, 1), help="length of the mean of all unit vectors"),
        Quantity("locked", symbol="share |ω| < K r", span=(0, 1), help="slow enough to be held"),
        Quantity("susceptibility", symbol="N Var r", help="fluctuation of the order"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "circle": Hint(large=True),
        "phases": Hint(large=False),
        "speeds": Hint(large=False),
    }

    critical = Criticality("coupling", (256, 512, 1024), (0.5, 1.6), "onset", boundary="onset")

    coupling: Scalar = live(default=2.0, span=(0, 8), symbol="K", help="pull of the mean field")
    width: Scalar = live(
        default=0.5,
        span=(0, 2),
        symbol="γ",
        help="spread of frequencies: half-width, or s of a Gaussian",
        limits=(0, np.inf),
    )
    noise: Scalar = live(
        default=0.0, span=(0, 2), symbol="D", help="phase diffusion", limits=(0, np.inf)
    )
    lag: Scalar = live(default=0.0, span=(0, 1.5), symbol="α", help="phase lag", unit="rad")
    dt: Scalar = live(
        default=0.02,
        span=(0.002, 0.1),
        symbol="Δt",
        help="step of Heun's method",
        log=True,
        limits=(1e-6, 1),
    )
    coherence: Scalar = start(
        default=0.0, span=(0, 1), symbol="r₀", help="initial order", limits=(0, 1)
    )
    law: str = start(
        default="Lorentzian",
        choices=("Lorentzian", "Gaussian", "uniform", "identical"),
        help="of the natural frequencies",
    )
    sampling: str = start(
        default="quantiles",
        choices=("quantiles", "random"),
        help="frequencies at even quantiles of the law, or drawn from it",
    )
    n: int = size(default=4096, span=(16, 1_048_576), symbol="N", help="oscillators")

    def init(self, key: Key[Array, ""]) -> State:
        for_phase, for_detuning = jax.random.split(key)
        # The Poisson kernel of order r₀: Ott and Antonsen's equation holds from the start.
        half = jax.random.uniform(for_phase, (self.n,), minval=-jnp.pi / 2, maxval=jnp.pi / 2)
        phase = 2 * jnp.arctan((1 - self.coherence) / (1 + self.coherence) * jnp.tan(half))
        if self.sampling == "quantiles":
            share = (jnp.arange(self.n) + 0.5) / self.n
        else:
            share = jax.random.uniform(for_detuning, (self.n,), minval=1e-7)
        c, s = mean_field(phase)
        return State(phase % TAU, self._detuning(share), jnp.hypot(c, s))

    def _detuning(self, share: Float[Array, " n"]) -> Float[Array, " n"]:
        """The frequency below which a `share` of the law lies, in units of `width`."""
        match self.law:
            case "Lorentzian":
                return jnp.tan(jnp.pi * (share - 0.5))
            case "Gaussian":
                return ndtri(share)
            case "uniform":
                return 2 * share - 1
            case _:
                return jnp.zeros_like(share)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        # Heun: the drift is averaged over both ends of the step, the noise is the same. Euler's
        # method would raise D by about the factor 1 + K r Δt / 2.
        kick = lax.cond(  # most of the cost of a step, so none where there is no noise
            jnp.asarray(self.noise) > 0,
            lambda: jnp.sqrt(2 * self.noise * self.dt) * normals(key, (self.n,)),
            lambda: jnp.zeros(self.n),
        )
        now = self.speed(state.phase, state.detuning)
        then = self.speed(state.phase + now * self.dt + kick, state.detuning)
        phase = state.phase + (now + then) * (self.dt / 2) + kick
        return State(phase - TAU * jnp.floor(phase / TAU), state.detuning, self._endless(state))

    def speed(self, phase: Float[Array, " n"], detuning: Float[Array, " n"]) -> Float[Array, " n"]:
        """dθ/dt without noise. Through the mean field, coupling all to all costs O(N).

        (1/N) Σⱼ sin(θⱼ − θᵢ − α) = r sin(ψ − α − θᵢ) = Im(z e^{−iα} e^{−iθᵢ}).
        """
        s, c = sincos(phase)
        x, y = self.coupling * jnp.mean(c), self.coupling * jnp.mean(s)
        a, b = jnp.cos(self.lag), jnp.sin(self.lag)
        return self.width * detuning + ((y * a - x * b) * c - (x * a + y * b) * s)

    def _endless(self, state: State) -> Float[Array, ""]:
        if self.law != "Lorentzian":
            return state.endless

        def slope(r: Array) -> Array:
            return r * (self.coupling / 2 * jnp.cos(self.lag) * (1 - r**2) - self.width)

        r = state.endless
        ahead = jnp.clip(r + self.dt * slope(r), 0, 1)
        moved = jnp.clip(r + self.dt / 2 * (slope(r) + slope(ahead)), 0, 1)
        # With noise the equation is silent; it starts anew from the swarm when noise is gone.
        c, s = mean_field(state.phase)
        return jnp.where(jnp.asarray(self.noise) > 0, jnp.hypot(c, s), moved)

    def observables(self, state: State) -> Scalars:
        c, s = mean_field(state.phase)
        r = jnp.hypot(c, s)
        held = jnp.abs(self.width * state.detuning) < self.coupling * r
        return {"order": r, "locked": jnp.mean(held), "r²": r**2}

    def derived(self, mean: Scalars) -> Scalars:
        return {"susceptibility": self.n * (mean["r²"] - mean["order"] ** 2)}

    # Theory. In a mean field h = K r / 2 an oscillator of frequency ω settles to moments
    # ⟨e^{imθ}⟩ = q₁ q₂ ⋯ qₘ with (mD − iω) qₘ = h (1 − qₘ qₘ₊₁)  (Sakaguchi 1988). A Lorentzian
    # closes the contour at ω = iγ; other laws are averaged over.

    def grid(self, h: Float[Array, ""]) -> tuple[Complex[Array, " ω"], Float[Array, " ω"]]:
        """Nodes −iω, or one at γ, and weights, to average a response to the field h with."""
        if self.law in ("Lorentzian", "identical"):
            gamma = self.width if self.law == "Lorentzian" else 0.0
            return jnp.asarray(gamma, complex)[None], jnp.ones(1)
        tiny = 1e-4 * (jnp.abs(h) + self.noise) + 1e-12
        width = jnp.maximum(self.width, tiny)
        end = REACH * width if self.law == "Gaussian" else width
        # Locked oscillators: ω = 2h sin u takes the root out of √(4h² − ω²).
        edge = jnp.arcsin(jnp.minimum(end / (2 * h + 1e-12), 1.0))
        u = edge / 2 * (NODES + 1)
        held, held_weight = 2 * h * jnp.sin(u), edge / 2 * WEIGHTS * 2 * h * jnp.cos(u)
        # Drifting ones: fine where noise blurs the edge, coarse in the tail.
        low, scale = jnp.minimum(2 * h, end), jnp.maximum(h, self.noise) + tiny
        far = jnp.arcsinh((end - low) / scale)
        v = far / 2 * (NODES + 1)
        free, free_weight = low + scale * jnp.sinh(v), far / 2 * WEIGHTS * scale * jnp.cosh(v)
        omega = jnp.concatenate([held, free])
        if self.law == "Gaussian":
            density = jnp.exp(-((omega / width) ** 2) / 2) / (width * np.sqrt(TAU))
        else:
            density = jnp.full_like(omega, 1 / 2) / width
        # Frequencies ±ω have conjugate moments: the real part of one stands for both.
        return -1j * omega, 2 * density * jnp.concatenate([held_weight, free_weight])

    def moments(self, h: Float[Array, ""]) -> Float[Array, " m"]:
        """⟨cos m(θ − ψ)⟩ for m = 1, 2, ..., in a stationary mean field h = K r / 2."""
        damping, weights = self.grid(h)
        ratios = responses(damping, self.noise, h)
        return jnp.sum(weights * jnp.cumprod(ratios, axis=0), axis=1).real

    def gain(self, r: Float[Array, ""]) -> Float[Array, ""]:
        """The order that oscillators reach in the mean field of order r; none by repulsion."""
        pull = jnp.maximum(self.coupling, 0) * r
        if self.law in ("Lorentzian", "identical"):
            damping, _ = self.grid(pull / 2)
            return responses(damping, self.noise, pull / 2)[0, 0].real
        damping, weights = self.grid(pull / 2)
        noisy = jnp.sum(weights * responses(damping, self.noise, pull / 2)[0]).real
        width = jnp.maximum(self.width, 1e-4 * jnp.abs(pull) + 1e-12)
        if self.law == "Gaussian":
            a = (pull / width) ** 2 / 4
            sharp = np.sqrt(np.pi / 8) * pull / width * (i0e(a) + i1e(a))
        else:
            angle = jnp.arcsin(jnp.minimum(width / (pull + 1e-12), 1.0))
            sharp = pull / (2 * width) * (angle + jnp.sin(angle) * jnp.cos(angle))
        return jnp.where(jnp.asarray(self.noise) > 0, noisy, sharp)

    def onset(self) -> Float[Array, ""]:
        """The coupling at which incoherence becomes unstable: 2 / ∫ g(ω) D/(D² + ω²) dω."""
        width, noise = jnp.asarray(self.width), jnp.asarray(self.noise)
        if self.law == "Lorentzian":
            return 2 * (width + noise) / jnp.cos(self.lag)
        if self.law == "identical":
            return 2 * noise / jnp.cos(self.lag)
        x = noise / (width + 1e-12)
        if self.law == "Gaussian":
            x = x / np.sqrt(2)
            near, inverse = jnp.minimum(x, 4.0), 1 / jnp.maximum(x, 4.0)
            sharp = 2 * np.sqrt(2 / np.pi) * width / (jnp.exp(near**2) * erfc(near))
            blurred = 2 * noise / (1 - inverse**2 / 2 + 3 * inverse**4 / 4)
            critical = jnp.where(x < 4, sharp, blurred)
        else:
            critical = 2 * width / jnp.arctan2(width, noise + 1e-12)
            critical = jnp.where(width > 0, critical, 2 * noise)
        return jnp.where(jnp.asarray(self.lag) == 0, critical, jnp.nan)

    def theory(self) -> Scalars:
        """Stationary order, exact for N → ∞ and every law; with a lag only without noise."""
        order = bisect(lambda r: self.gain(r) - r, 0.0, 1.0)
        coupling, noise, lag = map(jnp.asarray, (self.coupling, self.noise, self.lag))
        if self.law in ("Lorentzian", "identical"):
            gamma = jnp.asarray(self.width if self.law == "Lorentzian" else 0.0)
            pull = coupling * jnp.cos(lag)
            sharp = jnp.where(pull > 2 * gamma, jnp.sqrt(1 - 2 * gamma / pull), 0.0)
            order = jnp.where(noise > 0, jnp.where(lag == 0, order, jnp.nan), sharp)
        else:
            order = jnp.where(lag == 0, order, jnp.nan)
        width = jnp.zeros(()) if self.law == "identical" else jnp.asarray(self.width)
        # Nothing turns or scatters free and equal oscillators: they stay as they started.
        order = jnp.where((width + noise == 0) & (coupling == 0), jnp.nan, order)
        return {"order": order, "locked": self._held(coupling * order)}

    def _held(self, pull: Float[Array, ""]) -> Float[Array, ""]:
        """The share of the law within ±pull."""
        slow = pull / (self.width + 1e-12)
        match self.law:
            case "Lorentzian":
                share = 2 / np.pi * jnp.arctan(slow)
            case "Gaussian":
                share = erf(slow / np.sqrt(2))
            case "uniform":
                share = jnp.minimum(slow, 1.0)
            case _:
                share = jnp.ones_like(pull)
        return jnp.where(pull > 0, share, jnp.where(jnp.isnan(pull), jnp.nan, 0.0))

    def branches(self) -> dict[str, Branch]:
        predicted = self.theory()
        below = jnp.asarray(self.coupling) <= self.onset()
        ordered = predicted["order"] > 0
        together = {name: jnp.where(ordered, value, jnp.nan) for name, value in predicted.items()}
        apart = {name: jnp.zeros(()) for name in predicted}
        return {
            "synchronised": Branch(together, stable=ordered),
            "incoherent": Branch(apart, stable=below),
        }

    def boundaries(self) -> dict[str, Boundary]:
        onset = self.onset()
        if self.law != "uniform":
            return {"onset": Boundary({"coupling": onset})}
        sharp = jnp.asarray(self.noise) == 0  # any noise makes the jump continuous
        return {
            "jump": Boundary({"coupling": jnp.where(sharp, onset, jnp.nan)}, kind="first order"),
            "onset": Boundary({"coupling": jnp.where(sharp, jnp.nan, onset)}),
        }

    def regions(self) -> Flags:
        onset, coupling = self.onset(), jnp.asarray(self.coupling)
        return {"synchronised": coupling > onset, "incoherent": coupling <= onset}

    def limit(self, state: State) -> Scalars:
        if self.law != "Lorentzian":
            return {}
        return {"order": jnp.where(jnp.asarray(self.noise) > 0, jnp.nan, state.endless)}

    def caveats(self, state: State) -> Flags:
        return {
            "a step is too long for a pull this strong: lower Δt": jnp.asarray(
                (jnp.abs(self.coupling) + self.noise) * self.dt > 0.5
            )
        }

    @poke()
    def scatter(self, state: State, key: Key[Array, ""]) -> State:
        """Spread the phases evenly again."""
        phase = jax.random.uniform(key, (self.n,), maxval=TAU)
        c, s = mean_field(phase)
        return State(phase, state.detuning, jnp.hypot(c, s))

    @poke()
    def gather(self, state: State, key: Key[Array, ""]) -> State:
        """Bring all phases together."""
        return State(jnp.zeros(self.n), state.detuning, jnp.ones(()))

    def frame(self, state: State) -> Frame:
        s, c = sincos(state.phase)
        x, y = jnp.mean(c), jnp.mean(s)
        mean = jnp.stack([x, y])[None, :]
        # Slow ones inside, fast ones outside; and a ring as thick as makes its density visible,
        # spread evenly and always alike.
        spread = 2 * (jnp.arange(self.n) * 0.618034 % 1) - 1
        radius = 1 + 0.14 * jnp.tanh(state.detuning) + 0.05 * spread
        swarm = radius[:, None] * jnp.stack([c, s], axis=1)
        colours = {
            "phase": Colour(state.phase, scale="phase"),
            "detuning": Colour(state.detuning, scale="signed", span=(-3, 3)),
        }
        return {
            "circle": (
                Box(jnp.full(2, -1.25), jnp.full(2, 1.25)),
                Points(swarm, colours),
                Arrows(0 * mean, mean, label="r"),
            ),
            "phases": self._phases(state, jnp.arctan2(y, x), jnp.hypot(x, y)),
            "speeds": self._speeds(state, jnp.hypot(x, y)),
        }

    def _phases(
        self, state: State, psi: Float[Array, ""], r: Float[Array, ""]
    ) -> tuple[Axes, Bars, Curve]:
        """Phases about their mean, and the stationary density in the present mean field."""
        from_mean = (state.phase - psi + np.pi) % TAU - np.pi
        angle = jnp.linspace(-np.pi, np.pi, 129)
        # A lag turns the mean field against the locked ones: only the OA manifold knows then.
        silent = jnp.asarray(self.lag) != 0
        kernel = (1 - r**2) / (1 - 2 * r * jnp.cos(angle) + r**2 + 1e-6) / TAU
        with_noise = jnp.asarray(self.noise) > 0
        if self.law in ("Lorentzian", "identical"):
            without = kernel if self.law == "Lorentzian" else jnp.full_like(angle, jnp.nan)
            silent = silent & with_noise
        else:
            without = self._sharp_density(angle, self.coupling * r)
        order = jnp.arange(1, DEPTH)
        waves = jnp.cos(order[:, None] * angle)
        blurred = (1 + 2 * self.moments(self.coupling * r / 2) @ waves) / TAU
        density = jnp.where(with_noise, jnp.maximum(blurred, 0), without)
        return (
            Axes("θ − ψ", "density"),
            histogram(from_mean, (-np.pi, np.pi), bins=60),
            Curve(angle, jnp.where(silent, jnp.nan, density), label="in this mean field"),
        )

    def _sharp_density(
        self, angle: Float[Array, " m"], pull: Float[Array, ""]
    ) -> Float[Array, " m"]:
        """Locked oscillators where sin θ = ω/Kr, drifting ones where they are slow."""
        width = jnp.maximum(self.width, 1e-4 * pull + 1e-12)
        slow, weights = self.grid(pull / 2)
        omega, weights = -slow.imag[len(NODES) :], weights[len(NODES) :] / 2
        across = pull * jnp.sin(angle)
        if self.law == "Gaussian":
            law = jnp.exp(-((across / width) ** 2) / 2) / (width * np.sqrt(TAU))
        else:
            law = jnp.where(jnp.abs(across) < width, 0.5 / width, 0.0)
        held = jnp.where(jnp.cos(angle) > 0, pull * jnp.cos(angle) * law, 0.0)
        flow = weights * jnp.sqrt(jnp.maximum(omega**2 - pull**2, 0)) / TAU
        gap = omega**2 - across[:, None] ** 2 + 1e-9
        return held + jnp.sum(flow * 2 * omega / gap, axis=1)

    def _speeds(self, state: State, r: Float[Array, ""]) -> tuple[Axes, Curve, Curve]:
        """Mean speed of the phase by natural frequency: locked ones stand still."""
        bins, pull = 61, self.coupling * r
        reach = jnp.maximum(2 * pull, 3 * self.width) + 1e-6
        if self.law == "uniform":
            reach = jnp.asarray(self.width) + 1e-6
        omega = self.width * state.detuning
        place = jnp.floor((omega / reach + 1) * bins / 2)
        place = jnp.where((place >= 0) & (place < bins), place, bins).astype(int)
        count = jnp.zeros(bins).at[place].add(1, mode="drop")
        speed = self.speed(state.phase, state.detuning)
        mean = jnp.zeros(bins).at[place].add(speed, mode="drop") / count  # none: a gap
        middle = reach * (2 * (jnp.arange(bins) + 0.5) / bins - 1)
        at = reach * jnp.linspace(-1, 1, 121)
        first = responses(-1j * at, self.noise, pull / 2)[0]
        effective = jnp.where(jnp.asarray(self.lag) == 0, at - pull * first.imag, jnp.nan)
        return (
            Axes("natural frequency ω", "mean speed"),
            Curve(at, effective, label="in this mean field"),
            Curve(middle, mean, "measured"),
        )


def responses(
    damping: Complex[Array, " ω"], noise: Scalar, h: Float[Array, ""]
) -> Complex[Array, "m ω"]:
    """The ratios qₘ = h / (damping + mD + h qₘ₊₁) of successive moments, m = 1, 2, ...

    The last is the fixed point of its own equation. For D → 0 all are, so the depth matters only
    between: the worst error, at D of about h/2000, is 1e-5.
    """
    # A trace of noise chooses the branch of the root that decays.
    trace = 1e-6 * (jnp.abs(h) + jnp.abs(damping)) + 1e-20
    far = damping + trace + DEPTH * noise
    tail = 2 * h / (far + jnp.sqrt(far**2 + 4 * h**2))
    order = jnp.arange(DEPTH - 1, 0, -1)

    def deeper(q: Array, m: Array) -> tuple[Array, Array]:
        q = h / (damping + trace + m * noise + h * q)
        return q, q

    return lax.scan(deeper, tail, order)[1][::-1]


def mean_field(phase: Float[Array, " n"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean cosine and mean sine: the oscillators' centre as points of the unit circle."""
    s, c = sincos(phase)
    return jnp.mean(c), jnp.mean(s)


def order_parameter(phase: Float[Array, " n"]) -> Complex[Array, ""]:
    """z = r e^{iψ}: the mean of the oscillators as points of the unit circle."""
    return lax.complex(*mean_field(phase))
