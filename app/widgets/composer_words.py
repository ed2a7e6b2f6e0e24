"""Words for the paper, to copy: a caption, a paragraph on methods, the entries it cites."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row
from app.widgets.buttons import WordButton
from app.widgets.segments import Segments


KINDS = ("Caption", "Methods", "BibTeX")
LINES = 6


class PaperWords(Column):
    """One of three texts at a time, and a button that copies it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._kind = Segments(theme, KINDS)
        self._kind.setValue(KINDS[0])
        self._text = QPlainTextEdit(readOnly=True)
        self._text.setAccessibleName("Words for the paper")
        self._copy = WordButton(theme, "Copy", "copy")
        self._texts: Mapping[str, str] = {}
        super().__init__(
            theme, Row(theme, (self._kind, 1), self._copy), self._text, gap=6, parent=parent
        )
        self._kind.chosen.connect(lambda _: self._show())
        self._copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(self._text.toPlainText())
        )

    def setTexts(self, texts: Mapping[str, str]) -> None:
        """The three texts by their kinds."""
        self._texts = texts
        self._show()

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self._text.setFixedHeight(LINES * self._text.fontMetrics().lineSpacing() + theme.px(16))

    def _show(self) -> None:
        self._text.setPlainText(self._texts.get(self._kind.value(), ""))
        self._copy.setEnabled(bool(self._text.toPlainText()))
