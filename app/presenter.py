"""From the runner to the panels: what arrives is shown, and what goes wrong is said."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, QTimer, Signal

from app.diagrams import quantity_of, symbol_of
from app.widgets.branches import Branch, Kind, Mark, parting
from app.widgets.readout import FEW


if TYPE_CHECKING:
    from app.window import Window
    from app.wishes import Moment, Other, Trouble
    from engine.core.timeline import Past

GAP = 64  # steps between two samples that are not joined after a branch was left
READ = 0.25  # s between two drawings of the tree
NUMBERS = 0.1  # s between two readings of the numbers of a moving run


class Presenter(QObject):
    """Shows the newest moment of the run on all panels of a window."""

    begun = Signal(bool)  # a build is seen for the first time; whether it is another system
    past_changed = Signal()  # the tree, the marks or the memory of the timeline

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.moment: Moment | None = None
        self.building = ""  # what is being compiled, in words
        self._next: Moment | None = None  # the newest that is not yet shown
        self._owed: Moment | None = None  # the one on the stage, until the panels show it too
        self.order = ""  # the first observable
        self.trouble_words = ""
        self.shown_system = ""  # the one whose panels are on screen
        self._build, self._tick = 0, -1
        self._here = (0, -1)  # branch and step
        self._since = 0  # the step at which the trace begins
        self._parted: int | None = None
        self.branch_names: dict[int, str] = {}  # how branches began
        self._seen_past: tuple[Any, ...] = ()
        self._past_at = 0.0
        self._arrivals: list[float] = []
        self._numbers = QTimer(self, singleShot=True)
        self._numbers.timeout.connect(self._show_numbers)
        self._numbers_at = 0.0
        self._device_words = ""

    # The run.

    def arrived(self) -> None:
        """Take the newest moment, if there is one that belongs to what is open.

        While the last one is being drawn, it waits, and the next one takes its place.
        """
        window = self._window
        self._next = window.runner.take() or self._next
        if window.stage.busy:
            return
        self._show_panels()
        moment, self._next = self._next, None
        if moment is None or not self._is_open(moment):
            return
        self.moment = moment
        window.session.follow(moment)
        if moment.build != self._build:
            self._begin(moment)
        self._trace(moment)
        window.stage.show_moment(moment)
        self._owed = moment
        if not window.stage.busy:
            self._show_panels()

    def _is_open(self, moment: Moment) -> bool:
        return type(moment.system) is type(self._window.session.system)

    def _show_panels(self) -> None:
        """All that stands around the picture, as soon as that can be seen: one paint for all."""
        moment, self._owed = self._owed, None
        if moment is not None and self._is_open(moment):
            self._window.diagrams.show_moment(moment)
            self._show_past(moment)
            now = time.perf_counter()
            self._arrivals = [*(t for t in self._arrivals if now - t < 1.0), now]
            self.show_transport(moment.seed)
            if not self._numbers.isActive():
                wait = NUMBERS - (now - self._numbers_at) if moment.running else 0.0
                self._numbers.start(max(0, round(1000 * wait)))

    def forget(self) -> None:
        """Something else is opened: it has branches of its own."""
        self.branch_names, self._seen_past = {}, ()

    # The timeline.

    def _trace(self, moment: Moment) -> None:
        """Add to the trace of the order parameter, or find one's place in it again."""
        trace, here, past = self._window.trace, moment.past.position, moment.past
        restarted = moment.tick < self._tick and here.step >= self._here[1]
        if restarted or here.step < self._since:
            trace.clear()
            self._since = here.step
        elif here.branch != self._here[0]:
            left = parting({b.id: b for b in branches(past)}, self._here[0], here.branch)
            trace.cut(left)
            if here.step > left + GAP:
                trace.lift(moment.time, here.step)
        self._tick, self._here = moment.tick, (here.branch, here.step)
        value = moment.observables.get(self.order)
        if value is None:
            return
        other = moment.other
        beside = float("nan") if other is None else other.observables.get(self.order, float("nan"))
        trace.append(
            moment.time,
            value,
            self._theory(moment),
            other=beside,
            other_theory=float("nan") if other is None else self._theory(other),
            step=here.step,
        )
        parted = None if other is None else other.parted
        if parted is not None and parted != self._parted:
            trace.mark(moment.time, "A and B part")
        self._parted = parted

    def _theory(self, seen: Moment | Other) -> float:
        """What theory says of the order parameter; theory that moves, where it speaks."""
        moving = seen.limit.get(self.order)
        if moving is not None and not math.isnan(moving):
            return moving
        return seen.theory.get(self.order, float("nan"))

    def _show_past(self, moment: Moment) -> None:
        """The present on the scrubber at every frame, the tree some times a second."""
        past, transport = moment.past, self._window.transport
        transport.scrubber.set_now(past.position.step)
        now = time.perf_counter()
        seen = past.position.branch, len(past.branches), len(past.marks), past.seeking
        if seen == self._seen_past and now - self._past_at < READ:
            return
        self._seen_past, self._past_at = seen, now
        for mark in past.marks:
            self.branch_names.setdefault(mark.branch, mark.words)
        transport.show_past(
            branches(past),
            past.position.branch,
            [Mark(m.branch, m.step, cast(Kind, m.kind), m.words) for m in past.marks],
            past.position.step,
            past.kept,
            past.budget,
            self.branch_names,
        )
        self.past_changed.emit()

    def _begin(self, moment: Moment) -> None:
        """The first moment of another system, or of other sizes."""
        from engine.systems import title

        window = self._window
        fresh = self._build == 0 or self.shown_system != window.session.id
        self._build = moment.build
        self.order = next(iter(moment.observables), "")
        symbol = symbol_of(moment.system, self.order)
        window.trace.clear()
        self._since, self._here = moment.past.position.step, (moment.past.position.branch, -1)
        clock = moment.system.clock
        window.trace.set_names("measured", moment.system.theory_name, "" if clock == "t" else clock)
        quantity = quantity_of(moment.system, self.order)
        window.trace.set_span(quantity.span if quantity is not None else None)
        window.trace_panel.set_title(f"{symbol}(t)")
        for readout in (window.readout, window.other_readout):
            readout.set_symbol(symbol, moment.system.theory_name)
        window.stage.begin(moment, title(moment.system))
        if window.session.running or not moment.running:  # else it is from before a trouble
            window.stage.hide_notice()
        window.runner.set_software(bool(getattr(window.stage.view, "software", False)))
        if fresh:
            self.shown_system = window.session.id
            window.diagrams.begin(moment)
        self.begun.emit(fresh)

    def _show_numbers(self) -> None:
        """The numbers in words: no faster than they can be read."""
        window, moment = self._window, self.moment
        if moment is None or not self._is_open(moment):
            return
        self._numbers_at = time.perf_counter()
        theory = moment.theory.get(self.order)
        estimate = moment.estimates.get(self.order)
        window.readout.show_estimate(estimate, theory)
        if moment.other is not None:
            beside = moment.other.estimates.get(self.order)
            window.other_readout.show_estimate(beside, moment.other.theory.get(self.order))
        symbol = symbol_of(moment.system, self.order)
        window.status.set_order(symbol, estimate, theory, moment.system.theory_name)
        span = self._arrivals[-1] - self._arrivals[0] if self._arrivals else 0.0
        rate = (len(self._arrivals) - 1) / span if moment.running and span > 0.2 else None
        window.status.set_facts(
            rate,
            moment.steps_per_second if moment.running else None,
            getattr(moment.system, "n", None),
            " · ".join(word for word in (self._device(), moment.system.backend()) if word),
            moment.seed,
        )
        marks = list(moment.caveats)
        lasting = moment.running and not moment.done
        if lasting and estimate is not None and estimate.samples < FEW:
            marks.insert(0, "few samples")
        if type(moment.system).after:
            marks.append("equations after the paper")
        window.status.set_marks(marks)

    def show_transport(self, seed: int | None = None) -> None:
        """Bring the controls of the run to what is so."""
        moment, session = self.moment, self._window.session
        if moment is not None:
            self._window.transport.set_state(
                session.running and not moment.done,
                moment.tick,
                moment.time,
                session.pace,
                session.seed if seed is None else seed,
            )
        self._show_state()

    def _show_state(self) -> None:
        status, moment = self._window.status, self.moment
        if self.building:
            status.set_state("Building", "busy")
        elif moment is None:
            status.set_state("Starting", "busy")
        elif moment.done:
            status.set_state("At its end", "paused")
        elif self._window.session.running:
            status.set_state("Running", "ok")
        else:
            status.set_state("Paused", "paused")

    def _device(self) -> str:
        if not self._device_words:
            import jax

            device = jax.devices()[0]
            cpu = device.platform == "cpu"
            self._device_words = "CPU" if cpu else device.device_kind
        return self._device_words

    # What is said.

    def progressed(self, what: str) -> None:
        """Something is being prepared; the empty word ends it."""
        self.building = what
        stage = self._window.stage
        if not what:
            stage.hush()
        elif self.moment is None:
            stage.say("hourglass-medium", what, progress=-1, stays=True)
        else:
            words = f"{what}: compiled once, then kept"
            stage.say("hourglass-medium", "Building", words, progress=-1, stays=True)
        self.show_transport()

    def troubled(self, trouble: Trouble) -> None:
        """The run was paused: say why, and offer the ways on."""
        window = self._window
        window.session.running = False
        window.session.state_changed.emit()
        window.status.set_state("Stopped", "error")
        back = trouble.last_good
        deeds: list[Any] = []
        if back is not None:
            deeds.append((f"Go back to t = {back.time:.4g}", window.go_back))
        deeds += [("Restart", lambda: window.do("restart")), ("Copy debug", window.copy_debug)]
        self.trouble_words = f"{trouble.title}: {trouble.words}"
        window.stage.show_notice(
            "warning-octagon", trouble.title, trouble.words, tuple(deeds), "error"
        )


def branches(past: Past) -> tuple[Branch, ...]:
    """The tree as the scrubber draws it."""
    return tuple(Branch(*stem) for stem in past.branches)
