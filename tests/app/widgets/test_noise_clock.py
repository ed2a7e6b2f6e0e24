"""The diffusion clock: where times lie on it, and what the hand does with them."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app.theme.theme import Theme
from app.widgets.noise_clock import NoiseClock
from engine.core.layers import Clock


SPAN = (1e-3, 10.0)


@pytest.fixture
def clock(qtbot):
    made = NoiseClock(Theme("dark"))
    qtbot.addWidget(made)
    made.resize(600, 54)
    layer = Clock(
        np.float32(0.1),
        np.bool_(True),
        {"speciation": np.float32(1.0), "collapse": np.float32(math.nan)},
        span=SPAN,
        turn="turn_back",
    )
    made.show_clock(layer, seekable=True)
    made.show()
    qtbot.waitExposed(made)
    return made


def centre(clock, time):
    return QPoint(round(clock.scale.place(time)), clock.scale.height() // 2)


def test_equal_ratios_of_time_are_equal_lengths(clock):
    places = [clock.scale.place(t) for t in (1e-3, 1e-1, 10.0)]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    assert clock.scale.time_at(clock.scale.place(0.3)) == pytest.approx(0.3)


def test_it_tells_the_time_and_the_way(clock):
    assert clock._time.text() == "t = 0.1"
    assert clock._way.text() == "to data"


def test_theory_that_is_silent_has_no_mark(clock):
    assert [name for name, _ in clock.scale._marks] == ["speciation"]


def test_a_hand_that_is_down_asks_again_and_again_and_the_run_rests(clock, qtbot):
    times, rests = [], []
    clock.sought.connect(times.append)
    clock.held.connect(rests.append)
    qtbot.mousePress(clock.scale, Qt.MouseButton.LeftButton, pos=centre(clock, 1.0))
    qtbot.waitUntil(lambda: len(times) > 3, timeout=2000)
    assert rests == [True]
    qtbot.mouseMove(clock.scale, centre(clock, 0.01))
    qtbot.mouseRelease(clock.scale, Qt.MouseButton.LeftButton, pos=centre(clock, 0.01))
    assert rests == [True, False]
    # A pixel of 560 for four powers of ten.
    assert times[0] == pytest.approx(1.0, rel=0.03)
    assert times[-1] == pytest.approx(0.01, rel=0.03)


def test_a_clock_that_is_hidden_lets_the_run_go_on(clock, qtbot):
    rests = []
    clock.held.connect(rests.append)
    qtbot.mousePress(clock.scale, Qt.MouseButton.LeftButton, pos=centre(clock, 1.0))
    clock.hide()
    assert rests == [True, False]


def test_without_a_poke_it_only_tells(clock, qtbot):
    layer = Clock(np.float32(0.2), np.bool_(False), span=SPAN)
    clock.show_clock(layer, seekable=False)
    times = []
    clock.sought.connect(times.append)
    qtbot.mouseClick(clock.scale, Qt.MouseButton.LeftButton, pos=centre(clock, 1.0))
    assert not times
    assert not clock.turn.isVisible()
    assert clock._way.text() == "to noise"


def test_keys_move_it_by_small_shares(clock, qtbot):
    times = []
    clock.sought.connect(times.append)
    qtbot.keyClick(clock.scale, Qt.Key.Key_Right)
    assert times == [pytest.approx(0.1 * 1e4**0.02)]


def test_the_turn_names_its_poke(clock, qtbot):
    asked = []
    clock.turn_asked.connect(asked.append)
    qtbot.mouseClick(clock.turn, Qt.MouseButton.LeftButton)
    assert asked == ["turn_back"]
