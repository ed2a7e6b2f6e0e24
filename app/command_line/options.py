"""What stands behind an option: whole numbers, lengths, sizes, and the options of every run."""

import argparse
import math
import re
from collections.abc import Callable


UNITS = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72}
MOST_STEPS = 10**9


def of_a_system(made: argparse.ArgumentParser) -> None:
    """Which system, and how it is set."""
    made.add_argument("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    made.add_argument("--preset", metavar="NAME")


def of_a_run(made: argparse.ArgumentParser, *, steps: int, settle: int | None) -> None:
    """Which system, how it is set, and how far it goes."""
    made.add_argument(
        "id", metavar="ID|FILE", help="a system, see `manyscope list`; or a session, figure or film"
    )
    of_a_system(made)
    made.add_argument("--seed", type=whole(0, 2**32 - 1), help="of a system; 0 by default")
    said = f"{steps} by default, of a file as it says"
    made.add_argument("--steps", type=whole(0, MOST_STEPS), help=said)
    if settle is not None:
        said = f"{settle} by default, of a file 0"
        made.add_argument("--settle", type=whole(0, MOST_STEPS), help=said)


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return value

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def length(text: str) -> float:
    """A length in mm: 86mm, 8.6cm, 3.4in; a bare number is mm."""
    found = re.fullmatch(r"\s*([0-9.eE+]+)\s*(mm|cm|in|pt)?\s*", text)
    try:
        value = float(found[1]) * UNITS[found[2] or "mm"] if found else math.nan
    except ValueError:
        value = math.nan
    if not 10 <= value <= 2000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a length from 10 to 2000 mm: write 86mm, 8.6cm or 3.4in"
        )
    return value


def size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})\s*[x×]\s*(\d{2,5})", text)
    if not found or not (64 <= int(found[1]) <= 7680 and 64 <= int(found[2]) <= 4320):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size of a picture: write 1280x720, from 64x64 to 7680x4320"
        )
    return int(found[1]), int(found[2])
