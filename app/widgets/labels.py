"""Words, icons and formulas that stand still."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.theme import mathematics
from app.theme.theme import Theme
from app.widgets.boxes import set_property


class Label(QLabel):
    """Plain text in a role of the style sheet; says nothing to the layout when nothing changes."""

    def __init__(
        self, text: str = "", role: str = "", *, wrap: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.setWordWrap(wrap)
        if role:
            self.setProperty("role", role)

    def set_role(self, role: str) -> None:
        set_property(self, "role", role)


class SteadyLabel(Label):
    """Words that change with every frame: the layout hears of them where their room changes.

    A plain label tells it of each new digit, and it the layouts around it up to the window, which
    then lays out all of its docks: a seventh of the window's time.
    """

    _least = 0  # pixels that it takes whatever it says

    def set_least(self, width: int) -> None:
        """Room for the widest words, so that nothing moves when they change."""
        self._least = width
        self._fit()

    def setText(self, text: str) -> None:
        if text != self.text():
            super().setText(text)
            self._fit()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()  # the hint of a label is never smaller than it is already
        wide = max(metrics.horizontalAdvance(self.text()), self._least)
        size = QSize(wide, metrics.height())
        if size != self.minimumSize():
            self.setFixedSize(size)  # Qt tells no layout of a hint that cannot matter


class ElidedLabel(Label):
    """One line that gives way: what does not fit ends in an ellipsis and is told by the tip."""

    def __init__(
        self, text: str = "", role: str = "", *, least: int = 3, parent: QWidget | None = None
    ) -> None:
        super().__init__(text, role, parent=parent)
        self._least = least  # letters that it needs
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        least = self.fontMetrics().averageCharWidth() * self._least
        return QSize(min(least, super().sizeHint().width()), super().minimumSizeHint().height())

    def paintEvent(self, event) -> None:
        metrics = self.fontMetrics()
        room = self.contentsRect()
        shown = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        if shown == self.text():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(room, self.alignment() | Qt.AlignmentFlag.AlignVCenter, shown)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        fits = self.fontMetrics().horizontalAdvance(self.text()) <= self.contentsRect().width()
        if not self.property("tip"):
            self.setToolTip("" if fits else self.text())


class IconLabel(QLabel):
    """An icon that is no button."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        colour: str = "text2",
        size: int = 16,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon, self._colour, self._size = icon, colour, size
        self.restyle(theme)

    def set_icon(self, icon: str, colour: str) -> None:
        if (icon, colour) != (self._icon, self._colour):
            self._icon, self._colour = icon, colour
            self.restyle(self.theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        side = theme.px(self._size)
        self.setFixedSize(side, side)
        self.update()

    def paintEvent(self, event) -> None:
        self.theme.icon(self._icon, self._colour).paint(QPainter(self), self.rect())


class MathLabel(QWidget):
    """A formula in LaTeX, on the baseline of the text beside it; words where it cannot be set."""

    def __init__(
        self,
        theme: Theme,
        latex: str,
        role: str = "body",
        colour: str = "text",
        *,
        size: float = 1.0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._latex, self._role, self._colour, self._size = latex, role, colour, size
        self.setAccessibleName(latex)
        self.restyle(theme)

    def set_latex(self, latex: str) -> None:
        self._latex = latex
        self.setAccessibleName(latex)
        self.updateGeometry()
        self.update()

    def set_colour(self, colour: str) -> None:
        if colour != self._colour:
            self._colour = colour
            self.update()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        made = self._formula()
        if made is None:
            return QFontMetrics(self._font()).size(0, self._latex)
        return QSize(round(made.width + 0.5), round(made.height + 0.5))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.theme.px(8), self.sizeHint().height())

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        made = self._formula()
        if made is None:
            painter.setFont(self._font())
            painter.setPen(self.theme.colour(self._colour))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._latex)
            return
        scale = min(1.0, self.width() / max(1.0, made.width))  # a long formula shrinks, uncut
        pixels, ratio = self._pixels() * scale, self.devicePixelRatioF()
        drawn = mathematics.picture(self._latex, pixels, self.theme.hex(self._colour), ratio)
        if drawn is not None:
            top = self._top(made, scale)
            painter.drawPixmap(QPointF(0, round(top * ratio) / ratio), drawn)

    def _top(self, made: mathematics.Formula, scale: float) -> float:
        return (self.height() - made.height * scale) / 2

    def _font(self) -> QFont:
        return self.theme.font(self._role)

    def _pixels(self) -> float:
        points = self.theme.type[self._role] * self.theme.scale * self._size
        return round(mathematics.X_HEIGHT * points * self.logicalDpiY() / 72, 2)

    def _formula(self) -> mathematics.Formula | None:
        return mathematics.formula(self._latex, self._pixels(), self.theme.hex(self._colour))


class SymbolLabel(MathLabel):
    """The symbol of a parameter, in a column of its own; as small as it must be to fit."""

    def __init__(
        self, theme: Theme, symbol: str, colour: str = "text", parent: QWidget | None = None
    ) -> None:
        source = mathematics.latex(symbol) if symbol else r"\,"
        super().__init__(theme, source, "body", colour, size=11 / 9.5, parent=parent)
        self.setAccessibleName(symbol)

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(22), self.theme.px(24))

    def _top(self, made: mathematics.Formula, scale: float) -> float:
        metrics = QFontMetrics(self._font())
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        return baseline - (made.height - made.depth) * scale
