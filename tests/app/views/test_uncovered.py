"""Where a picture is seen beneath the chips that float over it."""

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QFrame, QWidget

from app.theme.theme import Theme
from app.views.canvases import uncovered
from app.widgets.labels import Label
from app.widgets.stage_chips import Chip


def stage_with_chip(qapp, qtbot):
    theme = Theme("dark")
    theme.apply(qapp)
    stage = QWidget()
    qtbot.addWidget(stage)
    stage.resize(300, 200)
    frame = QFrame(stage)  # a picture does not lie in the stage itself
    frame.setGeometry(10, 20, 280, 170)
    paper = QWidget(frame)
    paper.setGeometry(5, 5, 270, 160)
    chip = Chip(theme, Label("some words"), height=36, parent=stage)
    chip.move(40, 50)
    with qtbot.waitExposed(stage):
        stage.show()
    return stage, paper, chip


def test_a_picture_is_shown_beneath_the_corners_of_a_chip_and_not_beneath_the_rest(qapp, qtbot):
    _stage, paper, chip = stage_with_chip(qapp, qtbot)
    place = QRect(chip.pos() - QPoint(15, 25), chip.size())  # in the paper
    seen = uncovered(paper, (chip,))
    whole = QRegion(paper.rect())
    assert seen + QRegion(place) == whole
    assert not seen.contains(place.center())
    for corner in (place.topLeft(), place.topRight(), place.bottomLeft(), place.bottomRight()):
        assert seen.contains(corner)
    assert not seen.contains(place.topLeft() + QPoint(chip.corner, 0))

    # All that the arc lets through is there: pixels that are farther than the radius from its
    # centre. A pixel and a half of border and smoothing are the chip's own.
    radius = chip.corner
    for x in range(radius):
        for y in range(radius):
            if (radius - x - 0.5) ** 2 + (radius - y - 0.5) ** 2 > radius**2:
                assert seen.contains(place.topLeft() + QPoint(x, y)), (x, y)


def test_what_is_hidden_or_not_opaque_covers_nothing(qapp, qtbot):
    stage, paper, chip = stage_with_chip(qapp, qtbot)
    words = Label("words", parent=stage)
    words.show()
    assert uncovered(paper, (words,)) == QRegion(paper.rect())
    chip.hide()
    assert uncovered(paper, (chip,)) == QRegion(paper.rect())
