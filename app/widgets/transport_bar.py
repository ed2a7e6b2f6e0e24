"""Play, step, pace, time and seed: the run's own controls, across the foot of the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from app.theme.theme import Theme
from app.widgets import numbers
from app.widgets.boxes import Post, Row
from app.widgets.branches import Branch, Mark
from app.widgets.buttons import IconButton
from app.widgets.labels import Label, SteadyLabel
from app.widgets.scrubber import Scrubber


LARGEST_SEED = 2**31 - 1
COMPACT = 1250  # pixels of scale 1 below which words give way


class SeedField(QLineEdit):
    """A seed: whole and not negative; Esc brings the old one back."""

    entered = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("0", parent)
        self._value = 0
        self.setProperty("kind", "number")
        self.setValidator(QIntValidator(0, LARGEST_SEED, self))
        self.setAccessibleName("Seed")
        self.setToolTip("Seed of the run: Enter restarts with it")
        self.returnPressed.connect(self._enter)
        self.editingFinished.connect(lambda: None if self.hasFocus() else self._write())
        self.restyle(theme)

    def value(self) -> int:
        return self._value

    def setValue(self, value: int) -> None:
        if value != self._value:
            self._value = value
            if not self.isModified():
                self._write()

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._write()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._write()
            self.clearFocus()
            return
        super().keyPressEvent(event)

    def _enter(self) -> None:
        if self.isModified():
            self._value = int(self.text())
            self._write()
            self.entered.emit(self._value)

    def _write(self) -> None:
        self.setText(str(self._value))
        self.setModified(False)
        wide = self.fontMetrics().horizontalAdvance("0" * max(2, len(self.text())))
        self.setFixedWidth(wide + self.theme.px(16))


class TransportBar(QFrame):
    """Wishes go out as signals; what is so comes in by `set_state`, silently."""

    play_toggled = Signal(bool)
    restart_asked = Signal(bool)  # with a new seed
    step_asked = Signal(int)  # how many steps, backwards if negative
    speed_asked = Signal(int)  # +2 twice as fast, −2 half as fast
    seed_changed = Signal(int)
    sought = Signal(int, int)  # a branch and a step of it, to go to
    seek_ended = Signal()  # the hand let the timeline go
    past_menu_asked = Signal(object)  # QPoint on the screen: branches, and the memory of the past
    snapshot_asked = Signal()
    compare_asked = Signal()  # two runs with the same noise, or one again

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("transport")
        self._running = False
        self._state: tuple = ()
        big = 18
        restart = IconButton(theme, "arrow-counter-clockwise", "Restart, same seed  R", size=big)
        self.back = IconButton(theme, "caret-left", "One step back  ,", size=big)
        self.play = IconButton(theme, "play-fill", "Play  Space", size=big, colour="on_accent")
        self.play.setObjectName("play")
        self.forward = IconButton(theme, "caret-right", "One step on  .", size=big)
        slower = IconButton(theme, "minus", "Slower  −", size=13)
        faster = IconButton(theme, "plus", "Faster  +", size=13)
        self._pace = Label("4 steps/frame", "second")
        self._pace.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._time = SteadyLabel("t = 0", "strong")
        self._tick = SteadyLabel("", "caption")
        self.scrubber = Scrubber(theme)
        self.past = IconButton(theme, "git-branch", "Branches and memory of the timeline")
        self._seed = SeedField(theme)
        dice = IconButton(theme, "dice-five", "Restart, new seed  Shift+R")
        self.snapshot = IconButton(theme, "bookmark-simple", "Keep a snapshot  Ctrl+1…9")
        self.compare = IconButton(theme, "columns", "A/B with the same seed  A", checkable=True)
        self._line = Row(
            theme,
            restart,
            self.back,
            self.play,
            self.forward,
            4,
            Post(theme),
            4,
            Row(theme, slower, self._pace, faster, gap=2),
            4,
            Post(theme),
            4,
            self._time,
            (self.scrubber, 1),
            self._tick,
            self.past,
            4,
            Post(theme),
            4,
            Label("seed", "caption"),
            self._seed,
            dice,
            self.snapshot,
            self.compare,
            margins=(12, 0, 12, 0),
            gap=6,
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 1, 0, 0)
        whole.addWidget(self._line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

        restart.clicked.connect(lambda: self.restart_asked.emit(False))
        dice.clicked.connect(lambda: self.restart_asked.emit(True))
        self.back.clicked.connect(lambda: self.step_asked.emit(-1))
        self.forward.clicked.connect(lambda: self.step_asked.emit(1))
        slower.clicked.connect(lambda: self.speed_asked.emit(-2))
        faster.clicked.connect(lambda: self.speed_asked.emit(2))
        self.play.clicked.connect(lambda: self.play_toggled.emit(not self._running))
        self._seed.entered.connect(self.seed_changed)
        self.scrubber.sought.connect(self.sought)
        self.scrubber.released.connect(self.seek_ended)
        self.scrubber.menu_asked.connect(self.past_menu_asked)
        self.past.clicked.connect(
            lambda: self.past_menu_asked.emit(self.past.mapToGlobal(self.past.rect().topLeft()))
        )
        self.snapshot.clicked.connect(self.snapshot_asked)
        self.compare.clicked.connect(lambda: self.compare_asked.emit())
        self.restyle(theme)

    def set_state(
        self, running: bool, tick: int, time: float, steps_per_frame: int, seed: int
    ) -> None:
        """Show what is so; emits nothing, and costs little when called at every frame."""
        state = running, tick, time, steps_per_frame, seed
        if state == self._state:
            return
        self._state = state
        if running != self._running:
            self._running = running
            self.play.set_icon("pause-fill" if running else "play-fill")
            self.play.set_tip("Pause  Space" if running else "Play  Space")
        with QSignalBlocker(self._seed):
            self._seed.setValue(seed)
        self._time.setText(f"t = {clock(time)}")
        self._tick.setText("" if self._compact() else f"{numbers.count(tick)} steps")
        plural = "" if steps_per_frame == 1 else "s"
        pace = f"{numbers.count(steps_per_frame)} step{plural}/frame"
        self._pace.setText(f"×{numbers.count(steps_per_frame)}" if self._compact() else pace)

    def show_past(
        self,
        branches: Sequence[Branch],
        present: int,
        marks: Sequence[Mark],
        step: int,
        used: int,
        budget: int,
        names: Mapping[int, str] | None = None,
    ) -> None:
        """The tree of the run, and the memory in bytes that going back takes and may take."""
        self.scrubber.show_past(branches, present, marks, step, names)
        self.back.setEnabled(step > 0)
        others = len(branches) - 1
        plural = "" if others == 1 else "es"
        more = f", {others} other branch{plural}" if others else ""
        self.past.set_tip(f"Timeline: {memory(used)} of {memory(budget)}{more}")
        self.past.set_icon("git-branch", "accent" if others else "text2")

    def set_comparing(self, on: bool) -> None:
        self.compare.setChecked(on)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._line.restyle(theme)
        self.setFixedHeight(theme.px(theme.sizes["transport"]))
        self._measure()

    def sizeHint(self) -> QSize:
        return QSize(self.theme.px(900), self.theme.px(60))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._measure()

    def _compact(self) -> bool:
        return self.width() < self.theme.px(COMPACT)

    def _measure(self) -> None:
        # Room for the widest words, so that nothing moves when digits change.
        advance = self._time.fontMetrics().horizontalAdvance
        widest = "×4 096" if self._compact() else "4 096 steps/frame"
        self._pace.setFixedWidth(advance(widest.replace(" ", numbers.THIN)))
        self._time.set_least(round(1.1 * advance("t = 00 000.00")))
        self._tick.setVisible(not self._compact())
        self._tick.set_least(advance("0 000 000 steps") if not self._compact() else 0)
        self._tick.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        state, self._state = self._state, ()
        if state:
            self.set_state(*state)


def memory(size: float) -> str:
    """Bytes in words: 12 MB, 1 GB."""
    for unit, step in (("GB", 2**30), ("MB", 2**20)):
        if size >= step:
            return f"{size / step:.3g} {unit}"
    return f"{size / 1024:.0f} kB"


def clock(time: float) -> str:
    """A time that does not dance: whole when it is large, two digits after the point else."""
    if float(time).is_integer() or abs(time) >= 1e5:
        return numbers.count(time)
    whole, _, rest = f"{time:.2f}".partition(".")
    return f"{numbers.count(float(whole))}.{rest}" if abs(time) < 1e4 else numbers.count(time)
