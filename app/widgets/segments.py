"""One of a few words: side by side while they fit, a list otherwise."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from app.theme.theme import Theme


LETTERS = 21  # that stand side by side without asking for a wider panel


class Segments(QFrame):
    """A few words side by side, one of them chosen."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, words: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("segment")
        self._line = QHBoxLayout(self)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        for word in words:
            button = QToolButton()
            button.setText(word)
            button.setCheckable(True)
            button.setAccessibleName(word)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._group.addButton(button)
            self._line.addWidget(button, 1)
            self._buttons[word] = button
        self._group.buttonClicked.connect(lambda button: self.chosen.emit(button.text()))
        self.restyle(theme)

    def value(self) -> str:
        button = self._group.checkedButton()
        return button.text() if button else ""

    def setValue(self, word: str) -> None:
        if word in self._buttons:
            self._buttons[word].setChecked(True)

    def restyle(self, theme: Theme) -> None:
        self._line.setContentsMargins(*[theme.px(2)] * 4)
        self._line.setSpacing(theme.px(2))
        advance = self.fontMetrics().horizontalAdvance
        widest = 0
        for word in self._buttons:
            widest = max(widest, advance(word))
        each = widest + theme.px(22)  # words, padding and gap; the style sheet owns the buttons'
        self.setMinimumWidth(each * len(self._buttons) + theme.px(4))


class Combo(QComboBox):
    """A list to choose from, with the caret of our icons; never steals the wheel."""

    chosen = Signal(str)

    def __init__(
        self, theme: Theme, words: tuple[str, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.addItems(list(words))
        self.setItemDelegate(QStyledItemDelegate(self))  # one that heeds the style sheet
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.view().window().setWindowFlag(Qt.WindowType.NoDropShadowWindowHint)
        self.textActivated.connect(self.chosen)

    def value(self) -> str:
        return self.currentText()

    def setValue(self, word: str) -> None:
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findText(word))

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.updateGeometry()
        self.update()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.updateGeometry()

    def wheelEvent(self, event) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def showPopup(self) -> None:
        self.view().setMinimumWidth(self.sizeHint().width())  # no word is cut off in the list
        super().showPopup()

    def sizeHint(self) -> QSize:
        advance = self.fontMetrics().horizontalAdvance
        widest = max((advance(self.itemText(k)) for k in range(self.count())), default=0)
        return QSize(widest + self.theme.px(44), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self.sizeHint().width(), self.theme.px(96)), self.sizeHint().height())

    def paintEvent(self, event) -> None:
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.width() - self.theme.px(40)
        elide = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(self.currentText(), elide, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        side = self.theme.px(12)
        area = QRect(round(self.width() - 1.9 * side), (self.height() - side) // 2, side, side)
        self.theme.icon("caret-down", "text3").paint(painter, area)


def choice(theme: Theme, words: tuple[str, ...], parent: QWidget | None = None) -> Segments | Combo:
    """The control that suits these words: a few short ones, each as wide as the longest."""
    short = len(words) <= 3 and len(words) * max(map(len, words), default=0) <= LETTERS
    return Segments(theme, words, parent) if short else Combo(theme, words, parent)
