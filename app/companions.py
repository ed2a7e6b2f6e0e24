"""The thread of small runs beside the large one: an ensemble of replicas, and pinned places."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from app.map_worker import small_enough
from app.priority import MAPS, give_way


if TYPE_CHECKING:
    import numpy as np

    from engine.core.ensemble import Ensemble
    from engine.core.layers import Layer
    from engine.core.simulation import Simulation
    from engine.core.system import System

REPLICAS = 32
MOST_PINS = 4
BEAT = 1 / 12  # s between two pictures
SHARE = 0.2  # of the time, while the run is moving
WORK = 0.02  # s of steps at a time
EXPLORE = 0.5  # s of steps that a pin takes before it is first seen


class Ghosts(NamedTuple):
    """The order parameter of all replicas."""

    time: float
    values: np.ndarray
    members: int | None  # N of a replica
    generation: int  # counts how often the ensemble began anew


class PinFrame(NamedTuple):
    """What a pinned run looks like now."""

    system: System[Any]
    layers: tuple[Layer, ...]
    observables: dict[str, float]
    name: str  # of the view


@dataclass
class Wishes:
    """What is wanted; read as a whole."""

    ghosts: System[Any] | None = None
    anew: bool = False
    pins: dict[int, System[Any]] = field(default_factory=dict)


class Companions(QObject):
    """Steps small runs at low priority; `arrived` says that `take` has something new."""

    arrived = Signal()
    troubled = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._wishes = Wishes()
        self._newest: tuple[Ghosts | None, dict[int, PinFrame]] | None = None
        self._stopping = False
        self.moving = True  # whether the run moves, and these with it
        self.pace = 4  # steps of a frame
        self._thread = threading.Thread(target=self._live, name="companions", daemon=True)
        self._ensemble: Ensemble | None = None
        self._generation = 0
        self._pinned: dict[int, Simulation[Any]] = {}

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=120)

    def want_ghosts(self, system: System[Any] | None, *, anew: bool = False) -> None:
        """Replicas of this system, or none; other live values steer those that there are."""
        with self._lock:
            self._wishes.ghosts = system
            self._wishes.anew |= anew
            self._wake()

    def want_pins(self, pins: dict[int, System[Any]]) -> None:
        """Runs at these values, by a number that tells them apart."""
        with self._lock:
            self._wishes.pins = dict(pins)
            self._wake()

    def take(self) -> tuple[Ghosts | None, dict[int, PinFrame]] | None:
        """The newest pictures, once."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    def _wake(self) -> None:
        if self._wanted() and not self._thread.is_alive() and not self._stopping:
            self._thread.start()  # nobody pays for it who does not ask
        self._lock.notify_all()

    def _live(self) -> None:
        give_way(MAPS)
        shown = 0.0
        while True:
            with self._lock:
                while not (self._stopping or self._wanted()):
                    self._lock.wait()
                if self._stopping:
                    return
                ghosts, anew = self._wishes.ghosts, self._wishes.anew
                pins, self._wishes.anew = dict(self._wishes.pins), False
            began = time.perf_counter()
            try:
                self._follow(ghosts, pins, anew)
                if self.moving:
                    self._advance()
                if time.perf_counter() - shown > BEAT:
                    shown = time.perf_counter()
                    self._publish()
            except Exception as error:  # a small run that fails must not take the window along
                with self._lock:
                    self._wishes = Wishes()
                self._ensemble, self._pinned = None, {}
                self.troubled.emit(f"The small runs stopped: {error}")
                continue
            worked = time.perf_counter() - began
            rest = worked * (1 - SHARE) / SHARE if self.moving else BEAT
            with self._lock:
                self._lock.wait_for(lambda: self._stopping, min(max(rest, 0.005), 0.4))

    def _wanted(self) -> bool:
        wishes = self._wishes
        return bool(wishes.ghosts or wishes.pins or self._ensemble or self._pinned)

    def _follow(self, ghosts: System[Any] | None, pins: dict[int, System[Any]], anew: bool) -> None:
        """Begin what is wanted and not there, steer what is, and leave the rest."""
        from engine.core.ensemble import Ensemble
        from engine.core.simulation import Simulation

        if ghosts is None:
            self._ensemble = None
        else:
            system = small_enough(ghosts)
            there = self._ensemble
            if there is None or anew or not _differ_in_numbers(there.system, system):
                self._ensemble = Ensemble(system, REPLICAS)
                self._generation += 1
            else:
                there.set(**_live_values(system))
        for key in [key for key in self._pinned if key not in pins]:
            del self._pinned[key]
        for key, system in pins.items():
            if key not in self._pinned:
                self._pinned[key] = simulation = Simulation(small_enough(system), seed=key)
                end = time.perf_counter() + EXPLORE
                simulation.run(1)
                while time.perf_counter() < end and not simulation.done:
                    simulation.run(32)

    def _advance(self) -> None:
        end = time.perf_counter() + WORK
        if self._ensemble is not None:
            self._ensemble.run(self.pace)
        for simulation in self._pinned.values():
            simulation.run(self.pace)
            if time.perf_counter() > end:
                break

    def _publish(self) -> None:
        ensemble = self._ensemble
        ghosts = None
        if ensemble is not None:
            members = getattr(ensemble.system, "n", None)
            ghosts = Ghosts(ensemble.time, ensemble.values, members, self._generation)
        frames = {}
        for key, simulation in self._pinned.items():
            view = next(iter(simulation.views()))
            look = simulation.look(views=(view,))
            frames[key] = PinFrame(simulation.system, look.frame[view], look.observables, view)
        with self._lock:
            waiting, self._newest = self._newest is not None, (ghosts, frames)
        if not waiting:
            self.arrived.emit()


def _live_values(system: System[Any]) -> dict[str, Any]:
    from engine.core.parameters import parameters

    return {
        name: getattr(system, name)
        for name, p in parameters(system).items()
        if p.kind == "live" and p.span
    }


def _differ_in_numbers(one: System[Any], other: System[Any]) -> bool:
    """Whether two systems are the same but for live numbers."""
    from engine.core.parameters import parameters

    if type(one) is not type(other):
        return False
    for name, p in parameters(one).items():
        a, b = getattr(one, name), getattr(other, name)
        if p.kind == "live" and p.span:
            continue
        if p.kind == "size":
            if a < b:  # room that grew by itself is no other system
                return False
        elif a is not b and (hasattr(a, "shape") or hasattr(b, "shape") or a != b):
            return False
    return True
