"""The Kuramoto model: the textbook transition to synchrony."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Key

from engine.core.about import Quantity
from engine.core.layers import Arrows, Colour, Frame, Points
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System
from engine.core.theory import Boundary, Scalars
from engine.numerics.roots import bisect


class State(NamedTuple):
    phase: Float[Array, " n"]  # rad, in [0, 2π)
    detuning: Float[Array, " n"]  # natural frequency in units of `width`, fixed in time


class Kuramoto(System[State]):
    """Kuramoto oscillators

    Phase oscillators with Lorentzian natural frequencies, each pulled to the mean phase of all:

        dθᵢ = [width ξᵢ + K r sin(ψ − θᵢ)] dt + √(2D) dWᵢ,    r e^{iψ} = (1/N) Σⱼ e^{iθⱼ}

    Below K_c = 2 (width + D) the phases are uniform and r is of order N^{-1/2}; above it a
    cluster locks, and r grows continuously (with noise: Sakaguchi 1988).
    """

    sources = ("kuramoto1975", "sakaguchi1988", "ott2008", "cui2024decpomfc")
    quantities = (Quantity("order", symbol="r", span=(0, 1)),)

    coupling: Scalar = live(default=3.0, span=(0, 6), symbol="K", help="pull of the mean field")
    width: Scalar = live(default=0.5, span=(0, 2), symbol="γ", help="half-width of frequencies")
    noise: Scalar = live(default=0.25, span=(0, 2), symbol="D", help="phase diffusion")
    dt: Scalar = live(default=0.05, span=(0.01, 0.1), symbol="Δt", help="Euler–Maruyama step")
    coherence: Scalar = start(default=0.0, span=(0, 1), symbol="r₀", help="initial order")
    n: int = size(default=4096, span=(16, 262_144), symbol="N", help="oscillators")

    def init(self, key: Key[Array, ""]) -> State:
        for_phase, for_detuning = jax.random.split(key)
        arc = jnp.pi * (1 - self.coherence)  # half of the arc that the phases start on
        phase = jax.random.uniform(for_phase, (self.n,), minval=-arc, maxval=arc)
        return State(phase % (2 * jnp.pi), jax.random.cauchy(for_detuning, (self.n,)))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        # Through the mean field, coupling all to all costs O(N):
        # (1/N) Σⱼ sin(θⱼ − θᵢ) = r sin(ψ − θᵢ) = Im(z e^{−iθᵢ}).
        pull = jnp.imag(order_parameter(state.phase) * jnp.exp(-1j * state.phase))
        drift = self.width * state.detuning + self.coupling * pull
        kick = jnp.sqrt(2 * self.noise * self.dt) * jax.random.normal(key, (self.n,))
        return state._replace(phase=(state.phase + drift * self.dt + kick) % (2 * jnp.pi))

    def observables(self, state: State) -> Scalars:
        return {"order": jnp.abs(order_parameter(state.phase))}

    def theory(self) -> Scalars:
        """Stationary r, exact for Lorentzian frequencies.

        The moments zₘ = ⟨e^{imθ}⟩ obey (width + mD) zₘ = ½Kr (zₘ₋₁ − zₘ₊₁). Their ratios are a
        continued fraction in r, and r = z₁ closes it; bisection finds the largest root.
        """
        depth = 64  # converged to float32 for K < 50 (width + D)

        def first_moment(r: Array) -> Array:
            h = self.coupling * r / 2
            far = self.width + depth * self.noise
            tail = 2 * h / (far + jnp.sqrt(far**2 + 4 * h**2))
            damping = self.width + self.noise * jnp.arange(depth - 1, 0, -1)
            return lax.scan(lambda q, d: (h / (d + h * q), None), tail, damping)[0]

        return {"order": bisect(lambda r: first_moment(r) - r, 0.0, 1.0)}

    def boundaries(self) -> dict[str, Boundary]:
        return {"onset": Boundary({"coupling": jnp.asarray(2 * (self.width + self.noise))})}

    def frame(self, state: State) -> Frame:
        radius = 1 + 0.15 * jnp.tanh(state.detuning)  # slow oscillators inside, fast ones outside
        swarm = radius[:, None] * jnp.stack([jnp.cos(state.phase), jnp.sin(state.phase)], axis=1)
        z = order_parameter(state.phase)
        mean = jnp.stack([z.real, z.imag])[None, :]
        return {
            "circle": (
                Points(swarm, {"phase": Colour(state.phase, scale="phase")}),
                Arrows(0 * mean, mean),
            )
        }


def order_parameter(phase: Float[Array, " n"]) -> Complex[Array, ""]:
    """z = r e^{iψ}: the mean of the oscillators as points of the unit circle."""
    return jnp.mean(jnp.exp(1j * phase))
