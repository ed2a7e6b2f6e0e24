"""What a film shall be: from where, how long, how large, and where its camera goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QSlider,
    QWidget,
)

from app.theme.theme import Theme
from app.widgets.boxes import Column, Row, restyle_children
from app.widgets.buttons import WordButton
from app.widgets.labels import Label
from app.widgets.page_preview import PagePreview
from app.widgets.scroll import Scroll
from app.widgets.segments import Combo, Segments
from app.widgets.spin import Amount, Count


WAIT = 200  # ms of rest before the frame is drawn again
PARTS = ("from here on", "the last seconds")
FORMATS = ("MP4", "WebM", "GIF", "PNG")
GROUNDS = ("dark", "light")
RATES = (24, 25, 30, 50, 60)
SIZES = {
    "1280 × 720": (1280, 720),
    "1920 × 1080": (1920, 1080),
    "2560 × 1440": (2560, 1440),
    "3840 × 2160 (4K)": (3840, 2160),
    "1080 × 1080 (square)": (1080, 1080),
    "1080 × 1920 (upright)": (1080, 1920),
}
OWN = "own size"
CAMERAS = ("as in the window", "all of it", "turntable", "through keys")
STILL = "none"  # no parameter is on a path
BYTES = {"MP4": 0.03, "WebM": 0.02, "GIF": 0.075, "PNG": 0.45}  # a pixel of a frame, about


class Guide(NamedTuple):
    """A live parameter that a path can lead: its name, its words, where it is, its span."""

    name: str
    words: str
    value: float
    span: tuple[float, float]


class VideoDialog(QDialog):
    """Asks how a film shall be; who opened it draws the frame, and the film.

    A wish is a dict: `past`, `seconds`, `every`, `fps`, `size`, `format`, `view`, `theme`, `hold`,
    `camera` (one of `CAMERAS`), `keys` (how many are to be kept), `path` (name, first, last; or
    None), `embedded`, and `share`, how far the frame that is shown is.
    """

    asked = Signal(dict)
    preview_wanted = Signal(dict)
    key_asked = Signal()  # to take the window's camera as the next key
    keys_dropped = Signal()

    def __init__(
        self,
        theme: Theme,
        views: Mapping[str, str],  # titles by name
        guides: Sequence[Guide],
        *,
        every: int = 4,
        past: int = 0,  # steps that there are to go back
        in_space: bool = False,  # whether a camera can go around
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle("Make a film")
        self._views, self._guides, self._past = tuple(views), tuple(guides), past
        self._keys = 0
        self._rest = QTimer(self, interval=WAIT, singleShot=True)
        self._rest.timeout.connect(lambda: self.preview_wanted.emit(self.wish()))
        self.preview = PagePreview(theme)
        self._share = QSlider(Qt.Orientation.Horizontal)
        self._share.setMaximum(1000)
        self._share.setAccessibleName("Where in the film")
        self._told = Label("", "caption")

        self._part = Segments(theme, PARTS)
        self._part.setValue(PARTS[0])
        self._part.setToolTip("What was is rendered again, from the states that were kept")
        self._seconds = Amount(0.1, 3600, 10.0, " s")
        self._every = Count(1, 1_000_000, every, " steps a frame")
        self._rate = Combo(theme, tuple(f"{rate} frames a second" for rate in RATES))
        self._rate.setCurrentIndex(RATES.index(30))
        self._size = Combo(theme, (*SIZES, OWN))
        self._size.setCurrentIndex(1)
        self._width = Count(64, 7680, 1920, " px")
        self._height = Count(64, 4320, 1080, " px")
        self._own = Row(theme, (self._width, 1), (self._height, 1), gap=6)
        self._format = Segments(theme, FORMATS)
        self._format.setValue("MP4")
        self._view = Combo(theme, tuple(views.values()))
        self._ground = Segments(theme, GROUNDS)
        self._ground.setValue("dark")
        cameras = (c for c in CAMERAS if in_space or c != "turntable")
        self._camera = Combo(theme, tuple(cameras))
        self._turns = Amount(-100, 100, 1.0, " turns", step=0.5)
        self._add_key = WordButton(theme, "Add the window's camera", "plus")
        self._drop_keys = WordButton(theme, "Clear", kind="plain")
        self._count = Label("", "second")
        self._key_row = Row(theme, self._add_key, self._drop_keys, self._count, None, gap=6)
        self._guide = Combo(theme, (STILL, *(guide.words for guide in guides)))
        self._first, self._last = (Amount(-1e9, 1e9, 0.0, digits=4, step=0.1) for _ in "ab")
        self._ends = Row(theme, (self._first, 1), Label("to", "second"), (self._last, 1), gap=6)
        self._hold = Amount(0, 60, 0.0, " s", step=0.5)
        self._embedded = QCheckBox("Embed the session, so that the film reopens")
        self._embedded.setChecked(True)
        self._save = WordButton(theme, "Save film…", "film-strip", "primary")
        self._save.setDefault(True)
        cancel = WordButton(theme, "Close")

        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Part", self._part),
            ("Length", Row(theme, (self._seconds, 1), (self._every, 1), gap=6)),
            ("Rate", self._rate),
            ("Size", self._size),
            ("", self._own),
            ("Format", self._format),
            ("View", self._view),
            ("Ground", self._ground),
            ("Camera", self._camera),
            ("", self._turns),
            ("", self._key_row),
            ("Path of", self._guide),
            ("", self._ends),
            ("Hold ends", self._hold),
        )
        for place, (words, control) in enumerate(rows):
            self._grid.addWidget(control, place, 1)
            if words:
                self._grid.addWidget(Label(words, "second"), place, 0)
                control.setAccessibleName(words)
        grid = QWidget()
        grid.setLayout(self._grid)
        fields = Scroll(
            theme,
            Column(
                theme, grid, 6, self._embedded, None, margins=(0, 0, 10, 0), gap=6, name="panel"
            ),
        )
        left = Column(theme, (self.preview, 1), self._share, self._told, gap=6)
        right = Column(theme, (fields, 1), Row(theme, None, cancel, self._save), gap=12)
        self._line = QHBoxLayout(self)
        self._line.addWidget(left, 3)
        self._line.addWidget(right, 2)
        self._connect(cancel)
        self.restyle(theme)
        self._on_change()

    def _connect(self, cancel: WordButton) -> None:
        spins = (self._seconds, self._every, self._width, self._height, self._turns, self._hold)
        for spin in (*spins, self._first, self._last, self._share):
            spin.valueChanged.connect(self._on_change)
        for choice in (self._part, self._rate, self._size, self._format, self._view):
            choice.chosen.connect(self._on_change)
        for choice in (self._ground, self._camera):
            choice.chosen.connect(self._on_change)
        self._guide.chosen.connect(self._on_guide)
        self._add_key.clicked.connect(self._on_key)
        self._drop_keys.clicked.connect(self._on_no_keys)
        self._save.clicked.connect(lambda: self.asked.emit(self.wish()))
        cancel.clicked.connect(self.reject)

    def wish(self) -> dict[str, Any]:
        """The film as it is asked for now."""
        size = SIZES.get(self._size.value(), (self._width.value(), self._height.value()))
        guide = self._guide.currentIndex() - 1
        path = None
        if guide >= 0:
            path = (self._guides[guide].name, self._first.value(), self._last.value())
        return {
            "past": self._part.value() == PARTS[1],
            "seconds": self._seconds.value(),
            "every": self._every.value(),
            "fps": RATES[self._rate.currentIndex()],
            "size": size,
            "format": self._format.value().lower(),
            "view": self._views[self._view.currentIndex()],
            "theme": self._ground.value(),
            "hold": self._hold.value(),
            "camera": self._camera.value(),
            "turns": self._turns.value() if self._camera.value() == "turntable" else 0.0,
            "path": path,
            "embedded": self._embedded.isChecked(),
            "share": self._share.value() / self._share.maximum(),
        }

    @property
    def frames(self) -> int:
        """That move; in the past there may be fewer."""
        wish = self.wish()
        frames = max(1, round(wish["seconds"] * wish["fps"]))
        return min(frames, self._past // wish["every"] + 1) if wish["past"] else frames

    def show_preview(self, picture: QPixmap) -> None:
        """The frame as it will be."""
        self.preview.set_picture(picture)

    def show_trouble(self, words: str) -> None:
        """A sentence that says why there is no frame."""
        self.preview.set_picture(None, words)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        px = theme.px
        restyle_children(self, theme)
        self._line.setContentsMargins(px(16), px(16), px(16), px(16))
        self._line.setSpacing(px(16))
        self._grid.setHorizontalSpacing(px(12))
        self._grid.setVerticalSpacing(px(6))
        self.resize(px(1060), px(620))

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._rest.start(0)

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._rest.stop()

    def _on_guide(self, _: str) -> None:
        """A path begins where the parameter is and leads to the farther end of its slider."""
        k = self._guide.currentIndex() - 1
        if k >= 0:
            guide = self._guides[k]
            far = max(guide.span, key=lambda end: abs(end - guide.value))
            with QSignalBlocker(self._first), QSignalBlocker(self._last):
                self._first.setValue(guide.value)
                self._last.setValue(far)
        self._on_change()

    def _on_key(self) -> None:
        self._keys += 1
        self.key_asked.emit()
        self._on_change()

    def _on_no_keys(self) -> None:
        self._keys = 0
        self.keys_dropped.emit()
        self._on_change()

    def _on_change(self, *_: object) -> None:
        wish = self.wish()
        self._own.setVisible(self._size.value() == OWN)
        self._turns.setVisible(wish["camera"] == "turntable")
        self._key_row.setVisible(wish["camera"] == "through keys")
        self._count.setText(f"{self._keys} key{'' if self._keys == 1 else 's'}")
        self._ends.setVisible(wish["path"] is not None)
        for control in (self._guide, self._first, self._last):
            control.setEnabled(not wish["past"])  # what was has its own
        frames = self.frames + 2 * round(wish["hold"] * wish["fps"])
        width, height = wish["size"]
        size = BYTES[self._format.value()] * width * height * frames / 1e6
        steps = (self.frames - 1) * wish["every"]
        short = " (there is no more)" if wish["past"] and steps + wish["every"] > self._past else ""
        self._told.setText(
            f"{frames} frame{'' if frames == 1 else 's'}, {frames / wish['fps']:.1f} s  ·  "
            f"{steps} steps{short}  ·  about {size:.0f} MB"
        )
        self._save.setEnabled(wish["camera"] != "through keys" or self._keys > 0)
        if self.isVisible():
            self._rest.start(WAIT)
