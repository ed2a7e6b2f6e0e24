"""What is installed, what draws, and what is missing: for a person, or for a report of a fault.

Whatever might crash (Qt, OpenGL, JAX' devices) is asked in a process of its own, so that the
doctor survives its patient. Each finding that is wrong says what to do.
"""

import contextlib
import ctypes.util
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


PACKAGES = (
    "manyscope",
    "jax",
    "jaxlib",
    "numpy",
    "PySide6_Essentials",
    "pyqtgraph",
    "vispy",
    "superqt",
    "qtawesome",
    "matplotlib",
    "cmap",
    "av",
    "pillow",
    "pypdf",
    "h5py",
    "msgspec",
    "platformdirs",
    "ziamath",
)
PATIENCE = 60  # s for a probe: a graphics driver may take its time, but not for ever
# Libraries that PySide6 needs and does not bring, and the Debian package of each.
LIBRARIES = {
    "GL": "libgl1",
    "EGL": "libegl1",
    "xkbcommon": "libxkbcommon0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-image": "libxcb-image0",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-randr": "libxcb-randr0",
    "xcb-render-util": "libxcb-render-util0",
    "xcb-shape": "libxcb-shape0",
    "xcb-xinerama": "libxcb-xinerama0",
    "xcb-xkb": "libxcb-xkb1",
}
SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "software rasterizer")
DEVICES = """
import json, jax
print(json.dumps([{"platform": d.platform, "kind": d.device_kind} for d in jax.devices()]))
"""
OPENGL = """
import json, sys
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
application = QGuiApplication(sys.argv[:1])
found = {"platform": application.platformName()}
surface, context = QOffscreenSurface(), QOpenGLContext()
surface.create()
if context.create() and context.makeCurrent(surface):
    gl = context.functions()
    for name, key in (("vendor", 0x1F00), ("renderer", 0x1F01), ("version", 0x1F02)):
        found[name] = str(gl.glGetString(key))
    context.doneCurrent()
print(json.dumps(found))
"""


def examine() -> dict[str, Any]:
    """All findings, as plain data."""
    from app.command_line.display import has_display

    display = has_display()
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "devices": _asked(DEVICES),
        "display": {
            name: os.environ.get(name, "")
            for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        },
        "opengl": _asked(OPENGL, {} if display else {"QT_QPA_PLATFORM": "offscreen"}),
        "fonts": _fonts(),
        "caches": _caches(),
        "missing_libraries": _missing(),
    }
    found["advice"] = _advice(found, display)
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _asked(code: str, environment: dict[str, str] | None = None) -> Any:
    """What a program of a few lines answers in a process of its own; a fault is an answer too."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=os.environ | (environment or {}),
        )
    except subprocess.TimeoutExpired:
        return {"error": f"gave no answer within {PATIENCE} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        try:
            return json.loads(lines[-1])
        except ValueError:
            pass
    said = done.stderr.strip().splitlines()
    return {"error": said[-1] if said else f"ended with code {done.returncode}"}


def _fonts() -> dict[str, bool]:
    from engine.resources import resource

    cuts = ("Inter-Regular.ttf", "Inter-Medium.ttf", "Inter-SemiBold.ttf")
    found = {}
    for cut in cuts:
        try:
            found[cut] = resource(f"fonts/{cut}").stat().st_size > 0
        except OSError:
            found[cut] = False
    return found


def _caches() -> dict[str, dict[str, Any]]:
    """Where JAX and the maps keep what was computed once, and how much that is."""
    import platformdirs

    named = os.environ.get("MANYSCOPE_CACHE")
    root = Path(named) if named else platformdirs.user_cache_path("manyscope")
    compiled = Path(os.environ.get("JAX_COMPILATION_CACHE_DIR", root / "jax"))
    compiled = root / "jax" if named else compiled
    return {"compilations": _size(compiled), "maps": _size(root / "maps")}


def _size(folder: Path) -> dict[str, Any]:
    files = []
    with contextlib.suppress(OSError):  # a file may go while one counts
        files = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return {"folder": str(folder), "files": len(files), "megabytes": round(sum(files) / 1e6, 1)}


def _missing() -> list[str]:
    """Libraries that the window needs on Linux and that are not there."""
    if not sys.platform.startswith("linux"):
        return []
    return [name for name in LIBRARIES if ctypes.util.find_library(name) is None]


def _advice(found: dict[str, Any], display: bool) -> list[str]:
    """What to do, the most urgent first."""
    out = []
    absent = [name for name, number in found["packages"].items() if number is None]
    if absent:
        out.append(f"Not installed: {', '.join(absent)}. Run: pip install manyscope")
    if breaks_python(found["packages"]["PySide6_Essentials"], sys.version_info[:2]):
        out.append(
            "PySide6 6.12 on Python 3.11 aborts within seconds of a live view. "
            "Run: pip install 'pyside6-essentials<6.12'"
        )
    if found["missing_libraries"]:
        packages = " ".join(LIBRARIES[name] for name in found["missing_libraries"])
        out.append(
            f"System libraries of the window are missing. Run: sudo apt-get install {packages}"
        )
    opengl = found["opengl"]
    renderer = str(opengl.get("renderer", "")).lower()
    if not display:
        out.append(
            "No display: the window cannot open. All else works: "
            "manyscope run, map, figure, video, demo."
        )
    elif "error" in opengl:
        out.append(f"Qt did not start: {opengl['error']}")
    elif not renderer:
        out.append("No OpenGL: start with manyscope --software-gl, or swarms are painted slowly.")
    elif any(name in renderer for name in SOFTWARE):
        out.append(
            "OpenGL is done in software: large swarms are drawn as pictures of their density."
        )
    if isinstance(found["devices"], dict):
        out.append(f"JAX did not start: {found['devices'].get('error')}")
    if not all(found["fonts"].values()):
        out.append("Fonts of the look are missing: the installation is incomplete.")
    return out


def breaks_python(pyside: str | None, python: tuple[int, ...]) -> bool:
    """Whether this PySide6 loses references to None on this Python: 6.12 does, before 3.12."""
    if pyside is None or tuple(python[:2]) >= (3, 12):
        return False
    parts = tuple(int(part) for part in pyside.split(".")[:2] if part.isdigit())
    return parts >= (6, 12)


def in_words(found: dict[str, Any]) -> str:
    """The findings for a person."""
    devices = found["devices"]
    if isinstance(devices, list):
        kinds = [f"{one['platform']} ({one['kind']})" for one in devices]
        shown = ", ".join(dict.fromkeys(kinds))
    else:
        shown = devices["error"]
    opengl = found["opengl"]
    gl = opengl.get("error") or (
        f"{opengl['renderer']}, {opengl['version']}, {opengl['vendor']}"
        if "renderer" in opengl
        else "none"
    )
    display = [f"{name}={value}" for name, value in found["display"].items() if value]
    packages = [f"{name} {number or 'MISSING'}" for name, number in found["packages"].items()]
    lines = [
        f"Python    {found['python']} on {found['system']}",
        f"Packages  {', '.join(packages[:6])}",
        *(f"          {', '.join(packages[k : k + 6])}" for k in range(6, len(packages), 6)),
        f"Devices   {shown}",
        f"Display   {', '.join(display) or 'none'}",
        f"OpenGL    {gl}",
        f"Fonts     {'Inter' if all(found['fonts'].values()) else 'MISSING'}",
    ]
    for name, cache in found["caches"].items():
        lines.append(
            f"Cache     {name}: {cache['folder']}, {cache['files']} files, {cache['megabytes']} MB"
        )
    lines.append("")
    lines += [f"! {words}" for words in found["advice"]] or ["Nothing is missing."]
    return "\n".join(lines)
