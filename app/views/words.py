"""Words above a picture: at fixed places, and in the corner of each panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.views.space import caption_of, kind, of_panel


if TYPE_CHECKING:
    from app.views.scene import Part, SceneView

SPOKEN = ("Text", "Captions")  # layers that are words


class Words(QWidget):
    """Transparent to the mouse; repainted when its view is."""

    def __init__(self, view: SceneView) -> None:
        super().__init__(view)
        self._layers: list[Any] = []
        self.taken: tuple[QRect, ...] = ()  # what floats over the foot of this view
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_words(self, layers: tuple[Any, ...], panels: int) -> None:
        """Those of these layers; hairlines stand between panels."""
        self._layers = [layer for layer in layers if kind(layer) in SPOKEN]
        self.setVisible(bool(self._layers) or panels > 1)

    def paintEvent(self, _event: Any) -> None:
        painter = QPainter(self)
        view = cast("SceneView", self.parentWidget())  # not kept: no cycle
        parts = view._parts(1.0)
        self._paint_dividers(painter, view, parts)
        for panel, part in enumerate(parts):
            for layer in self._layers:
                if kind(layer) == "Text":
                    self._paint_text(painter, view, layer, panel, part)
                else:
                    self._paint_caption(painter, view, layer, panel, part)

    def _paint_dividers(self, painter: QPainter, view: SceneView, parts: list[Part]) -> None:
        if len(parts) < 2:
            return
        painter.setPen(QPen(view.theme.colour("line_strong", 0.6), 1))
        right, low = parts[0].left + parts[0].width, parts[-1].bottom
        columns = [p.left for p in parts if p.bottom == parts[0].bottom and p.left]
        rows = {p.bottom for p in parts} - {low}
        for x in columns:
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        for bottom in rows:
            y = self.height() - bottom
            painter.drawLine(QPointF(0, y), QPointF(max(right, self.width()), y))

    def _paint_text(
        self, painter: QPainter, view: SceneView, text: Any, panel: int, part: Part
    ) -> None:
        painter.setFont(view.theme.font("caption"))
        painter.setPen(view.theme.colour("text"))
        matrix = view.camera.matrix(part.width, part.height)
        top = self.height() - part.bottom - part.height
        place = of_panel(text.position, 2, panel)
        flat = np.zeros((len(place), 4))
        flat[:, : place.shape[1]], flat[:, 3] = place, 1
        clip = flat @ matrix.T
        for word, (x, y, _, w) in zip(text.words, clip, strict=False):
            if w > 0 and np.isfinite(x + y):
                at = QPointF(
                    part.left + (x / w + 1) / 2 * part.width,
                    top + (1 - y / w) / 2 * part.height,
                )
                painter.drawText(at + QPointF(6, -6), word)

    def _paint_caption(
        self, painter: QPainter, view: SceneView, captions: Any, panel: int, part: Part
    ) -> None:
        """Below the middle of its panel; above what floats there in a corner of the stage."""
        words = caption_of(captions, panel)
        if not words:
            return
        theme = view.theme
        painter.setFont(theme.font("caption", QFont.Weight.Medium))
        painter.setPen(theme.colour("text2"))
        foot = self.height() - part.bottom - theme.px(6)
        area = QRectF(part.left, foot - theme.px(18), part.width, theme.px(18))
        place = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        covered = painter.boundingRect(area, place, words)
        painter.drawText(clear_of(self.taken, covered, area, theme.px(4)), place, words)


def clear_of(taken: tuple[QRect, ...], words: QRectF, area: QRectF, gap: float) -> QRectF:
    """Where words in the middle of an area hide nothing: beside what is there, or else above it."""
    over = [QRectF(chip) for chip in taken if words.intersects(QRectF(chip))]
    if not over:
        return area
    row = QRectF(area.left(), words.top(), area.width(), words.height())
    beside = [QRectF(chip) for chip in taken if row.intersects(QRectF(chip))]
    room, middle = QRectF(area), words.center().x()
    left = [chip.right() for chip in beside if chip.center().x() <= middle]
    right = [chip.left() for chip in beside if chip.center().x() > middle]
    room.setLeft(max([area.left(), *(x + gap for x in left)]))
    room.setRight(min([area.right(), *(x - gap for x in right)]))
    if room.width() >= words.width():
        return room
    return area.translated(0, min(chip.top() for chip in over) - gap - area.bottom())
