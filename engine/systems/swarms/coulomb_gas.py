"""Charges in a trap: a disc whose size has an exact law."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, histogram
from engine.core.parameters import Scalar, live, size
from engine.core.system import System, Touch, poke
from engine.core.theory import Scalars


class State(NamedTuple):
    position: Float[Array, "n 2"]


class CoulombGas(System[State]):
    """2D Coulomb gas

    Charges that repel by a logarithm, in a parabolic trap, at inverse temperature β:

        dxᵢ = (−xᵢ + (1/N) Σⱼ (xᵢ − xⱼ)/|xᵢ − xⱼ|²) dt + √(2/βN) dW

    They fill the unit disc evenly; the sum of all |x|² follows a Gamma law exactly.
    """

    sources = ("debruyne2023coulomb", "ginibre1965")
    equations = (
        Equation(
            r"\dot x_i=-x_i+\frac{1}{N}\sum_{j\neq i}\frac{x_i-x_j}{|x_i-x_j|^2}"
            r"+\sqrt{\frac{2}{\beta N}}\,\xi_i",
            "trap, repulsion, heat",
        ),
        Equation(
            r"\sum_i|x_i|^2\sim\Gamma\!\left(N+\frac{\beta N(N-1)}{4},\frac{2}{\beta N}\right)",
            "exact for every N and β",
        ),
    )
    assumptions = (
        "Σ|x|² is exact for every N and β; the share at r < ½ is that of an even disc, N → ∞."
    )
    presets = (
        Preset("gas", beta=2.0),
        Preset("liquid", beta=20.0),
        Preset("crystal", beta=400.0),
    )
    quantities = (
        Quantity("spread", symbol="Σ|x|²", help="sum of all square distances from the middle"),
        Quantity("middle", symbol="share at r < ½", span=(0, 1), help="an even disc has ¼"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "charges": Hint(large=True),
        "radius": Hint(large=False),
    }

    beta: Scalar = live(
        default=2.0,
        span=(1, 400),
        symbol="β",
        help="inverse temperature: cold is large",
        log=True,
        limits=(1e-3, np.inf),
    )
    dt: Scalar = live(
        default=0.005,
        span=(0.001, 0.01),
        symbol="Δt",
        help="Euler–Maruyama step",
        limits=(1e-6, 0.5),
    )
    n: int = size(default=256, span=(16, 8192), symbol="N", help="charges")

    def init(self, key: Key[Array, ""]) -> State:
        for_radius, for_angle = jax.random.split(key)
        r = jnp.sqrt(jax.random.uniform(for_radius, (self.n,)))
        angle = jax.random.uniform(for_angle, (self.n,), maxval=2 * jnp.pi)
        return State(r[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        x, y = state.position.T
        dx, dy = x[:, None] - x, y[:, None] - y
        # A pair closer than a hundredth of its mean distance would leap out of the trap.
        weight = 1 / (dx**2 + dy**2 + 1e-4 / self.n)
        push = jnp.stack([jnp.sum(weight * dx, axis=1), jnp.sum(weight * dy, axis=1)], axis=1)
        kick = jnp.sqrt(2 * self.dt / (self.beta * self.n)) * jax.random.normal(key, (self.n, 2))
        return State(state.position + self.dt * (push / self.n - state.position) + kick)

    def observables(self, state: State) -> Scalars:
        square = jnp.sum(state.position**2, axis=1)
        return {"spread": jnp.sum(square), "middle": jnp.mean(square < 0.25)}

    def law(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Shape and scale of the Gamma law of Σ|x|², for every N and β."""
        shape = self.n + self.beta * self.n * (self.n - 1) / 4
        return jnp.asarray(shape), jnp.asarray(2 / (self.beta * self.n))

    def theory(self) -> Scalars:
        shape, scale = self.law()
        return {"spread": shape * scale, "middle": jnp.asarray(0.25)}

    def landscape(self) -> dict[str, Curve]:
        shape, scale = self.law()
        x = shape * scale + jnp.sqrt(shape) * scale * jnp.linspace(-5, 5, 101)
        x = jnp.maximum(x, 1e-3)
        minus_log = x / scale - (shape - 1) * jnp.log(x / scale) + gammaln(shape) + jnp.log(scale)
        return {"spread": Curve(x, minus_log, label="exact")}

    @poke(view="charges")
    def stir(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Drag the charges under the hand along."""
        apart = state.position - touch.position
        grip = jnp.exp(-jnp.sum(apart**2, axis=1) / (2 * jnp.asarray(touch.radius) ** 2))
        return State(state.position + grip[:, None] * touch.drag)

    def frame(self, state: State) -> Frame:
        r = jnp.linalg.norm(state.position, axis=1)
        disc = jnp.where(jnp.linspace(0, 1.5, 65) < 1, 2 * jnp.linspace(0, 1.5, 65), 0)
        return {
            "charges": (
                Box(jnp.full(2, -1.5), jnp.full(2, 1.5)),
                Points(state.position, {"radius": Colour(r)}),
            ),
            "radius": (
                Axes("r", "density"),
                histogram(r, (0.0, 1.5), bins=30),
                Curve(jnp.linspace(0, 1.5, 65), disc, label="even disc"),
            ),
        }
