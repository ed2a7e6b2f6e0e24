"""From the command to the window, and to the first live frame: cold and warm.

    .venv/bin/python benchmarks/startup.py [SYSTEM]

Cold is an empty compilation cache, warm the one that the cold start left. The clock begins before
Python does, and stops when the window has painted itself, and when the large view has painted a
moment after the run's first.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


ROUNDS = 5  # warm starts; their median is told
GOALS = {"window": 1.0, "live": 2.5}  # s, warm

WATCHED = """
import json, sys, time
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
import app.window
from app.command_line import run

begin = float(sys.argv[1])

class Watch(QObject):
    def __init__(self, window):
        super().__init__(window)
        self.window, self.found = window, {}
        QApplication.instance().installEventFilter(self)

    def eventFilter(self, of, event):
        if event.type() == QEvent.Type.Paint and isinstance(of, QWidget):
            now = time.time() - begin, time.process_time()
            moment, view = self.window.moment, self.window.stage.view
            self.found.setdefault("window", now)
            if moment is not None and moment.tick > 0 and view is not None:
                if (of is view or view.isAncestorOf(of)) and "live" not in self.found:
                    self.found["live"] = now
                    print(json.dumps(self.found), flush=True)
                    self.window.close()
        return False

class Watched(app.window.Window):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.watch = Watch(self)

app.window.Window = Watched
sys.exit(run(sys.argv[2:]))
"""


def main(words: list[str]) -> int:
    from pyvirtualdisplay import Display

    os.environ["QT_QPA_PLATFORM"] = "xcb"
    with (
        Display(visible=False, size=(1920, 1200), color_depth=24),
        tempfile.TemporaryDirectory() as folder,
    ):
        cold = start(folder, words)
        warm = [start(folder, words) for _ in range(ROUNDS)]
    print(f"{'':<8}{'cold':>8}{'warm':>8}{'goal':>8}{'of it processor, warm':>24}")
    kept = True
    for name, goal in GOALS.items():
        wall = statistics.median(each[name][0] for each in warm)
        busy = statistics.median(each[name][1] for each in warm)
        kept &= wall <= goal
        print(f"{name:<8}{cold[name][0]:>7.2f}s{wall:>7.2f}s{goal:>7.1f}s{busy:>23.2f}s")
    return 0 if kept else 1


def start(folder: str, words: list[str]) -> dict[str, tuple[float, float]]:
    """Seconds to the window and to the live frame of one start, on the clock and of processor."""
    places = {"MANYSCOPE_CACHE": folder, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder}
    command = [sys.executable, "-c", WATCHED, str(time.time())]
    told = subprocess.run(
        [*command, *(["open", *words] if words else [])],
        env=os.environ | places,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return json.loads(told.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
