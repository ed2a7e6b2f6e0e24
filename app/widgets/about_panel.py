"""What a system is: what one sees, its equations, what theory assumes, who wrote it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row, Rule
from app.widgets.buttons import IconButton, WordButton
from app.widgets.equation import Equation
from app.widgets.labels import Label
from app.widgets.scroll import Scroll


if TYPE_CHECKING:
    from engine.core.about import Equation as Formula
    from engine.core.about import Source

NARROW = 240  # pixels of scale 1 below which the button is an icon
SAID = 1600  # ms that a button says "Copied"


class Card(NamedTuple):
    """What there is to say about a system."""

    title: str
    text: str
    equations: tuple[Formula, ...] = ()
    assumptions: str = ""
    sources: tuple[Source, ...] = ()
    after: bool = False
    theory_names: tuple[str, ...] = ()


def raised(text: str) -> str:
    """A docstring's `N^{-1/2}` and `K_c` as rich text: indices raised and lowered."""
    rich = html.escape(text, quote=False)
    rich = re.sub(r"\^\{([^{}]*)\}|\^(\w)", lambda m: f"<sup>{m[1] or m[2]}</sup>", rich)
    rich = re.sub(r"(?<=\b\w)_(?:\{([^{}]*)\}|(\w+))", lambda m: f"<sub>{m[1] or m[2]}</sub>", rich)
    return re.sub(r"(<su[pb]>)-", "\\1\u2212", rich)


class SourceRow(QWidget):
    """A paper in one line, and a button that copies its BibTeX; where it is narrow, an icon."""

    copied = Signal(str)  # BibTeX, now on the clipboard

    def __init__(
        self, theme: Theme, source: Source, short: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._bibtex = source.bibtex
        words = Label(short, "caption", wrap=True)
        words.setToolTip(source.title)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        tip = f"Copy the BibTeX entry of “{source.title}”"
        self._word = WordButton(theme, "BibTeX", "copy")
        self._icon = IconButton(theme, "copy", tip)
        self._word.setToolTip(tip)
        self._word.setAccessibleName(tip)
        self._said = QTimer(self, interval=SAID, singleShot=True)
        self._said.timeout.connect(lambda: self._say(False))
        self._row = Row(theme, (words, 1), self._word, self._icon)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._row)
        self._word.clicked.connect(self.copy)
        self._icon.clicked.connect(self.copy)
        self._word.hide()

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self._bibtex)
        self._say(True)
        self._said.start()
        self.copied.emit(self._bibtex)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._row.restyle(theme)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        wide = self.width() >= self.theme.px(NARROW)
        if wide == self._word.isHidden():
            self._word.setVisible(wide)
            self._icon.setVisible(not wide)

    def _say(self, copied: bool) -> None:
        self._word.setText("Copied" if copied else "BibTeX")
        self._icon.set_icon("check" if copied else "copy", "ok" if copied else "text2")


class AboutPanel(QFrame):
    """The card of the system that is open."""

    copied = Signal(str)  # BibTeX, now on the clipboard

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("panel")
        self._scroll: Scroll | None = None
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self.show_card(None)

    def show_card(self, card: Card | None) -> None:
        """Show a card; None is no system."""
        inside = Column(self.theme, margins=(12, 12, 12, 12), gap=8, name="panel")
        if card is None:
            inside.add(Label("No system is open.", "caption"))
        else:
            self._fill(inside, card)
        scroll = Scroll(self.theme, inside)
        if self._scroll is None:
            self._whole.addWidget(scroll)
        else:
            self._whole.replaceWidget(self._scroll, scroll)
            self._scroll.hide()
            self._scroll.deleteLater()
        self._scroll = scroll

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        if self._scroll is not None:
            self._scroll.restyle(theme)

    def _fill(self, inside: Column, card: Card) -> None:
        inside.add(Label(card.title, "title", wrap=True))
        for paragraph in filter(None, (part.strip() for part in card.text.split("\n\n"))):
            words = Label("", "second", wrap=True)
            words.setTextFormat(Qt.TextFormat.RichText)
            words.setText(raised(" ".join(paragraph.split())))
            inside.add(words)
        if card.equations:
            lines: list[QWidget] = []
            for equation in card.equations:
                lines.append(Equation(self.theme, equation.latex))
                if equation.words:
                    lines.append(Label(equation.words, "caption", wrap=True))
            box = Column(self.theme, *lines, margins=(12, 10, 12, 10), gap=6, name="card")
            box.setAccessibleName("Equations")
            inside.add(box)
        if card.theory_names or card.assumptions:
            names = ", ".join(name.replace("_", " ") for name in card.theory_names)
            lines = [Label(f"Theory: {names}" if names else "Theory", "theory", wrap=True)]
            if card.assumptions:
                lines.append(Label(card.assumptions, "caption", wrap=True))
            inside.add(Column(self.theme, *lines, gap=1))
        inside.add(None)
        if card.sources:
            inside.add(Rule())
        for number, source in enumerate(card.sources):
            short = f"after {source.short}" if card.after and number == 0 else source.short
            row = SourceRow(self.theme, source, short)
            row.copied.connect(self.copied)
            inside.add(row)
        if card.after:
            inside.add(
                Label(
                    "The equations are reconstructed: not printed in full there.",
                    "caption",
                    wrap=True,
                )
            )
