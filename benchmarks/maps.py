"""Phase diagrams: how long a map of theory takes, and the first coarse picture of each map.

    python benchmarks/maps.py [SYSTEM ...]

A map is opened as the window opens it, beside a run that is there, with nothing of it on disk but
what was compiled; run it twice for a warm cache of compilations. Measured cells race Numba in
`cells.py`.
"""

import os
import sys
import tempfile
import time
from typing import Any

import numpy as np


GOAL = 2.0  # s from opening a map to its first picture without holes
LONGEST = 15.0  # s after which nothing more is waited for


def theory() -> None:
    """A map of 96 × 96 cells with its lines, warm."""
    from engine.core.axes import Axis
    from engine.core.theory_maps import lines, predicted
    from engine.systems import gallery

    system = gallery()["hopfield-ags"]()
    x, y = Axis("load", 0.001, 0.25, 96), Axis("temperature", 0.02, 1.5, 96)
    for turn in ("first", "warm"):
        began = time.perf_counter()
        predicted(system, x, y, "overlap")
        cells = time.perf_counter()
        lines(system, x, y)
        ended = time.perf_counter()
        print(f"theory of hopfield-ags, 96 × 96, {turn}: {cells - began:.2f} s, "
              f"lines {ended - cells:.2f} s")  # fmt: skip


def coarse(names: list[str]) -> bool:
    """From the wish to a picture without holes; whether all are in time."""
    from engine.systems import gallery

    late = []
    titles = ("picture", 9), ("cells", 8), ("curve", 8), ("layers", 8), ("measured", 10)
    print(f"{'system':<24}", "".join(f"{title:>{w}}" for title, w in titles), "  in s")
    for name in names or gallery():
        found = opened(gallery()[name]())
        if found is None:
            print(f"{name:<28}{'no map':>17}")
            continue
        side, seconds = found
        words = (f"{s:.2f}" for s in seconds)
        row = [next(words), f"{side} × {side}", *words]
        print(f"{name:<24}", "".join(f"{w:>{n}}" for w, (_, n) in zip(row, titles, strict=True)))
        late += [name] if seconds[0] > GOAL else []
    print(f"{len(late)} later than {GOAL} s: {', '.join(late) or 'none'}")
    return not late


def opened(system: Any) -> tuple[int, list[float]] | None:
    """How many cells a side the first picture without holes has; and the time until it is there,
    the curve of theory, its layers on the map, and the first cells that were measured.
    """
    from app.map_worker import MapRequest, MapWorker
    from engine.core.axes import default_axes
    from engine.core.simulation import Simulation

    try:
        x, y = default_axes(system)
    except ValueError:
        return None
    run = Simulation(system, seed=1).run(1)
    observable = next(iter(run.look().observables))
    worker = MapWorker()
    worker.moving = False
    worker.start()
    began, side, times = time.perf_counter(), 0, [np.inf] * 4
    worker.ask(MapRequest(system, x, y, observable, x.name))
    while (now := time.perf_counter() - began) < LONGEST and times[-1] == np.inf:
        if (diagram := worker.take()) is not None:
            mean = np.full((1, 1), np.nan) if diagram.measured is None else diagram.measured.mean
            there = (
                np.isfinite(mean).mean() > 0.95,  # some systems are silent in a corner
                diagram.curve_x.size > 0,
                diagram.theory is not None,
                diagram.measured is not None and diagram.measured.measured.any(),
            )
            if there[0] and times[0] == np.inf:
                side = 1 + max(changes(mean, axis) for axis in (0, 1))
            times = [min(t, now) if seen else t for t, seen in zip(times, there, strict=True)]
        time.sleep(0.002)
    worker.stop()
    return side, times


def changes(mean: np.ndarray, axis: int) -> int:
    """How often a picture changes along an axis."""
    steps = np.nan_to_num(np.diff(mean, axis=axis))
    return int(np.count_nonzero(steps.any(axis=1 - axis)))


def main(names: list[str]) -> int:
    from engine.core.threads import leave_a_core

    leave_a_core()  # as the program does, before JAX is imported
    from engine.core.compilation import keep_compilations

    keep_compilations()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MANYSCOPE_CACHE"] = folder  # no map of another day
        if not names:
            theory()
        return 0 if coarse(names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
