"""Value as a martingale: learners come to where their equations lead, under any sliders."""

import numpy as np
import pytest

from engine.core.simulation import Simulation
from engine.systems.swarms.value_martingale import ValueMartingale


SMALL = ValueMartingale(n=1000, steps=20, rate=2.0)


def test_three_ways_lead_to_the_value_and_one_away():
    running = Simulation(SMALL, seed=1).run(200)
    measured, exact = running.measure(200).estimates, running.theory()
    # θ₁ of the least TD error relaxes within 1/(η Δt) = 10 batches; a batch errs by some per cent.
    assert measured["bend"].mean == pytest.approx(exact["bend"], rel=0.02)
    assert measured["gap"].mean == pytest.approx(exact["gap"], rel=0.03)
    for name in ("martingale", "orthogonal", "traced"):
        assert measured[name].mean < 0.1 * measured["gap"].mean


def test_wilder_paths_are_worth_more_by_the_square():
    one, two = (SMALL.replace(volatility=s) for s in (1.0, 2.0))
    assert two.theory()["gap"] == pytest.approx(4 * float(one.theory()["gap"]), rel=1e-5)
    np.testing.assert_allclose(two.truth, [4, 0])
    # A drag: what was learnt stays, and is wrong until it is learnt anew.
    running = Simulation(one).run(100)
    assert running.set(volatility=2.0).run(1).observables["martingale"] > 0.2
    assert running.run(100).observables["martingale"] < 0.2


def test_a_bundle_spreads_as_its_law():
    running = Simulation(SMALL.replace(pull=2.0)).run(1)
    paths = np.asarray(running.system.walk.paths(running._key, 20_000))
    t = np.arange(21) / 20
    # Variances of 20 000 paths: √(2/20 000) = 1 %, four times.
    np.testing.assert_allclose(paths.var(axis=1), (1 - np.exp(-4 * t)) / 4, rtol=0.04, atol=1e-6)


def test_learning_begins_anew_on_demand():
    running = Simulation(SMALL).run(10)
    assert running.present.state.theta.any()
    fresh = running.poke("forget").present.state
    assert not fresh.theta.any()
    assert (np.asarray(fresh.course.filled) == 0).all()
