"""What a system is: what one sees, its equations, what theory assumes, who wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row, Rule
from app.widgets.buttons import WordButton
from app.widgets.labels import Label, MathLabel
from app.widgets.scroll import Scroll


if TYPE_CHECKING:
    from engine.core.about import Equation, Source

SAID = 1600  # ms that a button says "Copied"


class Card(NamedTuple):
    """What there is to say about a system."""

    title: str
    text: str
    equations: tuple[Equation, ...] = ()
    assumptions: str = ""
    sources: tuple[Source, ...] = ()
    after: bool = False
    theory_names: tuple[str, ...] = ()


class AboutPanel(QFrame):
    """The card of the system that is open."""

    copied = Signal(str)  # BibTeX, now on the clipboard

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("panel")
        self.setMinimumWidth(theme.px(200))
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
        self.setMinimumWidth(theme.px(200))
        if self._scroll is not None:
            self._scroll.restyle(theme)

    def _fill(self, inside: Column, card: Card) -> None:
        inside.add(Label(card.title, "title", wrap=True))
        for paragraph in filter(None, (part.strip() for part in card.text.split("\n\n"))):
            inside.add(Label(" ".join(paragraph.split()), "second", wrap=True))
        if card.equations:
            lines: list[QWidget] = []
            for equation in card.equations:
                lines.append(MathLabel(self.theme, equation.latex, size=10.5 / 9.5))
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
            words = Label(short, "caption", wrap=True)
            words.setToolTip(source.title)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            copy = WordButton(self.theme, "BibTeX", "copy")
            copy.setToolTip(f"Copy the BibTeX entry of “{source.title}”")
            copy.setAccessibleName(f"Copy BibTeX of {source.title}")
            copy.clicked.connect(lambda _, s=source, b=copy: self._copy(s.bibtex, b))
            inside.add(Row(self.theme, (words, 1), copy))
        if card.after:
            inside.add(
                Label(
                    "The equations are reconstructed: not printed in full there.",
                    "caption",
                    wrap=True,
                )
            )

    def _copy(self, bibtex: str, button: WordButton) -> None:
        QGuiApplication.clipboard().setText(bibtex)
        button.setText("Copied")
        QTimer.singleShot(SAID, button, lambda: button.setText("BibTeX"))
        self.copied.emit(bibtex)
