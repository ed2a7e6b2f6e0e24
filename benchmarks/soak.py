"""Half an hour of random drags: memory, compilations, not-a-number.

    .venv/bin/python benchmarks/soak.py [MINUTES [SYSTEM:SIZE=VALUE,... ...]]

A real window on a virtual display. Each system has an equal share of the time, in which a random
live parameter is moved to a random place of its span, again and again, also to the very ends.
Before anything counts, all have been at both ends, and then where lists of neighbours are as long
as they can be: a list that needs more room doubles it, and compiles the run anew. In both places
the hand is taken off until the map has measured its first cells, for two minutes at most and on top
of the system's share: a map compiles when the hand first rests, which on a busy machine may come
late, and that is no leak. How long it took is told, and whether it came at all. No map is read
from an earlier day, for what is read is not compiled. The states to go back to have 16 MiB, so that
they are full before memory is first read: what grows after that is lost. Memory is the resident set
of the process. Seconds are those that it lived: while it is stopped from outside, none count.
"""

import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from live import Compiled, asked, begun, fits, live, opened
from PySide6.QtCore import QTimer


CASES = ("vicsek:n=16384", "active-matter:n=4096", "spatial-epidemic:n=4096")
MINUTES = 30.0
FULLEST = {  # where the most are near one: soft discs in a deep trap, under the widest skin
    "active-matter": {
        "trap": 1.0,
        "stiffness": 5.0,
        "speed": 2.0,
        "persistence": 1.0,
        "diffusion": 0.5,
        "dt": 0.02,
    },
}
CROWD = 0.15  # of a system's time that it stays there
WARM = 0.3  # of a system's time, before memory and compilations count
MAP = 120  # s in which the map is to be there
DRAG, REST = 1.0, 1.0  # s
TICK = 33  # ms
KEPT = 16 * 2**20  # bytes for states to go back to
GROWTH = 0.02  # that is allowed


def main(words: list[str]) -> int:
    from pyvirtualdisplay import Display

    from engine.core.threads import leave_a_core

    leave_a_core()  # as the program does, before JAX is imported
    from engine.core.compilation import keep_compilations

    minutes = float(words[0]) if words else MINUTES
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    keep_compilations()  # where they are: only maps begin with nothing
    with TemporaryDirectory() as folder, Display(visible=False, size=(1920, 1200), color_depth=24):
        os.environ["MANYSCOPE_CACHE"] = folder
        found = soak(words[1:] or list(CASES), 60 * minutes)
    print(json.dumps(found))
    kept = all(
        row["growth"] <= GROWTH and not row["compilations"] and not row["troubles"] for row in found
    )
    return 0 if kept else 1


def soak(cases: list[str], seconds: float) -> list[dict[str, Any]]:
    with opened(cases[0]) as window:
        window.runner.set_memory(KEPT)
        found = []
        for case in cases:
            found.append(row := soaked(window, case, seconds / len(cases)))
            print(
                f"{row['system']:<28}{row['drags']:>6} drags {row['steps']:>9} steps "
                f"{row['before'] / 2**20:>8.0f} -> {row['after'] / 2**20:.0f} MiB "
                f"({100 * row['growth']:+.2f} %)  {row['compilations']} compiled  "
                f"{row['troubles']} times left the numbers  maps after {row['maps']} s",
                flush=True,
            )
        return found


def soaked(window: Any, case: str, seconds: float) -> dict[str, Any]:
    """One system under a restless hand."""
    name, sizes = asked(case)
    window.session.open(name, seed=1, **sizes)
    live(lambda: fits(window.moment, name, sizes), 120)
    maps = [mapped(window)]
    hand, troubles = Hand(window), [0]
    window.runner.troubled.connect(lambda _: troubles.__setitem__(0, troubles[0] + 1))
    resting((WARM - CROWD) * seconds)
    if hand.gather(FULLEST.get(name, {})):
        maps.append(mapped(window))
    resting(CROWD * seconds)
    hand.go_on()
    compiled, first, memory = Compiled(), window.moment.tick, []
    often = max(10, round((1 - WARM) * seconds / 5))
    for _ in range(often):
        resting((1 - WARM) * seconds / often)
        memory.append(psutil.Process().memory_info().rss)
    hand.stop()
    fifth = max(1, len(memory) // 5)
    before, after = statistics.median(memory[:fifth]), statistics.median(memory[-fifth:])
    return {
        "system": case,
        "drags": hand.drags,
        "steps": window.moment.tick - first,
        "before": before,
        "after": after,
        "growth": after / before - 1,
        "compilations": compiled.stop(),
        "compiled": compiled.names,
        "troubles": troubles[0],
        "maps": maps,
        "memory": memory,
    }


def mapped(window: Any) -> int | None:
    """Seconds until the map that is asked for has measured cells; None where that was too long."""
    resting(2.0)  # until then it may be the map from before
    for seconds in range(MAP):
        if begun(window):
            return 2 + seconds
        resting(1.0)
    return None


def resting(seconds: float) -> None:
    """A second at a time: a while in which the process is stopped counts as one at most."""
    for _ in range(pieces := math.ceil(seconds)):
        live(lambda: False, seconds / pieces)


class Hand:
    """Takes a parameter, moves it within a second to a random place, rests, takes the next one."""

    def __init__(self, window: Any) -> None:
        self.drags = 0
        self._window, self._random = window, random.Random(7)
        self._began = -math.inf
        self._shares: dict[str, float] = {}  # where each parameter was left
        self._turns = self._tour()
        self._timer = QTimer(interval=TICK)
        self._timer.timeout.connect(self._move)
        self._timer.start()

    def _move(self) -> None:
        now = time.perf_counter()
        if self._window.moment.done:  # an epidemic ends: on with the next one
            self._window.do("restart")
        if now - self._began > DRAG + REST:
            self._parameter, self._share = next(self._turns)
            self._start = self._shares.get(self._parameter.name, 0.5)
            self._shares[self._parameter.name] = self._share
            self._began = now
            self.drags += 1
        share = (now - self._began) / DRAG
        if share <= 1:
            value = self._parameter.at(self._start + share * (self._share - self._start))
            self._window.parameters.changed.emit(self._parameter.name, value)
        elif self._window.session.running:
            self._window.session.commit()

    def gather(self, values: dict[str, float]) -> bool:
        """Put all parameters there, and wait; False where there is nowhere to go."""
        if not values:
            return False
        self._timer.stop()
        for name, value in values.items():
            self._window.parameters.changed.emit(name, value)
            self._shares[name] = self._window.session.parameters[name].share(value)
        self._window.session.commit()
        return True

    def go_on(self) -> None:
        self._began = -math.inf
        self._timer.start()

    def _tour(self) -> Iterator[tuple[Any, float]]:
        """What to take next, and where to move it: to all ends, then anywhere."""
        every = [
            p
            for p in self._window.session.parameters.values()
            if p.kind == "live" and p.span is not None
        ]
        yield from ((parameter, 0.0) for parameter in every)
        yield from ((parameter, 1.0) for parameter in reversed(every))
        while True:
            share = self._random.uniform(-0.1, 1.1)
            yield self._random.choice(every), min(1.0, max(0.0, share))

    def stop(self) -> None:
        self._timer.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
