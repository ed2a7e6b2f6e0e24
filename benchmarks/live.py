"""The live window's pace: frames while a slider is dragged, lateness of its timer, compilations.

    .venv/bin/python benchmarks/live.py [SYSTEM:SIZE=VALUE,... ...]

A real window on a virtual display (software OpenGL where there is no card). In each system the
first live parameter is dragged to and fro, 60 times a second, for some seconds: each value ends a
frame early, so that it is answered soon. The first system is then left alone; its timeline is
scrubbed and branched, and a slider dragged with two runs beside each other. A frame counts when the
large view has painted a moment that it had not shown before. The lateness is
that of a precise 16 ms timer in the window's thread: what a hand would feel.
"""

import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget


CASES = {  # the frames a second that each is to have, and the steps in a frame
    "kuramoto:n=4096": (30, 4),
    "exact-score-cloud:n=2000": (30, 1),
    "exact-score-cloud:n=4000,m=4000": (30, 1),
    "vicsek:n=16384": (30, 1),
    "vicsek:n=65536": (30, 1),
    "active-matter:n=16384": (30, 10),
    "ising-2d:length=512": (30, 10),
}
USUAL = (30, 4)  # of any other
SETTLE, DRAG = 6.0, 8.0  # s
TICK = 16  # ms
LATE = 20.0  # ms that the timer's 99th percentile may not reach


def main(cases: list[str]) -> int:
    from pyvirtualdisplay import Display

    from engine.core.threads import leave_a_core

    os.environ["QT_QPA_PLATFORM"] = "xcb"
    leave_a_core()  # as the program does, before JAX is imported
    with Display(visible=False, size=(1920, 1200), color_depth=24):
        found = measure(cases or list(CASES))
    print(
        f"{'system':<32}{'hand':>8}{'fps':>7}{'goal':>6}{'steps':>7}{'late p99':>10}"
        f"{'GUI/frame':>11}{'compiled':>10}"
    )
    for row in found:
        print(
            f"{row['system']:<32}{row['hand']:>8}{row['fps']:>7.1f}{row['goal']:>6}"
            f"{row['steps_per_frame']:>7.1f}{row['late_p99_ms']:>8.1f}ms"
            f"{row['gui_ms_per_frame']:>9.1f}ms"
            f"{row['compilations']:>10}"
        )
    print(json.dumps(found))
    kept = all(
        row["fps"] >= row["goal"] and row["late_p99_ms"] < LATE and not row["compilations"]
        for row in found
    )
    return 0 if kept else 1


def measure(cases: list[str]) -> list[dict[str, Any]]:
    with opened(cases[0]) as window:
        found = [measured(window, case, "drag") for case in cases]
        return found + [measured(window, cases[0], hand) for hand in HANDS if hand != "drag"]


@contextmanager
def opened(case: str) -> Iterator[Any]:
    """A window at work, 1280 × 800, that begins with the system of a case."""
    from app.garbage import Collector
    from app.theme.theme import Theme
    from app.window import Window

    application = QApplication(["manyscope"])
    collector = Collector(application)
    theme = Theme("dark")
    theme.apply(application)
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(f"{folder}/settings.ini", QSettings.Format.IniFormat)
        window = Window(theme, first=asked(case)[0], settings=settings)
        window.resize(1280, 800)
        window.runner.ready.connect(collector.set_aside)
        window.show()
        live(lambda: bool(window.session.gallery), 120)
        yield window
        window.close()
        window.deleteLater()
        live(lambda: False, 0.2)
    application.shutdown()


def asked(case: str) -> tuple[str, dict[str, int]]:
    """The system and the sizes that `SYSTEM:SIZE=VALUE,...` asks for."""
    name, _, told = case.partition(":")
    pairs = (one.partition("=") for one in told.split(",") if one)
    return name, {key: int(value) for key, _, value in pairs}


def measured(window: Any, case: str, hand: str) -> dict[str, Any]:
    """One system under a moving hand."""
    name, sizes = asked(case)
    window.session.open(name, seed=1, **sizes)
    live(lambda: fits(window.moment, name, sizes), 120)
    window.session.set_pace(CASES.get(case, USUAL)[1])
    # A map compiles when it opens, which may take longer than a hand waits: not the drag's doing.
    live(lambda: begun(window), 120)
    live(lambda: False, SETTLE)
    prepare, move, goal = HANDS[hand]
    prepare(window)

    begin, busy, steps = time.perf_counter(), time.thread_time(), window.moment.tick
    painted, ticks, timer, compiled = Painted(window), Ticks(), QTimer(interval=TICK), Compiled()
    timer.timeout.connect(lambda: move(window, time.perf_counter() - begin))
    timer.start()
    live(lambda: False, DRAG)
    timer.stop()
    seconds, busy = time.perf_counter() - begin, time.thread_time() - busy
    frames, steps = painted.stop(), window.moment.tick - steps
    late = sorted(ticks.stop())
    window.session.commit()
    return {
        "system": case,
        "hand": hand,
        "fps": frames / seconds,
        "goal": goal or CASES.get(case, USUAL)[0],
        "late_p50_ms": statistics.median(late),
        "late_p99_ms": late[int(0.99 * (len(late) - 1))],
        "gui_ms_per_frame": 1000 * busy / max(frames, 1),  # of processor: holds on a busy machine
        "compilations": compiled.stop(),
        "steps_per_frame": steps / max(frames, 1),
        "density": window.stage.is_density,
    }


def drag(window: Any, seconds: float) -> None:
    """The first live parameter, to and fro."""
    parameter = next(p for p in window.session.parameters.values() if p.kind == "live")
    share = 0.5 - 0.3 * math.cos(2 * math.pi * seconds / 4)
    window.parameters.changed.emit(parameter.name, parameter.at(share))


def scrub(window: Any, seconds: float) -> None:
    """Back and forth along all that was run."""
    past = window.session.past
    share = 0.5 + 0.45 * math.cos(2 * math.pi * seconds / 4)
    window.transport.scrubber.sought.emit(past.position.branch, round(share * past.end))


def branch(window: Any, seconds: float) -> None:
    """Four times a second: back a little, and on from there with other parameters."""
    if round(seconds * 1000 / TICK) % (250 // TICK) == 0:
        here = window.session.past.position
        window.session.go(here.branch, max(0, here.step - 100))
        drag(window, seconds)
        window.session.commit()


def compare(window: Any) -> None:
    """A second run beside the first, and all that it needs."""
    window.session.compare(True)
    live(lambda: window.moment.other is not None, 60)
    live(lambda: False, 2.0)


HANDS = {  # what comes before, what the hand does, and the frames that it asks for
    "drag": (lambda window: window.session.hold(), drag, 0),
    "none": (lambda window: None, lambda window, seconds: None, 0),
    "scrub": (lambda window: None, scrub, 10),
    "branch": (lambda window: None, branch, 10),
    "A/B": (compare, drag, 15),
}


def fits(moment: Any, name: str, sizes: dict[str, int]) -> bool:
    from engine.core.system import identity

    return (
        moment is not None
        and identity(moment.system) == name
        and all(getattr(moment.system, key) == value for key, value in sizes.items())
    )


def begun(window: Any) -> bool:
    """Whether the map has its first cells; one of a system with a single live parameter never."""
    found = window.diagrams.measured
    if window.diagrams.axes is None:
        return True
    return found is not None and bool(found.measured.any())


class Painted(QObject):
    """Counts the moments that the large view has painted."""

    def __init__(self, window: Any) -> None:
        super().__init__()
        self.count = 0
        self._window, self._shown = window, None
        self._watched = [window.stage.view, *window.stage.view.findChildren(QWidget)]
        for widget in self._watched:
            widget.installEventFilter(self)

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        moment = self._window.moment
        if event.type() == QEvent.Type.Paint and moment is not None and moment is not self._shown:
            self._shown = moment
            self.count += 1
        return False

    def stop(self) -> int:
        for widget in self._watched:
            widget.removeEventFilter(self)
        return self.count


class Ticks:
    """How late a precise timer fires in the window's thread, in ms."""

    def __init__(self) -> None:
        self._late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self._late.append(1000 * (now - self._last) - TICK)
        self._last = now

    def stop(self) -> list[float]:
        self._timer.stop()
        return self._late


class Compiled:
    """Counts what JAX compiles, or reads from its cache, in any thread."""

    def __init__(self) -> None:
        import jax.monitoring

        self.names: list[str] = []
        self._listening = True
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear(self, event: str, _seconds: float, **about: Any) -> None:
        if self._listening and event == "/jax/core/compile/backend_compile_duration":
            self.names.append(str(about.get("fun_name", "")))

    def stop(self) -> int:
        self._listening = False
        return len(self.names)


def live(until: Callable[[], bool], seconds: float) -> None:
    """Let the window live until something is true, or for so long."""
    loop, watch = QEventLoop(), QTimer(interval=50)
    watch.timeout.connect(lambda: loop.quit() if until() else None)
    watch.start()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
    watch.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
