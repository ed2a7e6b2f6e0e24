"""What the past costs: checkpoints while a run goes on, and the way back.

    .venv/bin/python benchmarks/timeline.py

Steps with checkpoints at their defaults and steps without any are taken in turns, in one process;
what counts is their ratio, of processor time so that it holds on a busy machine. Then a run is
rewound by 10 000 steps, to many places.
"""

import json
import math
import statistics
import sys
import time
from typing import Any

from engine.core.simulation import Simulation
from engine.systems import gallery


CASES = {  # system and sizes, and steps of a turn
    "kuramoto": ({"n": 4096}, 4000),
    "vicsek": ({"n": 16_384}, 120),
    "coulomb-gas": ({"n": 256}, 1000),
}
TURNS = 40
COST = 0.03  # of the steps per second that checkpoints may take
BACK, WAIT = 10_000, 0.5  # steps back, and s in which they must be there


def main() -> int:
    rows = [cost(name, sizes, steps) for name, (sizes, steps) in CASES.items()]
    back = rewound()
    print(f"back {BACK} steps of kuramoto, N = 4096: {1000 * back['median_s']:.0f} ms, at most")
    print(f"{1000 * back['longest_s']:.0f} ms, of {back['places']} places ({back['kept']} states).")
    print(json.dumps({"cost": rows, "rewind": back}))
    kept = all(row["cost"] < COST for row in rows) and back["longest_s"] < WAIT
    return 0 if kept else 1


def cost(name: str, sizes: dict[str, int], steps: int) -> dict[str, Any]:
    """The share of the steps per second that checkpoints take at their defaults."""
    system = gallery()[name](**sizes)
    keeping, without = (Simulation(system, seed=1).run(steps) for _ in range(2))
    without.checkpoints.every = math.inf

    spent: list[list[float]] = [[], []]
    for turn in range(TURNS):
        rows = (keeping, without), (without, keeping)
        for simulation in rows[turn % 2]:  # whoever comes second is not always the same
            began = time.process_time()
            simulation.run(steps)
            spent[simulation is keeping].append(time.process_time() - began)
    each = [kept / alone - 1 for alone, kept in zip(*spent, strict=True)]
    low, middle, high = statistics.quantiles(each, n=4)
    kept = keeping.checkpoints
    print(
        f"{name} {sizes}: checkpoints cost {100 * middle:.1f} % of the steps, half of the turns "
        f"between {100 * low:.1f} and {100 * high:.1f} %; all in all "
        f"{100 * (sum(spent[1]) / sum(spent[0]) - 1):.1f} % ({len(kept)} states)"
    )
    return {
        "system": name,
        "cost": middle,
        "quartiles": (low, high),
        "in_all": sum(spent[1]) / sum(spent[0]) - 1,
        "states": len(kept),
        "bytes": kept.bytes,
    }


def rewound() -> dict[str, Any]:
    """How long it takes until a state of the past is there, on the device and looked at."""
    simulation = Simulation(gallery()["kuramoto"](n=4096), seed=1).run(2 * BACK)
    kept, end = len(simulation.checkpoints), simulation.step
    simulation.look()
    taken = []
    for k in range(25):
        twin = simulation.twin()  # the states that one way back leaves do not shorten the next
        began = time.perf_counter()
        twin.back_to(end - BACK + 137 * k)
        twin.look()
        taken.append(time.perf_counter() - began)
    return {
        "median_s": statistics.median(taken),
        "longest_s": max(taken),
        "places": len(taken),
        "kept": kept,
    }


if __name__ == "__main__":
    sys.exit(main())
