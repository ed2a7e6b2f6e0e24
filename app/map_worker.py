"""The thread that fills the phase diagram and the theory curve while the run goes on.

It works in pieces of some ten milliseconds and rests after each while the run is moving, so that
the run keeps its frame rate. The last request wins; each finished cell is on disk at once, so a
map that was interrupted goes on from there.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from app.priority import MAPS, give_way
from app.structure import structure


if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from engine.core.axes import Axis
    from engine.core.cells import Effort
    from engine.core.maps import PhaseMap
    from engine.core.system import System
    from engine.core.theory_maps import BranchLayer, Line

MEMBERS = 1024  # of a cell of the map
SETTLE, MEASURE, SEEDS = 400, 200, 2  # steps of a cell, and runs of it
SHARE = 0.35  # of the time that goes to the map while the run is moving
HASTE = 0.7  # of it that goes to the first picture of a map
BEAT = 0.1  # s between two answers to a hand that drags
CALM = 0.7  # s after the hand's last move in which no cells are run
QUIET = 0.4  # s without a new request before cells are run; theory is drawn at once
ALONG = 161  # values along the curve


class MapRequest(NamedTuple):
    """Which map, and which curve through the run, are wanted."""

    system: System[Any]  # with the values of all parameters that are no axis
    x: Axis
    y: Axis
    observable: str
    curve: str  # the live parameter along which theory is drawn


class TheoryLayers(NamedTuple):
    """Theory on the grid of the map, and the names of its phases."""

    predicted: np.ndarray  # [y, x] of the observable; not-a-number where theory is silent
    branches: dict[str, BranchLayer]
    regions: dict[str, tuple[float, float]]  # the name of a phase, and where it has room


class Diagram(NamedTuple):
    """What is known of a map so far."""

    request: MapRequest
    measured: PhaseMap | None
    lines: dict[str, Line]
    curve_x: np.ndarray
    curve: dict[str, np.ndarray]  # theory of every observable along the curve
    branches: dict[str, BranchLayer]  # the phases along the curve
    guides: dict[str, dict[str, np.ndarray]]  # by name, of observables, along the curve
    landscape: dict[str, tuple[np.ndarray, np.ndarray]]  # −ln P of an observable along its values
    critical: dict[str, list[float]]  # of every parameter, at the present values of the others
    theory: TheoryLayers | None
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
        self._filling: tuple[Any, ...] | None = None  # which map, in the thread
        self._rooms: dict[Any, dict[str, int]] = {}  # that runs had at first, in the thread
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
            self._request, self._again = request, self._again or again
            self._asked_at = time.perf_counter()
            self._lock.notify_all()

    def take(self) -> Diagram | None:
        """The newest state of the map, once."""
        with self._lock:
            diagram, self._newest = self._newest, None
        return diagram

    def _live(self) -> None:
        give_way(MAPS)
        cells: Iterator[TheoryLayers | PhaseMap] | None = None
        diagram = None
        while True:
            with self._lock:
                while not (self._request or self._stopping or cells):
                    self._lock.wait()
                if self._stopping:
                    break
                request, self._request = self._request, None
                again, self._again = self._again, False
            try:
                if request is not None:
                    self._as_it_began(request.system)  # a map that is on disk is not glanced at
                    opened = diagram is None or _kind_of(request) != _kind_of(diagram.request)
                    before = _blank(request) if diagram is None or opened else diagram
                    new = again or _identity_of(request) != self._filling
                    if new and cells is not None:
                        cells.close()  # type: ignore[attr-defined]
                        cells = None
                    if opened:
                        # A picture before theory, which has yet to be compiled.
                        before = diagram = self._glance(request, before)
                        if self._overtaken():
                            continue
                    for told in self._foretold(request, before, soon=opened):
                        diagram = told
                        self._show(told)
                    with self._lock:
                        self._lock.wait_for(lambda: self._stopping, BEAT)
                    if new:
                        if self._overtaken(0 if opened else QUIET):
                            self._filling = None  # it was never begun
                            continue
                        assert diagram is not None
                        if again or diagram.measured is None:
                            diagram = self._glance(request, diagram, anew=again)
                        self._filling = _identity_of(request)
                        cells = self._filled(request, None if again else diagram.measured)
                    elif self._overtaken(CALM - BEAT):
                        continue  # a hand moves the run along the map: no cells meanwhile
                if cells is None or diagram is None:
                    continue
                began = time.perf_counter()
                part = next(cells, None)
                if part is None:
                    cells = None
                    if diagram.measured is None or not diagram.measured.complete:
                        self._filling = None  # interrupted: whoever comes back goes on with it
                        continue
                    diagram = diagram._replace(complete=True)
                elif isinstance(part, TheoryLayers):
                    diagram = diagram._replace(theory=part)
                else:
                    diagram = diagram._replace(measured=part)
                self._show(diagram)
                still = self._asked_at + CALM - time.perf_counter()  # all the while a hand moves it
                self._rest(time.perf_counter() - began, SHARE, still)
            except Exception as error:  # a map that fails must not take the window along
                cells = None
                self.troubled.emit(f"The map stopped: {error}")
        if cells is not None:
            cells.close()  # type: ignore[attr-defined]

    def _overtaken(self, within: float = 0.0) -> bool:
        """Whether something else is asked for, or will be within some seconds."""
        with self._lock:
            return self._lock.wait_for(self._asked, within)

    def _asked(self) -> bool:
        return self._stopping or self._request is not None

    def _left(self) -> bool:
        """Whether another map is asked for; the same one goes on, wherever its dot is dragged."""
        with self._lock:
            request, again = self._request, self._again
        another = request is not None and (again or _identity_of(request) != self._filling)
        return self._stopping or another

    def _rest(self, worked: float, share: float, still: float = 0.0) -> None:
        """Rest in proportion while the run moves, and at least for so long."""
        rest = worked * (1 - share) / share if self.moving else 0.0
        with self._lock:
            self._lock.wait_for(self._asked, max(min(rest, 0.5), still))

    def _glance(self, request: MapRequest, diagram: Diagram, *, anew: bool = False) -> Diagram:
        """Show what is on disk of a map, or else a first look at it."""
        from engine.core.glances import glance
        from engine.storage.map_cache import MapCache

        where = _cells_of(request)
        if anew:
            MapCache().forget(*where)
            return diagram._replace(measured=None, complete=False)
        known = MapCache().load(*where, request.observable)
        if known is not None and known.measured.any():
            diagram = diagram._replace(measured=known)
            self._show(diagram)
            return diagram
        if float(request.system.lasts()) > 0:
            return diagram  # what a run is on its way is not what its map shows: its end
        _, x, y, effort = where
        self._filling = _identity_of(request)
        steps, began = effort.settle + effort.measure, time.perf_counter()
        system = self._as_it_began(request.system)
        for seen in glance(system, x, y, request.observable, steps=steps, stop=self._left):
            diagram = diagram._replace(measured=seen)
            self._show(diagram)
            self._rest(time.perf_counter() - began, HASTE)
            began = time.perf_counter()
        self._filling = None
        return diagram

    def _as_it_began(self, system: System[Any]) -> System[Any]:
        """The system of a run in the room that the run had at first, before any list grew.

        It was warmed there, and only there: in the room that it has now, it neither began nor was
        it looked at whole.
        """
        from engine.core.stepping import rooms, without_room

        first = self._rooms.setdefault(structure(without_room(system)), rooms(system))
        return system.replace(**first) if first else system

    def _foretold(self, request: MapRequest, before: Diagram, *, soon: bool) -> Iterator[Diagram]:
        """What theory says; cells that were measured for the same map stay.

        With `soon` the curve comes before the lines of the map.
        """
        import numpy as np

        from engine.core.parameters import parameters
        from engine.core.stepping import without_room
        from engine.core.theory_maps import (
            branch_curves,
            critical_values,
            guide_curves,
            landscapes,
            lines,
            theory_curve,
        )

        system = without_room(request.system)
        parameter = parameters(system)[request.curve]
        x = np.array([parameter.at(share) for share in np.linspace(0, 1, ALONG)])
        same = _identity_of(before.request) == _identity_of(request)
        told = same and before.curve_x.size > 0
        diagram = Diagram(
            request,
            before.measured if same else None,
            before.lines if told else {},
            x,
            theory_curve(system, request.curve, x),
            branch_curves(system, request.curve, x),
            guide_curves(system, request.curve, x),
            landscapes(system),
            critical_values(system),
            before.theory if told else None,
            getattr(small_enough(system), "n", None),
            told and before.complete,
        )
        if soon or told:
            yield diagram
        if not told:
            yield diagram._replace(lines=lines(system, request.x, request.y))

    def _filled(
        self, request: MapRequest, known: PhaseMap | None
    ) -> Iterator[TheoryLayers | PhaseMap]:
        """Theory on the grid, then the map from what is known of it, then from what is run."""
        from engine.core.maps import fill
        from engine.core.stepping import without_room
        from engine.core.theory_maps import branch_maps, predicted, region_names
        from engine.storage.map_cache import MapCache

        system, x, y, effort = _cells_of(request)
        whole = without_room(request.system)
        yield TheoryLayers(
            predicted(whole, x, y, request.observable),
            branch_maps(whole, x, y),
            region_names(whole, x, y),
        )
        if known is not None and known.complete:
            return
        with MapCache().keeper(system, x, y, effort) as keep:
            for part in fill(
                system,
                x,
                y,
                request.observable,
                stop=self._left,
                known=known,
                **effort._asdict(),
            ):
                keep(part)
                yield part

    def _show(self, diagram: Diagram) -> None:
        with self._lock:
            waiting, self._newest = self._newest is not None, diagram
        if not waiting:
            self.arrived.emit()


@cache
def together(system: type[System[Any]]) -> bool:
    """Whether cells of its map run side by side; traces a step, so not in the window's thread."""
    from engine.core.cells import side_by_side

    return side_by_side(system())


def small_enough(system: System[Any]) -> System[Any]:
    """The same system with fewer members, so that a map takes seconds to minutes.

    It has the room that it is declared with: what a run has grown to tells no map from another.
    """
    from engine.core.parameters import parameters
    from engine.core.stepping import without_room

    system = without_room(system)
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


def _cells_of(request: MapRequest) -> tuple[System[Any], Axis, Axis, Effort]:
    """What the cells of a map are: a small system, a grid, and how long each runs."""
    from engine.core.cells import Effort, to_its_end
    from engine.core.system import Scene

    count = cells(request.system)
    x, y = request.x._replace(count=count), request.y._replace(count=count)
    system, longest = to_its_end(small_enough(request.system), x, y)
    # In a scene nothing moves by itself.
    scene, settle = isinstance(system, Scene), max(SETTLE, longest)
    return system, x, y, Effort(0, 1) if scene else Effort(settle, MEASURE, SEEDS)


def _blank(request: MapRequest) -> Diagram:
    """Nothing is known of a map."""
    import numpy as np

    return Diagram(request, None, {}, np.empty(0), {}, {}, {}, {}, {}, None, None, False)


def _kind_of(request: MapRequest) -> tuple[Any, ...]:
    """What decides what is compiled for a map."""
    return type(request.system), request.x.name, request.y.name


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
