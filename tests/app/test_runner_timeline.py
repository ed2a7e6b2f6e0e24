"""The runner and its past: back, replayed, branched, beside another, saved and reopened."""

import time

import jax
import numpy as np
import pytest

from engine.core.timeline import Position
from engine.storage.sessions import Session
from engine.systems import gallery
from tests.app.test_runner import kuramoto, opened
from tests.app.test_runner import runner as runner
from tests.app.test_runner import watcher as watcher


LATER = 40  # steps at least behind the change


def at_rest(runner, watcher, qtbot, step=200):
    """Paused at a step of a run that was changed on the way."""
    opened(runner, watcher, qtbot)
    runner.set_pace(20)
    qtbot.waitUntil(lambda: watcher.moment.past.position.step > 60, timeout=20_000)
    runner.set(coupling=5.0)
    qtbot.waitUntil(lambda: watcher.moment.system.coupling == 5.0, timeout=20_000)
    step = max(step, watcher.moment.past.position.step + LATER)  # a busy thread is late to change
    qtbot.waitUntil(lambda: watcher.moment.past.position.step > step, timeout=20_000)
    runner.play(False)
    qtbot.waitUntil(lambda: not watcher.moment.running, timeout=10_000)
    qtbot.wait(50)
    return watcher.moment


def there(watcher, step):
    past = watcher.moment.past
    return past.position.step == step and not past.seeking


def test_one_scrubs_back_and_the_state_is_what_it_was(runner, watcher, qtbot):
    tip = at_rest(runner, watcher, qtbot)
    runner.seek(50)
    qtbot.waitUntil(lambda: there(watcher, 50), timeout=10_000)
    then = watcher.moment
    assert then.system.coupling == kuramoto().coupling
    later = tip.past.position.step - LATER // 2
    for step in (*range(60, 160, 2), later):  # dragged: the last wish wins
        runner.seek(step)
    qtbot.waitUntil(lambda: there(watcher, later), timeout=10_000)
    assert watcher.moment.system.coupling == 5.0
    runner.seek(50)
    qtbot.waitUntil(lambda: there(watcher, 50), timeout=10_000)
    assert watcher.moment.observables == then.observables
    runner.go_to(0)
    qtbot.waitUntil(lambda: there(watcher, tip.past.position.step), timeout=10_000)
    assert watcher.moment.observables == tip.observables
    assert len(watcher.moment.past.branches) == 1


def test_played_in_the_past_it_happens_again_and_goes_on(runner, watcher, qtbot):
    tip = at_rest(runner, watcher, qtbot)
    runner.seek(30)
    runner.play(True)
    end = tip.past.position.step
    qtbot.waitUntil(lambda: watcher.moment.past.position.step > end + 20, timeout=20_000)
    assert watcher.moment.system.coupling == 5.0
    assert len(watcher.moment.past.branches) == 1


def test_a_change_in_the_past_begins_a_branch(runner, watcher, qtbot):
    tip = at_rest(runner, watcher, qtbot)
    runner.set(noise=0.7)  # here, before the hand goes back
    runner.seek(30)
    runner.set(coupling=1.0)  # there
    qtbot.waitUntil(lambda: watcher.moment.system.coupling == 1.0, timeout=10_000)
    past = watcher.moment.past
    assert past.position == Position(1, 30, 1)
    assert watcher.moment.system.noise == kuramoto().noise
    assert [stem.parent for stem in past.branches] == [None, 0]
    runner.go_to(0)
    qtbot.waitUntil(lambda: watcher.moment.system.noise == 0.7, timeout=10_000)
    assert watcher.moment.observables == tip.observables


def test_undo_of_a_size_brings_the_very_same_state_back(runner, watcher, qtbot):
    tip = at_rest(runner, watcher, qtbot)
    runner.set(n=96)
    qtbot.waitUntil(lambda: watcher.moment.system.n == 96, timeout=60_000)
    mark = watcher.moment.past.marks[-1]
    assert (mark.kind, mark.words) == ("restart", "N = 96")
    build = watcher.moment.build
    runner.undo_to(Position(mark.branch, mark.step, mark.events))
    runner.set(n=64)  # as the undo of the value does: nothing is to be done
    qtbot.waitUntil(
        lambda: watcher.moment.system.n == 64 and there(watcher, mark.step), timeout=10_000
    )
    assert watcher.moment.build > build
    assert watcher.moment.observables == tip.observables
    jax.tree.map(np.testing.assert_array_equal, watcher.moment.frame, tip.frame)
    step = watcher.moment.past.position.step
    runner.play(True)  # it does not happen again
    qtbot.waitUntil(lambda: watcher.moment.past.position.step > step + 40, timeout=10_000)
    assert watcher.moment.system.n == 64
    runner.undo_to(Position(mark.branch, mark.step, mark.events + 1))
    qtbot.waitUntil(lambda: watcher.moment.system.n == 96, timeout=10_000)


def test_two_run_beside_each_other_under_the_same_noise(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    runner.compare(True)
    qtbot.waitUntil(lambda: watcher.moment.other is not None, timeout=20_000)
    assert watcher.moment.other.observables == watcher.moment.observables
    assert watcher.moment.other.parted is None
    runner.set(row=1, coupling=6.0)
    qtbot.waitUntil(lambda: watcher.moment.other.parted is not None, timeout=20_000)
    assert watcher.moment.other.system.coupling == 6.0
    assert watcher.moment.system.coupling == kuramoto().coupling
    assert watcher.moment.other.tick == watcher.moment.tick
    runner.set(row=1, n=96)
    qtbot.waitUntil(
        lambda: watcher.moment.system.n == watcher.moment.other.system.n == 96, timeout=60_000
    )
    runner.play(False)
    runner.seek(3)
    qtbot.waitUntil(lambda: there(watcher, 3), timeout=20_000)
    assert watcher.moment.other.past.position.step == 3
    runner.compare(False)
    qtbot.waitUntil(lambda: watcher.moment.other is None, timeout=10_000)


def test_a_document_opens_where_it_was_saved(runner, watcher, qtbot, tmp_path):
    tip = at_rest(runner, watcher, qtbot)
    session = runner.document({"camera": [1, 2]}).result(timeout=20)
    session.save(tmp_path / "run.manyscope")
    runner.open(gallery()["coulomb-gas"](n=32), 0)
    qtbot.waitUntil(lambda: "charges" in watcher.moment.frame, timeout=60_000)
    runner.open_document(Session.load(tmp_path / "run.manyscope"))
    qtbot.waitUntil(lambda: "circle" in watcher.moment.frame, timeout=60_000)
    assert watcher.moment.observables == tip.observables
    assert watcher.moment.past.position == tip.past.position
    runner.seek(50)
    qtbot.waitUntil(lambda: there(watcher, 50), timeout=10_000)


def test_a_document_that_cannot_be_replayed_is_refused_and_the_run_goes_on(runner, watcher, qtbot):
    opened(runner, watcher, qtbot)
    session = runner.document().result(timeout=20)
    import msgspec

    wrong = Session(msgspec.structs.replace(session.document, system="nowhere"))
    runner.open_document(wrong)
    qtbot.waitUntil(lambda: bool(watcher.refusals), timeout=20_000)
    assert "'nowhere', which is not here" in watcher.refusals[0]
    tick = watcher.moment.tick
    qtbot.waitUntil(lambda: watcher.moment.tick > tick, timeout=10_000)


def test_memory_for_the_past_can_be_set(runner, watcher, qtbot):
    at_rest(runner, watcher, qtbot)
    runner.set_memory(2**20)
    qtbot.waitUntil(lambda: watcher.moment.past.budget == 2**20, timeout=10_000)
    assert watcher.moment.past.kept <= 2**20


@pytest.mark.parametrize("step", [-5, 10**9])
def test_beyond_the_ends_of_the_past_is_its_end(runner, watcher, qtbot, step):
    tip = at_rest(runner, watcher, qtbot, step=80)
    runner.seek(step)
    goal = 0 if step < 0 else tip.past.end
    qtbot.waitUntil(lambda: there(watcher, goal), timeout=10_000)


def test_a_seek_that_is_far_does_not_keep_the_mailbox_waiting(runner, watcher, qtbot):
    """A replay of seconds is left for a nearer wish at once."""
    opened(runner, watcher, qtbot, gallery()["kuramoto"](n=4096))
    runner.ask(lambda simulation: setattr(simulation.checkpoints, "every", float("inf"))).result(20)
    began = time.perf_counter()
    runner.ask(lambda simulation: simulation.run(20_000)).result(60)
    whole = time.perf_counter() - began
    runner.ask(lambda simulation: simulation.checkpoints.clear()).result(20)
    runner.play(False)
    end = runner.ask(lambda simulation: simulation.step).result(20)
    runner.seek(10)
    qtbot.waitUntil(lambda: there(watcher, 10), timeout=20_000)
    runner.ask(lambda simulation: simulation.checkpoints.clear()).result(20)
    runner.seek(end - 100)
    qtbot.waitUntil(lambda: watcher.moment.past.seeking, timeout=10_000)
    began = time.perf_counter()
    runner.seek(12)
    qtbot.waitUntil(lambda: there(watcher, 12), timeout=10_000)
    assert time.perf_counter() - began < max(0.5, whole / 10)  # a busy machine is slow in both
