"""Sessions as files in the whole window: saved, opened, recovered, refused."""

import zipfile

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QSettings, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QMenu

from app.recent import MOST, Recent
from app.recovery import Recovery
from app.theme.theme import Theme
from app.window import Window
from engine import Session, Simulation
from engine.systems import gallery


PATIENCE = 90_000  # ms


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("window")


@pytest.fixture(scope="module")
def window(qapp, folder):
    theme = Theme("dark")
    theme.apply(qapp)
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    window = Window(theme, first="kuramoto", settings=settings)
    window.restore()
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents()


def wait_for(qtbot, claim):
    qtbot.waitUntil(lambda: bool(claim()), timeout=PATIENCE)


@pytest.fixture
def run(window, qtbot):
    wait_for(qtbot, lambda: bool(window.session.gallery))
    build = None if window.moment is None else window.moment.build
    window.session.open("kuramoto", n=256, coupling=1.0)
    wait_for(
        qtbot,
        lambda: (
            window.moment is not None
            and window.moment.build != build
            and window.moment.system.n == 256  # the window's own first run may come in between
            and window.moment.past.position.step > 20
        ),
    )
    return window


def paused(run, qtbot):
    run.session.play(False)
    wait_for(qtbot, lambda: not run.moment.running)


def places(window):
    layers = window.moment.frame[window.stage.name]
    return next(np.asarray(la.position) for la in layers if type(la).__name__ == "Points")


def saved(run, qtbot, path):
    run.documents.save_to(path)
    wait_for(qtbot, lambda: path.exists() and run.documents.path == path)


def test_a_session_opens_to_the_same_picture(run, qtbot, tmp_path):
    run.session.set(coupling=2.5)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.system.coupling == 2.5)
    paused(run, qtbot)
    run.stage.view.camera.zoom = 2.0
    run.stage.view._moved()
    run.parameters.row("width").set_locked(True)
    run.snapshots.store(4)
    run.session.set_pace(7)
    before, here = places(run), run.moment.past
    path = tmp_path / "mine.manyscope"
    saved(run, qtbot, path)
    assert not run.documents.modified
    assert "mine.manyscope" in run.windowTitle()
    run.session.open("kuramoto", n=64)
    wait_for(qtbot, lambda: run.moment.system.n == 64)
    assert "mine.manyscope" not in run.windowTitle()

    run.documents.open_path(path)
    wait_for(qtbot, lambda: run.moment.system.n == 256)
    wait_for(qtbot, lambda: run.moment.past.position == here.position)
    np.testing.assert_array_equal(places(run), before)
    assert run.moment.past.marks == here.marks
    assert run.session.values["coupling"] == 2.5
    assert run.parameters.row("coupling").value() == 2.5
    assert run.parameters.locked() == {"width"}
    assert run.session.pace == 7
    assert not run.session.running
    assert run.documents.path == path
    assert not run.documents.modified
    wait_for(qtbot, lambda: run.stage.view.camera.zoom == pytest.approx(2.0))
    run.session.set(noise=0.5)
    run.session.commit()
    assert run.isWindowModified()


def test_two_runs_open_as_two(run, qtbot, tmp_path):
    run.do("compare")
    wait_for(qtbot, lambda: run.moment.other is not None)
    run.session.set(coupling=3.0)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.other.system.coupling == 3.0)
    paused(run, qtbot)
    path = tmp_path / "pair.manyscope"
    saved(run, qtbot, path)
    run.session.open("kuramoto", n=64)
    wait_for(qtbot, lambda: run.moment.system.n == 64 and run.moment.other is None)
    run.documents.open_path(path)
    wait_for(qtbot, lambda: run.moment.other is not None and run.moment.system.n == 256)
    assert run.session.comparing
    wait_for(qtbot, lambda: [s.coupling for s in run.session.systems] == [1.0, 3.0])


@pytest.mark.parametrize("content", [b"nothing", b"PK\x03\x04broken", None])
def test_a_bad_file_is_refused_in_one_sentence_and_the_run_goes_on(run, qtbot, tmp_path, content):
    path = tmp_path / "bad.manyscope"
    if content is None:  # a zip that is no session
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("session.json", "{}")
    else:
        path.write_bytes(content)
    title, step = run.windowTitle(), run.moment.past.position.step
    run.documents.open_path(path)
    wait_for(qtbot, lambda: run.stage._banner.accessibleName().startswith("Not opened"))
    assert "bad.manyscope" in run.stage._banner.accessibleName()
    assert run.windowTitle() == title
    wait_for(qtbot, lambda: run.moment.past.position.step > step)


def test_a_dropped_session_opens_and_what_was_not_saved_is_kept(run, qtbot, tmp_path):
    path = tmp_path / "dropped.manyscope"
    Session.of(Simulation(gallery()["vicsek"](n=256), seed=3).run(5)).save(path)
    run.session.set(coupling=4.0)
    run.session.commit()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    no_keys = Qt.KeyboardModifier.NoModifier
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    run.dropEvent(QDropEvent(run.rect().center().toPointF(), copy, mime, left, no_keys))
    wait_for(qtbot, lambda: run.session.id == "vicsek" and run.moment.seed == 3)
    assert run.moment.tick == 5
    wait_for(qtbot, lambda: len(run.documents.recent.files()) >= 2)
    kept = [past for past in run.documents.recent.files() if "not saved" in past.title]
    assert kept
    menu = QMenu()
    run.fill_recent(menu)
    assert len(menu.actions()) == len(run.documents.recent.files())
    run.documents.open_path(kept[0].path)
    wait_for(qtbot, lambda: run.session.id == "kuramoto" and run.session.values["coupling"] == 4.0)


def test_what_a_crash_left_is_offered_once_and_comes_back(run, qtbot, folder):
    run.session.set(coupling=3.25)
    run.session.commit()
    run.documents.autosave()
    own = run.documents.recovery.path
    wait_for(qtbot, own.exists)
    assert Recovery(own.parent).found() is None  # its process is alive
    lost = own.with_name("999999999-0.manyscope")
    own.replace(lost)  # as if another one had died
    run.documents.offer_recovery()
    assert "Not saved" in run.stage._banner.accessibleName()
    run.stage._banner._button.click()
    wait_for(qtbot, lambda: run.session.values["coupling"] == 3.25 and not run.session.running)
    assert run.documents.modified
    assert run.documents.path is None
    saved(run, qtbot, folder / "recovered.manyscope")
    assert not lost.exists()


def test_recent_files_are_the_newest_that_are_still_there(tmp_path):
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    recent = Recent(settings, tmp_path / "recent")
    files = [tmp_path / f"{k}.manyscope" for k in range(MOST + 5)]
    for file in files:
        file.write_bytes(b"")
        recent.add(file, "A run", b"picture")
    files[-1].unlink()
    found = recent.files()
    assert [past.path for past in found] == files[-2 : -MOST - 1 : -1]
    assert found[0].picture.read_bytes() == b"picture"
    settings.setValue("recent", "nonsense")
    assert recent.files() == []
