"""The thread that fills the phase diagram, asked as a hand on the dot asks it."""

import time

import numpy as np
import pytest

from app.map_worker import MapRequest, MapWorker, _identity_of
from engine.core.axes import default_axes
from engine.systems import gallery


@pytest.fixture
def worker():
    worker = MapWorker()
    worker.moving = False  # no run to give way to
    worker.start()
    yield worker
    worker.stop()


def shown(diagram):
    """How many cells were measured."""
    return 0 if diagram.measured is None else int(diagram.measured.measured.sum())


def test_a_dot_that_is_dragged_does_not_begin_its_map_again(worker):
    system = gallery()["kuramoto"](n=72)  # a map that no other test fills

    def ask(coupling):
        moved = system.replace(coupling=coupling)
        worker.ask(MapRequest(moved, *default_axes(system), "order", "coupling"))

    def watched(seconds):
        seen, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            if (diagram := worker.take()) is not None:
                seen.append(shown(diagram))
            time.sleep(0.002)
        return seen

    ask(2.0)
    first = []
    while not any(first):
        first = watched(0.05)
    seen = [max(first)]
    for k in range(50):
        ask(2.0 + 0.01 * k)
        seen += watched(0.01)
    end = time.perf_counter() + 60
    while seen[-1] == seen[0] and time.perf_counter() < end:  # it waits for the hand to rest
        seen += watched(0.1)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_a_map_opens_with_a_picture_before_theory(worker, monkeypatch):
    system = gallery()["kuramoto"](n=80)  # a map that is not on disk yet
    seen = []
    monkeypatch.setattr(worker, "_show", seen.append)
    worker.ask(MapRequest(system, *default_axes(system), "order", "coupling"))
    end = time.perf_counter() + 120
    while not (seen and seen[-1].theory) and time.perf_counter() < end:
        time.sleep(0.01)
    first, last = seen[0], seen[-1]
    assert first.measured is not None
    assert not first.measured.measured.any()
    assert not first.curve_x.size
    assert np.isfinite(last.measured.mean).all()
    assert last.lines


def test_a_map_stays_the_same_when_a_list_of_its_run_grows():
    system = gallery()["active-matter"](slots=16)

    def told(system):
        return _identity_of(MapRequest(system, *default_axes(system), "clumping", "persistence"))

    assert told(system.replace(slots=64)) == told(system)
    assert told(system.replace(trap=0.5)) != told(system)


def test_a_glance_begins_in_the_room_that_the_run_was_warmed_in(worker, monkeypatch):
    from engine.core import glances

    begun, blank = [], gallery()["active-matter"](n=64, slots=16)

    def glance(system, *_, **__):
        begun.append(system)
        return iter(())

    monkeypatch.setattr(glances, "glance", glance)
    monkeypatch.setattr(worker, "_filled", lambda *_: iter(()))
    # The run has grown, its map is another one; and then another run, which began with more.
    for system in (blank, blank.replace(slots=32, trap=0.5), blank.replace(n=65, slots=32)):
        wanted, end = (system.n, float(system.trap)), time.perf_counter() + 60
        worker.ask(MapRequest(system, *default_axes(system), "clumping", "persistence"))
        # Not any other: the map before may be glanced at once more when theory is there.
        while wanted not in [(seen.n, float(seen.trap)) for seen in begun]:
            assert time.perf_counter() < end
            time.sleep(0.01)
    assert [system.slots for system in begun if system.n == 64] == [16] * (len(begun) - 1)
    assert float(begun[-2].trap) == 0.5
    assert begun[-1].slots == 32
