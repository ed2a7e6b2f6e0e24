"""The timeline in the whole window: back and forth, branches, undo, two runs, snapshots."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.past_menu import past_menu, set_memory
from app.widgets.video_dialog import PARTS
from engine.core import stepping
from tests.app.windows import branch, places, rest, step, there, wait_for


@pytest.fixture
def run(run, qtbot):
    """At rest at some step."""
    rest(run, qtbot)
    return run


def compared(run, qtbot):
    """With a second run beside it, that is stronger coupled."""
    run.do("compare")
    wait_for(qtbot, lambda: run.moment.other is not None)
    run.session.set(coupling=4.0)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.other.system.coupling == 4.0)
    run.session.play(True)
    here = step(run)
    wait_for(qtbot, lambda: step(run) > here + 20)
    rest(run, qtbot)
    return places(run), places(run, run.moment.other)


def both_are(run, one, other):
    np.testing.assert_array_equal(places(run), one)
    np.testing.assert_array_equal(places(run, run.moment.other), other)


def test_one_goes_back_changes_something_and_returns_to_the_tip(run, qtbot):
    session, tip = run.session, step(run)
    at_the_tip = places(run)
    run.transport.scrubber.sought.emit(0, 20)
    run.transport.scrubber.released.emit()
    there(run, qtbot, 20)
    assert not np.array_equal(places(run), at_the_tip)
    assert session.undo_stack.undoText() == f"step {tip} → 20"
    session.set(coupling=3.0)
    session.commit()
    session.play(True)
    wait_for(qtbot, lambda: branch(run) == 1 and step(run) > 60)
    rest(run, qtbot)
    qtbot.waitUntil(lambda: len(run.transport.scrubber.strokes) == 3, timeout=5000)
    assert run.transport.scrubber.strokes[-1].branch == (0, None, 20, tip)  # what was left
    run.transport.scrubber.sought.emit(0, tip)
    there(run, qtbot, tip, 0)
    np.testing.assert_array_equal(places(run), at_the_tip)
    assert run.parameters.row("coupling").value() == 1.0  # the sliders show the past, too


def test_a_structural_change_is_undone_to_the_very_same_state(run, qtbot):
    before, where = places(run), step(run)
    run.session.set(n=300)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.system.n == 300)
    wait_for(qtbot, lambda: run.session.undo_stack.count() == 1)
    assert "300" in run.session.undo_stack.undoText()
    run.do("undo")
    wait_for(qtbot, lambda: run.moment.system.n == 256)
    there(run, qtbot, where)
    np.testing.assert_array_equal(places(run), before)
    assert run.session.values["n"] == 256
    run.do("redo")
    wait_for(qtbot, lambda: run.moment.system.n == 300 and run.session.values["n"] == 300)


def test_a_restart_is_undone(run, qtbot):
    before, where = places(run), step(run)
    run.do("restart_new_seed")
    wait_for(qtbot, lambda: run.moment.seed == 1 and run.session.undo_stack.count() == 1)
    rest(run, qtbot)
    run.do("undo")
    wait_for(qtbot, lambda: run.moment.seed == 0 and run.session.seed == 0)
    there(run, qtbot, where)
    np.testing.assert_array_equal(places(run), before)


def test_scrubbing_compiles_nothing_and_one_step_back_is_one_step(run, qtbot):
    where = step(run)
    run.do("step_back")
    there(run, qtbot, where - 1)
    compiled = stepping.advance._cache_size(), stepping.look._cache_size()
    for target in (5, 30, 12, 1, where):
        run.session.seek(0, target)
        qtbot.wait(20)
    run.session.arrive()
    there(run, qtbot, where)
    assert (stepping.advance._cache_size(), stepping.look._cache_size()) == compiled


def test_two_runs_share_their_noise_and_part_where_they_differ(run, qtbot):
    session = run.session
    run.activateWindow()
    wait_for(qtbot, run.isActiveWindow)
    run.stage.setFocus()
    qtbot.keyClick(run, Qt.Key.Key_A)
    wait_for(qtbot, lambda: run.moment.other is not None and run.stage.second is not None)
    session.play(True)
    tick = run.moment.tick
    wait_for(qtbot, lambda: run.moment.tick > tick + 10)
    assert run.moment.other.observables == run.moment.observables
    session.set(coupling=4.0)  # of B, which has the focus
    session.commit()
    wait_for(qtbot, lambda: run.moment.other.system.coupling == 4.0)
    assert run.moment.system.coupling == 1.0
    wait_for(qtbot, lambda: run.moment.other.parted is not None)
    session.set_focus("A")
    assert run.parameters.row("coupling").value() == 1.0
    run.stage.view.camera.zoom = 2.0
    run.stage.view._moved()
    assert run.stage.second.camera.zoom == 2.0
    run.do("toggle_wipe")
    assert run.stage.view.width() == run.stage.second.width() == run.stage.divided.width()
    wait_for(qtbot, lambda: np.isfinite(run.trace.data()["value of B"]).any())
    run.do("undo")  # the wipe
    assert not run.stage.divided.wipes
    run.do("compare")
    wait_for(qtbot, lambda: run.moment.other is None and run.stage.second is None)
    assert not run.parameters._focus.isVisible()


def test_a_run_that_was_beside_comes_back_by_undo_as_it_was(run, qtbot):
    one, other = compared(run, qtbot)
    where = step(run)
    run.do("compare")
    wait_for(qtbot, lambda: run.moment.other is None)
    run.session.play(True)
    wait_for(qtbot, lambda: step(run) > where + 30)
    rest(run, qtbot)
    end = step(run)
    run.do("undo")
    wait_for(qtbot, lambda: run.moment.other is not None and not run.moment.past.seeking)
    assert run.session.systems[1].coupling == 4.0
    assert step(run) == run.moment.other.past.position.step == end  # it has caught up, ...
    run.session.go(branch(run), where)
    there(run, qtbot, where)
    both_are(run, one, other)  # ... and its past is its own
    run.do("compare")
    wait_for(qtbot, lambda: run.moment.other is None)


def test_a_change_of_size_in_b_is_undone_in_both(run, qtbot):
    one, other = compared(run, qtbot)
    where = step(run)
    run.session.set(n=300)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.system.n == run.moment.other.system.n == 300)
    wait_for(qtbot, lambda: run.session.undo_stack.undoText().startswith("B: N 256"))
    run.do("undo")
    wait_for(qtbot, lambda: run.moment.system.n == run.moment.other.system.n == 256)
    there(run, qtbot, where)
    both_are(run, one, other)
    assert [system.n for system in run.session.systems] == [256, 256]
    run.do("redo")
    wait_for(qtbot, lambda: run.moment.system.n == run.moment.other.system.n == 300)
    assert run.moment.other.system.coupling == 4.0


def test_a_hand_acts_on_the_run_in_whose_picture_it_is(run, qtbot):
    one, other = compared(run, qtbot)
    run.session.poke("scatter", None, 1)
    wait_for(qtbot, lambda: run.session.undo_stack.undoText() == "B: scatter")
    assert not np.array_equal(places(run, run.moment.other), other)
    np.testing.assert_array_equal(places(run), one)
    run.do("undo")
    wait_for(qtbot, lambda: np.array_equal(places(run, run.moment.other), other))
    there(run, qtbot, step(run))
    both_are(run, one, other)
    run.session.set_focus("both")
    run.session.poke("scatter")
    wait_for(qtbot, lambda: run.session.undo_stack.undoText() == "scatter")
    assert not np.array_equal(places(run), one)
    run.do("undo")
    wait_for(qtbot, lambda: np.array_equal(places(run), one))
    there(run, qtbot, step(run))  # B follows A
    both_are(run, one, other)


def test_the_slider_of_a_film_goes_through_what_was(run, qtbot, monkeypatch):
    seen = []

    def frame(simulation, script, share):
        seen.append((share, simulation.step))
        return np.zeros((script.size[1], script.size[0], 3), np.uint8)

    monkeypatch.setattr("app.figures.video.frame_at", frame)
    run.do("export_video")
    dialog = run.exporter.films._dialog
    dialog._part.setValue(PARTS[1])
    dialog._every.setValue(1)
    dialog._seconds.setValue(0.5)
    wait_for(qtbot, lambda: (0.0, step(run) - 14) in seen)  # 15 frames, a step apart
    dialog._share.setValue(500)
    wait_for(qtbot, lambda: (0.5, step(run) - 7) in seen)
    dialog._share.setValue(1000)
    wait_for(qtbot, lambda: (1.0, step(run)) in seen)
    dialog.reject()


def test_a_snapshot_is_kept_and_recalled_with_its_look(run, qtbot):
    here, before = step(run), places(run)
    run.snapshots.store(3)
    run.stage.view.camera.zoom = 3.0
    run.stage.view._moved()
    run.session.play(True)
    wait_for(qtbot, lambda: step(run) > here + 20)
    rest(run, qtbot)
    run.snapshots.recall(3)
    there(run, qtbot, here)
    np.testing.assert_array_equal(places(run), before)
    assert run.stage.view.camera.zoom == 1.0
    run.snapshots.recall(7)  # holds nothing, and says so
    assert run.stage._banner.isVisible()


def test_views_are_undone_in_the_same_list(run, qtbot):
    run.stage.view.camera.zoom = 2.5
    run.stage.view._moved()
    qtbot.waitUntil(lambda: run.session.undo_stack.count() == 1, timeout=5000)
    run.session.set(coupling=2.0)
    run.session.commit()
    x = run.diagrams.axes[0].name
    run.diagrams._choose_axis(1, next(n for n in ("noise", "dt") if n != x))
    run.do("undo")
    assert run.diagrams.axes[1].name not in ("noise", "dt")
    run.do("undo")
    assert run.session.values["coupling"] == 1.0
    run.do("undo")
    assert run.stage.view.camera.zoom == 1.0
    run.do("redo")
    assert run.stage.view.camera.zoom == 2.5


def test_a_panel_that_was_closed_or_floats_comes_back_by_undo(run, qtbot):
    stack = run.session.undo_stack
    before = run.places.read()
    run.docks["History"].close()
    wait_for(qtbot, lambda: stack.count() == 1)
    assert stack.undoText() == "panels at the sides"
    run.docks["About"].setFloating(True)
    wait_for(qtbot, lambda: stack.count() == 2)
    run.do("undo")
    assert not run.docks["About"].isFloating()
    run.do("undo")
    assert run.places.read() == before
    run.do("redo")
    assert run.docks["History"].isHidden()
    run.do("undo")


def test_the_menu_of_the_past_names_branches_and_sets_the_memory(run, qtbot):
    menu = past_menu(run)
    assert any("to" in action.text() for action in menu.actions())
    set_memory(run, 2**29)
    wait_for(qtbot, lambda: run.moment.past.budget == 2**29)
    menu.deleteLater()
