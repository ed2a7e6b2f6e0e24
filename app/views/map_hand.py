"""The mouse on a phase diagram: take the dot, draw a path, look closer, pin a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt


if TYPE_CHECKING:
    from app.views.map_view import MapView

CLOSER = 0.8  # by which a step of the wheel narrows what is seen
LEAST = 0.03  # of the map: a smaller box is no box, but a slip of the hand


class Hand(pg.ViewBox):
    """The area of the map. Left takes the dot, right draws a box to look into, double pins."""

    def __init__(self, view: MapView) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(False, False)
        self.setAcceptHoverEvents(True)
        self._view = view
        self._box = pg.QtWidgets.QGraphicsRectItem()
        self._box.setZValue(20)
        self._box.hide()
        self.addItem(self._box, ignoreBounds=True)

    def mouseClickEvent(self, event: Any) -> None:
        at = self.mapSceneToView(event.scenePos())
        view = self._view
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            if view.drawing:
                view.add_corner(at, last=event.double())
            elif event.double():
                view.pin(at)
            else:
                view.take(at, last=True)
        elif event.button() == Qt.MouseButton.RightButton:
            event.accept()
            view.menu_asked.emit(event.screenPos().toPoint())

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        view, at = self._view, self.mapSceneToView(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            if view.drawing:
                start = self.mapSceneToView(event.buttonDownScenePos())
                view.draw_on(start if event.isStart() else at, last=event.isFinish())
            else:
                view.take(at, last=event.isFinish())
        elif event.button() == Qt.MouseButton.RightButton:
            event.accept()
            start = self.mapSceneToView(event.buttonDownScenePos())
            self._frame(QRectF(start, at).normalized(), last=event.isFinish())

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:
        event.accept()
        at = self.mapSceneToView(event.scenePos())
        factor = CLOSER ** (event.delta() / 120)
        whole = self.viewRect()
        width, height = whole.width() * factor, whole.height() * factor
        share = QPointF(
            (at.x() - whole.left()) / whole.width(), (at.y() - whole.top()) / whole.height()
        )
        corner = at - QPointF(share.x() * width, share.y() * height)
        self._view.ask_zoom(QRectF(corner, corner + QPointF(width, height)))

    def hoverEvent(self, event: Any) -> None:
        self._view.hover(None if event.isExit() else self.mapSceneToView(event.scenePos()))

    def _frame(self, box: QRectF, *, last: bool) -> None:
        whole = self.viewRect()
        box = box.intersected(whole)
        self._box.setRect(box)
        self._box.setPen(pg.mkPen("white", width=1.5))
        self._box.setBrush(pg.mkBrush(255, 255, 255, 40))
        self._box.setVisible(not last)
        if last and min(box.width() / whole.width(), box.height() / whole.height()) > LEAST:
            self._view.ask_zoom(box)
