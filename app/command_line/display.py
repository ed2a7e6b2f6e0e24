"""Whether there is a screen to draw on."""

import os
import sys


def has_display() -> bool:
    """Whether a window can open; a platform of Qt that needs no screen counts."""
    if not sys.platform.startswith("linux"):
        return True
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal", "vnc"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
