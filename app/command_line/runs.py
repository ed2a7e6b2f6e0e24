"""A simulation under way: in pieces, so that progress shows and Ctrl+C works."""

import time
from collections.abc import Callable
from typing import Any

from app.command_line.origin import reopened
from app.command_line.progress import Progress
from app.command_line.refusal import Refused, refusing
from app.command_line.systems import system_of


def started(wish: Any, settle: int) -> Any:
    """A simulation that has run `settle` steps; that of a file goes on from where it is."""
    from engine.core.simulation import Simulation
    from engine.core.timeline import changes

    system = system_of(wish)
    if wish.origin is None:
        with refusing():
            simulation = Simulation(system, seed=wish.seed or 0)
    else:
        if wish.seed is not None:
            raise Refused("A session has its own seed: leave --seed out, or name its system.")
        simulation = reopened(wish)
        if wish.set or wish.preset:
            with refusing():
                simulation.set(**changes(simulation.system, system))
    advance(simulation.run, settle, simulation, "settling")
    return simulation


def advance(
    act: Callable[[int], Any], steps: int, simulation: Any, what: str, unit: int = 1
) -> None:
    """Take steps in pieces of about a second, so that progress shows and Ctrl+C works."""
    progress, done, piece = Progress(what, steps), 0, 64 * unit
    while done < steps and not simulation.done:
        piece = min(piece, steps - done)
        began = time.monotonic()
        act(piece)
        done += piece
        if time.monotonic() - began < 0.5:
            piece *= 2
        progress.at(done)


class Recorder:
    """A measurement that also keeps the series it is made of."""

    def __init__(self, measurement: Any) -> None:
        self._measurement = measurement
        self.parts: list[dict[str, Any]] = []

    def add(self, values: Any) -> None:
        import numpy as np

        self.parts.append({name: np.atleast_1d(value) for name, value in values.items()})
        self._measurement.add(values)

    def reset(self) -> None:
        self.parts.clear()
        self._measurement.reset()

    def series(self) -> dict[str, Any]:
        import numpy as np

        names = self.parts[0] if self.parts else ()
        return {name: np.concatenate([part[name] for part in self.parts]) for name in names}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._measurement, name)
