import pytest

from app.theme.theme import Theme


@pytest.fixture(scope="session")
def dressed(qapp):
    theme = Theme("dark")
    theme.apply(qapp)
    return theme


@pytest.fixture
def theme(dressed, qapp):
    """The dark theme, and the application in it again after a test that changed it."""
    yield dressed
    if qapp.styleSheet() != dressed.sheet():
        dressed.apply(qapp)


@pytest.fixture
def shown(qtbot):
    """Shows a widget and waits until it has the keyboard."""

    def show(widget, width=0, height=0):
        qtbot.addWidget(widget)
        if width:
            widget.resize(width, height or widget.sizeHint().height())
        widget.show()
        widget.activateWindow()
        qtbot.waitUntil(widget.isActiveWindow)
        return widget

    return show
