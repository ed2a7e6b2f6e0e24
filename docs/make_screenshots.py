"""Takes the pictures of README.md: the real window on a virtual display.

    make screenshots

Three systems, a timeline with branches, and two runs beside each other: each is photographed light
and dark at two sizes, after it has run for a while and its map is filled. A machine without a
display gets one from Xvfb; OpenGL may be software.
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


PICTURES = Path(__file__).parent / "pictures"
SIZES = ((1280, 800), (1920, 1080))
THEMES = ("light", "dark")
SYSTEMS = {  # what each shows best, and how long it takes to get there
    "kuramoto": ({"coupling": 1.6, "noise": 0.1}, 14.0),
    "vicsek": ({"noise": 0.3}, 20.0),
    "exact-score-cloud": ({"flow": "once"}, 16.0),
}
LARGEST = 400_000  # bytes of a picture


def main(names: list[str]) -> None:
    from pyvirtualdisplay import Display

    PICTURES.mkdir(exist_ok=True)
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    with Display(visible=False, size=(2000, 1200), color_depth=24):
        photograph(names or [*SYSTEMS, "timeline"])


def photograph(names: list[str]) -> None:
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from app.garbage import Collector
    from app.theme.theme import Theme
    from app.window import Window

    application = QApplication(["manyscope"])
    collector = Collector(application)
    theme = Theme("light")
    theme.apply(application)
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(f"{folder}/settings.ini", QSettings.Format.IniFormat)
        window = Window(theme, first="kuramoto", settings=settings)
        window.restore()
        window.runner.ready.connect(collector.set_aside)
        window.show()
        wait(lambda: bool(window.session.gallery), 120)
        for name in names:
            pose_timeline(window) if name == "timeline" else pose(window, name)
        window.close()
        window.deleteLater()
        wait(lambda: False, 0.2)
    application.shutdown()  # before the display goes


def pose(window: Any, name: str) -> None:
    """Run a system until it shows what it is, and take its pictures."""
    from engine.core.system import identity

    values, seconds = SYSTEMS[name]
    window.session.open(name, seed=1, **values)
    wait(lambda: window.moment is not None and identity(window.moment.system) == name, 300)
    wait(lambda: False, seconds)
    photographed(window, name)


def pose_timeline(window: Any) -> None:
    """A run that was taken up twice from its past, and then beside another one."""
    session = window.session
    session.open("vicsek", seed=1, noise=0.3)
    wait(lambda: window.moment is not None and window.moment.past.position.step > 900, 60)
    for step, noise in ((300, 0.6), (500, 0.1)):
        session.go(0, step)
        wait(lambda step=step: window.moment.past.position.step < step + 100, 30)
        session.set(noise=noise)
        session.commit()
        wait(lambda: False, 6.0)
    window.snapshots.store(1)
    photographed(window, "timeline")
    session.compare(True)
    wait(lambda: window.moment.other is not None, 60)
    session.set(noise=0.5)
    session.commit()
    wait(lambda: False, 8.0)
    photographed(window, "beside")
    session.compare(False)


def photographed(window: Any, name: str) -> None:
    """In both themes and sizes."""
    from app.theme.theme import Theme

    for theme in THEMES:
        window.restyle(Theme(theme))
        for width, height in SIZES:
            window.resize(width, height)
            wait(lambda: False, 2.5)
            save(window, PICTURES / f"{name}-{theme}-{width}x{height}.png")


def wait(until: Callable[[], bool], seconds: float) -> None:
    """Let the window live until something is true, or for so long."""
    from PySide6.QtCore import QCoreApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        QCoreApplication.processEvents()
        time.sleep(0.002)


def save(window: Any, path: Path) -> None:
    """The window as it stands on the screen, in as few colours as do not show."""
    from PIL import Image
    from PySide6.QtCore import QBuffer, QIODevice

    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    window.screen().grabWindow(window.winId()).save(held, "PNG")
    picture = Image.open(io.BytesIO(held.data().data())).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        palette = picture.quantize(
            256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG
        )
        palette.save(path, optimize=True)
    print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
