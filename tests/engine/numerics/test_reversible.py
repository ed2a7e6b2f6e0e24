"""A solver that goes back: against a library's, against itself, and against memory."""

import diffrax
import jax
import jax.numpy as jnp
import lineax
import numpy as np
import pytest

from engine.numerics.reversible import Pair, gradient_by_return, heun, solved, undone


STEPS = 20


def fields(weights, t, y):
    return jnp.sin(weights[0] * y) + t, weights[1] * (1 + y**2) ** 0.5


def problem(dtype):
    y = jnp.linspace(-1, 1, 5, dtype=dtype)
    noise = jax.random.normal(jax.random.key(0), (STEPS, 5), dtype) / STEPS**0.5
    return jnp.array([1.5, 0.7], dtype), y, noise


def test_it_is_the_method_of_a_library():
    """diffrax's reversible Heun, over a Brownian path that is straight between our nodes."""
    with jax.enable_x64(True):
        weights, y, noise = problem(jnp.float64)
        ours, _ = solved(fields, weights, Pair(y, y), noise)
        way = jnp.concatenate([jnp.zeros((1, 5)), jnp.cumsum(noise, axis=0)])
        nodes = jnp.linspace(0, 1, STEPS + 1)
        brownian = diffrax.LinearInterpolation(nodes, way)
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda t, y, w: fields(w, t, y)[0]),
            diffrax.ControlTerm(
                lambda t, y, w: lineax.DiagonalLinearOperator(fields(w, t, y)[1]), brownian
            ),
        )
        theirs = diffrax.diffeqsolve(
            terms,
            diffrax.ReversibleHeun(),
            0.0,
            1.0,
            1 / STEPS,
            y,
            weights,
            saveat=diffrax.SaveAt(ts=nodes),
        ).ys
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)  # rounding


@pytest.mark.parametrize(("double", "least"), [(True, 1e-12), (False, 1e-4)])  # of the spec
def test_it_goes_back_along_its_own_noise(double, least):
    with jax.enable_x64(double):
        weights, y, noise = problem(jnp.float64 if double else jnp.float32)
        path, end = solved(fields, weights, Pair(y, y), noise)
        again, begun = undone(fields, weights, end, noise)
        assert jnp.max(jnp.abs(again - path)) < least
        assert jnp.max(jnp.abs(begun.twin - y)) < least


def test_the_gradient_found_by_going_back_is_the_gradient():
    with jax.enable_x64(True):
        weights, y, noise = problem(jnp.float64)

        def loss(solve):
            return lambda weights, y: jnp.sum(jnp.cos(solve(weights, y)) ** 2)

        by_return = loss(lambda w, y: gradient_by_return(fields, w, y, noise))
        by_memory = loss(lambda w, y: solved(fields, w, Pair(y, y), noise)[0])
        for ours, plain in zip(
            jax.grad(by_return, (0, 1))(weights, y),
            jax.grad(by_memory, (0, 1))(weights, y),
            strict=True,
        ):
            np.testing.assert_allclose(ours, plain, rtol=1e-10)  # rounding


def test_a_gradient_by_return_remembers_no_step():
    """What is kept for the way back does not grow with the steps; of a plain solve it does."""

    def kept(solve, steps):
        y, noise = jnp.zeros(8), jnp.zeros((steps, 8))
        _, pull = jax.vjp(lambda w: solve(w, y, noise), jnp.ones(2))
        return sum(leaf.size for leaf in jax.tree.leaves(pull)) - noise.size  # that is given

    def by_return(w, y, noise):
        return gradient_by_return(fields, w, y, noise)[-1]

    def by_memory(w, y, noise):
        return solved(fields, w, Pair(y, y), noise)[1].y

    assert kept(by_return, 320) == kept(by_return, 20)
    assert kept(by_memory, 320) > 10 * kept(by_memory, 20)


@pytest.mark.parametrize("solve", [heun, lambda *a: solved(*a[:2], Pair(a[2], a[2]), a[3])[0]])
def test_noise_is_that_of_stratonovich(solve):
    """dX = σX ∘ dW is X(0) e^{σW}, path by path; Ito's would be smaller by e^{−σ²t/2}."""
    noise = jax.random.normal(jax.random.key(1), (256, 1000)) / 16
    sigma = 0.5
    path = solve(lambda w, t, y: (0 * y, sigma * y), None, jnp.ones(1000), noise)
    exact = jnp.exp(sigma * jnp.sum(noise, axis=0))
    # One noise, so of strong order 1: each step misses by (σΔW)³/6 or so, of random sign.
    np.testing.assert_allclose(path[-1], exact, rtol=4 * 16 * (sigma / 16) ** 3)
