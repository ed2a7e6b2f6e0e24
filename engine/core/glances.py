"""A first picture of a phase diagram, from what a run has compiled already: nothing is traced."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np

from engine.core.axes import Axis
from engine.core.faults import LeftTheNumbers
from engine.core.maps import PhaseMap, blank, seen_closer
from engine.core.simulation import Simulation
from engine.core.stepping import look
from engine.core.system import System


SECONDS = 0.7  # of work for the whole picture
SIDES = ((8, 100), (4, 2), (2, 0))  # cells along a side where so many steps fit, 2 in any case
BRIEF = 0.003  # s: a step that takes longer is timed once
MORE = 16  # steps that are timed where one is brief
LOOKS = 4  # at a cell, over the last third of its steps


def glance(
    system: System[Any],
    x: Axis,
    y: Axis,
    observable: str,
    *,
    steps: int,
    seconds: float = SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[PhaseMap]:
    """A few cells of a map, each run for up to `steps` steps, as many as there is time for.

    `system` is that of a run, as large as it is: its programs are there, while those that run many
    cells side by side have yet to be traced. So each cell begins in the room of `system`, whatever
    the one before has needed. What is seen counts as nothing: no cell is `measured`, and no error
    is known. It yields the whole map after each cell. What derives from averages has no value at an
    instant, so it is not seen.
    """
    try:
        cost, run = _timed(system, observable)
    except LeftTheNumbers:
        return
    if cost is None:
        return
    end = time.perf_counter() + seconds
    fits = [n for n, least in SIDES if cost.of(least, seconds / n**2) <= seconds / n**2]
    side = max(fits, default=SIDES[-1][0])
    x_, y_ = x._replace(count=side), y._replace(count=side)
    seen = np.full((side, side), np.nan)
    cells = list(product(range(side), range(side)))
    for done, (row, column) in enumerate(cells):
        if row % 2:
            column = side - 1 - column  # to and fro: the next cell is a neighbour
        share = (end - time.perf_counter()) / (len(cells) - done)
        point = {x.name: float(x_.values[column]), y.name: float(y_.values[row])}
        try:
            left = share - cost.of(0, share)
            if run is None or cost.begins_anew(share):
                run = Simulation(system.replace(**point))
            else:
                run.set(**point)  # as a hand would drag it
            many = int(np.clip(left / cost.step, 1, steps))
            seen[row, column] = _average(run, many, observable, cost.looks(left))
        except LeftTheNumbers:
            run = None
        yield seen_closer(_seen(system, x_, y_, observable, seen), blank(system, x, y, observable))
        if stop():
            return


class Cost(NamedTuple):
    """What a cell takes, in seconds."""

    begin: float
    step: float
    look: float

    def begins_anew(self, share: float) -> bool:
        """Whether a cell has a run of its own; else one run goes through all."""
        return self.begin < share / 2

    def of(self, steps: int, share: float) -> float:
        """A beginning if there is one, so many steps, and a look."""
        return (self.begin if self.begins_anew(share) else 0) + steps * self.step + self.look

    def looks(self, share: float) -> int:
        """How many looks there is time for beside the steps."""
        return LOOKS if LOOKS * self.look < share / 2 else 1


def _timed(system: System[Any], observable: str) -> tuple[Cost | None, Simulation[Any]]:
    """What a cell takes, and the run that told; None where the observable is not to be seen."""
    began = time.perf_counter()
    run = Simulation(system)
    begin, step = time.perf_counter() - began, math.inf
    for some in (1, MORE):  # of a single step, most is what it takes to ask for it
        began = time.perf_counter()
        run.run(some)
        step = min(step, (time.perf_counter() - began) / some)
        if step > BRIEF:
            break
    began = time.perf_counter()
    there = observable in _looked(run)
    return Cost(begin, step, time.perf_counter() - began) if there else None, run


def _average(run: Simulation[Any], steps: int, observable: str, looks: int) -> float:
    """Over a few looks, or what is seen at the end of few steps."""
    stride = steps // (3 * looks) if looks > 1 else 0
    run.run(steps - looks * stride)
    seen = []
    for _ in range(looks if stride else 1):
        run.run(stride)
        seen.append(float(_looked(run)[observable]))
    return float(np.mean(seen))


def _looked(run: Simulation[Any]) -> dict[str, Any]:
    """The observables, by the very program that shows a run."""
    return jax.device_get(look(run.system, run.present, None, (), False).observables)


def _seen(system: System[Any], x: Axis, y: Axis, observable: str, mean: np.ndarray) -> PhaseMap:
    unknown = np.full_like(mean, np.nan)
    return dataclasses.replace(blank(system, x, y, observable), mean=mean.copy(), error=unknown)
