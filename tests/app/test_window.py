"""The whole window, on a real display where there is one: used as a person would use it."""

import json
import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.actions import ACTIONS
from app.figures.film_script import Script
from app.figures.metadata import read_metadata
from app.theme.theme import Theme
from app.window import Window
from app.wishes import Trouble
from engine.core import simulation
from engine.systems import gallery
from tests.app.windows import rest, step


PATIENCE = 90_000  # ms: a machine that compiles eight systems at once is slow


@pytest.fixture
def theme(qapp):
    theme = Theme("dark")
    theme.apply(qapp)
    return theme


@pytest.fixture
def window(theme, tmp_path):
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = Window(theme, first="kuramoto", settings=settings)
    window.restore()
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents()
    ours = ("runner", "builder", "maps", "exporter")
    assert not [t for t in threading.enumerate() if t.name in ours]


def wait_for(qtbot, claim):
    qtbot.waitUntil(lambda: bool(claim()), timeout=PATIENCE)


@pytest.fixture
def running(window, qtbot):
    wait_for(qtbot, lambda: window.moment is not None and window.moment.tick > 3)
    return window


def opened(window, qtbot, name, **values):
    build = window.moment.build
    window.session.open(name, **values)
    system = gallery()[name]
    wait_for(
        qtbot,
        lambda: (
            window.moment.build != build  # the system may be the one that runs
            and type(window.moment.system) is system
            and (window.moment.tick > 0 or window.moment.done)
        ),
    )


def test_it_starts_and_shows_measurement_beside_theory(running, qtbot):
    wait_for(qtbot, lambda: running.moment.estimates["order"].samples > 3)
    assert "Kuramoto" in running.windowTitle()
    assert set(running.session.parameters) >= {"coupling", "width", "noise"}
    assert np.isfinite(running.moment.theory["order"])
    assert running.stage.view is not None
    assert running.trace.data()["value"].size > 1


@pytest.mark.parametrize("name", list(gallery()))
def test_every_system_opens_and_runs(running, qtbot, name):
    known = simulation.parameters(gallery()[name])
    small = {}
    if "n" in known and known["n"].kind == "size":
        small["n"] = max(int(known["n"].span[0]), min(int(known["n"].default), 256))
    opened(running, qtbot, name, **small)
    assert running.stage.name in running.moment.frame
    assert running.stage.notice is None
    assert not running.trouble_words


def test_a_drag_answers_compiles_nothing_and_is_one_step_of_undo(running, qtbot):
    row = running.parameters.row("coupling")
    running.session.set(coupling=1.0)
    running.session.commit()
    wait_for(qtbot, lambda: running.moment.system.coupling == 1.0)
    compiled = [f._cache_size() for f in (simulation.advance, simulation.look, simulation.predict)]
    steps = running.session.undo_stack.count()
    row.pressed.emit("coupling")
    for value in np.linspace(1, 5, 40):
        row.changed.emit("coupling", float(value))
        qtbot.wait(5)
    row.released.emit("coupling")
    wait_for(qtbot, lambda: running.moment.system.coupling == 5.0)
    after = [f._cache_size() for f in (simulation.advance, simulation.look, simulation.predict)]
    assert after == compiled
    assert running.session.undo_stack.count() == steps + 1
    running.do("undo")
    wait_for(qtbot, lambda: running.moment.system.coupling == 1.0)
    assert row.value() == 1.0
    running.do("redo")
    wait_for(qtbot, lambda: running.moment.system.coupling == 5.0)


def test_the_dot_is_the_run(running, qtbot):
    x, y = (axis.name for axis in running.diagrams.axes)
    running.diagrams.map.dot_moved.emit(3.0, 1.0)
    running.diagrams.map.dot_released.emit()
    wait_for(qtbot, lambda: getattr(running.moment.system, x) == 3.0)
    assert getattr(running.moment.system, y) == 1.0
    assert running.parameters.row(x).value() == 3.0
    running.session.set(**{x: 4.0})
    assert running.diagrams.map.dot == pytest.approx((4.0, 1.0), abs=1e-6)
    running.do("undo")  # the slider's move
    running.do("undo")  # the dot's
    assert running.session.values[x] == running.session.preset[x]


def test_any_two_parameters_span_the_map(running, qtbot):
    running.diagrams._choose_axis(1, "noise")
    assert [axis.name for axis in running.diagrams.axes] == ["coupling", "noise"]
    wait_for(
        qtbot,
        lambda: (
            running.diagrams.measured is not None and running.diagrams.measured.y.name == "noise"
        ),
    )
    running.diagrams.map.dot_moved.emit(3.0, 0.5)
    running.diagrams.map.dot_released.emit()
    wait_for(qtbot, lambda: running.moment.system.noise == 0.5)


def test_a_system_may_open_its_map_with_another_observable_than_its_first(
    running, qtbot, monkeypatch
):
    monkeypatch.setattr(type(running.moment.system), "mapped", "locked")
    running.diagrams.begin(running.moment)
    assert running.diagrams.request.observable == "locked"
    assert running.presenter.order == "order"  # what the trace shows stays the first


def test_a_new_window_is_no_larger_than_its_screen(running, monkeypatch):
    small = type("Screen", (), {"availableSize": lambda _: QSize(1280, 800)})()
    monkeypatch.setattr(type(running), "screen", lambda _: small)
    running.settings.clear()
    running.restore()
    assert (running.width(), running.height()) == (1280, 800)


def test_the_map_fills_while_the_run_goes_on(running, qtbot):
    wait_for(
        qtbot,
        lambda: running.diagrams.measured is not None and running.diagrams.measured.measured.any(),
    )
    tick = running.moment.tick
    wait_for(qtbot, lambda: running.moment.tick > tick)
    wait_for(qtbot, lambda: running.diagrams.lines)  # a glance comes before theory is traced


def test_keys_pause_step_and_restart(running, qtbot):
    running.activateWindow()  # there is no window manager that would
    wait_for(qtbot, running.isActiveWindow)
    running.stage.setFocus()
    qtbot.keyClick(running, Qt.Key.Key_Space)
    wait_for(qtbot, lambda: not running.moment.running)
    qtbot.wait(200)
    tick = running.moment.tick
    assert tick == step(running)
    qtbot.keyClick(running, Qt.Key.Key_Period)
    wait_for(qtbot, lambda: running.moment.tick == tick + 1)
    qtbot.keyClick(running, Qt.Key.Key_R)
    # Since the restart it has fewer ticks than steps; how many is seen first, no one knows.
    wait_for(qtbot, lambda: running.moment.running and running.moment.tick < step(running))
    qtbot.keyClick(running, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    wait_for(qtbot, lambda: running.moment.seed == 1)


def test_a_structural_change_is_built_while_the_run_goes_on(running, qtbot):
    build = running.moment.build
    running.session.set(n=300)
    wait_for(qtbot, lambda: running.moment.build > build)
    assert running.moment.system.n == 300
    assert not running.presenter.building


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_every_panel_is_exported_with_what_makes_it_again(running, qtbot, tmp_path, suffix):
    wait_for(qtbot, lambda: running.diagrams.measured is not None)
    path = tmp_path / f"figure.{suffix}"
    running.exporter.export(tuple(running.exporter.names()), path, {"dpi": 120.0})
    wait_for(qtbot, lambda: path.exists() and not running.exporter.busy)
    found = read_metadata(path)
    assert found["id"] == "kuramoto"
    assert found["parameters"]["coupling"] == running.session.values["coupling"]


def test_a_swarm_shown_as_density_is_exported_as_points(running, qtbot, tmp_path):
    running.do("toggle_density")
    wait_for(qtbot, lambda: bool(running.moment.densities) or not running.stage.is_density)
    path = tmp_path / "swarm.png"
    running.exporter.export((running.stage.name,), path, {"dpi": 100.0})
    wait_for(qtbot, lambda: path.exists() and not running.exporter.busy)


def test_a_video_is_rendered_beside_the_run(running, qtbot, tmp_path):
    path = tmp_path / "run.mp4"
    running.exporter.films.render(path, Script(8, 2, size=(320, 180)))
    wait_for(qtbot, lambda: path.exists() and not running.exporter.busy)
    assert path.stat().st_size > 1000


def test_copying_puts_picture_and_table_on_the_clipboard(running, qtbot):
    running.do("copy_view")
    wait_for(qtbot, lambda: QGuiApplication.clipboard().mimeData().hasImage())
    assert "kuramoto" in QGuiApplication.clipboard().text().lower()
    # The pointer may be over the curve, which has few numbers before theory comes.
    wait_for(qtbot, lambda: len(running.diagrams.curve.data()["parameter"]))
    running.do("copy_data")
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) > 100
    assert "\t" in lines[0]


def test_themes_and_sizes_change_while_it_runs(running, qtbot):
    for _ in range(3):
        running.do("next_theme")
        tick = running.moment.tick
        wait_for(qtbot, lambda tick=tick: running.moment.tick > tick)
    for deed in ("larger", "larger", "smaller", "usual_size"):
        running.do(deed)
        qtbot.wait(30)
    assert running.theme.name == "dark"
    assert running.theme.scale == 1.0


def test_every_action_has_its_deed_and_no_key_twice(window):
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    for action in ACTIONS:
        assert callable(getattr(window, action.name))


def test_docks_close_come_back_and_take_the_focus(running, qtbot):
    running.do("toggle_docks")
    assert not any(dock.isVisible() for dock in running.docks.values())
    running.do("toggle_docks")
    running.do("reset_layout")
    assert running.docks["Parameters"].isVisible()
    for deed in ("next_dock", "next_dock", "previous_dock", "filter_parameters"):
        running.do(deed)
        qtbot.wait(10)


def test_the_palette_and_the_key_list_open_and_close(running, qtbot):
    running.do("open_palette")
    assert running.command_palette.isVisible()
    assert any("Vicsek" in title for title in running.command_palette.titles())
    running.command_palette.leave()
    running.do("show_keys")
    assert running.key_list.isVisible()
    running.key_list.leave()


def test_a_run_that_leaves_the_numbers_says_so_and_offers_the_way_back(running, qtbot):
    opened(running, qtbot, "active-matter", n=64)
    running.session.set(stiffness=1e30)
    wait_for(qtbot, lambda: running.stage.notice is not None)
    assert "numbers" in running.trouble_words
    running.session.set(stiffness=20.0)
    running.do("go_back")
    assert running.stage.notice is None
    running.session.play(True)
    tick = running.moment.tick
    wait_for(qtbot, lambda: running.moment.tick != tick and running.moment.running)


def test_a_first_picture_that_comes_after_a_trouble_leaves_its_notice(running):
    moment = running.moment  # as if it had waited while another one was drawn
    running.presenter.troubled(Trouble("The run stopped", "Why.", None))
    running.presenter._begin(moment)
    assert running.stage.notice is not None
    running.presenter._begin(moment._replace(running=False))  # of what was asked for since
    assert running.stage.notice is None


def test_facts_for_a_report_are_copied(running, qtbot):
    running.do("copy_debug")
    wait_for(qtbot, lambda: QGuiApplication.clipboard().text().startswith("{"))
    report = json.loads(QGuiApplication.clipboard().text())
    assert report["session"]["system"] == "kuramoto"


def test_randomise_leaves_locked_rows_and_can_be_undone(running, qtbot):
    before = running.session.values
    running.parameters.row("width").set_locked(True)
    running.do("randomise")
    assert running.session.values["width"] == before["width"]
    assert running.session.values["coupling"] != before["coupling"]
    running.do("undo")
    assert running.session.values == before


def test_the_layout_is_kept_and_one_that_does_not_fit_is_dropped(theme, tmp_path, qtbot):
    path = str(tmp_path / "settings.ini")
    for layout in (None, "999"):
        settings = QSettings(path, QSettings.Format.IniFormat)
        if layout:
            settings.setValue("layout", layout)
            settings.setValue("state", b"nonsense")
        window = Window(theme, first="kuramoto", settings=settings)
        window.restore()
        window.show()
        qtbot.waitUntil(window.isVisible)
        assert window.stage.width() > 100
        window.close()
        window.deleteLater()


def test_what_is_dropped_and_cannot_be_read_is_refused_in_one_sentence(running, qtbot, tmp_path):
    path = tmp_path / "bad.ply"
    path.write_text("this is no cloud")
    running.open_cloud(path)
    assert running.session.id == "kuramoto"
    assert running.stage._banner.isVisible()


def test_a_cloud_of_the_user_opens_and_condenses(running, qtbot, tmp_path):
    path = tmp_path / "ring.xyz"
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    np.savetxt(path, np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1))
    running.open_cloud(path)
    assert running.session.id == "exact-score-cloud"
    wait_for(
        qtbot,
        lambda: (
            type(running.moment.system) is type(running.session.system) and running.moment.tick > 0
        ),
    )
    assert running.moment.system.own.shape == (200, 3)


def test_a_window_started_on_a_bad_file_says_so_and_shows_a_system(theme, tmp_path, qtbot):
    path = tmp_path / "bad.ply"
    path.write_text("this is no cloud")
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = Window(theme, file=path, settings=settings)
    window.show()
    wait_for(qtbot, lambda: window.moment is not None)
    assert window.session.id
    window.close()
    window.deleteLater()


def test_a_hand_in_the_swarm_pokes_the_run(running, qtbot):
    opened(running, qtbot, "coulomb-gas", n=64)
    stage = running.stage
    stage._poke.setValue("Stir")
    stage._choose_poke(stage._poke.value())
    touched = []
    stage.touched.connect(lambda name, *_: touched.append(name))
    target = stage.view._target
    middle = QPoint(target.width() // 2, target.height() // 2)
    qtbot.mousePress(target, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: bool(touched), timeout=5000)
    qtbot.mouseRelease(target, Qt.MouseButton.LeftButton, pos=middle)
    assert touched[0] == "stir"
    assert running.stage.notice is None


def test_a_tab_that_is_chosen_while_the_run_rests_shows_the_present(running, qtbot):
    wait_for(qtbot, lambda: list(running.moment.frame) == ["circle"])  # nobody sees the others
    assert "phases" in running.exporter.names()  # all the same they can be had in a figure
    rest(running, qtbot)
    running.diagrams.show_tab("phases")
    wait_for(qtbot, lambda: "phases" in running.moment.frame)
    assert running.moment.tick > 0
    shown = running.diagrams.views["phases"]
    wait_for(qtbot, lambda: shown._layers is running.moment.frame["phases"])
    running.diagrams.show_tab("curve")
    wait_for(qtbot, lambda: list(running.moment.frame) == ["circle"])
