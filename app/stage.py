"""The middle of the window: the large view, and what floats on it."""

from __future__ import annotations

import copy
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.runner import DensityWish
from app.stage_choices import StageChoices
from app.views.camera import camera_of, described
from app.views.choose import view_for
from app.views.view import Hand
from app.widgets.divider import Divided
from app.widgets.noise_clock import NoiseClock
from app.widgets.sides import SideChip
from app.widgets.speaking import EDGE
from app.widgets.stage_chips import LegendChip, ScaleChip, TitleChip, ToolsChip


if TYPE_CHECKING:
    from app.runner import Moment
    from app.theme.theme import Theme
    from app.views.view import View

READ = 0.1  # s between two readings of the legend
ALL = -1  # instead of a row: both
TOOLS = (
    ("reset_camera", "house", "Reset the camera  Home", False),
    ("toggle_theory", "eye", "Theory  T", True),
    ("overlays", "stack", "Trails, velocity field, medoids, coarse density, box", False),
    ("toggle_density", "drop-half", "Density picture of many points", True),
    ("toggle_wipe", "arrows-out-line-horizontal", "A and B under a wipe  Shift+A", True),
    ("copy_view", "camera", "Copy view  Ctrl+C", False),
    ("full_screen", "corners-out", "Full screen  F11", False),
)


class Stage(StageChoices):
    """The large view fills it, or two of them; all else floats above, small, on the corners."""

    drawn = Signal()  # what was shown is to be seen
    densities_wanted = Signal(object)  # tuple of DensityWish
    handle_moved = Signal(str, float)  # a live parameter that is dragged in the view
    handle_held = Signal(bool)  # whether the hand is down on it
    clock_held = Signal(bool)  # whether the hand is down on noise time: the run rests

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName("stage")
        self.setMinimumSize(theme.px(280), theme.px(200))
        self.view: View | None = None
        self.second: View | None = None  # of the run beside, while there is one
        self._linking = False
        self._words = "", ""  # what A and B differ in
        self.name = ""  # of the view in the frame
        self._wish: DensityWish | None = None
        self._system: Any = None
        self._read_at = 0.0

        self.divided = Divided(theme, self)
        self._sides = SideChip(theme, "a", self), SideChip(theme, "b", self)
        self._title = TitleChip(theme, self)
        self._tools = ToolsChip(theme, TOOLS, self)
        self._tools.set_on("toggle_theory", True)
        self._legend = LegendChip(theme, self)
        self._scale = ScaleChip(theme, self)
        self._clock = NoiseClock(theme, self)
        self._whole = whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.divided, 1)
        whole.addWidget(self._clock)

        self._tools.pressed.connect(lambda name, _: self._use(name))
        self._clock.sought.connect(self._seek_time)
        self._clock.held.connect(self.clock_held)
        self._clock.turn_asked.connect(lambda name: self.touched.emit(name, None, ALL))
        self.divided.placed.connect(self._on_placed)
        self._tools.buttons["toggle_wipe"].hide()
        for chip in (self._scale, *self._sides):
            chip.hide()

    def _use(self, name: str) -> None:
        button = self._tools.buttons[name]
        if name == "overlays":
            self._show_menu(button.mapToGlobal(button.rect().bottomLeft()))
        else:
            self.tool_pressed.emit(name)

    # What is shown.

    def begin(self, moment: Moment, title: str) -> None:
        """Show another system, or the same one in another size."""
        name, layers = next(iter(moment.frame.items()))
        hint = type(moment.system).hints.get(name)
        self._title.show_title(title)
        if self.view is None or self.name != name or self._system is not type(moment.system):
            self._drop_view()
            self.view = self._make_view(layers, hint)
            self.view.touched.connect(lambda hand: self._on_touched(hand, 0))
            if hasattr(self.view, "density_changed"):
                self.view.density_changed.connect(self._on_density)  # type: ignore[attr-defined]
            self.divided.put(self.view)
        self.name, self._system = name, type(moment.system)
        _show(self.view, layers, moment.time)
        self._offer_choices(moment)
        self._show_clock(layers)
        self._raise_chips()

    def _make_view(self, layers: tuple[Any, ...], hint: Any) -> View:
        view: Any = view_for(layers, self.theme, hint, self)
        view.drawn.connect(self._on_drawn)
        if hasattr(view, "floating"):
            view.floating = self._floating
        if hasattr(view, "density_changed"):
            view.camera_changed.connect(self._on_camera)
            view.handle_moved.connect(self.handle_moved)
            view.handle_held.connect(self.handle_held)
            self._begin_choices(view)
        return view

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way: `drawn` is said when it is there."""
        return any(getattr(view, "busy", False) for view in (self.view, self.second))

    def _on_drawn(self) -> None:
        if not self.busy:
            self.drawn.emit()

    def show_moment(self, moment: Moment) -> None:
        view = self.view
        if view is None or self.name not in moment.frame:
            return
        _show(view, moment.frame[self.name], moment.time)
        self._show_other(moment)
        self._show_clock(moment.frame[self.name])
        if self._wish is not None and self.name in moment.densities:
            view.show_density(moment.densities[self.name], self._wish.matrix)  # type: ignore[attr-defined]
        self._wish_density()
        now = time.perf_counter()
        if now - self._read_at > READ:
            self._read_at = now
            self._show_legend(view)
            self._show_particle()
            self._show_scales()

    def _show_other(self, moment: Moment) -> None:
        """The run beside, in a view of its own that looks from the same place."""
        other = moment.other
        if (other is not None) != (self.second is not None):
            self._pair(moment)
        if other is None or self.second is None or self.name not in other.frame:
            return
        second: Any = self.second
        _show(second, other.frame[self.name], other.time)
        if self._wish is not None and self.name in other.densities:
            second.show_density(other.densities[self.name], self._wish.matrix)

    def _pair(self, moment: Moment) -> None:
        view: Any = self.view
        if self.second is not None:
            self.second.hide()
            self.divided.put(view)
            self.second.close()
            self.second.deleteLater()
            self.second = view.partner = None
        elif moment.other is not None and self.name in moment.other.frame:
            layers = moment.other.frame[self.name]
            second: Any = self._make_view(layers, type(moment.system).hints.get(self.name))
            second.show_layers(layers)
            second.touched.connect(lambda hand: self._on_touched(hand, 1))
            if hasattr(second, "set_colouring"):
                second.set_colouring(view.colouring)
                second.set_density(view._density_mode)
                second.set_camera(copy.deepcopy(view.camera))
                second.select(view.particle)
            self.second = second
            view.partner, second.partner = weakref.ref(second), weakref.ref(view)
            self._choose_poke(self._poke.value())
            self.divided.put(view, second)
        two = self.second is not None
        self._title.setVisible(not two)
        self._tools.buttons["toggle_wipe"].setVisible(two)
        for chip in self._sides:
            chip.setVisible(two)
        self._raise_chips()

    def show_sides(self, words: tuple[str, str]) -> None:
        """What A and B differ in."""
        self._words = words
        self._on_placed()

    def toggle_wipe(self) -> None:
        """A and B side by side, or one under the other."""
        if self.second is not None:
            self.divided.set_wipes(not self.divided.wipes)
            self._tools.set_on("toggle_wipe", self.divided.wipes)
            self.look_changed.emit()

    def _on_placed(self) -> None:
        if self.second is None:
            return
        edge, border = self.theme.px(EDGE), self.divided.border
        rooms = border - 2 * edge, self.width() - border - 2 * edge
        for chip, said, room in zip(self._sides, self._words, rooms, strict=True):
            chip.say(said, room)
        self._place()
        self._wish_density()

    def _on_camera(self) -> None:
        """Both views look from the same place."""
        if self.second is not None and not self._linking:
            moved: Any = self.second if self.sender() is self.second else self.view
            beside: Any = self.view if moved is self.second else self.second
            self._linking = True
            beside.set_camera(copy.deepcopy(moved.camera))
            self._linking = False
        self._wish_density()
        self.look_changed.emit()

    def _show_legend(self, view: View) -> None:
        """What the colours and the scale say now."""
        legend = getattr(view, "legend", None)
        before = self._legend.size(), self._legend.isVisible()
        self._legend.show_legend(legend)
        scale = getattr(view, "scale", None)
        planar = scale is not None and view.camera.dim == 2  # type: ignore[attr-defined]
        self._scale.setVisible(bool(planar))
        if scale is not None and planar:
            size = self._scale.size()
            self._scale.set_scale(1 / scale)
            if self._scale.size() != size:
                self._place()
        if before != (self._legend.size(), self._legend.isVisible()):
            self._place()

    def show_title(self, title: str, preset: str, *, edited: bool) -> None:
        compact = self.width() < self.theme.px(560)
        if self._title.show_title(title, preset, edited=edited, compact=compact):
            self._place()

    def show_theory(self, on: bool) -> None:
        self._tools.set_on("toggle_theory", on)

    # The view.

    def reset_camera(self) -> None:
        if self.view is not None:
            self.view.reset_camera()

    def toggle_density(self) -> None:
        """From points to their density and back, whatever was chosen for speed."""
        if self.view is not None and hasattr(self.view, "set_density"):
            view: Any = self.view
            self._set_density("never" if view.is_density else "always")
            self.look_changed.emit()

    def _set_density(self, mode: str) -> None:
        for view in (self.view, self.second):
            if hasattr(view, "set_density"):
                view.set_density(mode)  # type: ignore[union-attr]
        self._wish_density()

    def look(self) -> dict[str, Any]:
        """What is looked at and from where, in plain words: for undo and for session files."""
        view: Any = self.view
        told: dict[str, Any] = {"wipes": self.divided.wipes}
        if hasattr(view, "camera"):
            told["camera"] = described(view.camera)
            told["colouring"] = view.colouring
            told["density"] = view._density_mode
            told["overlays"] = sorted(self._laid_over)
        return told

    def show_look(self, look: dict[str, Any]) -> None:
        """Look at it so; what this view cannot do is left as it is."""
        view: Any = self.view
        if self.second is not None and look.get("wipes", self.divided.wipes) != self.divided.wipes:
            self.toggle_wipe()
        if not hasattr(view, "camera"):
            return
        if look.get("colouring") in view.colourings:
            self._colouring.setValue(look["colouring"])
            self._choose_colouring(look["colouring"])
        if look.get("density") in ("auto", "always", "never"):
            self._set_density(look["density"])
        if isinstance(look.get("overlays"), list):
            for name in view.overlays.names:
                self._set_overlay(name, name in look["overlays"])
        if isinstance(look.get("camera"), dict):
            view.set_camera(camera_of(look["camera"]))

    @property
    def is_density(self) -> bool:
        return bool(getattr(self.view, "is_density", False))

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self.setMinimumSize(theme.px(280), theme.px(200))
        for part in (*self._floating(), self._colouring, self._poke, self._clock, self.divided):
            part.restyle(theme)
        for view in (self.view, self.second):
            if view is not None:
                view.restyle(theme)
        if self._notice is not None:
            self._notice.restyle(theme)
        self._wish = None
        self._place()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._place()
        self._wish_density()

    # Inside.

    def _drop_view(self) -> None:
        if self.view is not None:
            self.divided.put(None)
            for view in (self.view, self.second):
                if view is not None:
                    view.hide()
                    view.close()
                    view.deleteLater()
            self.view = self.second = None
            self._title.show()
            self._tools.buttons["toggle_wipe"].hide()
            for chip in self._sides:
                chip.hide()
        self._wish, self._held_in = None, None
        self._particle.hide()
        self.densities_wanted.emit(())

    def _show_clock(self, layers: tuple[Any, ...]) -> None:
        """The diffusion clock below the view, where its layers have one."""
        clock = next((la for la in layers if type(la).__name__ == "Clock"), None)
        if clock is not None:
            self._clock.show_clock(clock, seekable=bool(self._seek))
        if (clock is None) == self._clock.isVisibleTo(self):
            self._clock.setVisible(clock is not None)
            self._place()

    def _seek_time(self, time: float) -> None:
        if self._seek:
            self.touched.emit(self._seek, Hand((time,), (0.0,), 1.0, 1.0, True), ALL)

    def _wish_density(self) -> None:
        """Tell the runner what is to be splatted, when that has changed."""
        wanted = getattr(self.view, "density_wanted", None)
        if wanted is None:
            if self._wish is not None:
                self._wish = None
                self.densities_wanted.emit(())
            return
        wish = DensityWish(
            self.name,
            wanted.matrix,
            wanted.height,
            wanted.width,
            wanted.colouring,
            wanted.table,
            wanted.keeps,
        )
        if self._wish is None or not _same(wish, self._wish):
            self._wish = wish
            self.densities_wanted.emit((wish,))

    def _on_density(self, on: bool) -> None:
        self._tools.set_on("toggle_density", on)
        self._offer_colours()
        if not on:
            return
        why = "software OpenGL" if getattr(self.view, "software", False) else "many points"
        count = f"N = {self.view.count:,}".replace(",", " ")  # type: ignore[union-attr]
        self.say(
            "drop-half",
            "Density picture",
            f"{why}, {count}",
            ("Draw points", self.toggle_density),
            kind="warning",
        )

    def _floating(self) -> tuple[Any, ...]:
        chips = (self._title, *self._sides, self._tools, self._legend, self._scale)
        return (*chips, self._choices, self._particle, self._overlay, self._banner)

    def _raise_chips(self) -> None:
        for part in self._floating():
            part.raise_()
        self._place()

    def _place(self) -> None:
        edge = self.theme.px(EDGE)
        width, height = self.width(), self.height()
        if self._clock.isVisibleTo(self):
            height -= self._clock.height()  # all else floats above the view
        beside = self._choices.sizeHint().width() - self._poke.sizeHint().width()
        self._poke.set_room(width - 2 * edge - beside)
        for part in (self._title, self._tools, self._choices, self._particle, self._overlay):
            part.adjustSize()
        self._title.move(edge, edge)
        self._sides[0].move(edge, edge)
        self._sides[1].move(self.divided.border + edge, edge)
        # The tools give way before the title does, and stand below the name of B.
        top, left = edge, self._title.width()
        if self.second is not None:
            left = self.divided.border + self._sides[1].width()
            if self._tools.width() > width - left - 3 * edge:
                top, left = 2 * edge + self._tools.height(), 0
        self._tools.setVisible(self._tools.width() <= width - left - 3 * edge)
        self._tools.move(width - self._tools.width() - edge, top)
        below = top + edge + self._tools.height()
        self._choices.move(width - self._choices.width() - edge, below)
        if self._choices.isVisible() and self._particle.width() + 2 * edge > self._choices.x():
            below += self._choices.height() + edge // 2
        self._particle.move(edge, below)
        self._legend.move(edge, height - self._legend.height() - edge)
        foot = self._legend.y() if self._legend.isVisible() else height
        self._overlay.move(edge, foot - self._overlay.height() - edge // 2)
        self._scale.move(width - self._scale.width() - edge, height - self._scale.height() - edge)
        self._place_words(width, height, (self._legend, self._scale))
        for view in (self.view, self.second):
            if view is not None:
                feet = [chip for chip in (self._legend, self._scale) if chip.isVisible()]
                view.keep_clear([QRect(view.mapFrom(self, c.pos()), c.size()) for c in feet])
                view.keep_head_clear(2 * edge + self._title.height())


def _show(view: Any, layers: tuple[Any, ...], time: float) -> None:
    """A frame of this time."""
    if hasattr(view, "now"):
        view.now = time
    view.show_layers(layers)


def _same(one: DensityWish, other: DensityWish) -> bool:
    return (
        one[2:5] == other[2:5]
        and (one.view, one.keeps) == (other.view, other.keeps)
        and np.array_equal(one.matrix, other.matrix)
        and np.array_equal(one.table, other.table)
    )
