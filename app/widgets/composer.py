"""The figure composer: panels in their order on a page that is shown as it will be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row, Rule, restyle_children
from app.widgets.buttons import WordButton
from app.widgets.composer_page import PageForm
from app.widgets.composer_panels import Panel, PanelList
from app.widgets.composer_words import PaperWords
from app.widgets.labels import ElidedLabel, Label
from app.widgets.page_preview import PagePreview
from app.widgets.scroll import Scroll
from app.widgets.segments import Segments


WAIT = 200  # ms of rest before the page is drawn again
FORMATS = ("PDF", "SVG", "PNG", "TIFF")
DATA = {"none": "", "CSV": "csv", "HDF5": "h5"}


class Composer(QDialog):
    """Asks how a figure shall be; who opened it draws the page, and the figure.

    A wish is a dict: `panels` (name and step of each, in the order of their letters), `style` (the
    fields of a `FigureStyle`), `format`, `embedded` (whether the file says what makes it again),
    and what stands beside it: `data` ("", "csv", "h5"), `script`, `sidecar`.
    """

    asked = Signal(dict)  # a wish, to be saved
    preview_wanted = Signal(dict)  # a wish
    refresh_asked = Signal()  # to take the run as it is now

    def __init__(
        self,
        theme: Theme,
        titles: Mapping[str, str],  # of the views, by name
        timed: Sequence[str],  # those that can be drawn at another step
        presets: Mapping[str, Mapping[str, Any]],
        *,
        steps: int = 0,  # of the run so far
        panels: Sequence[Panel] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle("Compose a figure")
        self._rest = QTimer(self, interval=WAIT, singleShot=True)
        self._rest.timeout.connect(lambda: self.preview_wanted.emit(self.wish()))
        self.preview = PagePreview(theme)
        self._size = ElidedLabel("", "caption")
        self._now = WordButton(theme, "Take the run as it is now", "arrows-clockwise", "plain")
        self._now.setToolTip("The figure keeps the instant at which this page was opened")

        self.panels = PanelList(theme, titles, timed, steps, panels or [(next(iter(titles)), None)])
        self.page = PageForm(theme, presets)
        self._format = Segments(theme, FORMATS)
        self._format.setValue("PDF")
        self._format.setAccessibleName("Format")
        self._embedded = _tick("Embed the session, so that the figure reopens", on=True)
        self._embedded.setToolTip(
            "Leave it out for an anonymous review: then the file names nobody"
        )
        self._sidecar = _tick("Session file (.manyscope)")
        self._script = _tick("Script that makes the numbers again")
        self._data = Segments(theme, tuple(DATA))
        self._data.setValue("none")
        self._data.setAccessibleName("Data beside the figure")
        self.words = PaperWords(theme)
        self._save = WordButton(theme, "Save figure…", "export", "primary")
        self._save.setDefault(True)
        cancel = WordButton(theme, "Close")

        parts: list[QWidget | int | None] = []
        for title, inside in (
            ("Panels", (self.panels,)),
            ("Page", (self.page,)),
            ("File", (self._format, self._embedded)),
            ("Beside it", (self._sidecar, self._script, _named(theme, "Data", self._data))),
            ("For the paper", (self.words,)),
        ):
            parts += [Label(title, "section"), *inside, 4, Rule(), 4]
        fields = Scroll(
            theme,
            Column(theme, *parts[:-3], None, margins=(0, 0, 10, 0), gap=6, name="panel"),
        )
        foot = Row(theme, self._now, None, cancel, self._save)
        self._left = Column(theme, (self.preview, 1), self._size, gap=6)
        self._right = Column(theme, (fields, 1), foot, gap=12)
        self._line = QHBoxLayout(self)
        self._line.addWidget(self._left, 3)
        self._line.addWidget(self._right, 2)

        self.panels.changed.connect(self._on_change)
        self.page.changed.connect(self._on_change)
        self._format.chosen.connect(lambda _: self._on_change())
        self._now.clicked.connect(self.refresh_asked)
        self._save.clicked.connect(lambda: self.asked.emit(self.wish()))
        cancel.clicked.connect(self.reject)
        self.restyle(theme)
        self._on_change()

    def wish(self) -> dict[str, Any]:
        """The figure as it is asked for now."""
        return {
            "panels": self.panels.panels(),
            "style": self.page.style_asked(),
            "format": self._format.value().lower(),
            "embedded": self._embedded.isChecked(),
            "sidecar": self._sidecar.isChecked(),
            "script": self._script.isChecked(),
            "data": DATA[self._data.value()],
        }

    def set_format(self, name: str) -> None:
        """Take the format of a file by its ending; another one is left."""
        name = {"tif": "tiff"}.get(name, name).upper()
        if name in FORMATS:
            self._format.setValue(name)

    def show_preview(
        self, picture: QPixmap | None, size: str = "", texts: Mapping[str, str] | None = None
    ) -> None:
        """The page as it will be printed, and what there is to write below it."""
        self.preview.set_picture(picture)
        self._size.setText(size)
        if texts is not None:
            self.words.setTexts(texts)

    def show_trouble(self, words: str) -> None:
        """A sentence that says why the page cannot be drawn."""
        self.preview.set_picture(None, words)
        self._size.setText("")

    def refresh(self) -> None:
        """Ask for the page anew."""
        if self.isVisible():
            self._rest.start(0)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        px = theme.px
        restyle_children(self, theme)
        self._line.setContentsMargins(px(16), px(16), px(16), px(16))
        self._line.setSpacing(px(16))
        self.resize(px(1060), px(680))

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._rest.start(0)

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._rest.stop()

    def _on_change(self) -> None:
        wish = self.wish()
        self._save.setEnabled(bool(wish["panels"]))
        self.preview.set_clear(wish["style"]["background"] == "transparent")
        if not wish["panels"]:
            self._rest.stop()
            self.show_trouble("Add a panel to see the page.")
        elif self.isVisible():
            self._rest.start(WAIT)


def _tick(words: str, *, on: bool = False) -> QCheckBox:
    tick = QCheckBox(words)
    tick.setChecked(on)
    return tick


def _named(theme: Theme, words: str, control: QWidget) -> Row:
    return Row(theme, Label(words, "second"), (control, 1), gap=12)
