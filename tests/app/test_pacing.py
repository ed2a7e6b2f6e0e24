"""How many steps fit into a call that costs time by itself."""

import numpy as np
import pytest

from app.pacing import Pacing


CHUNK, BUDGET = 0.010, 0.024  # s


def after(calls, *, call, step, most=1000, scatter=0.0, seed=0):
    """Steps of the last of so many calls, each of which takes what it must and some noise."""
    pacing, noise = Pacing(), np.random.default_rng(seed)
    steps = []
    for _ in range(calls):
        steps.append(min(most, pacing.steps(CHUNK, BUDGET)))
        pacing.learn(steps[-1], (call + step * steps[-1]) * (1 + scatter * noise.normal()))
    return steps


def test_the_first_call_takes_a_single_step():
    assert Pacing().steps(CHUNK, BUDGET) == 1


def test_cheap_steps_fill_the_time_that_a_call_leaves():
    assert after(200, call=0.002, step=0.0001)[-1] == pytest.approx(80, abs=10)


def test_a_call_that_takes_longer_than_its_time_still_takes_many_cheap_steps():
    """Divided among its steps a first call of 17 ms looks like steps of which none fit."""
    assert np.median(after(200, call=0.016, step=0.001, scatter=0.2)[50:]) >= 4


def test_steps_longer_than_a_frame_are_taken_one_by_one():
    assert set(after(50, call=0.002, step=0.05)) == {1}


def test_what_a_step_costs_is_tried_by_a_step_more_now_and_then():
    steps = after(200, call=0.0, step=0.012, most=4)
    assert max(steps) == 2
    assert np.mean(steps) < 1.2


def test_it_follows_when_steps_become_dear():
    pacing = Pacing()
    for _ in range(100):
        n = pacing.steps(CHUNK, BUDGET)
        pacing.learn(n, 0.001 + 0.0001 * n)
    many = pacing.steps(CHUNK, BUDGET)
    for _ in range(100):
        n = pacing.steps(CHUNK, BUDGET)
        pacing.learn(n, 0.001 + 0.005 * n)
    assert many > 60
    assert pacing.steps(CHUNK, BUDGET) <= 3


def test_a_call_is_expected_to_take_what_it_took():
    pacing = Pacing()
    assert pacing.expected(3) == 0
    for n in (1, 2, 3, 4):
        pacing.learn(n, 0.01 + 0.002 * n)
    assert pacing.expected(10) == pytest.approx(0.03)
