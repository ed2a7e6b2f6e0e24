"""Phase diagrams: how long a map of theory takes, and the first coarse picture of a map.

    python benchmarks/maps.py

Measured cells race Numba in `cells.py`.
"""

import time

import numpy as np

from engine.core.axes import Axis, default_axes
from engine.core.maps import fill
from engine.core.theory_maps import lines, predicted
from engine.systems import gallery


def theory() -> None:
    """A map of 96 × 96 cells with its lines, warm."""
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


def coarse() -> None:
    """From the call to a picture without holes, as the window asks for it."""
    for name in ("kuramoto", "ising-2d", "hopfield-ags"):
        cls = gallery()[name]
        system = cls().replace(**dict(cls.cell)) if cls.cell else cls(n=1024)
        x, y = default_axes(system)
        for turn in ("first", "warm"):
            began = time.perf_counter()
            for found in fill(system, x, y, settle=400, measure=200, seeds=2, glance=True):
                if np.isfinite(found.mean).all():
                    break
            print(f"coarse picture of {name}, {turn}: {time.perf_counter() - began:.2f} s")


def main() -> None:
    theory()
    coarse()


if __name__ == "__main__":
    main()
