"""States said in words on the stage: a notice asks for an answer, a banner does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row, set_property
from app.widgets.buttons import WordButton
from app.widgets.labels import ElidedLabel, IconLabel, Label


Kind = Literal["plain", "warning", "error"]
Deed = tuple[str, Callable[[], object]]
WIDTH = 380
FIT = (QEvent.Type.LayoutRequest, QEvent.Type.PolishRequest, QEvent.Type.Show)


class Notice(QFrame):
    """What is, why, and what to do next; in the middle of the stage."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        actions: tuple[Deed, ...] = (),
        *,
        kind: Kind = "plain",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setProperty("kind", kind)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon = IconLabel(theme, icon, "error" if kind == "error" else "accent", 22)
        self._title = Label(title, "title", wrap=True)
        self._text = Label(text, "second", wrap=True)
        buttons: list[QWidget | int | None] = []
        for place, (words, deed) in enumerate(actions):
            button = WordButton(theme, words, kind="primary" if place == 0 else "outline")
            button.clicked.connect(lambda _, deed=deed: deed())
            buttons.append(button)
        foot = [6, Row(theme, *buttons, None)] if buttons else []
        column = Column(theme, self._title, self._text, *foot, gap=4)
        self._line = QHBoxLayout(self)
        self._line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        self._line.addWidget(column, 1)
        self._column = column
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.restyle(theme)

    def event(self, event) -> bool:
        done = super().event(event)
        if event.type() in FIT:
            self.adjustSize()
        return done

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._icon.restyle(theme)
        self._column.restyle(theme)
        self._line.setContentsMargins(*[theme.px(16)] * 4)
        self._line.setSpacing(theme.px(12))
        self.setFixedWidth(theme.px(WIDTH))
        self.adjustSize()

    def sizeHint(self) -> QSize:
        width = self.theme.px(WIDTH)
        self._line.activate()
        return QSize(width, self._line.totalHeightForWidth(width))


class Banner(QFrame):
    """One line at the foot of the stage: the picture stays free."""

    def __init__(
        self,
        theme: Theme,
        icon: str = "",
        title: str = "",
        text: str = "",
        action: Deed | None = None,
        *,
        kind: Kind = "plain",
        progress: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._deed: Callable[[], object] | None = None
        self._icon = IconLabel(theme, icon or "info", "accent")
        self._title = Label("", "strong")
        self._text = ElidedLabel("", "second")
        self._button = WordButton(theme, "")
        self._button.clicked.connect(lambda: self._deed() if self._deed else None)
        self._row = Row(theme, self._icon, self._title, (self._text, 1), self._button)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setAccessibleName("Progress")
        self._column = QVBoxLayout(self)
        self._column.addWidget(self._row)
        self._column.addWidget(self._bar)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.say(icon, title, text, action, kind=kind, progress=progress)

    def say(
        self,
        icon: str,
        title: str,
        text: str = "",
        action: Deed | None = None,
        *,
        kind: Kind = "plain",
        progress: float | None = None,
    ) -> None:
        """Say something else; `progress` is a share, negative while nobody knows how far."""
        colour = {"warning": "warning", "error": "error"}.get(kind, "accent")
        self._icon.set_icon(icon or "info", colour)
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._deed = action[1] if action else None
        self._button.setText(action[0] if action else "")
        self._button.setVisible(action is not None)
        self.setAccessibleName(f"{title}: {text}")
        set_property(self, "kind", kind)
        self.set_progress(progress)
        self._measure()

    def set_progress(self, progress: float | None) -> None:
        """How far it is: a share, negative while nobody knows, None without a bar."""
        self._bar.setVisible(progress is not None)
        if progress is not None:
            self._bar.setRange(0, 0 if progress < 0 else 1000)
            self._bar.setValue(0 if progress < 0 else round(1000 * progress))

    def event(self, event) -> bool:
        done = super().event(event)
        if event.type() in FIT:
            self.adjustSize()
        return done

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._row.restyle(theme)
        self._measure()

    def _measure(self) -> None:
        px, action = self.theme.px, self._deed is not None
        edge = px(4 if action else 8)
        self._column.setContentsMargins(px(12), edge, px(4 if action else 12), edge)
        self._column.setSpacing(px(6))
        self.adjustSize()
