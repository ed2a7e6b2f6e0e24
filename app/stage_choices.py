"""What a person chooses on the stage: the tool of the mouse, colours, what is laid over a swarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.views.tools import CAMERA, icon_of
from app.widgets.overlay_chip import OverlayChip
from app.widgets.particle_chip import ParticleChip
from app.widgets.segments import Combo
from app.widgets.speaking import Speaking
from app.widgets.stage_chips import Chip
from app.widgets.tool_palette import Tool, ToolPalette


if TYPE_CHECKING:
    from app.runner import Moment
    from app.theme.theme import Theme
    from app.views.picking import Particle
    from app.views.view import View

REST = "Camera"  # what the left button does without a tool
OVERLAYS = {  # names of the views', and of the actions that lay them over
    "trails": "toggle_trails",
    "flow": "toggle_flow",
    "medoids": "toggle_medoids",
    "coarse density": "toggle_coarse",
}


class StageChoices(Speaking):
    """Mixed into the stage, which has the views; each choice holds for both of two."""

    touched = Signal(str, object, int)  # the name of a poke, Hand or None, the row (−1: all)
    look_changed = Signal()  # what `look` tells was changed
    tool_pressed = Signal(str)  # the name of an action
    checks_changed = Signal(dict)  # actions of the menu by name, and whether each is on

    view: View | None
    second: View | None
    name: str

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._pokes: dict[str, str] = {}  # words -> name
        self._helps: dict[str, str] = {}
        self._seek = ""  # the poke that moves noise time
        self._laid_over: set[str] = set()
        self._box_shown = True
        self._repeats: bool | None = None
        self._colouring = Combo(theme)
        self._colouring.setAccessibleName("Colour by")
        self._colouring.setToolTip("Colour by")
        self._poke = ToolPalette(theme)
        self._poke.setAccessibleName("What the mouse does")
        self._choices = Chip(
            theme, self._poke, self._colouring, height=36, margins=(4, 0, 4, 0), gap=4, parent=self
        )
        self._choices.hide()
        self._choices.resized.connect(self._place)
        self._particle = ParticleChip(theme, self)
        self._overlay = OverlayChip(theme, self)
        self._held_in: Any = None  # the view whose particle is told of
        self._menu = QMenu(self)
        self._colouring.chosen.connect(self._choose_colouring)
        self._poke.chosen.connect(self._choose_poke)
        self._particle.follow_asked.connect(self._follow)
        self._particle.let_go_asked.connect(self.leave)

    def _wish_density(self) -> None:
        raise NotImplementedError

    @property
    def _views(self) -> list[Any]:
        """Those of swarms."""
        return [v for v in (self.view, self.second) if hasattr(v, "density_changed")]

    def _begin_choices(self, view: Any) -> None:
        """A view is new: it looks as was chosen, and tells what is picked in it."""
        view.picked.connect(lambda particle: self._on_picked(view, particle))
        view.radius_changed.connect(self._poke.set_radius)
        for name in self._laid_over:
            view.set_overlay(name, True)
        if not self._box_shown:
            view.set_images(False)
        if self._repeats is not None:
            view.set_repeats(self._repeats)
        self._tell_checks()

    # Tools and colours

    def _offer_choices(self, moment: Moment) -> None:
        from engine.core.system import pokes

        known = pokes(moment.system).values()
        tools = [p for p in known if p.view == self.name]
        self._seek = next((p.name for p in known if p.view == "clock"), "")
        self._pokes = {p.name.replace("_", " ").capitalize(): p.name for p in tools}
        self._helps = {p.name: p.help for p in tools}
        offered = [Tool(w, icon_of(n), self._helps[n]) for w, n in self._pokes.items()]
        camera = Tool(REST, CAMERA, "Drag the picture; a click picks a particle")
        self._poke.set_tools((camera, *offered) if offered else ())
        self._poke.setVisible(bool(tools))
        self._offer_colours()

    def _offer_colours(self) -> None:
        """In the menu: those of the system, and those that any swarm has."""
        names = getattr(self.view, "colourings", [])
        self._colouring.clear()
        self._colouring.addItems(names)
        self._colouring.setVisible(len(names) > 1)
        if names:
            self._colouring.setValue(self.view.colouring)  # type: ignore[union-attr]
        self._choices.setVisible(bool(self._pokes) or len(names) > 1)
        self._choices.adjustSize()

    def _choose_colouring(self, name: str) -> None:
        for view in self._views:
            view.set_colouring(name)
        self._wish_density()
        self.look_changed.emit()

    def _choose_poke(self, words: str) -> None:
        name = self._pokes.get(words)
        for view in (self.view, self.second):
            if hasattr(view, "set_tool"):
                view.set_tool(name)  # type: ignore[union-attr]
        self._choices.adjustSize()
        self._place()
        if name is not None:
            how = "right button or Shift: the other way · Ctrl+wheel: its radius · Esc: put it down"
            self.say(icon_of(name), words, how)

    def _on_touched(self, hand: Any, row: int) -> None:
        name = self._pokes.get(self._poke.value())
        if name is not None and hand.down:
            self.touched.emit(name, hand, row)

    def leave(self) -> bool:
        """Put the tool down, or else let go of a particle; whether there was either."""
        if self._poke.value() not in ("", REST):
            self._poke.setValue(REST)
            self._choose_poke(REST)
            return True
        held = [view.let_go() for view in self._views]
        return any(held)

    # One particle

    def _on_picked(self, view: Any, particle: Particle | None) -> None:
        self._held_in = view if particle is not None else None
        for beside in self._views:
            if beside is not view:
                beside.select(particle)
        self._show_particle()
        self._wish_density()

    def _follow(self, on: bool) -> None:
        if self._held_in is not None:
            self._held_in.set_following(on)

    def _show_particle(self) -> None:
        view, size = self._held_in, self._particle.size()
        if view is None:
            self._particle.hide()
            return
        facts, shown = view.facts(), self._particle.isVisible()
        if facts is None and view.particle is not None:
            return  # it comes with the next frame
        self._particle.show_facts(facts, follows=view.follows)
        if self._particle.size() != size or not shown:
            self._particle.raise_()
            self._place()

    # What is laid over

    def _show_scales(self) -> None:
        chip = self._overlay
        before = chip.size(), chip.isVisible()
        chip.show_scales(*(self._views[0].scales() if self._views else (None, None)))
        if before != (chip.size(), chip.isVisible()):
            chip.raise_()
            self._place()

    def toggle_overlay(self, name: str) -> None:
        """Trails, the flow, medoids or a coarse density, on or off."""
        self._set_overlay(name, name not in self._laid_over)
        self.look_changed.emit()

    def _set_overlay(self, name: str, on: bool) -> None:
        (self._laid_over.add if on else self._laid_over.discard)(name)
        for view in self._views:
            view.set_overlay(name, on)
        self._tell_checks()
        self._wish_density()

    def change_medoids(self, by: int) -> None:
        """More or fewer medoids; they are shown from now on."""
        for view in self._views:
            view.overlays.medoids.change(by)
        self._set_overlay("medoids", True)
        self.look_changed.emit()

    def toggle_box(self) -> None:
        """The box, and with it its images."""
        self._box_shown = not self._box_shown
        for view in self._views:
            view.set_images(self._box_shown)
        self._tell_checks()

    def toggle_repeats(self) -> None:
        """The periodic images of the box."""
        self._repeats = not any(view.repeats for view in self._views)
        for view in self._views:
            view.set_repeats(self._repeats)
        self._tell_checks()

    def _checks(self) -> dict[str, bool]:
        on = {action: name in self._laid_over for name, action in OVERLAYS.items()}
        repeats = any(view.repeats for view in self._views)
        return on | {"toggle_box": self._box_shown, "toggle_repeats": repeats}

    def _tell_checks(self) -> None:
        self.checks_changed.emit(self._checks())

    def _show_menu(self, at: QPoint) -> None:
        """What can be laid over this swarm."""
        from app.actions import ACTIONS

        view: Any = self._views[0] if self._views else None
        titles = {action.name: action.title for action in ACTIONS}
        able = [] if view is None else [OVERLAYS[name] for name in view.able_overlays]
        if view is not None and view.has_box:
            able += ["toggle_box"]
            able += ["toggle_repeats"] * (view.is_periodic and self._box_shown)
        self._menu.clear()
        for name, on in self._checks().items():
            if name == "toggle_box":
                self._menu.addSeparator()
            item = self._menu.addAction(titles[name])
            item.setCheckable(True)
            item.setChecked(on and name in able)
            item.setEnabled(name in able)
            item.triggered.connect(lambda _=False, name=name: self.tool_pressed.emit(name))
        self._menu.popup(at)
