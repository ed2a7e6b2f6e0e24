"""Four ways to learn a value: where each leads, by solving its equations over many paths."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import policy_evaluation as learning


@partial(jax.jit, static_argnums=(0, 1))
def solved(problem, steps, pull, trace, seed):
    """θ of all ways, by 20 000 paths."""
    walk = learning.walk(pull, steps)
    paths = walk.paths(jax.random.key(seed), 20_000)
    law = learning.equations(problem, walk, paths, trace)
    return jnp.linalg.solve(law.matrix, law.right[..., None])[..., 0]


@partial(jax.jit, static_argnums=(0, 1))
def least(problem, steps, pull):
    return learning.least_td_error(problem, learning.walk(pull, steps))


@pytest.mark.parametrize(("steps", "bend"), [(50, 1.90), (200, 1.967)])
def test_least_td_error_leads_away_and_the_others_to_the_value(steps, bend):
    wrong, martingale, orthogonal, traced = solved("final", steps, 0.0, 0.8, 1)
    exact = least("final", steps, 0.0)
    # The specification's numbers are of 20 000 paths themselves: 2/√(20 000) = 0.014.
    assert exact[1] == pytest.approx(bend, abs=0.014)
    assert exact[0] == pytest.approx(1, abs=0.05)
    # 20 000 paths: 1/√(20 000) = 0.7 %, three times; θ₁ is weakly held, by a part Δt of the sum.
    assert wrong[1] == pytest.approx(float(exact[1]), abs=0.02)
    assert wrong[0] == pytest.approx(float(exact[0]), abs=0.1)
    np.testing.assert_allclose(martingale, [1, 0], atol=0.04)
    np.testing.assert_allclose(orthogonal, [1, 0], atol=0.02)
    np.testing.assert_allclose(traced, [1, 0], atol=0.04)


def test_in_short_steps_the_bend_is_two_over_the_horizon():
    bends = [float(least("final", steps, 0.0)[1]) for steps in (100, 400)]
    # ∫t(T − t)/∫t(T − t)² = 2/T, and short of it in proportion to Δt.
    assert bends[1] == pytest.approx(2, abs=0.03)
    assert (2 - bends[0]) / (2 - bends[1]) == pytest.approx(4, rel=0.15)


def test_what_is_worth_on_the_way_is_learnt_likewise():
    wrong, martingale, orthogonal, traced = solved("running", 50, 1.0, 0.8, 2)
    exact = least("running", 50, 1.0)
    np.testing.assert_allclose(wrong, exact, atol=0.03)
    assert abs(exact[1]) < 0.1  # the truth is 1: the surface is flat, where nothing surprises
    for theta in (martingale, orthogonal, traced):
        np.testing.assert_allclose(theta, [1, 1], atol=0.06)


@pytest.mark.parametrize("problem", ["final", "running"])
def test_the_family_holds_the_value_at_any_step(problem):
    # From x = 0.7 after 4 of 10 coarse steps, by 4·10⁵ paths.
    walk = learning.walk(1.5, 10)
    x = 0.7 * jnp.ones(400_000)
    worth = jnp.zeros_like(x)
    for k in range(6):
        worth = worth + walk.dt * x**2 * (problem == "running")
        kick = jax.random.normal(jax.random.key(k), x.shape)
        x = walk.kept * x + jnp.sqrt(walk.variance(walk.dt)) * kick
    worth = worth + x**2 * (problem == "final")
    known = learning.values(problem, walk, jnp.float32(0.6), jnp.float32(0.7))
    value = known.base + jnp.array(learning.TRUTH[problem]) @ known.features
    assert value == pytest.approx(float(worth.mean()), abs=5 * float(worth.std()) / 400_000**0.5)


def test_no_rate_is_too_large():
    law = learning.Equations(100 * jnp.eye(2)[None], jnp.ones((1, 2)))
    theta = jnp.zeros((1, 2))
    for _ in range(20):
        theta = learning.nearer(theta, law, jnp.float32(10.0))
    np.testing.assert_allclose(theta, 0.01, rtol=1e-4)
