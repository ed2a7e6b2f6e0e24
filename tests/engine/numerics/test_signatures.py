"""Iterated integrals: of a line, of a loop, of a Brownian path, and of one path behind another."""

from math import factorial

import jax
import jax.numpy as jnp
import numpy as np

from engine.numerics.signatures import apart, product, signature


def test_a_line_has_powers_over_factorials():
    change = jnp.array([0.7, -1.3])
    path = jnp.linspace(0, 1, 9)[:, None, None] * change
    for k, level in enumerate(signature(path, 4), start=1):
        power = np.ones(1)
        for _ in range(k):
            power = np.kron(power, change)
        np.testing.assert_allclose(level[0], power / factorial(k), atol=1e-6)  # float32


def test_the_second_level_holds_the_area():
    corners = jnp.array([[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]], float)
    second = signature(corners[:, None], 2)[1][0]
    assert abs((second[1] - second[2]) / 2 - 2.0) < 1e-6  # the area of the rectangle


def test_one_path_behind_another_multiplies():
    path = jax.random.normal(jax.random.key(0), (12, 3, 2))
    whole = signature(path, 3)
    first, then = signature(path[:7], 3), signature(path[6:], 3)
    chen = first[2] + product(first[0], then[1]) + product(first[1], then[0]) + then[2]
    np.testing.assert_allclose(whole[2], chen, rtol=1e-4, atol=1e-4)  # float32, of sums of tens


def test_the_expected_signature_of_brownian_motion():
    """E S = exp(e₀ + ½ e₁⊗e₁) with time as letter 0 (Fawcett): 11 has ½, 0 11 and 11 0 have ¼."""
    count, steps = 20_000, 32
    noise = jax.random.normal(jax.random.key(2), (steps, count)) / steps**0.5
    way = jnp.concatenate([jnp.zeros((1, count)), jnp.cumsum(noise, axis=0)])
    time = jnp.broadcast_to(jnp.linspace(0, 1, steps + 1)[:, None], way.shape)
    levels = signature(jnp.stack([time, way], axis=-1), 3)
    exact = {
        (1, "11"): 0.5,
        (1, "01"): 0.0,
        (2, "011"): 0.25,
        (2, "110"): 0.25,
        (2, "101"): 0.0,
        (2, "111"): 0.0,
    }
    for (level, word), value in exact.items():
        found = levels[level][:, int(word, 2)]
        # 4 standard errors; of a path in 32 pieces ∫∫ dW dW is ½W² exactly, so is 111, and 011 and
        # 110 differ between themselves by the pieces' own 1/(12·32).
        error = 4 * float(jnp.std(found)) / count**0.5
        np.testing.assert_allclose(jnp.mean(found), value, atol=error + 1 / 384)


def test_a_law_is_no_way_from_itself():
    a, b = (jax.random.normal(jax.random.key(k), (6, 500, 2)) for k in (3, 4))
    assert apart(signature(a, 3), signature(a, 3)) == 0
    assert apart(signature(a, 2), signature(b + 0.5, 2)) < apart(
        signature(a, 2), signature(1.5 * b, 2)
    )
