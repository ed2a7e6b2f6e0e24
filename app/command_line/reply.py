"""What a verb says: its result on standard output, its notes on standard error."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from app.command_line.progress import Progress


def reply(wish: Any, found: dict[str, Any], words: Callable[[], str]) -> None:
    """The result: one JSON object, or words for a person."""
    Progress.end()
    if wish.json:
        from app.figures.metadata import finite

        # In ASCII, for not every pipe takes more.
        print(json.dumps(finite(found), allow_nan=False))
    else:
        print(words())


def say_caveats(simulation: Any) -> None:
    for words in simulation.caveats:
        print(f"manyscope: note: {words}", file=sys.stderr)


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        indent + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
