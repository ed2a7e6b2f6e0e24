"""Learned flows: what tears and what does not, and solvers that find their way back."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.systems.diffusion.neural_ode_cloud import (
    EDGE,
    SOLVERS,
    NeuralOdeCloud,
    log_density,
    plane,
    there_and_back,
)


def pendulum(t, y, _):
    return jnp.stack([y[1], -jnp.sin(y[0])])


@pytest.fixture(scope="module")
def missed():
    """How far 50, 100, 200 and 400 steps of a solver miss at most, by its name.

    The pendulum from (1, 0) to T = 5, against a solve of fifth order with 4000 steps.
    """
    with jax.enable_x64(True):
        begun = jnp.array([1.0, 0.0])

        def solved(solver, n):
            times = jnp.linspace(0.0, 5.0, 51)  # nodes of every number of steps
            return diffrax.diffeqsolve(
                diffrax.ODETerm(pendulum),
                SOLVERS[solver],
                0.0,
                5.0,
                5.0 / n,
                begun,
                saveat=diffrax.SaveAt(ts=times),
                max_steps=8192,
            ).ys

        exact = solved("Tsitouras", 4000)
        return {
            solver: [
                float(jnp.max(jnp.linalg.norm(solved(solver, n) - exact, axis=1)))
                for n in (50, 100, 200, 400)
            ]
            for solver in ("reversible Heun", "RK4")
        }


def test_reversible_heun_is_of_second_order(missed):
    errors = missed["reversible Heun"]
    # Spec: 5.66e-3, 1.41e-3, 3.53e-4, 8.8e-5, over all nodes; here over every n/50th of them.
    np.testing.assert_allclose(errors, [5.66e-3, 1.41e-3, 3.53e-4, 8.8e-5], rtol=0.05)
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4, rtol=0.02)


def test_the_classical_runge_kutta_method_is_of_fourth_order(missed):
    errors = missed["RK4"]
    # Found: 15.82, 15.91, 15.95: what the next order adds halves with the step, as it must.
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 16, rtol=0.02)


@pytest.mark.parametrize(("double", "least"), [(True, 1e-12), (False, 1e-4)])
def test_reversible_heun_goes_back_exactly_and_others_do_not(double, least):
    with jax.enable_x64(double):
        begun = jnp.array([1.0, 0.0])
        term = diffrax.ODETerm(pendulum)
        _, back = there_and_back(term, "reversible Heun", begun, None, 0.05, 5.0)
        assert jnp.max(jnp.abs(back - begun)) < least  # of the spec
        _, lost = there_and_back(term, "midpoint", begun, None, 0.05, 5.0)
        assert jnp.max(jnp.abs(lost - begun)) > 1e-4  # of third order in the step, there and back


stepped, measured = jax.jit(NeuralOdeCloud.step), jax.jit(NeuralOdeCloud.observables)


@pytest.fixture(scope="module")
def annuli():
    """600 optimiser steps, in the plane and lifted off it."""

    def learnt(dimensions):
        system = NeuralOdeCloud(n=128, dimensions=dimensions)
        begun = jax.jit(system.init)(jax.random.key(0))
        return system, stepped(system.replace(pace=600), begun, jax.random.key(1))

    return [learnt(dimensions) for dimensions in (2, 3)]


def test_a_dimension_more_lets_the_ring_lift_off(annuli):
    flat, lifted = (measured(system, state) for system, state in annuli)
    # Spec: 0.010 and 1.3e-4, at least five times less. How far the plane gets in 600 steps varies
    # from seed to seed; it begins at ln 2 = 0.69.
    assert lifted["loss"] < flat["loss"] / 5
    assert flat["loss"] < 0.3
    assert flat["accuracy"] > 0.9
    assert lifted["accuracy"] > 0.99


def test_the_accuracy_is_no_error_of_the_solver(annuli):
    """Four times as many steps carry the points to the same side.

    Of eight pairs of seeds in the plane, five came out the same, two off by 1 of 128 points, and
    this one by 5: 20 steps do carry a few across where the plane cannot. Lifted, all were right.
    """
    for (system, state), most in zip(annuli, (0.06, 0.0), strict=True):
        before = measured(system, state)["accuracy"].item()
        fine = stepped(system.replace(pace=0, steps=80), state, jax.random.key(2))
        assert measured(system, fine)["accuracy"] == pytest.approx(before, abs=most)
        miss = jax.jit(lambda state, system=system: system.returns(state)[1].y)(fine)
        # The midpoint rule is of second order: sixteen times the steps, 256 times nearer, or more.
        assert miss[-1] < miss[0] / 100


def test_the_density_of_a_flow_has_a_mass_of_one():
    system = NeuralOdeCloud(task="density", dataset="moons", n=128, batch=128)
    training = system.training()
    learnt = jax.jit(lambda key: training.on(training.begin(key, before=0.0), key, 200))
    learned = learnt(jax.random.key(0))
    network = training.network(learned)
    cells = 96
    end = jax.jit(lambda x: system.carried(network, x))(2 * plane(cells))  # over twice the box
    mass = jnp.sum(jnp.exp(log_density(end))) * (4 * EDGE / cells) ** 2
    assert mass == pytest.approx(1, abs=0.01)  # of the spec
    # It learns: −⟨ln p⟩ of a standard normal is ln 2π + 1 = 2.84 for data of unit variance.
    assert learned.loss < 2.6


def test_the_squeeze_is_the_divergence_along_the_path():
    """By the Jacobian of the whole flow, of a network that is still gentle."""
    system = NeuralOdeCloud(n=128)
    state = jax.jit(system.init)(jax.random.key(0))
    network = system.training().network(state.learned)
    x = state.x[:4]
    whole = jax.vmap(jax.jacfwd(lambda x: system.carried(network, x[None]).x[0]))(x)
    exact = np.log(np.abs(np.linalg.det(whole)))
    found = jax.vmap(lambda x: system.volume(network, x))(x)
    # 20 steps of the midpoint rule, of second order: some 1/400 of a logarithm below one.
    np.testing.assert_allclose(found, exact, atol=0.01)


def test_what_is_compiled_of_a_solve_can_be_kept(key):
    """JAX keeps no program that calls Python, as a check that raises does."""
    system = NeuralOdeCloud(n=64, width=8, batch=16)
    program = jax.make_jaxpr(lambda key: system.step(system.init(key), key))(key)
    assert "while" in str(program)
    assert "callback" not in str(program)
