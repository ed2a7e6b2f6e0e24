"""The thread that fills the phase diagram, asked as a hand on the dot asks it."""

import time

import numpy as np
import pytest

from app.map_worker import MapRequest, MapWorker
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
    """How many cells have a value."""
    measured = diagram.measured
    return 0 if measured is None else int(np.isfinite(measured.mean).sum())


def test_a_dot_that_is_dragged_does_not_begin_its_map_again(worker):
    system = gallery()["kuramoto"](n=64)

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
    seen += watched(2.0)  # longer than the worker waits for the hand to rest
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
