"""The panel of distances: measured beside the run, shown with errors, ended with its view."""

import itertools
import time

import numpy as np
import pytest

from app.views.choose import view_for
from app.views.comparing import Compared, Rounds
from app.views.metrics import POINTS, MetricsView
from engine.core.layers import Comparison


def cloud(n, seed, shift=0.0):
    drawn = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    drawn[:, 0] += shift
    return drawn


def last(rounds, made, data):
    *_, found = rounds.measured(made, data)
    return found


def test_a_comparison_is_shown_as_distances(dark, shown, qtbot):
    layer = Comparison(cloud(60, 0, 0.5), cloud(60, 1))
    view = view_for((layer,), dark)
    assert isinstance(view, MetricsView)
    shown(view, 300, 300)
    view.show_layers((layer,))
    qtbot.waitUntil(lambda: bool(view.compared and view.compared.floor), timeout=60_000)
    assert set(view.compared.distances) == set(POINTS)
    # E|a − b| of a shift by 0.5 lies between that and it plus the distance of two draws.
    assert 0.3 < view.compared.distances["earth mover"].value < 1.2
    assert view.rows["earth mover"].words[1]  # an error is told
    assert "60 points against 60" in view._head.text()
    assert "base64" in view.tip_of("chamfer")  # the formula is typeset
    assert "30 points each" in view.tip_of("chamfer")  # the halves of the data


def test_the_caller_waits_for_nothing(dark, shown, qtbot):
    view = shown(MetricsView(dark))
    layer = Comparison(cloud(2000, 0), cloud(2000, 1))
    spent = []
    for _ in range(50):
        start = time.perf_counter()
        view.show_layers((layer,))
        spent.append(time.perf_counter() - start)
    assert np.median(spent) < 0.02  # measuring takes a second
    assert max(spent) < 0.2  # other threads have the core meanwhile


def test_the_thread_ends_with_its_view(dark, shown, qtbot):
    view = shown(MetricsView(dark))
    view.show_layers((Comparison(cloud(50, 0), cloud(50, 1)),))
    thread = view._comparer._thread
    assert thread is not None
    view.close()
    assert not thread.is_alive()


def test_sets_of_clouds_are_compared_as_sets_too():
    made, data = (np.stack([cloud(40, 10 * s + k, k) for k in range(4)]) for s in (0, 1))
    found = last(Rounds(), made, data)
    assert found.held == (160, 160)
    assert found.between.coverage.value == 1.0  # each is nearest to its own kind
    assert found.between.matching.made == 4


def test_more_points_than_can_be_matched_exactly_are_marked():
    found = last(Rounds(), cloud(700, 0), cloud(600, 1))
    assert not found.distances["earth mover"].exact
    assert found.distances["chamfer"].made == 700


def test_a_cloud_that_left_the_numbers_is_said_to_have():
    made = cloud(20, 0)
    made[3, 1] = np.nan
    found = last(Rounds(), made, cloud(20, 1))
    assert isinstance(found, Compared)
    assert found.trouble
    assert not found.distances


def test_the_floor_is_what_halves_of_the_data_say():
    rounds, data = Rounds(), cloud(400, 1)
    found = last(rounds, cloud(400, 0), data)
    # 200 points of each half: their matching is what sampling alone leaves, 0.5 to 0.7 here.
    assert found.floor["earth mover"].made == 200
    assert found.floor["earth mover"].value == pytest.approx(0.6, abs=0.15)
    assert last(rounds, cloud(400, 2), data.copy()).floor is found.floor  # kept


def test_new_data_are_told_of_as_they_are_known_and_later_rounds_at_once():
    rounds, data = Rounds(), cloud(60, 1)
    first = [len(found.distances) for found in rounds.measured(cloud(60, 0), data)]
    assert first[0] == 1
    assert first == sorted(first)
    later = [len(found.distances) for found in rounds.measured(cloud(60, 2), data)]
    assert later == [len(POINTS)] * 2  # before the matching, and after it


def test_all_rows_fit_a_small_panel(dark, shown, qtbot):
    made, data = (np.stack([cloud(40, 10 * s + k, k) for k in range(3)]) for s in (0, 1))
    view = shown(MetricsView(dark), 290, 225)
    view.show_layers((Comparison(made, data),))
    qtbot.waitUntil(lambda: bool(view.compared and view.compared.between), timeout=60_000)
    qtbot.wait(40)
    rows = [*view.rows.values(), *view.set_rows.values()]
    places = [(row.mapTo(view, row.rect().topLeft()).y(), row.height()) for row in rows]
    assert all(y + height <= below for (y, height), (below, _) in itertools.pairwise(places))
    assert places[-1][0] + places[-1][1] <= view.height()
