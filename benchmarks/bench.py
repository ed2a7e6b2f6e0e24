"""Pairing: candidates run in turns, and are compared within each turn.

A busy or throttled machine slows all that run in the same second alike, so the ratio of two times
of one turn means more than two medians. Run on one core (`taskset -c 0`) unless threads are the
question, and say on which device.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


Candidate = Callable[[], int]  # does its work and returns how many units of it that was


class Timing(NamedTuple):
    """Medians over the turns."""

    seconds: float  # of a call
    rate: float  # units a second of wall time
    busy: float  # units a second of processor time: what a machine that is shared would give
    ratio: float  # time a unit by that of the reference in the same turn: above 1 is slower
    spread: tuple[float, float]  # the least and the greatest of these ratios
    first: float  # seconds of the first call, compilation included


def interleave(
    candidates: Mapping[str, Candidate], *, ref: str, rounds: int = 7, budget: float = 60.0
) -> dict[str, Timing]:
    """Time all candidates in `rounds` turns, or as many as the budget of seconds allows."""
    first, units = {}, {}
    for name, work in candidates.items():
        began = time.perf_counter()
        units[name] = work()
        first[name] = time.perf_counter() - began
    wall: dict[str, list[float]] = {name: [] for name in candidates}
    busy: dict[str, list[float]] = {name: [] for name in candidates}
    began = time.perf_counter()
    for turn in range(rounds):
        # Every other turn runs backwards: whoever follows the greedy one is not always the same.
        for name in list(candidates)[:: 1 if turn % 2 == 0 else -1]:
            now, spent = time.perf_counter(), time.process_time()
            candidates[name]()
            wall[name].append(time.perf_counter() - now)
            busy[name].append(time.process_time() - spent)
        if time.perf_counter() - began > budget:
            break
    found = {}
    for name in candidates:
        work = units[ref] / units[name]  # calls of unlike length compare by the unit
        ratios = [work * own / other for own, other in zip(wall[name], wall[ref], strict=True)]
        seconds = statistics.median(wall[name])
        found[name] = Timing(
            seconds,
            units[name] / seconds,
            units[name] / max(statistics.median(busy[name]), 1e-9),
            statistics.median(ratios),
            (min(ratios), max(ratios)),
            first[name],
        )
    return found


def show(title: str, timings: Mapping[str, Timing], unit: str) -> None:
    """Print a table: rates, and how many times as fast the reference is as each of the others."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"\n{title}   [{platform.machine()}, {cores} cores visible{load}]")
    for name, timing in timings.items():
        low, high = timing.spread
        print(
            f"  {name:34} {timing.seconds * 1e3:9.2f} ms {timing.rate / 1e6:9.3f} M {unit}/s"
            f"   cpu {timing.busy / 1e6:9.3f} M/s   reference is {timing.ratio:6.2f} times as fast"
            f" [{low:.2f} to {high:.2f}]   first call {timing.first:.2f} s"
        )
    print(flush=True)


def absent(peer: str, why: Exception) -> None:
    """Say that a peer takes no part, and go on."""
    print(f"{peer} takes no part: {str(why).partition(chr(10))[0] or type(why).__name__}.")
