"""Settings of the tests that make windows."""

import gc

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from app.theme.theme import Theme
from app.window import Window
from tests.app.windows import step, wait_for


@pytest.fixture(autouse=True)
def _widgets_end_in_the_window_s_thread():
    """As `app.garbage` sees to it in the program: no other thread may free a Qt object."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a window keeps its settings, and what nobody saved."""
    return tmp_path_factory.mktemp("window")


@pytest.fixture(scope="module")
def window(qapp, folder):
    """One window for all tests of a file."""
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


@pytest.fixture
def run(window, qtbot):
    """A young run of 256 oscillators, alone, with nothing to undo."""
    wait_for(qtbot, lambda: bool(window.session.gallery))
    build = None if window.moment is None else window.moment.build
    window.session.open("kuramoto", n=256, coupling=1.0)
    wait_for(
        qtbot,
        lambda: (
            window.moment is not None
            and window.moment.build != build
            and window.moment.system.n == 256  # the window's own first run may come in between
            and step(window) > 40
        ),
    )
    return window
