"""Sessions as files in the whole window: saved, opened, recovered, refused."""

import zipfile
from dataclasses import asdict

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QSettings, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu

from app.figures.style import FigureStyle
from app.recent import MOST, Recent
from app.recovery import Recovery
from engine import Session, Simulation
from engine.replaying import replay
from engine.systems import gallery
from tests.app.windows import places, rest, step, there, wait_for


def saved(run, qtbot, path):
    run.documents.save_to(path)
    wait_for(qtbot, lambda: path.exists() and run.documents.path == path)


def test_a_session_opens_to_the_same_picture(run, qtbot, tmp_path):
    run.session.set(coupling=2.5)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.system.coupling == 2.5)
    rest(run, qtbot)
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
    rest(run, qtbot)
    path = tmp_path / "pair.manyscope"
    saved(run, qtbot, path)
    run.session.open("kuramoto", n=64)
    wait_for(qtbot, lambda: run.moment.system.n == 64 and run.moment.other is None)
    run.documents.open_path(path)
    wait_for(qtbot, lambda: run.moment.other is not None and run.moment.system.n == 256)
    assert run.session.comparing
    wait_for(qtbot, lambda: [s.coupling for s in run.session.systems] == [1.0, 3.0])


def test_a_run_that_was_left_for_another_comes_back_by_undo_as_it_was(run, qtbot):
    run.session.set(coupling=2.5)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.system.coupling == 2.5)
    rest(run, qtbot)
    before, here = places(run), run.moment.past.position
    run.open_system("coulomb-gas")
    wait_for(qtbot, lambda: not run.session.opening and run.moment.tick > 3)
    assert "Coulomb" in run.session.undo_stack.undoText()
    assert not run.documents.modified
    rest(run, qtbot)
    later = places(run)

    run.do("undo")
    wait_for(qtbot, lambda: run.session.id == "kuramoto" and not run.session.opening)
    assert run.moment.past.position == here
    np.testing.assert_array_equal(places(run), before)
    assert run.documents.modified  # no file holds that K was moved
    run.do("undo")
    wait_for(qtbot, lambda: run.moment.system.coupling == 1.0)
    run.do("redo")
    run.do("redo")
    wait_for(qtbot, lambda: run.session.id == "coulomb-gas" and not run.session.opening)
    np.testing.assert_array_equal(places(run), later)


def test_what_cannot_be_built_leaves_the_run_that_was_there(run, qtbot, tmp_path, monkeypatch):
    rest(run, qtbot)
    before, here = places(run), run.moment.past.position
    path = tmp_path / "ends.manyscope"
    Session.of(Simulation(gallery()["vicsek"](n=256)).run(5), state=False).save(path)

    def fail(session, **more):  # the run that was there is built anew when it comes back
        if session.system == "vicsek":
            raise ValueError("It cannot be replayed here.")
        return replay(session, **more)

    monkeypatch.setattr("engine.replaying.replay", fail)
    with qtbot.waitSignal(run.session.refused, timeout=60_000) as refused:
        run.documents.open_path(path)
    assert refused.args == ["It cannot be replayed here."]
    wait_for(qtbot, lambda: run.session.id == "kuramoto" and not run.session.opening)
    there(run, qtbot, here.step)
    np.testing.assert_array_equal(places(run), before)
    assert run.documents.path is None


def test_a_figure_opens_to_its_page_and_is_saved_again_to_the_same_bytes(
    run, qtbot, tmp_path, monkeypatch
):
    wait_for(qtbot, lambda: run.diagrams.measured is not None)
    run.session.set(coupling=2.5)
    run.session.commit()
    wait_for(qtbot, lambda: run.moment.system.coupling == 2.5)
    rest(run, qtbot)
    run.stage.view.camera.zoom = 2.0
    run.stage.view._moved()
    kinds, here = ("png", "pdf", "svg"), step(run)
    paths = [tmp_path / f"first.{kind}" for kind in kinds]
    composed(run, qtbot, monkeypatch, *paths, panels=[("circle", None), ("circle", 10)])
    for kind in kinds:
        run.session.play(True)
        run.stage.view.camera.zoom = 1.0
        wait_for(qtbot, lambda: step(run) > here + 5)
        run.documents.open_path(tmp_path / f"first.{kind}")
        opened = f"Opened first.{kind}"
        wait_for(qtbot, lambda said=opened: run.stage._banner.accessibleName().startswith(said))
        composed(run, qtbot, monkeypatch, tmp_path / f"again.{kind}")
        first, again = (tmp_path / f"{name}.{kind}" for name in ("first", "again"))
        assert again.read_bytes() == first.read_bytes()


def composed(run, qtbot, monkeypatch, *paths, panels=()):
    """Compose a figure and save it; with `panels`, on a page of one's own."""
    run.do("export_figure")
    dialog = run.exporter._composer
    if panels:
        dialog.panels.setPanels([*panels, ("trace", None), ("map", None), ("curve", None)])
        dialog.page.setStyleAsked(
            asdict(FigureStyle(width=60.25, dpi=72, font=4.75, columns=3, bars="shared"))
        )
    for path in paths:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, to=path: (str(to), ""))
        if panels:
            dialog.set_format(path.suffix[1:])
        dialog.asked.emit(dialog.wish())
        wait_for(qtbot, lambda to=path: to.exists() and not run.exporter.busy)


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
    before = {past.path for past in run.documents.recent.files()}  # of other tests
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    no_keys = Qt.KeyboardModifier.NoModifier
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    run.dropEvent(QDropEvent(run.rect().center().toPointF(), copy, mime, left, no_keys))
    wait_for(qtbot, lambda: run.session.id == "vicsek" and run.moment.seed == 3)
    assert run.moment.tick == 5

    def kept():
        new = [past for past in run.documents.recent.files() if past.path not in before]
        return [past for past in new if "not saved" in past.title]

    wait_for(qtbot, kept)
    assert len(run.documents.recent.files()) >= 2
    menu = QMenu()
    run.fill_recent(menu)
    assert len(menu.actions()) == len(run.documents.recent.files())
    run.documents.open_path(kept()[0].path)
    wait_for(qtbot, lambda: run.session.id == "kuramoto" and run.session.values["coupling"] == 4.0)


def test_what_a_crash_left_is_offered_once_and_comes_back(run, qtbot, folder):
    run.session.set(coupling=3.25)
    run.session.commit()
    own = run.documents.recovery.path
    own.unlink(missing_ok=True)  # of a test before, if those took longer than it waits to save
    run.documents.autosave()
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
