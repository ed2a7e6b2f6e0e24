"""The course of noise time: so many steps down, a rest, and up again."""

from functools import partial

import jax
import numpy as np
import pytest

from engine.numerics.noise_time import begun, onward


EARLIEST, LATEST, PAUSE = 4.0, 1e-3, 5


@partial(jax.jit, static_argnames=("flow", "count"))
def times(flow, moment, count):
    def step(course, _):
        course = onward(
            course,
            flow,
            earliest=EARLIEST,
            latest=LATEST,
            moment=moment,
            steps=20.0,
            pause=PAUSE,
        )
        return course, course.time

    return jax.lax.scan(step, begun(EARLIEST), length=count)[1]


def test_it_arrives_after_as_many_steps_as_were_asked_for_in_equal_shares():
    seen = np.asarray(times("once", 1.0, 25))
    assert seen[18] > LATEST
    np.testing.assert_array_equal(seen[19:], np.float32(LATEST))
    np.testing.assert_allclose(seen[1:19] / seen[:18], (LATEST / EARLIEST) ** (1 / 20), rtol=1e-5)


def test_a_finished_cloud_is_shown_dissolves_twice_as_fast_and_comes_again():
    seen = np.asarray(times("again", 1.0, 50))
    shown = np.flatnonzero(seen == np.float32(LATEST))
    assert len(shown) == PAUSE
    up = seen[shown[-1] : shown[-1] + 11]
    assert np.all(np.diff(up) > 0)
    assert up[-1] == EARLIEST  # ten steps for twenty down
    assert np.all(np.diff(seen[shown[-1] + 11 : 50]) < 0)


@pytest.mark.parametrize("moment", [0.01, 0.5])
def test_a_moment_is_gone_to_and_held(moment):
    seen = np.asarray(times("hold", moment, 12))
    assert seen[-1] == pytest.approx(moment)
    assert seen[-2] == seen[-1]
