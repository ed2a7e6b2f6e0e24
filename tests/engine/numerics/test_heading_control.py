"""Steering headings in mean field: Mathieu's equation, and the rule by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import mathieu_a

from engine.numerics.heading_control import CELLS, best_rule, optimum, rule, steered


best = jax.jit(optimum)


@pytest.mark.parametrize(
    ("noise", "cost"), [(0.5, 1.0), (0.5, 0.5), (0.05, 5.0), (2.0, 5.0), (2.0, 0.05), (0.1, 0.1)]
)
def test_the_best_reward_is_an_eigenvalue_of_mathieus_equation(noise, cost):
    found = best(noise, cost)
    q = 2 * cost * noise**2
    # q w″ + cos θ w = λ w with θ = 2x is y″ + (a − 2k cos 2x) y = 0, a = −4λ/q, k = −2/q.
    assert found.reward == pytest.approx(-q / 4 * mathieu_a(0, 2 / q), abs=2e-6)
    earned = found.order - cost / 2 * jnp.sum(found.share * found.steering**2)
    # By trapezoids over 512 cells of a density that spans at least 60 of them.
    assert earned == pytest.approx(found.reward.item(), abs=2e-5)


def test_the_values_of_the_specification():
    found, by_hand = best(0.5, 1.0), best_rule(0.5, 1.0)
    assert found.reward == pytest.approx(0.53506, abs=1e-4)
    assert found.order == pytest.approx(0.7441, abs=1e-4)
    assert jnp.max(jnp.abs(found.steering)) == pytest.approx(1.480, abs=1e-3)
    assert by_hand.gain == pytest.approx(1.546, abs=2e-3)  # a flat maximum, on a table
    assert by_hand.reward == pytest.approx(0.52824, abs=1e-4)
    cheap, by_hand = best(0.5, 0.5), best_rule(0.5, 0.5)
    assert cheap.reward == pytest.approx(0.66292, abs=1e-4)
    assert by_hand.reward == pytest.approx(0.6590, abs=1e-4)
    assert by_hand.gain == pytest.approx(1.942, abs=2e-3)


def test_steering_obeys_riccatis_equation():
    noise, cost = 0.4, 0.7
    found = best(noise, cost)
    theta = np.linspace(0, np.pi, CELLS + 1)
    g = np.asarray(found.steering) / (2 * noise)
    q = 2 * cost * noise**2
    slope = np.gradient(g, theta)
    expected = (found.reward - np.cos(theta)) / q - g**2
    # Differences over two cells, of curvatures up to 10; one-sided at the ends.
    np.testing.assert_allclose(slope[2:-2], expected[2:-2], atol=2e-3)
    turn = steered(found, jnp.array([-1.0, 0.0, 1.0]))
    assert turn[1] == 0
    assert turn[0] == -turn[2] > 0


def test_a_rule_weaker_than_twice_the_noise_does_nothing():
    assert rule(0.99, 0.5, 1.0).order == 0
    above = rule(1.2, 0.5, 1.0)
    # r = A(Kr/D) by hand.
    kappa = 1.2 * above.order / 0.5
    assert above.order == pytest.approx(
        (jax.scipy.special.i1(kappa) / jax.scipy.special.i0(kappa)).item(), abs=1e-4
    )
    assert above.reward < best_rule(0.5, 1.0).reward
