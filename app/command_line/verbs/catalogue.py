"""`manyscope list`: all systems."""

import argparse
from typing import Any

from app.command_line.reply import reply, table


HELP = "name all systems"


def take(made: argparse.ArgumentParser) -> None:
    """No argument of its own."""


def act(wish: Any) -> None:
    from engine.systems import family, gallery, title

    found = [
        {"id": name, "title": title(cls), "family": family(cls), "source": source(cls)}
        for name, cls in gallery().items()
    ]
    rows = [[one["id"], one["title"], one["family"], one["source"]] for one in found]
    reply(wish, {"systems": found}, lambda: table(rows))


def source(system: Any) -> str:
    from engine.core.about import references

    known = references()
    return "; ".join(known[key].short for key in system.sources[:1] if key in known)
