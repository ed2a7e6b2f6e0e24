"""A theme, and layers of NumPy arrays as a frame brings them."""

import numpy as np
import pytest

from app.theme.theme import Theme
from app.views.choose import gl_facts
from app.views.painter_swarm import PainterSwarmView
from app.views.swarm import SwarmView


@pytest.fixture(params=["dark", "light"])
def theme(request, qapp):
    return Theme(request.param)


@pytest.fixture(params=[SwarmView, PainterSwarmView])
def kind(request):
    return request.param


@pytest.fixture
def dark(qapp):
    return Theme("dark")


@pytest.fixture
def screen(qapp):
    """Windows on a display with OpenGL, as `make test` gives; says so where there is none."""
    facts = gl_facts()
    assert facts.works, f"These tests need a display with OpenGL: {facts.error}"


@pytest.fixture
def shown(qtbot):
    """Shows a view in a size and waits until it is painted; closes it at the end."""
    kept = []  # a test that forgets its view must not end it half-way

    def show(view, width=400, height=300):
        kept.append(view)
        qtbot.addWidget(view)
        view.resize(width, height)
        view.show()
        qtbot.waitExposed(view)
        settle(qtbot)
        return view

    yield show
    for view in kept:
        view.close()


def settle(qtbot):
    """Two paints: the first uploads, the second is what a window shows."""
    qtbot.wait(40)


def picture(view):
    """What a view shows, as [row from the top, column, rgb] in device pixels."""
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8)
    lines = lines.reshape(image.height(), image.bytesPerLine())
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def light(view):
    """How far each pixel is from the ground of the stage."""
    ground = view.theme.colour("stage")
    apart = np.abs(picture(view) - (ground.red(), ground.green(), ground.blue()))
    return apart.max(axis=2)
