"""Ions that hop along a few sites in a row, at most one on each, between two baths.

A state is a number whose bit i says whether site i is taken. Moves come in pairs, one pair for
each of the n + 1 barriers from the left bath to the right one: across it to the right, and back.
Energies are in units in which an ion that crosses all of it to the right gains the voltage.
"""

from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from engine.numerics.matrices import solve


SQUARINGS = 12  # a slowest relaxation of 1/4096 of the fastest is settled to e⁻¹ by then


class Moves(NamedTuple):
    """What may happen in each state."""

    target: Int[np.ndarray, "states moves"]  # where it leads, itself where it cannot be
    allowed: Bool[np.ndarray, "states moves"]
    full: Int[np.ndarray, "states sites"]  # 1 where a site is taken


class Settled(NamedTuple):
    """The growth of ⟨e^{sQ}⟩ ≈ weight · e^{λt}, where Q counts ions that leave to the right."""

    growth: Float[Array, ""]  # λ(s)
    slope: Float[Array, ""]  # λ'(s)
    weight: Float[Array, ""]


@cache
def moves(n: int) -> Moves:
    state = np.arange(2**n)
    full = (state[:, None] >> np.arange(n)) & 1
    inside = np.pad(full, ((0, 0), (1, 1)), constant_values=-1)  # a bath is neither full nor empty
    left, right = inside[:, :-1], inside[:, 1:]
    onward, back = (left != 0) & (right != 1), (left != 1) & (right != 0)
    bit = np.pad(1 << np.arange(n), 1)  # leaving a bath changes nothing there
    turned = state[:, None] ^ bit[:-1] ^ bit[1:]
    allowed = np.stack([onward, back], axis=-1).reshape(len(state), -1)
    target = np.where(allowed, np.repeat(turned, 2, axis=1), state[:, None])
    return Moves(target, allowed, full)


def energies(
    well: Float[Array, " sites"], voltage: Float[Array, ""], repulsion: Float[Array, ""]
) -> Float[Array, " states"]:
    """Of all states: wells, the voltage falling evenly, and pairs of neighbours."""
    n = len(well)
    full = moves(n).full
    pairs = (full[:, 1:] * full[:, :-1]).sum(axis=1)
    fallen = jnp.arange(1, n + 1) / (n + 1) - 0.5
    return full @ (well - voltage * fallen) + repulsion * pairs


def rates(
    energy: Float[Array, " states"],
    voltage: Float[Array, ""],
    left: Float[Array, ""],
    right: Float[Array, ""],
    temperature: Float[Array, ""],
) -> Float[Array, "states moves"]:
    """e^{−ΔE/2T}, times the concentration of the bath for an ion that comes in."""
    n = len(energy).bit_length() - 1
    target, allowed, _ = moves(n)
    one, none = jnp.ones(2 * n - 2), jnp.zeros(2 * n - 2)
    half = jnp.asarray(voltage) / 2
    work = jnp.concatenate([jnp.stack([-half, half]), none, jnp.stack([-half, half])])
    ends = jnp.stack([jnp.asarray(left, float), jnp.ones(())])
    crowd = jnp.concatenate([ends, one, jnp.stack([jnp.ones(()), jnp.asarray(right, float)])])
    climb = energy[target] - energy[:, None] + work
    return jnp.where(allowed, crowd * jnp.exp(-climb / (2 * temperature)), 0.0)


def flows(rate: Float[Array, "states moves"]) -> Float[Array, "states states"]:
    """Rates from each state (row) to each other."""
    states = len(rate)
    target = moves(states.bit_length() - 1).target
    return jnp.zeros((states, states)).at[jnp.arange(states)[:, None], target].add(rate)


def crossing(rate: Float[Array, "states moves"], move: int) -> Float[Array, "states states"]:
    """The part of the flows that is one move: −1 leaves nothing, −2 the way out to the right."""
    states = len(rate)
    target = moves(states.bit_length() - 1).target[:, move]
    return jnp.zeros((states, states)).at[jnp.arange(states), target].add(rate[:, move])


def stationary(flow: Float[Array, "states states"]) -> Float[Array, " states"]:
    """The probability of each state, to a relative error however small it is.

    States are taken out one by one, as Grassmann, Taksar and Heyman do: nothing is subtracted.
    """
    states = len(flow)
    index = jnp.arange(states)

    def without(turn: Array, a: Array) -> Array:
        last = states - 1 - turn
        kept = index < last
        out = jnp.where(kept, a[last], 0.0)
        into = jnp.where(kept, a[:, last], 0.0) / jnp.maximum(jnp.sum(out), 1e-30)
        return (a + into[:, None] * out).at[:, last].set(jnp.where(kept, into, a[:, last]))

    def back(k: Array, p: Array) -> Array:
        return p.at[k].set(jnp.sum(jnp.where(index < k, p * taken[:, k], 0.0)))

    taken = lax.fori_loop(0, states - 1, without, flow)
    p = lax.fori_loop(1, states, back, jnp.zeros(states).at[0].set(1.0))
    return p / jnp.sum(p)


def current_cumulants(
    rate: Float[Array, "states moves"],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean and variance of the ions that have left to the right, per time, for long times."""
    flow = flows(rate)
    p = stationary(flow)
    out, back = rate[:, -2], rate[:, -1]
    current = p @ (out - back)
    signed = crossing(rate, -2) - crossing(rate, -1)
    change = flow.T - jnp.diag(jnp.sum(flow, axis=1))
    # R x = J p − R'p with Σ x = 0; the term in p 1ᵀ makes the matrix regular and x sum to 0.
    x = solve(change - jnp.outer(p, jnp.ones_like(p)), current * p - p @ signed)
    return current, p @ (out + back) + 2 * x @ (out - back)


def settled(rate: Float[Array, "states moves"], s: Float[Array, ""]) -> Settled:
    """The largest eigenvalue of the flows, tilted by e^{±s} where an ion leaves or comes back."""
    flow = flows(rate)
    out, back = crossing(rate, -2), crossing(rate, -1)
    tilted = flow + jnp.expm1(s) * out + jnp.expm1(-s) * back
    change = tilted - jnp.diag(jnp.sum(flow, axis=1))
    fastest = jnp.max(jnp.sum(flow, axis=1)) + jnp.max(jnp.sum(tilted, axis=1))

    def squared(_: Array, power: Array) -> Array:
        power = power @ power
        return power / jnp.max(jnp.abs(power))

    one = jnp.eye(len(rate)) + change / fastest
    power = lax.fori_loop(0, SQUARINGS, squared, one)  # v wᵀ, of both eigenvectors
    start = stationary(flow) @ power
    slope = jnp.exp(s) * out - jnp.exp(-s) * back
    whole = jnp.trace(power)
    return Settled(
        jnp.sum(start @ change) / jnp.sum(start),
        jnp.sum(power * slope.T) / whole,
        jnp.sum(start) / whole,
    )


def permeability(well: Float[Array, " sites"], temperature: Float[Array, ""]) -> Float[Array, ""]:
    """Current per difference of concentrations, of few ions without voltage: barriers in series."""
    inside = jnp.pad(well, 1)
    return 1 / jnp.sum(jnp.exp((inside[1:] + inside[:-1]) / (2 * temperature)))


def goldman(
    voltage: Float[Array, "*v"], left: Float[Array, ""], right: Float[Array, ""]
) -> Float[Array, "*v"]:
    """V (c_L − c_R e^{−V})/(1 − e^{−V}): independent ions in a constant field, V in units of T.

    After Goldman, Hodgkin and Katz; times the permeability it is a current.
    """
    tiny = jnp.abs(voltage) < 1e-3
    v = jnp.where(tiny, 1.0, voltage)
    ratio = jnp.where(tiny, 1 + voltage / 2, v / -jnp.expm1(-v))
    return ratio * (left - right * jnp.exp(-voltage))
