"""States that are kept: within their budget, dense where the past is recent."""

import jax
import numpy as np
import pytest

from engine.core.checkpoints import Checkpoints, Clock, Snapshot
from engine.core.simulation import Simulation
from engine.core.stepping import begin
from engine.core.timeline import Position, Timeline
from engine.systems.swarms.kuramoto import Kuramoto


SYSTEM = Kuramoto(n=64)
RUN = begin(SYSTEM, jax.random.key(0))
SIZE = sum(leaf.nbytes for leaf in jax.tree.leaves(RUN))


@pytest.fixture
def timeline():
    timeline = Timeline(SYSTEM, 0)
    timeline.reach(Position(0, 10**6, 0))
    return timeline


def kept(timeline, step, branch=0):
    return Snapshot(SYSTEM, RUN, 0, Clock(0.0, 0), timeline, Position(branch, step, 0))


def filled(timeline, checkpoints, count, stride=100):
    for k in range(1, count + 1):
        checkpoints.keep(lambda k=k: kept(timeline, stride * k))
    return sorted(snapshot.position.step for snapshot in checkpoints._kept)


def test_they_stay_within_their_budget_and_say_what_they_take(timeline):
    checkpoints = Checkpoints(20 * SIZE)
    filled(timeline, checkpoints, 200)
    assert len(checkpoints) == 20
    assert checkpoints.bytes == 20 * SIZE == sum(s.size for s in checkpoints._kept)
    checkpoints.budget = 5 * SIZE
    checkpoints.trim()
    assert (len(checkpoints), checkpoints.bytes) == (5, 5 * SIZE)


def test_the_recent_past_is_dense_and_the_far_one_sparse(timeline):
    count, room = 4000, 60
    steps = filled(timeline, Checkpoints(room * SIZE), count)
    gaps, ages = np.diff([0, *steps]), 100 * count - np.array([0, *steps[:-1]])
    # Nowhere is more to be run again than a share of the way back: with gaps in proportion to
    # their age, 60 of them span a factor (1 − q)⁻⁶⁰ of 4000, so q = 0.13; and the ring, which
    # never adds what it dropped, is at most a few times as coarse in places.
    recent = ages > 200
    assert (gaps[recent] / ages[recent]).max() < 4 * 0.13
    assert gaps[-8:].max() <= 400
    assert gaps[:8].max() > 4000


def test_the_newest_one_stays_however_large_it_is(timeline):
    checkpoints = Checkpoints(0)
    assert filled(timeline, checkpoints, 5) == [500]


def test_the_nearest_one_lies_on_the_way(timeline):
    checkpoints = Checkpoints(100 * SIZE)
    filled(timeline, checkpoints, 10)
    aside = timeline.fork(Position(0, 450, 0))
    timeline.reach(aside._replace(step=900))
    checkpoints.keep(lambda: kept(timeline, 800, aside.branch))
    assert checkpoints.nearest(Position(0, 1000, 0)).position.step == 1000
    assert checkpoints.nearest(Position(0, 999, 0)).position.step == 900
    assert checkpoints.nearest(Position(aside.branch, 790, 0)).position == Position(0, 400, 0)
    assert checkpoints.nearest(Position(aside.branch, 900, 0)).position.step == 800
    assert checkpoints.nearest(Position(0, 50, 0)) is None


def test_a_place_is_kept_once(timeline):
    checkpoints = Checkpoints(100 * SIZE)
    for _ in range(3):
        checkpoints.keep(lambda: kept(timeline, 7))
    assert len(checkpoints) == 1


def test_older_ones_leave_the_device_and_serve_as_well():
    running = Simulation(SYSTEM, seed=1)
    running.checkpoints = Checkpoints(100 * SIZE, on_device=3 * SIZE)
    for _ in range(10):
        running.run(10).checkpoints.keep(running.snapshot)
    on_host = [isinstance(s.run.state.phase, np.ndarray) for s in running.checkpoints._kept]
    assert on_host == [True] * 7 + [False] * 3
    then = np.asarray(running.back_to(20).present.state.phase)
    assert np.array_equal(then, Simulation(SYSTEM, seed=1).run(20).present.state.phase)


def test_a_run_keeps_them_by_itself_and_no_more_often_than_they_cost():
    running = Simulation(SYSTEM, seed=1)
    running.checkpoints.every = 0.001
    for _ in range(50):
        running.run(400)
    assert len(running.checkpoints) > 0
    # A hundredth of the time is for keeping: a copy that takes 1 ms is taken every 100 ms.
    assert running.checkpoints.interval >= 100 * running.checkpoints._cost
