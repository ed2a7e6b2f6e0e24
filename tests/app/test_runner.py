"""The runner's thread: the latest wish wins, nothing queues, nothing compiles, nothing stays."""

import threading

import jax
import pytest

from app.runner import Runner
from app.views.view import Hand
from engine.core import simulation
from engine.systems import gallery


class Watcher:
    """Takes each moment as the window would, and keeps the last."""

    def __init__(self, runner):
        self.runner, self.moment, self.taken, self.troubles, self.refusals = runner, None, 0, [], []
        self.seen = []  # (build, n, tick) of each moment
        runner.arrived.connect(self.take)
        runner.troubled.connect(self.troubles.append)
        runner.refused.connect(lambda words, _system: self.refusals.append(words))

    def take(self):
        moment = self.runner.take()
        if moment is not None:
            self.moment = moment
            self.taken += 1
            self.seen.append((moment.build, getattr(moment.system, "n", 0), moment.tick))


@pytest.fixture
def runner(qapp):
    runner = Runner()
    runner.start()
    yield runner
    runner.stop()
    assert not [t for t in threading.enumerate() if t.name in ("runner", "builder")]


@pytest.fixture
def watcher(runner):
    return Watcher(runner)


def kuramoto(**values):
    return gallery()["kuramoto"](n=64, **values)


def opened(runner, watcher, qtbot, system=None):
    runner.open(system or kuramoto(), 0)
    runner.play(True)
    qtbot.waitUntil(lambda: watcher.moment is not None and watcher.moment.tick > 5, timeout=60_000)


def test_moments_arrive_and_time_goes_on(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    tick = watcher.moment.tick
    qtbot.waitUntil(lambda: watcher.moment.tick > tick + 20, timeout=10_000)
    assert watcher.moment.running
    # Averages are worked out ten times a second.
    qtbot.waitUntil(lambda: watcher.moment.estimates["order"].samples > 1, timeout=10_000)
    assert watcher.moment.steps_per_second > 0


def test_the_latest_value_wins_and_a_drag_compiles_nothing(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    runner.set(coupling=3.0)
    qtbot.waitUntil(lambda: watcher.moment.system.coupling == 3.0, timeout=10_000)
    compiled = [f._cache_size() for f in (simulation.advance, simulation.look, simulation.predict)]
    for k in range(300):
        runner.set(coupling=k / 100)
        if k % 50 == 0:
            qtbot.wait(20)
    qtbot.waitUntil(lambda: watcher.moment.system.coupling == 2.99, timeout=10_000)
    assert [
        f._cache_size() for f in (simulation.advance, simulation.look, simulation.predict)
    ] == compiled
    assert watcher.taken < 300  # values were overtaken, not queued


def test_a_size_is_built_beside_the_run(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    build = watcher.moment.build
    jax.clear_caches()  # so that building takes a while
    runner.set(n=96, coupling=1.25)
    qtbot.waitUntil(lambda: watcher.moment.system.n == 96, timeout=60_000)
    assert watcher.moment.build == build + 1
    assert watcher.moment.system.coupling == 1.25


def test_the_last_of_several_structural_changes_wins(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    for n in (80, 96, 112):
        runner.set(n=n)
        qtbot.wait(30)
    qtbot.waitUntil(lambda: watcher.moment.system.n == 112, timeout=60_000)


def test_values_set_while_a_system_opens_are_not_lost(runner, watcher, qtbot):
    runner.open(kuramoto(), 0)
    runner.set(coupling=4.5)
    qtbot.waitUntil(lambda: watcher.moment is not None, timeout=60_000)
    qtbot.waitUntil(lambda: watcher.moment.system.coupling == 4.5, timeout=10_000)


def test_paused_it_stands_still_and_steps_one_by_one(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    runner.play(False)
    qtbot.waitUntil(lambda: not watcher.moment.running, timeout=10_000)
    qtbot.wait(100)
    tick = watcher.moment.tick
    qtbot.wait(200)
    assert watcher.moment.tick == tick
    runner.step()
    qtbot.waitUntil(lambda: watcher.moment.tick == tick + 1, timeout=10_000)


def test_a_restart_under_the_same_seed_begins_alike(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    runner.play(False)
    runner.restart(7)
    qtbot.waitUntil(lambda: watcher.moment.seed == 7 and watcher.moment.tick == 0, timeout=10_000)
    first = watcher.moment.observables
    runner.step()
    qtbot.waitUntil(lambda: watcher.moment.tick == 1, timeout=10_000)
    runner.restart(7)
    qtbot.waitUntil(lambda: watcher.moment.tick == 0, timeout=10_000)
    assert watcher.moment.observables == first


def test_a_run_that_leaves_the_numbers_is_paused_and_can_go_back(runner, watcher, qtbot):
    cold = gallery()["active-matter"](n=64)
    opened(runner, watcher, qtbot, cold)
    runner.set(stiffness=1e30)
    qtbot.waitUntil(lambda: bool(watcher.troubles), timeout=20_000)
    trouble = watcher.troubles[0]
    assert trouble.last_good is not None
    runner.set(stiffness=20.0)
    runner.go_back()
    runner.step()
    taken = watcher.taken
    qtbot.waitUntil(lambda: watcher.taken > taken, timeout=10_000)
    assert not watcher.moment.running


def test_what_cannot_be_built_is_refused_and_the_run_goes_on(runner, watcher, qtbot):
    opened(runner, watcher, qtbot, gallery()["ising-2d"](length=32))
    runner.set(length=33)
    qtbot.waitUntil(lambda: bool(watcher.refusals), timeout=60_000)
    tick = watcher.moment.tick
    qtbot.waitUntil(lambda: watcher.moment.tick > tick, timeout=10_000)
    assert watcher.moment.system.length == 32


def test_a_hand_reaches_the_state(runner, watcher, qtbot):
    opened(runner, watcher, qtbot, gallery()["coulomb-gas"](n=32))
    runner.play(False)
    qtbot.waitUntil(lambda: not watcher.moment.running, timeout=10_000)
    qtbot.wait(100)
    before = watcher.moment.frame["charges"][1].position
    runner.poke("stir", Hand((0.0, 0.0), (0.5, 0.0), 1.0, 1.0, True))
    qtbot.waitUntil(
        lambda: abs(watcher.moment.frame["charges"][1].position - before).max() > 0.1,
        timeout=20_000,
    )


def test_views_that_nobody_sees_are_left_out_of_all_but_the_first_moment(runner, watcher, qtbot):
    frames = []
    runner.arrived.connect(lambda: frames.append(watcher.moment.frame))
    runner.want_views(False)
    opened(runner, watcher, qtbot)
    views = list(frames[0])
    assert len(views) > 1
    assert list(watcher.moment.frame) == views[:1]
    assert list(watcher.moment.views) == views  # what there is, is known all the same

    runner.play(False)
    qtbot.waitUntil(lambda: not watcher.moment.running, timeout=5000)
    runner.want_views(True)
    qtbot.waitUntil(lambda: list(watcher.moment.frame) == views, timeout=5000)
    runner.want_views(False)
    runner.set(n=80)  # a build: its panels are made anew
    seen = len(frames)
    qtbot.waitUntil(lambda: watcher.moment.system.n == 80, timeout=60_000)
    assert any(list(frame) == views for frame in frames[seen:])
