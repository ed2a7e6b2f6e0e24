"""`manyscope open`, and `manyscope` alone: the window."""

import argparse
from pathlib import Path
from typing import Any

from app.command_line import display
from app.command_line.refusal import Refused
from app.command_line.systems import identities, known_id


HELP = "open a system or a file in the window"


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", metavar="SYSTEM|FILE")
    made.add_argument("--software-gl", action="store_true", default=argparse.SUPPRESS)


def act(wish: Any) -> int:
    what = wish.what
    if what is not None:
        path = Path(what)
        if path.is_file():
            what = str(path)
        elif path.is_dir() and what not in identities():
            raise Refused(f"{what} is a folder: name a system or a file.")
        elif path.suffix or path.parent != Path():
            raise Refused(f"{what} is not there: name a system or a file.")
        else:
            what = known_id(what)
    if not display.has_display():
        raise Refused(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set). Without one "
            "work: manyscope list, describe, run, map, figure, video, demo, doctor."
        )
    from app import start

    return start.run(what, software_gl=wish.software_gl)
