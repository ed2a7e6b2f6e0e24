"""Costly pieces of painting go one after the other, and none waits for ever."""

import time

from app.views import plotting
from app.views.plotting import PATIENCE
from app.views.trace import TraceView


def test_a_plot_gives_way_to_what_was_just_painted(dark, shown, qtbot, monkeypatch):
    view = shown(TraceView(dark))
    qtbot.waitUntil(lambda: not view._stale, timeout=2000)
    free = []
    monkeypatch.setattr(plotting.turns, "free", lambda *_: bool(free))
    monkeypatch.setattr(plotting, "PATIENCE", 1e6)
    view.append(0.0, 0.5, 0.6)
    qtbot.wait(150)
    assert view._stale
    free.append(True)
    qtbot.waitUntil(lambda: not view._stale, timeout=2000)


def test_a_plot_is_drawn_though_its_turn_never_comes(dark, shown, qtbot, monkeypatch):
    view = shown(TraceView(dark))
    qtbot.waitUntil(lambda: not view._stale, timeout=2000)
    monkeypatch.setattr(plotting.turns, "free", lambda *_: False)
    asked = time.perf_counter()
    view.append(0.0, 0.5, 0.6)
    qtbot.waitUntil(lambda: not view._stale, timeout=5000)
    assert time.perf_counter() - asked > 0.9 * PATIENCE
