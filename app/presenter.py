"""From the runner to the panels: what arrives is shown, and what goes wrong is said."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.diagrams import quantity_of, symbol_of
from app.widgets.readout import FEW


if TYPE_CHECKING:
    from app.runner import Moment, Trouble
    from app.window import Window


class Presenter(QObject):
    """Shows the newest moment of the run on all panels of a window."""

    begun = Signal(bool)  # a build is seen for the first time; whether it is another system

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.moment: Moment | None = None
        self.building = ""  # what is being compiled, in words
        self.order = ""  # the first observable
        self.trouble_words = ""
        self.shown_system = ""  # the one whose panels are on screen
        self._build, self._tick = 0, -1
        self._arrivals: list[float] = []
        self._device_words = ""

    # The run.

    def arrived(self) -> None:
        """Take the newest moment, if there is one that belongs to what is open."""
        window = self._window
        moment = window.runner.take()
        if moment is None or type(moment.system) is not type(window.session.system):
            return
        self.moment = moment
        window.session.follow(moment)
        if moment.build != self._build:
            self._begin(moment)
        elif moment.tick < self._tick:
            window.trace.clear()
        self._tick = moment.tick
        self._trace(moment)
        window.stage.show_moment(moment)
        window.diagrams.show_moment(moment)
        self._show_numbers(moment)

    def _trace(self, moment: Moment) -> None:
        theory = moment.limit.get(self.order)  # theory that moves, where it speaks
        if theory is None or math.isnan(theory):
            theory = moment.theory.get(self.order)
        value = moment.observables.get(self.order)
        if value is not None and (moment.running or moment.tick == 0):
            self._window.trace.append(
                moment.time, value, float("nan") if theory is None else theory
            )

    def _begin(self, moment: Moment) -> None:
        """The first moment of another system, or of other sizes."""
        from engine.systems import title

        window = self._window
        fresh = self._build == 0 or self.shown_system != window.session.id
        self._build = moment.build
        self.order = next(iter(moment.observables), "")
        symbol = symbol_of(moment.system, self.order)
        window.trace.clear()
        clock = moment.system.clock
        window.trace.set_names("measured", moment.system.theory_name, "" if clock == "t" else clock)
        quantity = quantity_of(moment.system, self.order)
        window.trace.set_span(quantity.span if quantity is not None else None)
        window.trace_panel.set_title(f"{symbol}(t)")
        window.readout.set_symbol(symbol, moment.system.theory_name)
        window.stage.begin(moment, title(moment.system))
        window.runner.set_software(bool(getattr(window.stage.view, "software", False)))
        if fresh:
            self.shown_system = window.session.id
            window.diagrams.begin(moment)
        self.begun.emit(fresh)

    def _show_numbers(self, moment: Moment) -> None:
        window = self._window
        now = time.perf_counter()
        self._arrivals = [*(t for t in self._arrivals if now - t < 1.0), now]
        theory = moment.theory.get(self.order)
        estimate = moment.estimates.get(self.order)
        window.readout.show_estimate(estimate, theory)
        symbol = symbol_of(moment.system, self.order)
        window.status.set_order(symbol, estimate, theory, moment.system.theory_name)
        span = now - self._arrivals[0]
        rate = (len(self._arrivals) - 1) / span if moment.running and span > 0.2 else None
        window.status.set_facts(
            rate,
            moment.steps_per_second if moment.running else None,
            getattr(moment.system, "n", None),
            self._device(),
            moment.seed,
        )
        marks = list(moment.caveats)
        if moment.running and estimate is not None and estimate.samples < FEW:
            marks.insert(0, "few samples")
        if type(moment.system).after:
            marks.append("equations after the paper")
        window.status.set_marks(marks)
        self.show_transport(moment.seed)

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
            words = f"{what}, first time: about 2 s"
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
