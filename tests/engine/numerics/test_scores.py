"""Scores: gradients of the densities they claim, and steps that keep the law they should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.scores import (
    belief,
    denoising,
    local_dimension,
    noising,
    resting,
    score,
    shrunk,
    speciation,
    spent,
    variance,
    widest,
)
from engine.numerics.shapes import SHAPES, circle, normalised, sphere, torus


def cloud(key, n=300):
    return jax.random.normal(key, (n, 3))


@pytest.mark.parametrize("width", [0.0, 0.2])
def test_the_score_is_the_gradient_of_the_log_density(key, width):
    for_x, for_y = jax.random.split(key)
    x, y = cloud(for_x, 70), cloud(for_y, 150)
    t = 0.2

    def log_density(x):
        apart = jnp.sum((x - shrunk(t) * y) ** 2, axis=1)
        return jax.nn.logsumexp(-apart / (2 * variance(t, width)))

    exact = jax.vmap(jax.grad(log_density))(x)
    # float32: logits of order |y|²/V = 10 carry 1e-6, and S divides by V = 0.3.
    np.testing.assert_allclose(score(x, y, t, width, block=32), exact, atol=2e-4)


def test_the_belief_is_made_of_the_moments_of_the_softmax(key):
    for_x, for_y = jax.random.split(key)
    x, y, t = cloud(for_x, 50), cloud(for_y, 80), 0.1
    logit = -jnp.sum((x[:, None] - shrunk(t) * y) ** 2, axis=-1) / (2 * variance(t))
    w = jax.nn.softmax(logit, axis=1)
    seen = belief(x, y, t)
    mean = w @ y
    spread = jnp.einsum("ij,ijk->i", w, (y - mean[:, None]) ** 2)
    entropy = -jnp.sum(w * jax.nn.log_softmax(logit, axis=1), axis=1)
    # |y|² is of order 3 and V is 0.18: differences of float32 numbers leave 1e-6 / V.
    np.testing.assert_allclose(seen.mean, mean, atol=1e-5)
    np.testing.assert_allclose(seen.spread, spread, atol=1e-5)
    np.testing.assert_allclose(seen.entropy, entropy, atol=1e-4)


def test_the_jacobian_of_the_denoiser_is_the_covariance_of_the_softmax(key):
    for_x, for_y = jax.random.split(key)
    x, y, t = cloud(for_x, 8), cloud(for_y, 60), 0.15
    one = jax.vmap(jax.jacfwd(lambda x: belief(x[None], y, t).mean[0]))(x)
    logit = -jnp.sum((x[:, None] - shrunk(t) * y) ** 2, axis=-1) / (2 * variance(t))
    w = jax.nn.softmax(logit, axis=1)
    apart = y - (w @ y)[:, None]
    covariance = jnp.einsum("ij,ijk,ijl->ikl", w, apart, apart)
    exact = shrunk(t) / variance(t) * covariance
    # The spec asks for 1e-4 relative; of the largest entry, as some are 0.
    np.testing.assert_allclose(one, exact, atol=1e-4 * float(jnp.max(exact)))
    # And its trace, times a, is what is called the local dimension; with a kernel too.
    dimension = local_dimension(belief(x, y, t).spread, t)
    trace = jnp.einsum("ikk->i", exact)
    np.testing.assert_allclose(dimension, shrunk(t) * trace, rtol=1e-3)


def test_the_local_dimension_with_a_kernel_is_the_jacobian_of_the_whole_denoiser(key):
    for_x, for_y = jax.random.split(key)
    x, y, t, width = cloud(for_x, 8), cloud(for_y, 60), 0.05, 0.3

    def denoised(x):  # E[x₀ | x] by Tweedie: (x + s² S) / a
        return (x + variance(t) * score(x[None], y, t, width)[0]) / shrunk(t)

    jacobian = jax.vmap(jax.jacfwd(denoised))(x)
    dimension = local_dimension(belief(x, y, t, width).spread, t, width)
    trace = shrunk(t) * jnp.einsum("ikk->i", jacobian)
    np.testing.assert_allclose(dimension, trace, rtol=2e-3)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_change_nothing(key, block):
    x, y = cloud(key, 101), cloud(jax.random.key(1), 90)
    mine, other = belief(x, y, 0.1), belief(x, y, 0.1, block=block)
    np.testing.assert_allclose(mine.mean, other.mean, atol=1e-5)  # sums in another order
    np.testing.assert_allclose(mine.spread, other.spread, atol=1e-5)
    # A difference of logits of some x·y/V = 70, of which float32 knows each to 4e-6, in both.
    np.testing.assert_allclose(mine.entropy, other.entropy, atol=2e-5)


def test_no_array_of_all_pairs_is_ever_made():
    x, y = jax.ShapeDtypeStruct((4000, 3), "float32"), jax.ShapeDtypeStruct((5000, 3), "float32")
    memory = jax.jit(lambda x, y: belief(x, y, 0.1)).lower(x, y).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 4000 * 5000  # a quarter of what the pairs would take


@pytest.mark.parametrize(
    ("name", "make", "m", "t", "expected", "tolerance"),
    [
        ("torus", torus, 4000, 0.01, 2.05, 0.12),
        ("torus", torus, 4000, 0.03, 2.08, 0.12),
        ("sphere", sphere, 4000, 0.01, 1.96, 0.12),
        ("sphere", sphere, 4000, 0.03, 1.94, 0.12),
        ("circle", circle, 2000, 0.01, 0.99, 0.05),
        ("few", torus, 500, 0.001, 0.66, 0.12),
        ("many", torus, 4000, 0.001, 1.70, 0.12),
    ],
)
def test_the_local_dimension_is_that_of_the_shape(name, make, m, t, expected, tolerance):
    # The numbers and tolerances of the spec: another draw of the shape moves them by 0.05.
    data = normalised(make(jax.random.key(1), m))
    if name == "circle":
        data = data * jnp.sqrt(2 / 3)  # the circle of the spec lies in a plane: |x|² = 2
    x = shrunk(t) * data + jnp.sqrt(variance(t)) * cloud(jax.random.key(2), m)
    dimension = jnp.mean(local_dimension(belief(x, data, t).spread, t))
    assert dimension == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("width", [0.0, 0.4])
def test_the_middle_lets_go_of_points_at_speciation(key, width):
    """By the Jacobian of the score there; in units of −1/V, which it is with no data in sight."""
    y = normalised(torus(key, 400))
    slope = jax.jit(jax.jacfwd(lambda x, t: score(x[None], y, t, width)[0]))
    t = speciation(y, width)
    largest = [
        jnp.linalg.eigvalsh(slope(jnp.zeros(3), time))[-1] * variance(time, width)
        for time in (t - 0.05, t, t + 0.05)
    ]
    assert largest[2] < 0 < largest[0]
    assert abs(largest[1]) < 0.01  # steps of 7 % in t, between which the slope is taken as linear


def test_two_points_part_where_both_weigh_the_same():
    two = jnp.array([[3**0.5, 0, 0], [-(3**0.5), 0, 0]])  # Λ = 3, and no weight ever differs
    for h in (0.0, 0.4):
        assert speciation(two, h) == pytest.approx(np.log(1 + 3 - h**2) / 2, rel=2e-3)


def test_the_widest_direction_is_the_largest_eigenvalue(key):
    factor = jax.random.normal(key, (20, 3, 3))
    spread = factor @ factor.mT
    # Rounding of float32, over ten squarings: what they lose of the power 1024 only turns the mean.
    np.testing.assert_allclose(widest(spread), np.linalg.eigvalsh(spread)[:, -1], rtol=1e-4)
    assert widest(jnp.zeros((1, 3, 3))) == 0


def test_a_kernel_wider_than_the_data_has_no_speciation(key):
    assert np.isnan(speciation(normalised(sphere(key, 100)), 1.5))


def test_far_in_noise_nothing_is_known_and_at_the_end_one_point(key):
    data = normalised(SHAPES["trefoil"](key, 400))
    x = cloud(key, 200)
    early, late = belief(x, data, 4.0), belief(data[:200], data, 1e-4)
    # a = 0.018: a point of |x| = 2 learns of order a |x| |y| = 0.06 of ln 400.
    assert jnp.mean(jnp.exp(early.entropy)) == pytest.approx(400, rel=0.01)
    assert jnp.mean(jnp.exp(late.entropy)) < 4


@pytest.mark.parametrize("mixing", [0.0, 0.5, 1.0, 2.0])
def test_all_ways_back_lead_to_the_mixture(mixing):
    """Check 2 of the spec: 0.3 N(−1.5, 0.25²) + 0.7 N(1.5, 0.25²), from its exact p_T.

    The mixture is two data points with a kernel; unequal weights are repeated points.
    """
    n, width, times = 20_000, 0.25, jnp.geomspace(4.0, 1e-3, 201)
    data = jnp.repeat(jnp.array([-1.5, 1.5]), jnp.array([3, 7]))[:, None]
    for_point, for_noise, for_run = jax.random.split(jax.random.key(3), 3)
    noise = jax.random.normal(for_noise, (n, 1))
    drawn = jax.random.choice(for_point, data, (n,))
    x = shrunk(4.0) * drawn + jnp.sqrt(variance(4.0, width)) * noise

    def step(x, now):
        t, later, key = now
        pull, spread = denoising(t, later, width, mixing)
        mean = belief(x, data, t, width).mean
        kick = jnp.sqrt(spread) * jax.random.normal(key, x.shape)
        return shrunk(later) * mean + pull * (x - shrunk(t) * mean) + kick, None

    keys = jax.random.split(for_run, 200)
    x, _ = jax.jit(lambda x: jax.lax.scan(step, x, (times[:-1], times[1:], keys)))(x)
    right = x > 0
    # The spec: 0.7 ± 0.01 (three standard errors of 20 000 draws), and 0.254 ± 0.006 for the
    # spread of a mode: √(0.25² + s²) = 0.254 at t = 1e-3.
    assert jnp.mean(right) == pytest.approx(0.7, abs=0.01)
    for mode in (x[right], x[~right]):
        assert jnp.std(mode) == pytest.approx(0.254, abs=0.006)


@pytest.mark.parametrize("mixing", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("width", [0.0, 0.5])
def test_a_step_back_takes_the_law_of_one_time_to_that_of_the_other(mixing, width):
    # About one data point r = x − a y is N(0, V) at every time: pull² V + variance = V′.
    pull, spread = denoising(0.8, 0.3, width, mixing)
    assert pull**2 * variance(0.8, width) + spread == pytest.approx(
        variance(0.3, width).item(), rel=1e-5
    )


@pytest.mark.parametrize(("mixing", "error"), [(1.0, 0.3), (0.5, -0.2), (2.0, 1.0), (0.0, 0.5)])
def test_a_step_back_is_the_limit_of_many_small_ones(mixing, error):
    t, later, width, many = 0.8, 0.2, 0.3, 200_000
    grid = np.linspace(t, later, many + 1)
    v = 1 - np.exp(-2 * grid) * (1 - width**2)
    dt = (t - later) / many
    shrink = 1 + dt * (1 - (1 + mixing) * (1 + error) / v[:-1])
    rest = np.append(np.cumprod(shrink[::-1])[::-1][1:], 1.0)
    pull, spread = denoising(t, later, width, mixing, error)
    assert pull == pytest.approx(np.prod(shrink), rel=1e-4)
    assert spread == pytest.approx(2 * mixing * dt * np.sum(rest**2), rel=1e-4, abs=1e-9)


def test_noise_forwards_composes_and_ends_in_the_unit_gaussian():
    first, second, whole = noising(0.1, 0.4), noising(0.4, 1.0), noising(0.1, 1.0)
    assert first.pull * second.pull == pytest.approx(whole.pull.item(), rel=1e-6)
    assert second.pull**2 * first.variance + second.variance == pytest.approx(
        whole.variance.item(), rel=1e-5
    )
    assert noising(0.0, 20.0).variance == pytest.approx(1)


def test_rest_keeps_the_law_and_an_error_of_the_score_narrows_it():
    pull, spread = resting(0.3, 0.1, 0.7)
    v = variance(0.3, 0.1)
    assert pull**2 * v + spread == pytest.approx(v.item(), rel=1e-6)
    pull, spread = resting(0.3, 0.1, 0.7, error=0.25)
    assert spread / (1 - pull**2) == pytest.approx(v.item() / 1.25, rel=1e-5)


def test_what_is_spent_has_no_jump_at_rate_nought():
    assert spent(0.0, 1.5) == pytest.approx(1.5)
    assert spent(1e-5, 1.5) == pytest.approx(1.5, rel=1e-4)
    assert spent(-1.0, 1.0) == pytest.approx(np.e - 1)
