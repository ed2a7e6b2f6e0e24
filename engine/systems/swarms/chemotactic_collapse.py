"""Cells drawn to a signal that they emit: beyond a threshold they collapse into one point."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points
from engine.core.parameters import Scalar, live, mode, size
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.long_range import on_mesh, pair_forces
from engine.numerics.particle_mesh import covered, mesh_forces


MESH = 128  # nodes along a side, for cells
NEAR = 0.3  # a clump is within this of its densest node


class State(NamedTuple):
    position: Float[Array, "n 2"]


class ChemotacticCollapse(System[State]):
    """Chemotactic collapse

    Cells in a weak trap, each drawn to all others by the signal that they emit (−∇²φ = ρ):

        dxᵢ = (−κ xᵢ − (g/N) Σⱼ (xᵢ − xⱼ)/(|xᵢ − xⱼ|² + s²)) dt + √(2T) dW

    Above g = 4T N/(N − 1) (8πT in the units of Keller and Segel) diffusion no longer holds them
    apart, and they fall into one point.
    """

    sources = ("mahdisoltani2023coulomb", "keller1970")
    equations = (
        Equation(
            r"\dot x_i=-\kappa x_i-\frac{g}{N}\sum_j\frac{x_i-x_j}{|x_i-x_j|^2+s^2}"
            r"+\sqrt{2T}\,\xi_i",
            "trap, attraction, heat",
        ),
        Equation(
            r"\frac{d\langle r^2\rangle}{dt}=4T-g\,\frac{N-1}{N}-2\kappa\langle r^2\rangle",
            "exact for every N while s → 0",
        ),
        Equation(r"g_c=4T\,\frac{N}{N-1}", "the cells collapse"),
    )
    theory_name = "exact"
    assumptions = "Bare attraction, s → 0, below g_c; exact for every N."
    presets = (
        Preset("cloud", pull=1.0),
        Preset("below collapse", pull=3.5),
        Preset("collapse", pull=6.0),
        Preset("repulsion", pull=-2.0),
    )
    quantities = (
        Quantity("spread", symbol="⟨r²⟩", help="mean square distance from the middle"),
        Quantity("balance", symbol="⟨r²⟩ by balance", help="that heat, trap and pull allow now"),
        Quantity("clump", symbol="share in a clump", span=(0, 1), help="near the densest spot"),
        Quantity("criticality", symbol="g/g_c", help="pull over the one that collapses"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "cells": Hint(large=True),
        "radius": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 128}

    pull: Scalar = live(default=1.0, span=(0, 8), symbol="g", help="attraction", limits=(-50, 50))
    temperature: Scalar = live(
        default=1.0, span=(0.1, 4), symbol="T", help="of the cells' motion", limits=(1e-3, 1e3)
    )
    trap: Scalar = live(
        default=1.0, span=(0.1, 4), symbol="κ", help="stiffness of the trap", limits=(0, 1e2)
    )
    softening: Scalar = live(
        default=0.05, span=(0.01, 0.5), symbol="s", help="size of a cell", log=True,
        limits=(1e-3, 10),
    )  # fmt: skip
    dt: Scalar = live(
        default=0.001,
        span=(0.0002, 0.01),
        symbol="Δt",
        help="Euler–Maruyama step",
        log=True,
        limits=(1e-6, 0.2),
    )
    forces: str = mode(
        default="auto",
        choices=("auto", "direct", "mesh"),
        help="over all pairs, or by way of a mesh from 2049 cells on",
    )
    n: int = size(default=512, span=(16, 65_536), symbol="N", help="cells")

    def init(self, key: Key[Array, ""]) -> State:
        return State(jax.random.normal(key, (self.n, 2)))

    def step(self, state: State, key: Key[Array, ""]) -> State:
        x = state.position
        kick = jnp.sqrt(2 * self.temperature * self.dt) * jax.random.normal(key, x.shape)
        drift = -self.trap * x - self.pull / self.n * self.push(x)
        return State(x + drift * self.dt + kick)

    def push(self, x: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        """Σⱼ (xᵢ − xⱼ)/(|xᵢ − xⱼ|² + s²)."""
        if on_mesh(self.forces, self.n):
            return mesh_forces(x, self.softening, MESH)
        return pair_forces(x, self.softening)

    def backend(self) -> str:
        return f"mesh {MESH}²" if on_mesh(self.forces, self.n) else "all pairs"

    def observables(self, state: State) -> Scalars:
        x = state.position
        push = self.push(x)
        # Σᵢ xᵢ · Σⱼ (xᵢ − xⱼ)w = Σ_{i<j} |xᵢ − xⱼ|² w: the pairs' share of the bare pull.
        share = jnp.sum(x * push) / (self.n * (self.n - 1) / 2)
        ratio = (self.n - 1) / self.n
        known = jnp.maximum(self.trap, 1e-6)
        balance = (4 * self.temperature - self.pull * ratio * share) / (2 * known)
        return {
            "spread": jnp.mean(jnp.sum(x**2, axis=1)),
            "balance": balance,
            "clump": self._clump(x),
            "criticality": self.pull / self.critical_pull(),
        }

    def _clump(self, x: Float[Array, "n 2"]) -> Float[Array, ""]:
        """The share of the cells within 0.3 of the densest of 32 × 32 squares."""
        low, cell = covered(x, 32)
        place = jnp.clip(((x - low) / cell).astype(int), 0, 31)
        count = jnp.zeros(32 * 32).at[place[:, 1] * 32 + place[:, 0]].add(1.0)
        densest = jnp.argmax(count[place[:, 1] * 32 + place[:, 0]])
        return jnp.mean(jnp.sum((x - x[densest]) ** 2, axis=1) < NEAR**2)

    def critical_pull(self) -> Float[Array, ""]:
        """g_c = 4T N/(N − 1)."""
        return 4 * jnp.asarray(self.temperature, float) * self.n / (self.n - 1)

    def theory(self) -> Scalars:
        heat = 4 * self.temperature - self.pull * (self.n - 1) / self.n
        known = (heat > 0) & (jnp.asarray(self.trap) > 0)
        settled = heat / (2 * jnp.maximum(self.trap, 1e-6))
        return {"spread": jnp.where(known, settled, jnp.nan)}

    def boundaries(self) -> dict[str, Boundary]:
        warm = self.pull * (self.n - 1) / (4 * self.n)
        return {
            "collapse": Boundary(
                {"pull": self.critical_pull(), "temperature": jnp.asarray(warm, float)}
            )
        }

    def regions(self) -> Flags:
        fallen = jnp.asarray(self.pull) > self.critical_pull()
        return {"collapsed": fallen, "cloud": ~fallen}

    def caveats(self, state: State) -> Flags:
        leap = self.pull * self.dt / (2 * jnp.asarray(self.softening) * self.n)
        flags = {
            "steps so long that pairs heat the cloud": 2 * self.temperature * self.dt
            > 2 * jnp.asarray(self.softening, float) ** 2,
            "a step is longer than a cell": leap > jnp.asarray(self.softening),
        }
        if on_mesh(self.forces, self.n):
            _, cell = covered(state.position, MESH)
            flags["the mesh is coarser than a cell, and blurs the pull"] = cell > jnp.asarray(
                self.softening
            )
        return flags

    @poke(view="cells")
    def lead(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Draw the cells near the hand along."""
        apart = state.position - touch.position
        grip = jnp.exp(-jnp.sum(apart**2, axis=1) / (2 * jnp.asarray(touch.radius) ** 2))
        return State(state.position + grip[:, None] * touch.drag)

    @poke()
    def scatter(self, state: State, key: Key[Array, ""]) -> State:
        """Strew the cells anew."""
        return self.init(key)

    def frame(self, state: State) -> Frame:
        r = jnp.linalg.norm(state.position, axis=1)
        x = jnp.linspace(0.0, 4.0, 81)
        within = jnp.searchsorted(jnp.sort(r), x) / self.n
        spread = self.theory()["spread"]
        return {
            "cells": (
                Box(jnp.full(2, -4.0), jnp.full(2, 4.0)),
                Points(state.position, {"radius": Colour(r, span=(0.0, 3.0))}),
            ),
            "radius": (
                Axes("r", "share of cells within r"),
                Curve(x, within, "measured"),
                Curve(jnp.sqrt(spread) * jnp.ones(2), jnp.array([0.0, 1.0]), "guide", "√⟨r²⟩"),
            ),
        }
