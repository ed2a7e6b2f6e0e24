"""What a view remembers of a swarm: paths by identity, velocities across edges, leaps."""

import numpy as np
import pytest

from app.views.past import LONGEST, MOMENTS, Past, index_of
from app.views.trails import strands
from engine.core.layers import Box, Points


BOX = Box(np.zeros(2), np.ones(2), periodic=True)


def swarm(place, identity=None):
    return Points(np.asarray(place, np.float32), identity=identity)


def test_velocity_is_displacement_over_time():
    past = Past()
    past.see(swarm([[0.1, 0.1], [0.5, 0.5]]), BOX, 1.0)
    assert past.velocity is None
    past.see(swarm([[0.2, 0.1], [0.5, 0.3]]), BOX, 1.5)
    # Positions are 32-bit numbers: 1e-7 of them, over half a unit of time.
    np.testing.assert_allclose(past.velocity[0], [[0.2, 0.0], [0.0, -0.4]], atol=1e-6)


def test_a_particle_that_leaves_a_periodic_box_does_not_fly_back_across_it():
    past = Past()
    past.see(swarm([[0.98, 0.5]]), BOX, 0.0)
    past.see(swarm([[0.03, 0.5]]), BOX, 1.0)
    np.testing.assert_allclose(past.velocity[0], [[0.05, 0.0]], atol=1e-6)
    made = strands(past.paths(panels=False), np.ones(2))
    assert np.abs(made.tip - made.tail).max() == pytest.approx(0.05, abs=1e-6)


def test_paths_stay_with_particles_that_are_reordered():
    past, rng = Past(), np.random.default_rng(0)
    true = rng.random((50, 2)).astype(np.float32)
    for step in range(10):
        true = true + np.float32(0.005)
        order = rng.permutation(50)
        past.see(swarm(true[order], order), None, float(step))
    path = past.paths(panels=False)
    # All move along the diagonal, at every moment by a multiple of the same step.
    moved = path[-1] - path[0]
    np.testing.assert_allclose(moved, 9 * 0.005, atol=1e-5)
    np.testing.assert_allclose(path[-1], true[past.followed], atol=1e-6)
    assert index_of(swarm(true[order], order), int(order[7])) == 7


def test_the_path_of_a_fast_one_ends_where_it_would_cover_the_others():
    past = Past()
    for moment in range(20):
        past.see(swarm([[0.02 * moment, 0.5], [0.001 * moment, 0.2]]), BOX, float(moment))
    fast, slow = np.swapaxes(past.paths(panels=False), 0, 1)
    there = np.isfinite(fast[:, 0])
    assert there[-1]
    assert LONGEST - 0.02 < np.ptp(fast[there, 0]) < LONGEST + 1e-6
    assert np.isfinite(slow).all()


def test_a_frame_of_the_same_time_is_none():
    past = Past()
    for _ in range(3):
        past.see(swarm([[0.1, 0.1]]), BOX, 1.0)
    assert past.velocity is None


@pytest.mark.parametrize("later", [0.5, 900.0])
def test_a_leap_on_the_timeline_begins_paths_anew(later):
    past = Past()
    for step in range(5):
        past.see(swarm([[0.1 * step, 0.1]]), None, 1.0 + step)
    past.see(swarm([[0.9, 0.9]]), None, later)
    assert past.velocity is None
    np.testing.assert_allclose(past.paths(panels=False)[:, 0], [[0.9, 0.9]] * 2)


def test_a_path_is_as_long_as_it_may_be_however_slow_the_swarm_is():
    past = Past()
    for step in range(2000):
        past.see(swarm([[1e-4 * step % 1, 0.5]]), BOX, float(step))
    path = past.paths(panels=False)
    assert len(path) <= MOMENTS + 1
    moved = np.abs(path[1:-1, 0, 0] - path[:-2, 0, 0])
    # Places are as far apart as STRIDE says, or one frame farther: here 0.003 to 0.0031 of 1.
    assert moved.min() > 0.00299
    assert moved.max() < 0.00312


def test_of_a_particle_that_is_followed_from_now_on_the_earlier_path_is_a_gap():
    past = Past(followed=4)
    rng = np.random.default_rng(0)
    for step in range(3):
        past.see(swarm(rng.random((100, 2))), None, float(step))
    past.also(17)
    assert 17 in past.followed
    past.see(swarm(rng.random((100, 2))), None, 3.0)
    slot = list(past.followed).index(17)
    path = past.paths(panels=False)[:, slot]
    assert np.isnan(path[0]).all()
    assert np.isfinite(path[-1]).all()
