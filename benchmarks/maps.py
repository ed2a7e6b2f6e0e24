"""Phase diagrams: how long a map of theory takes, and the first coarse picture of each map.

    python benchmarks/maps.py [SYSTEM ...]

A map is opened as the window opens it, with nothing of it on disk but what was compiled; run it
twice for a warm cache of compilations. Measured cells race Numba in `cells.py`.
"""

import os
import sys
import tempfile
import time
from typing import Any

import numpy as np


GOAL = 2.0  # s from opening a map to its first picture without holes
LONGEST = 40.0  # s after which it is given up


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
    print(f"{'system':<28}{'theory':>8}{'cells':>8}{'picture':>9}{'processor':>11}   in s")
    for name in names or gallery():
        found = opened(gallery()[name]())
        if found is None:
            print(f"{name:<28}{'no map':>17}")
            continue
        first, cells, whole, busy = found
        print(f"{name:<28}{first:>8.2f}{cells:>8.2f}{whole:>9.2f}{busy:>11.2f}", flush=True)
        late += [name] if whole > GOAL else []
    print(f"{len(late)} later than {GOAL} s: {', '.join(late) or 'none'}")
    return not late


def opened(system: Any) -> tuple[float, float, float, float] | None:
    """Until theory, the first cells, a picture without holes; and the processor's time for all."""
    from app.map_worker import MapRequest, MapWorker
    from engine.core.axes import default_axes
    from engine.core.maps import names

    try:
        x, y = default_axes(system)
    except ValueError:
        return None
    worker = MapWorker()
    worker.moving = False
    worker.start()
    began, busy = time.perf_counter(), time.process_time()
    shares, times = (0.0, 0.001, 0.98), [np.inf] * 3  # some systems are silent in a cell
    worker.ask(MapRequest(system, x, y, names(system)[0], x.name))
    while time.perf_counter() - began < LONGEST and times[-1] == np.inf:
        if (diagram := worker.take()) is not None:
            seen = 0.0 if diagram.measured is None else np.isfinite(diagram.measured.mean).mean()
            now = time.perf_counter() - began
            times = [min(t, now) if seen >= s else t for t, s in zip(times, shares, strict=True)]
        time.sleep(0.002)
    busy = time.process_time() - busy
    worker.stop()
    return times[0], times[1], times[2], busy


def main(names: list[str]) -> int:
    from engine.core.compilation import keep_compilations

    keep_compilations()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MANYSCOPE_CACHE"] = folder  # no map of another day
        if not names:
            theory()
        return 0 if coarse(names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
