"""Learning as a part of a system: replayed, paused, rewound, dragged."""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import simulation
from engine.core.layers import Curve
from engine.core.simulation import Simulation
from engine.numerics.training import ROWS, History, Learned, Training, adam, drawn_at_once, longer


def build(key):
    return eqx.nn.MLP(1, 1, 16, 2, activation=jax.nn.tanh, key=key)


def loss(network, key):
    x = jax.random.uniform(key, (64, 1), minval=-1, maxval=1)
    return jnp.mean((jax.vmap(network)(x) - jnp.sin(3 * x)) ** 2)


TRAINING = Training(build, loss, adam(1e-2, decay=1000))
on = jax.jit(TRAINING.on)


@pytest.fixture(scope="module")
def untrained():
    return jax.jit(TRAINING.begin)(jax.random.key(0))


def test_it_learns_and_counts_its_steps(untrained):
    learned = on(untrained, jax.random.key(1), 500)
    assert learned.steps == 500
    assert untrained.loss > 0.1  # it begins with the loss of a network that knows nothing
    # Knowing only the mean leaves the variance of the labels, 0.5; the best straight line, 0.2.
    assert learned.loss < 1e-3
    network = TRAINING.network(learned)
    assert network(jnp.array([0.5])) == pytest.approx(math.sin(1.5), abs=0.1)


def test_the_state_is_arrays_alone_and_the_network_is_whole_again(untrained):
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(untrained))
    network = TRAINING.network(untrained)
    assert network.activation is not None
    assert jax.tree.structure(network) == jax.tree.structure(build(jax.random.key(0)))


def test_weights_of_one_draw_are_spread_as_those_of_many(untrained):
    network = drawn_at_once(build, jax.random.key(0))
    assert jax.tree.structure(network) == jax.tree.structure(TRAINING.network(untrained))
    middle = network.layers[1]  # of 16 inputs: uniform within ±1/4, of a deviation of 1/√(3·16)
    assert jnp.max(jnp.abs(middle.weight)) <= 0.25
    # 256 numbers: four standard errors of their deviation are 4 · 0.45/√256 = 11 % of it.
    assert jnp.std(middle.weight) == pytest.approx(1 / math.sqrt(48), rel=0.11)
    assert not middle.bias.any()
    biased = drawn_at_once(build, jax.random.key(0), biases=True).layers[1]
    assert jnp.max(jnp.abs(biased.bias)) <= 0.25
    assert jnp.std(biased.bias) > 0.08  # sixteen of them: 1/√48 within 45 %


def test_a_pause_changes_nothing(untrained):
    paused = on(untrained, jax.random.key(1), 0)
    for one, other in zip(jax.tree.leaves(paused), jax.tree.leaves(untrained), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_rate_that_is_dragged_does_not_recompile(untrained):
    @jax.jit
    def step(learned, rate):
        return Training(build, loss, adam(rate)).on(learned, jax.random.key(0), 3)

    still = step(untrained._replace(memory=TRAINING.optimiser.init(untrained.weights)), 0.0)
    np.testing.assert_array_equal(
        jax.tree.leaves(still.weights)[0], jax.tree.leaves(untrained.weights)[0]
    )
    step(untrained, 1e-2)
    assert step._cache_size() == 1


def test_a_history_keeps_the_whole_past_in_longer_averages():
    empty = History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
    values = jnp.arange(float(3 * ROWS))
    history, _ = jax.lax.scan(lambda h, v: (longer(h, v), None), empty, values)
    assert history.length == 4
    steps, mean = history.curve()
    known = np.isfinite(mean)
    assert known.sum() == 3 * ROWS // 4
    # Of the numbers 0, 1, 2, ... an average of four is the middle of its own steps.
    np.testing.assert_allclose(mean[known], steps[known] - 0.5)


def test_half_of_the_steps_twice_are_all_of_them_within_a_simulation():
    from engine.core.about import Equation
    from engine.core.parameters import Scalar, live
    from engine.core.system import System

    class State(NamedTuple):
        learned: Learned

    class Student(System[State]):
        """A student of the sine"""

        sources = ()
        equations = (Equation("y=\\sin 3x"),)
        pace: Scalar = live(default=2.0, span=(0, 8), symbol="k", help="steps", limits=(0, 100))

        def init(self, key):
            return State(TRAINING.begin(key))

        def step(self, state, key):
            return State(TRAINING.on(state.learned, key, self.pace))

        def observables(self, state):
            return {"loss": state.learned.loss}

        def frame(self, state):
            return {"loss": (Curve(*state.learned.history.curve(), "measured"),)}

    once, twice = Simulation(Student(), seed=3).run(6), Simulation(Student(), seed=3).run(2)
    there = twice.snapshot()
    assert once.observables == twice.run(4).observables
    assert once.observables == twice.restore(there).run(4).observables
    compiled = simulation.advance._cache_size()
    before = twice.observables["loss"]
    assert twice.set(pace=0.0).run(5).observables["loss"] == before
    assert twice.set(pace=5.0).run(5).observables["loss"] < before
    assert simulation.advance._cache_size() == compiled
    assert twice.restart().observables["loss"] == Simulation(Student(), seed=3).observables["loss"]
