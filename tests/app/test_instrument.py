"""The map as an instrument, in a real window: paths, closer looks, small runs beside the large."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from app.critical_worker import CriticalWorker
from app.theme.theme import Theme
from app.window import Window
from engine.systems.swarms.kuramoto import Kuramoto


PATIENCE = 90_000  # ms: a machine that compiles eight systems at once is slow


@pytest.fixture
def running(qapp, tmp_path, qtbot):
    theme = Theme("dark")
    theme.apply(qapp)
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = Window(theme, first="kuramoto", settings=settings)
    window.restore()
    window.resize(1280, 800)
    window.show()
    wait_for(qtbot, lambda: window.moment is not None and window.moment.tick > 3)
    window.session.set(n=256)
    window.session.commit()
    wait_for(qtbot, lambda: window.moment.system.n == 256)
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents()
    ours = ("runner", "builder", "maps", "exporter", "companions", "critical")
    assert not [t for t in threading.enumerate() if t.name in ours]


def wait_for(qtbot, claim):
    qtbot.waitUntil(lambda: bool(claim()), timeout=PATIENCE)


def test_a_run_follows_a_path_there_and_back_and_that_is_one_step_of_undo(running, qtbot):
    instrument, diagrams = running.diagrams.instrument, running.diagrams
    steps = running.session.undo_stack.count()
    before = running.session.values["coupling"]
    instrument.driver.speed = 8.0
    diagrams.map.path_drawn.emit(np.array([[1.0, 0.5], [5.0, 0.5]]))
    assert diagrams.path_bar.isVisible()
    wait_for(qtbot, lambda: running.moment.system.coupling > 1)
    wait_for(qtbot, lambda: not instrument.driver.running)
    there, back = (instrument.driver.loop.way(back=back) for back in (False, True))
    assert (np.diff(there[0]) >= 0).all()
    assert (np.diff(back[0]) <= 0).all()
    assert np.isfinite(instrument.driver.loop.area)
    assert "area" in diagrams.path_bar.words
    assert "path back" in diagrams.curve.data()
    assert running.session.undo_stack.count() == steps + 1
    running.do("undo")
    assert running.session.values["coupling"] == pytest.approx(before)


def test_a_path_up_the_map_turns_the_curve_and_a_hand_on_the_dot_ends_it(running, qtbot):
    running.activateWindow()
    wait_for(qtbot, running.isActiveWindow)
    running.stage.setFocus()
    qtbot.keyClick(running, Qt.Key.Key_P)
    assert running.diagrams.map.drawing
    qtbot.keyClick(running, Qt.Key.Key_Escape)
    assert not running.diagrams.map.drawing
    instrument, diagrams = running.diagrams.instrument, running.diagrams
    diagrams.map.path_drawn.emit(np.array([[2.0, 0.2], [2.0, 1.8]]))
    assert diagrams.cut.name == "width"
    assert instrument.driver.running
    diagrams.map.dot_moved.emit(3.0, 1.0)
    diagrams.map.dot_released.emit()
    assert not instrument.driver.running
    assert running.session.values["coupling"] == 3.0


def test_a_closer_look_is_measured_anew_and_layers_and_quantities_are_of_the_same_cells(
    running, qtbot, monkeypatch
):
    panel = running.diagrams.map_panel
    wait_for(qtbot, lambda: panel.measured is not None and panel.measured.measured.any())
    whole = panel.axes
    panel.zoom((1.0, 3.0), (0.25, 0.75))
    assert panel.map.stale  # the old cells stay, greyed
    assert np.isfinite(panel.measured.mean).any()
    wait_for(qtbot, lambda: panel.measured.measured.any())
    assert not panel.map.stale
    assert (panel.measured.x.low, panel.measured.x.high) == (1.0, 3.0)
    running.do("zoom_back")
    assert panel.axes == whole
    wait_for(
        qtbot, lambda: panel.measured.x.high == whole[0].high and panel.measured.measured.any()
    )
    running.do("zoom_forward")
    assert panel.axes[0].high == 3.0
    running.do("whole_map")
    assert panel.axes == whole
    wait_for(qtbot, lambda: "Theory" in panel.layers())
    panel.show_layer("Theory")
    assert panel.map._layer is not None
    assert panel.title() == "Theory"
    panel.show_layer("Measured")
    assert panel.map._layer is None
    gate, glance = threading.Event(), running.maps._glance

    def late(*which, **how):  # who comes late to a diagram sees the next one alone
        gate.wait(60)
        return glance(*which, **how)

    monkeypatch.setattr(running.maps, "_glance", late)
    running.session.set(noise=0.5)
    wait_for(qtbot, lambda: panel.map.stale)
    gate.set()
    wait_for(qtbot, lambda: not panel.map.stale)
    assert panel.measured.parameters["noise"] == 0.5
    wait_for(qtbot, lambda: "locked" in panel.measured.values)
    running.diagrams.set_quantity("locked")
    assert panel.measured.observable == "locked"
    assert running.diagrams.look()["quantity"] == "locked"
    assert panel._note.text().startswith("N = ")
    panel.begin(running.session.system, "order", "r")
    assert panel._note.text() == ""  # it was told of the map that was there


def test_pins_and_ghosts_live_beside_the_run(running, qtbot):
    instrument, diagrams = running.diagrams.instrument, running.diagrams
    diagrams.map.pinned.emit(5.0, 0.5)
    (pin,) = instrument.pins.pins.values()
    wait_for(qtbot, lambda: pin.view is not None)
    running.do("toggle_ghosts")
    assert running.actions_by_name["toggle_ghosts"].isChecked()
    wait_for(qtbot, lambda: len(instrument.ghosts.data().get("time", ())) > 3)
    assert instrument.ghosts.data()["replica"].shape[1] == 32
    running.do("toggle_ghosts")
    assert "ghosts" not in diagrams.views
    instrument.pins.remove(pin.key)
    assert not instrument.pins.pins


def test_a_search_that_cannot_be_says_why(qtbot):
    class Silent(Kuramoto):
        """It does not say how its critical point is found."""

        critical = None

    worker, said = CriticalWorker(), []
    worker.refused.connect(said.append)
    worker.find(Silent())
    wait_for(qtbot, lambda: bool(said))
    assert "does not say how" in said[0]
    worker.stop()
    assert not worker.busy
