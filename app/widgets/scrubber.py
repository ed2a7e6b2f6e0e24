"""The timeline of a run: where it is, what was done to it and when, and its branches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.branches import Branch, Mark, Stroke, arranged


PAD = 9  # pixels at both ends
REACH = 6  # pixels within which something is hit
SHORTEST = 64  # steps that the whole line stands for, at first
PAGE = 0.05  # of the length, that Page Up and Page Down go


class Pin(NamedTuple):
    """A snapshot: its digit, and the place that it keeps."""

    slot: int
    branch: int
    step: int


class Place(NamedTuple):
    """What lies under the pointer."""

    branch: int
    step: int
    words: str


class Scrubber(QWidget):
    """The branch that is followed is a bar, the others leave it as lines; a handle is the present.

    Drag along the bar to go back and forth; press another branch to go over to it, its tip to go
    on from there. A diamond is a parameter that moved, a square what was built anew, a bar a
    restart, a ring a touch of the hand, and a pin a snapshot.
    """

    sought = Signal(int, int)  # branch, step: while the hand moves
    released = Signal()  # the hand let go
    menu_asked = Signal(object)  # QPoint on the screen

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._branches: tuple[Branch, ...] = (Branch(0, None, 0, 0),)
        self._known = {0: self._branches[0]}
        self._strokes: list[Stroke] = arranged(self._branches, 0)
        self._marks: tuple[Mark, ...] = ()
        self._pins: tuple[Pin, ...] = ()
        self._present, self._step = 0, 0
        self._names: dict[int, str] = {}  # how branches began
        self._wanted: int | None = None  # where the hand is, ahead of the run
        self._end, self._owed = float(SHORTEST), 0.0
        self._drag = False
        self.setAccessibleName("Timeline")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.restyle(theme)

    # What it shows.

    def set_now(self, step: int) -> None:
        """Where the run is; a run that goes on stays at the right end, and its past shrinks."""
        if step == self._step:
            return
        before, end, self._step = self._place(self._step), self._end, step
        present = self._known.get(self._present)
        if present is not None and step > present.tip:  # ahead of the last report of the tree
            self._set_branches(
                tuple(b._replace(tip=step) if b.id == present.id else b for b in self._branches)
            )
        self._stretch()
        shrunk = self.width() * (1 - end / self._end)
        self._owed += abs(self._place(step) - before) + abs(shrunk)
        if self._owed > 0.25:  # of a pixel
            self._owed = 0.0
            self.update()

    def show_past(
        self,
        branches: Sequence[Branch],
        present: int,
        marks: Sequence[Mark],
        step: int,
        names: Mapping[int, str] | None = None,
    ) -> None:
        """The whole tree, anew; emits nothing. Marks are those of the branch that is followed."""
        self._names = dict(names or {})
        same = tuple(branches) == self._branches and present == self._present
        self._marks = tuple(marks)
        self._present = present
        if not same:
            self._set_branches(tuple(branches))
        self._step = step
        self._stretch()
        self.update()

    def set_pins(self, pins: Sequence[Pin]) -> None:
        """Where snapshots were taken."""
        self._pins = tuple(pins)
        self.update()

    def clear(self) -> None:
        """A new run."""
        self._end, self._step, self._wanted = float(SHORTEST), 0, None
        self._marks, self._pins = (), ()
        self._present = 0
        self._set_branches((Branch(0, None, 0, 0),))
        self.update()

    @property
    def strokes(self) -> list[Stroke]:
        """The branches as they are drawn."""
        return self._strokes

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setMinimumWidth(theme.px(60))
        self.setFixedHeight(theme.px(52))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(240), self.theme.px(52))

    # The hand.

    def mousePressEvent(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        place = self._under(event.position())
        self._drag = place.branch == self._present
        self._seek(place.branch, place.step)

    def mouseMoveEvent(self, event) -> None:
        if self._drag:
            self._seek(self._present, self._at(event.position().x()))
            return
        words = self._under(event.position()).words
        if words:
            QToolTip.showText(event.globalPosition().toPoint(), words, self)
        else:
            QToolTip.hideText()

    def mouseReleaseEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag, self._wanted = False, None
            self.update()
            self.released.emit()

    def contextMenuEvent(self, event) -> None:
        self.menu_asked.emit(event.globalPos())

    def keyPressEvent(self, event) -> None:
        page = max(1, round(PAGE * self._end))
        strides = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_PageUp: page,
            Qt.Key.Key_PageDown: -page,
        }
        by = strides.get(event.key())
        if by is None:
            super().keyPressEvent(event)
            return
        self.sought.emit(self._present, min(max(0, self._step + by), self._tip()))
        self.released.emit()

    def _seek(self, branch: int, step: int) -> None:
        self._wanted = step if self._drag else None
        self.update()
        self.sought.emit(branch, step)

    # Where things are.

    def _set_branches(self, branches: tuple[Branch, ...]) -> None:
        self._branches = branches
        self._known = {branch.id: branch for branch in branches}
        self._strokes = arranged(branches, self._present)

    def _tip(self) -> int:
        found = self._known.get(self._present)
        return max(self._step, found.tip if found is not None else 0)

    def _stretch(self) -> None:
        longest = max((branch.tip for branch in self._branches), default=0)
        self._end = float(max(longest, self._step, SHORTEST))

    def _place(self, step: float) -> float:
        pad = self.theme.px(PAD)
        return pad + min(max(step / self._end, 0), 1) * (self.width() - 2 * pad)

    def _at(self, x: float) -> int:
        pad = self.theme.px(PAD)
        share = (x - pad) / max(1, self.width() - 2 * pad)
        return min(max(0, round(share * self._end)), self._tip())

    def _level(self, lane: int) -> float:
        return self.height() / 2 + lane * self.theme.px(7 if abs(lane) > 1 else 9)

    def _under(self, at: QPointF) -> Place:
        """What the pointer means: a mark or a pin to read, a tip to go to, a place of a branch."""
        x, y, reach = at.x(), at.y(), self.theme.px(REACH)
        for pin in self._pins:
            head = self._pinned(pin)
            if abs(head.x() - x) < reach and abs(head.y() - y) < 2 * reach:
                return Place(pin.branch, pin.step, f"snapshot {pin.slot}, {_steps(pin.step)}")
        nearest = min(self._strokes, key=lambda stroke: self._apart(stroke, x, y))
        if nearest.lane and self._apart(nearest, x, y) <= reach:
            branch = nearest.branch
            step = round(min(max(self._exact(x), branch.fork + 1), branch.tip))
            if abs(self._place(branch.tip) - x) < reach:
                step = branch.tip
            return Place(branch.id, step, self._told(branch))
        step = self._at(x)
        words = ""
        for mark in self._marks:
            if abs(self._place(mark.step) - x) < reach:
                words = f"{mark.words}, {_steps(mark.step)}"
        return Place(self._present, step, words)

    def _exact(self, x: float) -> float:
        pad = self.theme.px(PAD)
        return (x - pad) / max(1, self.width() - 2 * pad) * self._end

    def _apart(self, stroke: Stroke, x: float, y: float) -> float:
        start, end = self._place(stroke.branch.fork), self._place(stroke.branch.tip)
        across = max(start - x, 0.0, x - end)
        return math.hypot(across, y - self._level(stroke.lane))

    def _told(self, branch: Branch) -> str:
        what = self._names.get(branch.id, f"Branch {branch.id + 1}")
        return f"{what}\nto {_steps(branch.tip)}. Press its end to go on from there."

    # Painting.

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_bar(painter)
        for stroke in self._strokes:
            if stroke.lane:
                self._paint_branch(painter, stroke)
        self._paint_marks(painter)
        self._paint_pins(painter)
        theme, middle = self.theme, self.height() / 2
        now = self._place(self._wanted if self._wanted is not None else self._step)
        ring = theme.colour("accent" if self.hasFocus() else "panel")
        painter.setPen(QPen(ring, theme.px(2)))
        painter.setBrush(theme.colour("text"))
        painter.drawEllipse(QPointF(now, middle), theme.px(8), theme.px(8))

    def _paint_bar(self, painter: QPainter) -> None:
        theme, middle = self.theme, self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)

        def bar(start: float, end: float, thick: int, colour: str, alpha: float = 1.0) -> None:
            painter.setBrush(theme.colour(colour, alpha))
            height = theme.px(thick)
            area = QRectF(start, middle - height / 2, max(0.0, end - start), height)
            painter.drawRoundedRect(area, height / 2, height / 2)

        bar(self._place(0), self._place(self._end), 2, "line_strong", 0.75)
        bar(self._place(0), self._place(self._tip()), 6, "line_strong")
        bar(self._place(0), self._place(self._step), 6, "accent")

    def _paint_branch(self, painter: QPainter, stroke: Stroke) -> None:
        theme, branch = self.theme, stroke.branch
        start, end = self._place(branch.fork), self._place(branch.tip)
        level, below = self._level(stroke.lane), self._level(stroke.leaves)
        turn = min(abs(level - below), max(end - start, 2.0))
        line = QPainterPath(QPointF(start, below))
        line.cubicTo(start + turn / 2, below, start + turn / 2, level, start + turn, level)
        line.lineTo(max(end, start + turn), level)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("text3"), max(1.25, theme.scale * 1.5)))
        painter.drawPath(line)
        painter.setPen(QPen(theme.colour("text3"), max(1.25, theme.scale * 1.5)))
        painter.setBrush(theme.colour("panel"))
        painter.drawEllipse(QPointF(max(end, start + turn), level), theme.px(3), theme.px(3))

    def _paint_marks(self, painter: QPainter) -> None:
        theme, middle = self.theme, self.height() / 2
        half = theme.px(5)
        for mark in self._marks:
            x = self._place(mark.step)
            painter.setPen(QPen(theme.colour("panel"), theme.scale * 1.5))
            painter.setBrush(theme.colour("text"))
            match mark.kind:
                case "set":
                    corners = ((-half, 0), (0, -half), (half, 0), (0, half))
                    diamond = [QPointF(x + dx, middle + dy) for dx, dy in corners]
                    painter.drawPolygon(QPolygonF(diamond))
                case "grow":
                    painter.drawRect(
                        QRectF(x - half + 1, middle - half + 1, 2 * half - 2, 2 * half - 2)
                    )
                case "restart":
                    painter.drawRect(QRectF(x - 2, middle - half - 1, 4, 2 * half + 2))
                case "poke":
                    painter.setBrush(theme.colour("panel"))
                    painter.setPen(QPen(theme.colour("text"), theme.scale * 1.75))
                    painter.drawEllipse(QPointF(x, middle), half - 1.5, half - 1.5)

    def _paint_pins(self, painter: QPainter) -> None:
        theme = self.theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("text2"))
        for pin in self._pins:
            at = self._pinned(pin)
            foot = self._level(self._lane(pin)) - theme.px(2)
            painter.drawRect(QRectF(at.x() - 0.75, at.y(), 1.5, foot - at.y()))
            painter.drawEllipse(at, theme.px(3), theme.px(3))

    def _lane(self, pin: Pin) -> int:
        return next((s.lane for s in self._strokes if s.branch.id == pin.branch), 0)

    def _pinned(self, pin: Pin) -> QPointF:
        """The head of a pin, above the line of its branch."""
        lane = next(
            (
                s.lane
                for s in self._strokes
                if s.branch.id == pin.branch and s.branch.fork <= pin.step
            ),
            0,
        )
        above = self.theme.px(10 if lane else 17)
        return QPointF(self._place(pin.step), max(self.theme.px(3), self._level(lane) - above))


def _steps(step: int) -> str:
    return f"{numbers.count(step)} step{'' if step == 1 else 's'}"
