"""All systems by family, each with its own picture."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Column, Row
from app.widgets.labels import Label
from app.widgets.scroll import Scroll
from app.widgets.search_field import SearchField


SHAPE = 148 / 236  # of a picture
GROUND = QColor("#05070b")  # of pictures, in every theme
INK = QColor("#8793a6")
LEAST = 96  # pixels that a card needs


class Entry(NamedTuple):
    """What the gallery shows of a system."""

    id: str
    title: str
    family: str
    subtitle: str = ""
    thumbnail: Path | None = None


class Card(QAbstractButton):
    """One system: its picture, its name, and what kind it is."""

    def __init__(self, theme: Theme, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self._picture: QPixmap | None = None
        self._known = False  # whether the picture has been looked for
        self.setCheckable(True)
        self.setAccessibleName(entry.title)
        self.setAccessibleDescription(entry.subtitle)
        self.setToolTip(entry.title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setMinimumWidth(theme.px(LEAST))
        self.update()

    def set_thumbnail(self, path: Path | None) -> None:
        self.entry = self.entry._replace(thumbnail=path)
        self._known = False
        self.update()

    def sizeHint(self) -> QSize:
        width = self.theme.px(116)
        return QSize(width, self.height_at(width))

    def height_at(self, width: int) -> int:
        return round(width * SHAPE) + self.theme.px(42)

    def paintEvent(self, event) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        ring, focus = theme.px(2), self.hasFocus()
        frame = QRectF(ring, ring, self.width() - 2 * ring, (self.width() - 2 * ring) * SHAPE)
        path = QPainterPath()
        path.addRoundedRect(frame, theme.px(6), theme.px(6))
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(frame, GROUND)
        picture = self._load()
        if picture is not None:
            painter.drawPixmap(frame, picture, _covering(picture, frame))
        else:
            self._draw_placeholder(painter, frame)
        painter.restore()
        chosen, under = self.isChecked(), self.underMouse()
        strong = chosen or focus
        edge = "accent" if strong else "line_strong" if under else "line"
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour(edge), ring if strong else 1))
        painter.drawPath(path)
        if focus and chosen:  # the ring of focus lies inside that of choice
            inner = frame.adjusted(ring * 1.5, ring * 1.5, -ring * 1.5, -ring * 1.5)
            painter.setPen(QPen(QColor("#ffffff"), 1, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(inner, theme.px(4), theme.px(4))
        text = QRectF(ring + 1, frame.bottom() + theme.px(4), frame.width() - 2, theme.px(18))
        painter.setFont(
            theme.font("body", QFont.Weight.DemiBold if chosen else QFont.Weight.Medium)
        )
        painter.setPen(theme.colour("text"))
        middle = Qt.AlignmentFlag.AlignVCenter
        elide, width = Qt.TextElideMode.ElideRight, int(text.width())
        first, rest = _two_lines(self.entry.title, painter.fontMetrics(), width)
        painter.drawText(text, middle, first)
        if rest:  # a long name takes the line of its kind
            painter.drawText(text.translated(0, theme.px(16)), middle, rest)
            return
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        subtitle = painter.fontMetrics().elidedText(self.entry.subtitle, elide, width)
        painter.drawText(text.translated(0, theme.px(16)), middle, subtitle)

    def _load(self) -> QPixmap | None:
        if not self._known:
            self._known = True
            path = self.entry.thumbnail
            picture = QPixmap(str(path)) if path is not None else QPixmap()
            self._picture = None if picture.isNull() else picture
        return self._picture

    def _draw_placeholder(self, painter: QPainter, frame: QRectF) -> None:
        """A sunflower of grains, as long as a system has no picture of its own."""
        painter.setPen(Qt.PenStyle.NoPen)
        colour = QColor(INK)
        for grain in range(1, 61):
            radius = frame.height() * 0.36 * math.sqrt(grain / 60)
            angle = grain * 2.39996  # the golden angle
            colour.setAlphaF(0.25 + 0.45 * (1 - grain / 60))
            painter.setBrush(colour)
            x = frame.center().x() + radius * math.cos(angle)
            y = frame.center().y() + radius * math.sin(angle)
            side = self.theme.px(1.6)
            painter.drawEllipse(QRectF(x - side / 2, y - side / 2, side, side))


class Cards(QWidget):
    """The cards of a family, in as many columns as fit."""

    def __init__(self, theme: Theme, cards: list[Card], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.cards = cards
        for card in cards:
            card.setParent(self)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        for card in self.cards:
            card.restyle(theme)
        self.updateGeometry()
        self._place()

    def shown(self) -> list[Card]:
        return [card for card in self.cards if not card.isHidden()]

    def columns(self, width: int = 0) -> int:
        gap = self.theme.px(8)
        return max(2, ((width or self.width()) + gap) // (self.theme.px(132) + gap))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        columns, cards = self.columns(width), self.shown()
        if not cards:
            return 0
        rows = -(-len(cards) // columns)
        gap = self.theme.px(8)
        each = (width - gap * (columns - 1)) // columns
        return rows * cards[0].height_at(each) + (rows - 1) * gap

    def sizeHint(self) -> QSize:
        width = max(self.width(), 2 * self.theme.px(LEAST) + self.theme.px(8))
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * self.theme.px(LEAST) + self.theme.px(8), 0)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        columns, gap = self.columns(), self.theme.px(8)
        each = (self.width() - gap * (columns - 1)) // columns
        for place, card in enumerate(self.shown()):
            row, column = divmod(place, columns)
            height = card.height_at(each)
            card.setGeometry(column * (each + gap), row * (height + gap), each, height)


class GalleryPanel(QFrame):
    """Pick a system: by eye, by name, or with the arrow keys."""

    chosen = Signal(str)  # id

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self.theme = theme
        self.setObjectName("panel")
        self._cards: dict[str, Card] = {}
        self._families: list[tuple[Row, Label, Cards]] = []
        self._current = ""
        self.filter_field = SearchField(theme, "Filter systems")
        self.filter_field.textChanged.connect(self._filter)
        self.filter_field.returnPressed.connect(self._choose_first)
        self._top = Column(theme, self.filter_field, margins=(12, 12, 12, 4))
        self._nothing = Label("No system is called that.", "caption")
        self._scroll: Scroll | None = None
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(0)
        self._whole.addWidget(self._top)
        self.show_systems([])

    def show_systems(self, entries: list[Entry]) -> None:
        """Show these, family by family in their order."""
        self.entries = entries
        self._cards, self._families = {}, []
        inside = Column(self.theme, margins=(12, 4, 12, 12), gap=8, name="panel")
        self._nothing = Label("No system is called that.", "caption")
        self._nothing.setVisible(False)
        inside.add(self._nothing)
        order = list(dict.fromkeys(entry.family for entry in entries))
        entries = sorted(entries, key=lambda entry: order.index(entry.family))
        for family, members in groupby(entries, key=lambda entry: entry.family):
            cards = [Card(self.theme, entry) for entry in members]
            for card in cards:
                card.clicked.connect(lambda _, id=card.entry.id: self._on_clicked(id))
                card.installEventFilter(self)
                self._cards[card.entry.id] = card
            count = Label(numbers.count(len(cards)), "caption")
            head = Row(self.theme, Label(family[:1].upper() + family[1:], "section"), None, count)
            grid = Cards(self.theme, cards)
            self._families.append((head, count, grid))
            inside.add(head)
            inside.add(grid)
        inside.add(None)
        scroll = Scroll(self.theme, inside)
        if self._scroll is None:
            self._whole.addWidget(scroll, 1)
        else:
            self._whole.replaceWidget(self._scroll, scroll)
            self._scroll.hide()
            self._scroll.deleteLater()
        self._scroll = scroll
        self.set_current(self._current)

    def current(self) -> str:
        return self._current

    def set_current(self, id: str) -> None:
        """Mark the system that is open; emits nothing."""
        self._current = id
        for name, card in self._cards.items():
            card.setChecked(name == id)
        if id in self._cards and self._scroll is not None and self.isVisible():
            self._scroll.ensureWidgetVisible(self._cards[id])

    def set_thumbnail(self, id: str, path: Path) -> None:
        """A picture that has just been made."""
        if id in self._cards:
            self._cards[id].set_thumbnail(path)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._top.restyle(theme)
        if self._scroll is not None:
            self._scroll.restyle(theme)

    def eventFilter(self, watched, event) -> bool:
        if event.type() == event.Type.KeyPress and isinstance(watched, Card):
            return self._walk(watched, event.key())
        return super().eventFilter(watched, event)

    def _walk(self, card: Card, key: int) -> bool:
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            card.click()
            return True
        cards = [c for _, _, grid in self._families for c in grid.shown()]
        columns = self._families[0][2].columns() if self._families else 2
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
        }.get(Qt.Key(key))
        if step is None or card not in cards:
            return False
        next_one = cards[min(max(cards.index(card) + step, 0), len(cards) - 1)]
        next_one.setFocus(Qt.FocusReason.TabFocusReason)
        if self._scroll is not None:
            self._scroll.ensureWidgetVisible(next_one)
        return True

    def _on_clicked(self, id: str) -> None:
        self.set_current(id)
        self.chosen.emit(id)

    def _choose_first(self) -> None:
        shown = [card for _, _, grid in self._families for card in grid.shown()]
        if shown:
            shown[0].click()

    def _filter(self, text: str) -> None:
        wanted = text.casefold().strip()
        found = 0
        for head, count, grid in self._families:
            for card in grid.cards:
                entry = card.entry
                known = (entry.id, entry.title, entry.family, entry.subtitle)
                card.setVisible(any(wanted in word.casefold() for word in known))
            shown = len(grid.shown())
            found += shown
            head.setVisible(bool(shown))
            grid.setVisible(bool(shown))
            count.setText(numbers.count(shown))
            grid.updateGeometry()
            grid._place()
        self._nothing.setVisible(bool(self._families) and not found)


def _two_lines(title: str, metrics: QFontMetrics, width: int) -> tuple[str, str]:
    """A title on one line where it fits, else broken at a space."""
    if metrics.horizontalAdvance(title) <= width:
        return title, ""
    elide = Qt.TextElideMode.ElideRight
    words = title.split(" ")
    for count in range(len(words) - 1, 0, -1):
        first = " ".join(words[:count])
        if metrics.horizontalAdvance(first) <= width:
            return first, metrics.elidedText(" ".join(words[count:]), elide, width)
    return metrics.elidedText(title, elide, width), ""


def _covering(picture: QPixmap, frame: QRectF) -> QRectF:
    """The largest part of a picture, around its middle, that has the shape of a frame."""
    width, height = picture.width(), picture.height()
    shape = frame.width() / frame.height()
    if width > height * shape:
        part = height * shape
        return QRectF((width - part) / 2, 0, part, height)
    part = width / shape
    return QRectF(0, (height - part) / 2, width, part)
