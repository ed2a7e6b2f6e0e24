"""The tab of measures: g(r), displacements, clusters of any swarm, averaged beside the run."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.priority import MAPS, give_way
from app.views.measures import MeasuresView


if TYPE_CHECKING:
    from collections.abc import Hashable

    from app.diagrams import Diagrams
    from app.theme.theme import Theme
    from app.views.measures import Found
    from app.wishes import Moment
    from engine.core.measures import Average, Gathering

TAB = "measures"
BEAT = 0.2  # s between two pictures of an average
SHARE = 0.3  # of a core, at most
LEAST = 0.02  # s of rest between two frames
FEWEST = 16  # particles that make a swarm


class Sample(NamedTuple):
    """A frame that is to be measured."""

    name: str  # of the measure
    since: Hashable  # another one begins another average
    layers: tuple[Any, ...]
    time: float


class Measurer(QObject):
    """Measures the newest sample in a thread of its own, and averages; nobody waits for it."""

    measured = Signal(object)  # Average
    troubled = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._wish: Sample | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._live, name="measures", daemon=True)
        self._gathered: dict[str, Gathering] = {}
        self._since: Hashable = None

    def measure(self, sample: Sample) -> None:
        """Measure this as soon as the one before is done; the newest wins."""
        with self._lock:
            self._wish = sample
            if not self._stopping and not self._thread.is_alive():
                self._thread.start()
            self._lock.notify_all()

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=120)

    def _live(self) -> None:
        give_way(MAPS)
        shown, name = 0.0, ""
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._wish is not None or self._stopping)
                sample, self._wish = self._wish, None
                if self._stopping or sample is None:
                    return
            began = time.perf_counter()
            try:
                gathering, fresh = self._gather(sample)
                if fresh or name != sample.name or began - shown > BEAT:
                    shown, name = began, sample.name
                    self.measured.emit(gathering.average())
            except Exception as error:  # a frame that cannot be measured leaves the run alone
                self.troubled.emit(f"This frame was not measured: {error}")
            worked = time.perf_counter() - began
            with self._lock:
                rest = max(LEAST, worked * (1 - SHARE) / SHARE)
                self._lock.wait_for(lambda: self._stopping, min(rest, 1.0))

    def _gather(self, sample: Sample) -> tuple[Gathering, bool]:
        """Add a frame to its measure; whether it is the first one."""
        from engine.core.measures import Gathering

        if sample.since != self._since:
            self._gathered, self._since = {}, sample.since
        gathering = self._gathered.get(sample.name)
        fresh = gathering is None
        if gathering is None:
            gathering = self._gathered[sample.name] = Gathering(sample.name)
        gathering.add(swarm_in(sample.layers, sample.time))
        return gathering, fresh


class Measures(QObject):
    """Offers the tab where a frame shows a swarm, and feeds it while somebody looks."""

    points_wanted = Signal(bool)  # also while the stage shows their density alone

    def __init__(self, theme: Theme, diagrams: Diagrams) -> None:
        super().__init__(diagrams)
        self._diagrams = diagrams
        self.view = MeasuresView(theme)
        self.measurer = Measurer(self)
        self.measurer.measured.connect(self._show)
        self.measurer.troubled.connect(self.view.say)
        self.view.chosen.connect(self._on_chosen)
        self.view.chosen.connect(lambda _: diagrams.look_changed.emit())
        self.view.seen.connect(self.points_wanted)
        self._wanted = ""  # the measure that a hand chose
        self._sampled: tuple[Any, ...] = ()
        self._moment: Moment | None = None
        self._build = 0

    def begin(self, moment: Moment) -> None:
        """Another system, or another size or mode of it."""
        from engine.core.measures import MEASURES, refusal

        self._sampled, self._moment, self._build = (), moment, moment.build
        if not has_swarm(moment):
            self._diagrams.drop_tab(TAB)
            return
        self.view.offer(MEASURES)
        layers = next(iter(moment.frame.values()))
        if _points(layers) is not None:
            # What a hand chose, or else the first that can be measured of this swarm.
            swarm = swarm_in(layers, moment.time)
            order = (self._wanted or next(iter(MEASURES)), *MEASURES)
            self.view.setValue(next((n for n in order if not refusal(n, swarm)), order[0]))
        self._diagrams.add_tab(TAB, "Measures", self.view, at=1)
        if self.view.isVisible():
            self.points_wanted.emit(True)

    def follow(self, moment: Moment) -> None:
        """A new moment of the run."""
        if moment.build != self._build:
            self.begin(moment)
        self._moment = moment
        if self.view.isVisible() and not moment.past.seeking:
            self._sample(moment)

    def choose(self, name: str) -> None:
        """Show this measure, if there is one of that name."""
        self.view.setValue(name)
        if self.view.value() == name:
            self._wanted = name
        self._choose()

    @property
    def found(self) -> Found | None:
        """What is shown, for a figure."""
        return self.view.found if TAB in self._diagrams.views else None

    def restyle(self, theme: Theme) -> None:
        self.view.restyle(theme)

    def stop(self) -> None:
        self.measurer.stop()

    def _on_chosen(self, name: str) -> None:
        self._wanted = name
        self._choose()

    def _choose(self) -> None:
        if self._moment is not None and self.view.isVisible():
            self._sample(self._moment)

    def _sample(self, moment: Moment) -> None:
        layers = next(iter(moment.frame.values()))
        if not any(type(layer).__name__ == "Points" for layer in layers):
            return  # its density alone is drawn, until the points that are wanted come
        here = moment.past.position
        # What a hand does is an event of the timeline: averages are of what happened since.
        since = (moment.build, here.branch, here.events)
        sampled = (self.view.value(), since, moment.tick)
        if sampled == self._sampled:
            return
        self._sampled = sampled
        self.view.guide(moment.frame, moment.system.marks().get(self.view.value(), {}))
        self.measurer.measure(Sample(self.view.value(), since, tuple(layers), moment.time))

    def _show(self, average: Average) -> None:
        if average.name == self.view.value():
            self.view.show_average(average)


def has_swarm(moment: Moment) -> bool:
    """Whether the large view shows a swarm: all of its points are there, in two or three axes."""
    name, layers = next(iter(moment.frame.items()))
    if name in moment.densities:
        return True
    points = _points(layers)
    if points is None:
        return False
    place = np.asarray(points.position)
    enough = place.ndim in (2, 3) and place.shape[-2] >= FEWEST and place.shape[-1] in (2, 3)
    return bool(enough and np.isfinite(place).all())


def _points(layers: tuple[Any, ...]) -> Any:
    return next((layer for layer in layers if type(layer).__name__ == "Points"), None)


def swarm_in(layers: tuple[Any, ...], at: float) -> Any:
    """The swarm that layers draw; of several side by side, the first."""
    from engine.core.measures import Swarm

    points = _points(layers)
    box = next((layer for layer in layers if type(layer).__name__ == "Box"), None)

    def of_first(array: Any, ndim: int) -> np.ndarray:
        array = np.asarray(array)
        return array[0] if array.ndim > ndim else array

    low, high = (None, None) if box is None else (of_first(e, 1) for e in (box.low, box.high))
    return Swarm(
        of_first(points.position, 2),
        at,
        low,
        high,
        box is not None and box.periodic,
        None if points.radius is None else float(of_first(points.radius, 0)),
        None if points.identity is None else of_first(points.identity, 1),
    )
