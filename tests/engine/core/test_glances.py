"""The first picture of a phase diagram: at once, of a few cells, from the run's own programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import glances
from engine.core.axes import Axis
from engine.core.glances import glance
from engine.core.maps import fill
from engine.core.simulation import Simulation

from .libraries import Library
from .magnets import CurieWeiss
from .test_maps import TRAP, Fuse, Trap, X, Y


def last(*args, **settings):
    *_, found = glance(*args, **settings)
    return found


def told(begin, step, look=0.0):
    """What a cell costs, without a clock."""
    return lambda system, _: (glances.Cost(begin, step, look), Simulation(system))


@pytest.fixture
def quick(monkeypatch):
    """A machine on which nothing takes time."""
    monkeypatch.setattr(glances, "_timed", told(0.0, 1e-9))


@pytest.mark.usefixtures("quick")
def test_a_glance_shows_a_map_without_holes_and_counts_as_nothing():
    seen = last(TRAP.replace(heat=0.0), X, Y, "place", steps=60, seconds=60)
    assert seen.mean.shape == (12, 16)
    assert not seen.measured.any()
    assert np.isnan(seen.error).all()  # a few steps of one run tell none
    # Of 8 by 8 cells, each of which stands for its surroundings; without noise all is exact.
    assert len(np.unique(seen.mean[:, 0])) == 8
    np.testing.assert_allclose(seen.mean[[0, -1], 3], [-1, 1], atol=1e-5)


def test_nothing_is_compiled_for_a_glance_beside_a_run():
    run = Simulation(CurieWeiss(n=64)).run(1)
    run.look()
    compiled = []

    def hear(event, duration_secs, **about):
        if "compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(hear)
    x, y = Axis("temperature", 0.5, 1.5, 16), Axis("field", -0.5, 0.5, 16)
    seen = last(CurieWeiss(n=64), x, y, "order", steps=8)
    jax.monitoring.clear_event_listeners()
    assert compiled == []
    assert np.isfinite(seen.mean).all()


def test_where_there_is_little_time_cells_are_fewer_and_shorter(monkeypatch):
    steps = []
    monkeypatch.setattr(
        glances, "_average", lambda run, count, *_: steps.append(count) or float(len(steps))
    )
    for step, cells, count in ((1e-9, 64, 600), (1.0, 16, 6), (50.0, 4, 1), (1e3, 4, 1)):
        steps.clear()
        monkeypatch.setattr(glances, "_timed", told(1e-9, step))
        last(TRAP, X, Y, "place", steps=600, seconds=100)
        assert (len(steps), steps[0]) == (cells, pytest.approx(count, abs=1))


def test_where_a_beginning_takes_long_one_run_goes_through_all_cells(monkeypatch):
    begun = []
    monkeypatch.setattr(glances, "_timed", told(9.0, 1e-9))
    monkeypatch.setattr(
        glances, "Simulation", lambda system: begun.append(system) or Simulation(system)
    )
    seen = last(TRAP.replace(heat=0.0), X, Y, "place", steps=200, seconds=10)
    assert begun == []
    np.testing.assert_allclose(seen.mean[[0, -1], 3], [-1, 1], atol=1e-5)


@pytest.mark.usefixtures("quick")
def test_a_cell_begins_in_the_first_room_whatever_another_has_grown_to(monkeypatch):
    begun = []
    monkeypatch.setattr(
        glances, "Simulation", lambda system: begun.append(system) or Simulation(system)
    )
    x, y = Axis("pages", 1, 2, 2), Axis("plates", 0, 1, 2)
    seen = last(Library(room=2), x, y, "pages", steps=9, seconds=60)
    assert len(begun) > 2
    assert {system.room for system in begun} == {2}
    assert seen.mean.max() > 2 * 3  # there were more books than a shelf of two holds


@pytest.mark.usefixtures("quick")
def test_a_cell_that_leaves_the_numbers_is_a_hole_and_no_end():
    class Bursting(Trap):
        """It bursts where it is too soft."""

        def step(self, state, key):
            return state._replace(x=state.x / jnp.where(self.stiffness < 0.2, 0.0, 1.0))

    seen = last(Bursting(), X, Y, "place", steps=4, seconds=60)
    assert np.isnan(seen.mean[:, 0]).all()
    assert np.isfinite(seen.mean[:, 4:]).all()


def test_where_a_look_takes_long_there_is_one_at_each_of_few_cells(monkeypatch):
    looked = []
    monkeypatch.setattr(glances, "_average", lambda *told: looked.append(told[-1]) or 1.0)
    monkeypatch.setattr(glances, "_timed", told(1e-9, 1e-9, look=5.0))
    last(TRAP, X, Y, "place", steps=9, seconds=100)
    # The clock does not run here: the last cells find more time than they would.
    assert (len(looked), looked[:10]) == (16, [1] * 10)
    monkeypatch.setattr(glances, "_timed", told(1e-9, 1e-9, look=1e3))
    looked.clear()
    last(TRAP, X, Y, "place", steps=9, seconds=100)
    assert looked == [1] * 4


def test_it_stops_when_it_is_told_to():
    assert len(list(glance(TRAP, X, Y, "place", steps=3, stop=lambda: True))) == 1


def test_what_derives_from_averages_is_not_seen_at_a_glance():
    assert not list(glance(TRAP, X, Y, "variance", steps=3))


@pytest.mark.usefixtures("quick")
def test_what_ends_is_seen_at_its_end():
    x, y = Axis("length", 2, 9, 2), Axis("thickness", 1, 2, 2)
    np.testing.assert_array_equal(last(Fuse(), x, y, "left", steps=20, seconds=60).mean, 0)


def test_a_map_begins_with_what_was_seen_and_ends_as_it_would_without():
    seen = last(TRAP, X, Y, "place", steps=4)
    first, *_, found = fill(TRAP, X, Y, "place", known=seen, settle=8, measure=8)
    np.testing.assert_array_equal(first.mean, seen.mean)
    *_, plain = fill(TRAP, X, Y, "place", settle=8, measure=8)
    np.testing.assert_array_equal(found.mean, plain.mean)
    assert found.complete
