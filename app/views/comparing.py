"""The thread that measures clouds against each other beside the run: the newest pair wins."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.priority import BUILD, give_way


if TYPE_CHECKING:
    from engine.numerics.metrics import Measured, SetMeasured

MOST = 2048  # points of a cloud that are compared
MATCHED = 768  # points that are matched, where that is approximate and slow
OF_SET = 256  # points of each cloud where sets are compared
CLOUDS = 64  # of a set, at most
BEAT = 0.3  # s between two rounds
SLOW = 2.0  # s between two matchings by Sinkhorn
IDLE = 1.0  # s without a wish after which the thread ends


class Compared(NamedTuple):
    """What a round has found; a name that is missing was not measured yet."""

    distances: dict[str, Measured]
    between: SetMeasured | None  # of sets of clouds
    floor: dict[str, Measured]  # of one half of the data from the other
    held: tuple[int, int]  # points of both, before any were left out
    trouble: str = ""


class Comparer(QObject):
    """Call `compare` at every frame; it emits `compared` a few times a second."""

    compared = Signal(object)  # Compared

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._wish: tuple[np.ndarray, np.ndarray] | None = None
        self._stopping = False
        self._thread: threading.Thread | None = None

    def compare(self, made: np.ndarray, data: np.ndarray) -> None:
        """Measure these as soon as the round before is over; costs the caller nothing."""
        with self._lock:
            self._wish = made, data
            self._lock.notify_all()
            if self._thread is None:
                self._stopping = False
                # The thread does not keep its owner: a view that goes takes it along.
                target, owner = _live, weakref.ref(self)
                self._thread = threading.Thread(target=target, args=(owner,), name="metrics")
                self._thread.daemon = True
                self._thread.start()

    def stop(self) -> None:
        """Forget what was asked; the thread ends after the distance it is at."""
        with self._lock:
            self._wish, self._stopping = None, True
            self._lock.notify_all()

    def join(self, seconds: float = 20.0) -> None:
        """Wait until nothing is measured any more."""
        self.stop()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _next(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The newest pair; None when the thread is to end."""
        with self._lock:
            self._lock.wait_for(lambda: self._wish is not None or self._stopping, IDLE)
            wish, self._wish = self._wish, None
            if wish is None:
                self._thread = None
            return wish

    @property
    def is_stopping(self) -> bool:
        return self._stopping


def _live(owner: weakref.ref[Comparer]) -> None:
    give_way(BUILD)
    rounds = Rounds()
    while (comparer := owner()) is not None:
        wish = comparer._next()
        if wish is None:
            return
        began = time.perf_counter()
        for found in rounds.measured(*wish):
            if comparer.is_stopping:
                break
            with contextlib.suppress(RuntimeError):  # its view went meanwhile
                comparer.compared.emit(found)
        del comparer
        time.sleep(max(0.0, BEAT - (time.perf_counter() - began)))


class Rounds:
    """What is kept from round to round: the floor of the data, and the last slow matching."""

    def __init__(self) -> None:
        self._data: np.ndarray | None = None
        self._floor: dict[str, Measured] = {}
        self._last: dict[str, Measured] = {}  # of the round before
        self._between: SetMeasured | None = None
        self._matched_at = -np.inf
        self._matched: Measured | None = None

    def measured(self, made: np.ndarray, data: np.ndarray) -> Iterator[Compared]:
        """All distances of a pair; of new data one after the other, as they are known."""
        held = len(made.reshape(-1, made.shape[-1])), len(data.reshape(-1, data.shape[-1]))
        pooled = [cloud.reshape(-1, cloud.shape[-1]) for cloud in (made, data)]
        if not all(np.isfinite(cloud).all() for cloud in pooled):
            yield Compared({}, None, {}, held, "The cloud has left the numbers.")
            return
        new = self._data is None or not np.array_equal(data, self._data)
        if new:
            self._data, self._floor, self._last, self._between = data, {}, {}, None
            self._matched, self._matched_at = None, -np.inf
        sets = made.ndim == data.ndim == 3 and min(len(made), len(data)) > 1
        found = Compared({}, self._between if sets else None, self._floor, held)
        for distances in self._distances(pooled[0], pooled[1]):
            found = found._replace(distances=self._last | distances)
            if new or len(distances) == len(fast()):  # before the slow one begins
                yield found
        self._last = found.distances
        if sets:
            from engine.numerics.metrics import between_sets

            rng = np.random.default_rng(0)
            self._between = between_sets(_few(made, rng), _few(data, rng))
            found = found._replace(between=self._between)
        yield found
        if new:
            self._floor = self._between_halves(pooled[1])
            yield found._replace(floor=self._floor)

    def _distances(self, made: np.ndarray, data: np.ndarray) -> Iterator[dict[str, Measured]]:
        from engine.numerics import metrics

        some = [metrics.thinned(cloud, MOST) for cloud in (made, data)]
        found: dict[str, Measured] = {}
        for name, measure in fast().items():
            found = {**found, name: measure(*some)}
            yield found
        yield {**found, "earth mover": self._match(made, data)}

    def _match(self, made: np.ndarray, data: np.ndarray) -> Measured:
        """Exact for few points; else approximately, and now and then."""
        from engine.numerics import metrics

        least = min(len(made), len(data))
        if least <= metrics.EXACT:
            return metrics.earth_mover(*(metrics.thinned(c, least) for c in (made, data)))
        if self._matched is None or time.perf_counter() - self._matched_at > SLOW:
            some = [metrics.thinned(cloud, min(least, MATCHED)) for cloud in (made, data)]
            self._matched = metrics.earth_mover(*some)
            self._matched_at = time.perf_counter()
        return self._matched

    def _between_halves(self, data: np.ndarray) -> dict[str, Measured]:
        """The distances of a random half of the data from the rest."""
        from engine.numerics import metrics

        if len(data) < 4:
            return {}
        mixed = metrics.thinned(data, MOST)
        mixed = mixed[np.random.default_rng(1).permutation(len(mixed))]
        half = len(mixed) // 2
        halves = mixed[:half], mixed[half : 2 * half]
        floor = {name: measure(*halves) for name, measure in fast().items()}
        if half <= metrics.EXACT:
            floor["earth mover"] = metrics.earth_mover(*halves)
        return floor


def fast() -> dict[str, Callable[[Any, Any], Measured]]:
    """The distances of every round, by name."""
    from engine.numerics import metrics

    return {
        "sliced": metrics.sliced_distance,
        "chamfer": metrics.chamfer_distance,
        "energy": metrics.energy,
        "kernel": metrics.kernel_discrepancy,
    }


def _few(clouds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some points of some clouds of a set."""
    clouds = np.asarray(clouds[:CLOUDS], np.float32)
    if clouds.shape[1] <= OF_SET:
        return clouds
    return clouds[:, rng.choice(clouds.shape[1], OF_SET, replace=False)]
