"""Two runs beside each other: the same noise, and each as it would be alone."""

import jax
import numpy as np
import pytest

from engine.core.pair import Pair
from engine.core.simulation import Simulation
from engine.systems.swarms.kuramoto import Kuramoto


def small(**values):
    return Kuramoto(**({"n": 64} | values))


def state(running):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(running.present)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(state(one), state(other), strict=True))


def test_the_second_begins_as_the_first_and_stays_so_until_it_is_changed():
    pair = Pair(Simulation(small(), seed=1).run(20)).run(50)
    assert same(*pair.rows)
    assert pair.parted() == (0.0, None)
    pair.set(1, coupling=5.0).run(300)
    assert not same(*pair.rows)
    share, step = pair.parted()
    assert share > 0.5
    assert step == 370


def test_each_runs_as_it_would_alone():
    pair = Pair(Simulation(small(), seed=1).run(20)).set(1, coupling=5.0).run(40)
    pair.set(0, noise=0.1).run(10)
    alone = Simulation(small(), seed=1).run(60).set(noise=0.1).run(10)
    assert same(pair.one, alone)
    assert same(pair.other, Simulation(small(), seed=1).run(20).set(coupling=5.0).run(50))


def test_what_lets_one_begin_anew_lets_both():
    pair = Pair(Simulation(small(), seed=1).run(20)).set(1, coupling=5.0).run(5)
    pair.set(1, coherence=1.0)
    assert (pair.one.tick, pair.other.tick) == (0, 0)
    assert (pair.one.system.coherence, pair.other.system.coherence) == (0.0, 1.0)
    pair.run(3).set(0, n=96)
    assert (pair.one.system.n, pair.other.system.n) == (96, 96)
    assert pair.other.system.coupling == 5.0
    pair.restart(seed=7).run(2)
    assert {row.seed for row in pair.rows} == {7}
    assert {row.tick for row in pair.rows} == {2}


def test_a_hand_acts_on_both_with_the_same_noise():
    pair = Pair(Simulation(small(), seed=1).run(20)).poke("scatter").run(5)
    assert same(*pair.rows)


@pytest.mark.parametrize("step", [25, 60, 5])
def test_the_second_follows_into_the_past(step):
    pair = Pair(Simulation(small(), seed=1).run(20)).set(1, coupling=5.0).run(40)
    pair.one.back_to(step)
    while not pair.follow(0.001):
        pass
    assert pair.other.step == step
    wanted = Simulation(small(), seed=1).run(min(step, 20))
    if step > 20:
        wanted.set(coupling=5.0).run(step - 20)
    assert same(pair.other, wanted)


def test_into_a_past_that_it_does_not_know_it_goes_as_a_copy():
    one = Simulation(small(), seed=1).run(20)
    one.back_to(10).restart(seed=5)
    one.run(30)
    pair = Pair(one).set(1, coupling=5.0).run(10)
    one.go_to(0)
    assert pair.follow()
    assert (pair.other.tick, pair.other.seed) == (one.tick, one.seed) == (20, 1)
    assert pair.other.system.coupling == 5.0
