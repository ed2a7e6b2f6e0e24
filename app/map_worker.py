"""The thread that fills the phase diagram and the theory curve while the run goes on.

It works in pieces of some ten milliseconds and rests after each while the run is moving, so that
the run keeps its frame rate. The last request wins; a map that was interrupted goes on from disk.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from app.priority import MAPS, give_way


if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from engine.core.maps import Axis, Line, PhaseMap
    from engine.core.system import System

MEMBERS = 1024  # of a cell of the map
SETTLE = MEASURE = 400  # steps of a cell
SHARE = 0.35  # of the time that goes to the map while the run is moving
BEAT = 0.1  # s between two answers to a hand that drags
CALM = 0.7  # s after the hand's last move in which no cells are run
QUIET = 0.4  # s without a new request before cells are run; theory is drawn at once


class MapRequest(NamedTuple):
    """Which map, and which curve through the run, are wanted."""

    system: System[Any]  # with the values of all parameters that are no axis
    x: Axis
    y: Axis
    observable: str
    curve: str  # the live parameter along which theory is drawn


class Diagram(NamedTuple):
    """What is known of a map so far."""

    request: MapRequest
    measured: PhaseMap | None
    lines: dict[str, Line]
    curve_x: np.ndarray
    curve: dict[str, np.ndarray]  # theory of every observable along the curve
    critical: dict[str, list[float]]  # of every parameter, at the present values of the others
    members: int | None  # N of the map's cells, which is smaller than the run's
    complete: bool


class MapWorker(QObject):
    """Fills one map at a time; `arrived` says that `take` has something new."""

    arrived = Signal()
    troubled = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._request: MapRequest | None = None
        self._again = False
        self._asked_at = 0.0
        self._newest: Diagram | None = None
        self._stopping = False
        self.moving = True  # whether the run needs the machine too
        self._thread = threading.Thread(target=self._live, name="maps", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=120)

    def ask(self, request: MapRequest, *, again: bool = False) -> None:
        """Fill this map; one that is under way is left where it is, unless it is to begin again."""
        with self._lock:
            self._request, self._again = request, again
            self._asked_at = time.perf_counter()
            self._lock.notify_all()

    def take(self) -> Diagram | None:
        """The newest state of the map, once."""
        with self._lock:
            diagram, self._newest = self._newest, None
        return diagram

    def _live(self) -> None:
        give_way(MAPS)
        key = None
        cells = None
        diagram = None
        while True:
            with self._lock:
                while not (self._request or self._stopping or cells):
                    self._lock.wait()
                if self._stopping:
                    return
                request, self._request = self._request, None
                again, self._again = self._again, False
            try:
                if request is not None:
                    diagram = self._foretold(request, diagram)
                    self._show(diagram)
                    with self._lock:
                        self._lock.wait_for(lambda: self._stopping, BEAT)
                    if (new := _identity_of(request)) != key or again:
                        key, cells = new, None
                        with self._lock:
                            self._lock.wait_for(self._overtaken, QUIET)
                        if self._overtaken():
                            key = None  # it was never begun
                            continue
                        cells = self._cells(request, anew=again)
                if cells is None or diagram is None:
                    continue
                began = time.perf_counter()
                part = next(cells, None)
                if part is None:
                    cells = None
                    if self._overtaken():
                        key = None  # it was interrupted: whoever comes back goes on with it
                        continue
                    diagram = diagram._replace(complete=True)
                else:
                    diagram = diagram._replace(measured=part)
                self._show(diagram)
                self._yield_to_the_run(time.perf_counter() - began)
            except Exception as error:  # a map that fails must not take the window along
                cells = None
                self.troubled.emit(f"The map stopped: {error}")

    def _overtaken(self) -> bool:
        return self._stopping or self._request is not None

    def _yield_to_the_run(self, worked: float) -> None:
        """Rest in proportion while the run moves, and all the while that a hand moves it."""
        rest = worked * (1 - SHARE) / SHARE if self.moving else 0.0
        still = self._asked_at + CALM - time.perf_counter()
        with self._lock:
            self._lock.wait_for(self._overtaken, max(min(rest, 0.5), still))

    def _foretold(self, request: MapRequest, before: Diagram | None) -> Diagram:
        """What theory says; cells that were measured for the same map stay."""
        import numpy as np

        from engine.core.maps import critical_values, lines, theory_curve
        from engine.core.parameters import parameters

        parameter = parameters(request.system)[request.curve]
        x = np.array([parameter.at(share) for share in np.linspace(0, 1, 161)])
        same = before is not None and _identity_of(before.request) == _identity_of(request)
        return Diagram(
            request,
            before.measured if same and before is not None else None,
            lines(request.system, request.x, request.y),
            x,
            theory_curve(request.system, request.curve, x),
            critical_values(request.system),
            getattr(small_enough(request.system), "n", None),
            same and before is not None and before.complete,
        )

    def _cells(self, request: MapRequest, *, anew: bool) -> Iterator[PhaseMap]:
        """The map from what is on disk, then from what is run; each level goes to disk."""
        from engine.core.maps import fill
        from engine.storage.maps import MapCache

        system, cache = small_enough(request.system), MapCache()
        count = cells(request.system)
        x, y = request.x._replace(count=count), request.y._replace(count=count)
        known = None
        if not anew:
            known = cache.load(system, x, y, request.observable, settle=SETTLE, measure=MEASURE)
        if known is not None:
            yield known
            if known.complete:
                return
        saved, part = 0, None
        try:
            for part in fill(
                system,
                x,
                y,
                request.observable,
                settle=SETTLE,
                measure=MEASURE,
                stop=self._overtaken,
                known=known,
            ):
                if part.level > saved + 1:
                    saved = part.level
                    cache.save(system, part, settle=SETTLE, measure=MEASURE)
                yield part
        finally:
            if part is not None and part.measured.any():
                cache.save(system, part, settle=SETTLE, measure=MEASURE)

    def _show(self, diagram: Diagram) -> None:
        with self._lock:
            waiting, self._newest = self._newest is not None, diagram
        if not waiting:
            self.arrived.emit()


@cache
def together(system: type[System[Any]]) -> bool:
    """Whether cells of its map run side by side; traces a step, so not in the window's thread."""
    from engine.core.maps import side_by_side

    return side_by_side(system())


def small_enough(system: System[Any]) -> System[Any]:
    """The same system with fewer members, so that a map takes seconds to minutes."""
    from engine.core.parameters import parameters

    known = parameters(system)
    sizes = dict(type(system).cell)
    if not sizes and "n" in known and known["n"].kind == "size":
        sizes = {"n": MEMBERS if together(type(system)) else MEMBERS // 2}
    least = {name: known[name].span or (1, 1) for name in sizes}
    return system.replace(
        **{n: max(int(least[n][0]), min(getattr(system, n), most)) for n, most in sizes.items()}
    )


def cells(system: System[Any]) -> int:
    """How many cells along an axis of the map: fewer where they cannot run side by side."""
    return 64 if together(type(system)) else 32


def _identity_of(request: MapRequest) -> tuple[Any, ...]:
    """What tells one map from another: all values but those of its own axes."""
    from engine.core.parameters import parameters

    system = small_enough(request.system)
    axes = (request.x.name, request.y.name)
    others = tuple(
        (n, v if isinstance(v := getattr(system, n), float | int | str | tuple) else id(v))
        for n in parameters(system)
        if n not in axes
    )
    return (type(system), others, request.x, request.y, request.observable)
