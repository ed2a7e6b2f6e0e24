"""Looks at a run for the window, and works out no more than somebody reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast


if TYPE_CHECKING:
    from app.wishes import DensityWish
    from engine.core.layers import Frame
    from engine.core.measurement import Estimate
    from engine.core.simulation import Simulation

READ = 0.1  # s between two readings of the averages


class Observer:
    """What there is to tell of one run: one for each run that is shown."""

    def __init__(self) -> None:
        self._theory: dict[str, float] = {}
        self._theory_of: Any = None  # the system that it was asked of
        self._sampled = (-1, -1)  # step and tick of the last sample
        self._kinds: dict[str, tuple[str, ...]] = {}  # of the layers of each view
        self._kinds_of = self._whole_of = -1  # builds: they were asked of, all of was seen
        self._estimates: dict[str, Estimate] = {}
        self._estimated_at, self._estimates_of = 0.0, 0

    def see(
        self,
        simulation: Simulation[Any],
        densities: tuple[DensityWish, ...],
        whole: bool = True,
        *,
        build: int,
        samples: bool,
    ) -> dict[str, Any]:
        """What a `Moment` says of a run; with `samples`, it is a sample of the measurement too.

        Not `whole`, it has no other view than the large one, but for the first time in a build.
        """
        splats = self._splats(simulation, densities, build)
        look = simulation.look(splats=splats, whole=whole or self._whole_of != build)
        self._whole_of = build
        if self._kinds_of != build:
            self._kinds, self._kinds_of = kinds(look.frame), build
        here = simulation.step, simulation.tick
        if samples and here != self._sampled:
            self._sampled = here
            simulation.measurement.add(look.observables)
        if simulation.system is not self._theory_of:
            self._theory, self._theory_of = simulation.theory(), simulation.system
        return {
            "system": simulation.system,
            "seed": simulation.seed,
            "tick": simulation.tick,
            "time": simulation.time,
            "frame": look.frame,
            "views": self._kinds,
            "densities": look.splats,
            "observables": look.observables,
            "limit": look.limit,
            "estimates": self._estimated(simulation),
            "theory": self._theory,
            "caveats": look.caveats,
            "past": simulation.past,
        }

    def _splats(
        self, simulation: Simulation[Any], densities: tuple[DensityWish, ...], build: int
    ) -> tuple[Any, ...]:
        """The density pictures that are wanted, of views that this system has."""
        from engine.core.density import Splat

        if densities and self._kinds_of != build:
            # Once for a build: to know a frame's views, it is traced.
            self._kinds, self._kinds_of = simulation.views(), build
        return tuple(
            Splat(
                cast(Any, wish.matrix),
                cast(Any, wish.table),
                view=wish.view,
                colouring=wish.colouring,
                height=wish.height,
                width=wish.width,
                keeps=wish.keeps,
            )
            for wish in densities
            if "Points" in self._kinds.get(wish.view, ())
        )

    def _estimated(self, simulation: Simulation[Any]) -> dict[str, Estimate]:
        """Averages with errors, worked out ten times a second: nobody reads faster."""
        now, samples = time.perf_counter(), simulation.measurement.samples
        if now - self._estimated_at > READ or samples < self._estimates_of or samples < 2:
            self._estimates = simulation.estimates
            self._estimated_at, self._estimates_of = now, samples
        return self._estimates


def kinds(frame: Frame) -> dict[str, tuple[str, ...]]:
    """The views of a frame, the large one first, and the kinds of their layers."""
    return {name: tuple(type(layer).__name__ for layer in frame[name]) for name in frame}
