"""`manyscope demo`: what the program is for, where there is no display."""

import argparse
import contextlib
import io
from pathlib import Path
from typing import Any

from app.command_line.refusal import Refused
from app.command_line.reply import reply
from app.command_line.verbs.figure import TRACE


HELP = "render the default system into a folder: PNG, PDF and MP4"
DEFAULT = "kuramoto"


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("--out", metavar="FOLDER", default="manyscope-out")


def act(wish: Any) -> None:
    """A figure and a film of the default system."""
    from app.command_line.parser import read  # which imports this file

    folder = Path(wish.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise Refused(
            f"{folder} cannot be made ({wrong.strerror}): name a folder of yours."
        ) from None
    names = [str(folder / f"{DEFAULT}{suffix}") for suffix in (".png", ".pdf", ".mp4")]
    still = ["figure", DEFAULT, "--steps", "1500", "--views", f"circle,{TRACE}", "--out"]
    film = ["video", DEFAULT, "--steps", "1440", "--every", "12", "--out"]
    for name in names:
        # What they would say is not the answer of this verb.
        with contextlib.redirect_stdout(io.StringIO()):
            made = read([*(film if name.endswith(".mp4") else still), name])
            made.act(made)
    reply(wish, {"files": names}, lambda: "\n".join(f"wrote {name}" for name in names))
