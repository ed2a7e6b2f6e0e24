"""A score that turns with the world, and the current that follows from it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.neighbours import listed
from engine.numerics.pair_score import Look, current, drawn


def looked(x, force, length):
    near = listed(*x.T, jnp.float32(length), reach=1.35, slots=16)
    return Look(x, force, near.other, jnp.float32(length), 1.35)


def some(key):
    for_place, for_force, for_drive = jax.random.split(key, 3)
    x = 6 * jax.random.uniform(for_place, (40, 2)) + 2
    return x, jax.random.normal(for_force, (40, 2)), jax.random.normal(for_drive, (40, 2))


def test_it_turns_with_the_world_and_does_not_know_who_is_who(key):
    x, force, drive = some(key)
    score = drawn(jax.random.key(3))
    flow, spread = current(score, drive, looked(x, force, 10.0))
    s, c = np.sin(0.7), np.cos(0.7)
    turn = jnp.array([[c, s], [-s, c]])
    turned = (x - 5) @ turn + 5
    # The cloud keeps to the middle, so that no image of it comes near.
    length = 30.0
    there, here = looked(turned + 10, force @ turn, length), looked(x + 10, force, length)
    flow, spread = current(score, drive, here)
    other_flow, other_spread = current(score, drive @ turn, there)
    np.testing.assert_allclose(other_flow, flow @ turn, atol=2e-4)  # float32
    np.testing.assert_allclose(other_spread, spread, atol=2e-3)
    order = jax.random.permutation(key, 40)
    mixed = looked(x[order] + 10, force[order], length)
    np.testing.assert_allclose(current(score, drive[order], mixed)[0], flow[order], atol=1e-4)


def test_its_spread_is_the_divergence_by_ones_own_drive(key):
    x, force, drive = some(key)
    score, look = drawn(jax.random.key(3)), looked(x, force, 10.0)
    _, spread = current(score, drive, look)

    def flow(drive):
        return drive + score(drive, look.around(drive, jnp.arange(40)))

    exact = jnp.einsum("iaia->i", jax.jacfwd(flow)(drive))
    np.testing.assert_allclose(spread, exact, atol=1e-4)


def test_a_gaussian_produces_what_its_trap_says(key):
    # One swimmer in a trap, γ = 1, A = ½, v₀ = 2: s = −(A + γ)/γ g + (A + γ) A/(γ v₀) x, and
    # γ⟨|g + s|²⟩ = γ(⟨|s|²⟩ − 2) = −γ⟨2 + div s⟩ = 2A.
    a, v = 0.5, 2.0

    def exact(drive, seen):
        return -(1 + a) * drive - (1 + a) * seen.force  # the force is −A x / v₀

    normal = jax.random.normal(key, (2, 40_000, 2))
    x = np.sqrt(v**2 / (a * (a + 1))) * normal[0]
    g = a / v * x + np.sqrt(1 / (1 + a)) * normal[1]
    look = Look(x, -a * x / v, jnp.full((1, 40_000), -1), jnp.float32(100.0), 1.35)
    flow, spread = current(exact, g, look)
    np.testing.assert_allclose(-spread, 2 * a, rtol=1e-5)
    # 8·10⁴ squares: 0.5 %, three times.
    assert jnp.mean(jnp.sum(flow**2, axis=1)) == pytest.approx(2 * a, rel=0.015)
    score = flow - g
    # ⟨|s|²⟩ = 3, known to 0.5 %, four times.
    assert jnp.mean(jnp.sum(score**2, axis=1)) - 2 == pytest.approx(2 * a, abs=0.06)
