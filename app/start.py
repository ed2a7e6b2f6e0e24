"""Shows the window until it is closed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from app.deeds import SCALES, THEMES
from app.file_deeds import FIRST
from app.garbage import Collector
from app.theme.theme import Theme
from app.views.choose import gl_facts
from app.window import Window


def run(opened: str | None = None, software_gl: bool = False) -> int:
    """Show the window on a system, or on a file by its path, until it is closed."""
    if software_gl:
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_UseSoftwareOpenGL)
    if sys.platform.startswith("linux") and os.environ.get("DISPLAY"):
        # vispy loses its canvas under Wayland; every desktop that speaks it has X beside it.
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    application = QApplication.instance() or QApplication(["manyscope"])
    assert isinstance(application, QApplication)
    application.setApplicationName("Manyscope")
    settings = QSettings("manyscope", "manyscope")
    name, scale = settings.value("theme", "dark"), settings.value("scale", 1.0)
    theme = Theme(name if name in THEMES else "dark", _scale(scale))
    theme.apply(application)
    file = Path(opened) if opened and Path(opened).is_file() else None
    first = opened if opened and file is None else FIRST
    window = Window(theme, first=first, file=file, settings=settings)
    collector = Collector(application)
    window.runner.ready.connect(collector.set_aside)
    window.restore()
    window.show()
    if error := gl_facts().error:
        window.stage.say("warning", "Painted without OpenGL", error, kind="warning")
    window.documents.offers = True
    code = application.exec()
    if any(thread.name in ("runner", "builder", "maps") for thread in threading.enumerate()):
        os._exit(code)  # a compilation that takes minutes must not keep the program alive
    return code


def _scale(value: Any) -> float:
    try:
        return min(max(float(value), SCALES[0]), SCALES[-1])
    except (TypeError, ValueError):
        return 1.0
