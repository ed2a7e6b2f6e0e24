"""Paths: followed at constant speed; a first-order line leaves a loop, a second-order one none."""

import jax
import numpy as np
import pytest

from engine.core.axes import Axis
from engine.core.paths import Loop, Path, drive
from engine.core.simulation import Simulation
from engine.replaying import replay
from engine.storage.sessions import Session, from_text, to_text
from engine.systems.swarms.kuramoto import Kuramoto

from .magnets import CurieWeiss


T, H = Axis("temperature", 0.5, 1.5, 8), Axis("field", -0.6, 0.6, 8)
ACROSS = Path(T, H, [(0.7, -0.5), (0.7, 0.5)])  # the first-order line, below T_c
OVER = Path(T, H, [(0.7, 0.0), (1.3, 0.0)])  # the critical point


def test_a_path_is_followed_at_constant_speed():
    x, y = Axis("a", 0, 10, 5), Axis("b", 1, 100, 5, log=True)
    path = Path(x, y, [(0, 1), (10, 1), (10, 100)])
    assert path.length == pytest.approx(2)
    assert path.at(0.25) == pytest.approx({"a": 5, "b": 1})
    assert path.at(0.75) == pytest.approx({"a": 10, "b": 10})  # half of the way on a log axis
    assert path.at(-1) == path.at(0)
    assert path.at(2) == pytest.approx({"a": 10, "b": 100})
    assert Path(x, y, [(0, 1), (1, 100)]).main is y


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(0, 0)], "at least two points"),
        ([(0, 0), (np.nan, 0)], "finite points"),
        ([(1, 0), (1, 0)], "two different points"),
    ],
)
def test_what_is_no_path_is_refused(points, words):
    with pytest.raises(ValueError, match=words):
        Path(Axis("a", 0, 1, 2), Axis("b", 0, 1, 2), points)


def test_the_area_of_a_rectangle_is_that_of_the_rectangle():
    loop = Loop(Path(Axis("a", 0, 4, 2), Axis("b", 0, 1, 2), [(1, 0), (3, 0)]))
    assert np.isnan(loop.area)
    for share in np.linspace(0, 1, 200):
        loop.add(share, float(share > 0.75), back=False)
    assert np.isnan(loop.area)  # not back yet
    for share in np.linspace(1, 0, 200):
        loop.add(share, float(share > 0.25), back=True)
    assert loop.area == pytest.approx(1.0, abs=2 * 2 / 48)  # two edges, known to a bin


def test_across_a_first_order_line_the_loop_is_that_of_the_two_branches():
    magnet = CurieWeiss(temperature=0.7, field=-0.5, n=8192, rate=0.5)
    run = Simulation(magnet).run(200)  # it starts up, and the field turns it
    loop = drive(run, ACROSS, steps=4000, observable="magnetisation")
    # Between the spinodals ±h_sp the branches lie m₊(h) − m₋(h) apart, and the slow loop is that.
    m = np.sqrt(1 - 0.7)  # where dh/dm = 0 for h = T artanh m − m
    spinodal = abs(0.7 * np.arctanh(m) - m)
    h = np.linspace(-spinodal, spinodal, 400)
    upper = np.ones_like(h)
    for _ in range(5000):
        upper = np.tanh((upper + h) / 0.7)
    exact = np.sum((upper + upper[::-1]) / 2 * 2) * (h[1] - h[0])
    # The sweep is late by a relaxation time near each spinodal, h ~ speed^(2/3): 2·2·0.013.
    assert loop.area == pytest.approx(exact, abs=0.08)
    assert exact > 0.1


def test_across_a_second_order_line_the_loop_closes_as_the_speed_goes_down():
    magnet = CurieWeiss(temperature=0.7, n=16384, rate=0.5)
    fast, slow = (
        drive(Simulation(magnet).run(100), OVER, steps=steps).area for steps in (100, 4000)
    )
    assert slow < 0.35 * fast
    # What is left is noise: fluctuations of N^{-1/4} near T_c, over a tenth of the path.
    assert slow < 0.02


def test_a_run_along_a_path_is_replayed_to_the_last_bit():
    running = Simulation(Kuramoto(n=64, noise=0.2), seed=3).run(10)
    coupling, noise = Axis("coupling", 0, 6, 8), Axis("noise", 0, 1, 8)
    path = Path(coupling, noise, [(0.5, 0.1), (4.0, 0.3), (2.0, 0.6)])
    loop = drive(running, path, steps=60, stops=12)
    session = from_text(to_text(Session.of(running, state=False)))
    again = replay(session)
    assert again.step == running.step == 10 + 2 * 60
    assert jax.tree.all(
        jax.tree.map(
            lambda one, other: np.array_equal(np.asarray(one), np.asarray(other)),
            again.present,
            running.present,
        )
    )
    # On the way, too: just before the way back, the last value of the way there.
    before = again.timeline.at(10 + 60 - 1, 0)
    again.back_to(before).run(1)
    assert again.observables["order"] == loop.way(back=False)[1][-1]
