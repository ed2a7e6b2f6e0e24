"""The words of the command line; each verb says itself what it takes."""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

from app.command_line.refusal import Refused, near
from app.command_line.verbs import (
    catalogue,
    cloud,
    demo,
    describe,
    doctor,
    extract,
    figure,
    phase_map,
    replay,
    run,
    video,
    window,
)


class Verb(Protocol):
    """A file of `verbs/`."""

    @property
    def HELP(self) -> str: ...

    def take(self, made: argparse.ArgumentParser) -> None: ...

    def act(self, wish: Any) -> int | None: ...


VERBS: Mapping[str, Verb] = {
    "list": catalogue,
    "describe": describe,
    "run": run,
    "map": phase_map,
    "figure": figure,
    "video": video,
    "cloud": cloud,
    "replay": replay,
    "extract": extract,
    "demo": demo,
    "doctor": doctor,
    "open": window,
}


class Parser(argparse.ArgumentParser):
    """Says in one line what was wrong, with the nearest name."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kw)

    verbs: Mapping[str, argparse.ArgumentParser] = {}

    def error(self, message: str) -> NoReturn:
        found = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if found:
            allowed = [name.strip(" '") for name in found[2].split(",")]
            raise Refused(
                f"{found[1]!r} is not a command: choose from {', '.join(allowed)}."
                f"{near(found[1], allowed)}"
            )
        raise Refused(f"{message}; see {self.prog} --help.")


def parser() -> Parser:
    """All verbs with all their arguments."""
    whole = Parser(
        prog="manyscope",
        description="A live explorer of many-body systems. Without a command: the window.",
    )
    whole.add_argument("--version", action="version", version=f"manyscope {_version()}")
    whole.add_argument("--software-gl", action="store_true", help="draw without the graphics card")
    whole.set_defaults(act=window.act, what=None, verb=None, origin=None)
    verbs = whole.add_subparsers(dest="verb", metavar="COMMAND", parser_class=Parser)
    whole.verbs = verbs.choices
    for name, verb in VERBS.items():
        made = verbs.add_parser(name, help=verb.HELP, description=verb.HELP)
        made.set_defaults(act=verb.act)
        if name != "open":
            made.add_argument("--json", action="store_true", help="one JSON object, for machines")
        verb.take(made)
    return whole


def _version() -> str:
    from app.figures.metadata import version

    return version()


def read(arguments: Sequence[str]) -> Any:
    """The arguments of the command line; what is left over is refused."""
    whole = parser()
    wish, extra = whole.parse_known_args(list(arguments))
    if extra:
        verb = whole.verbs.get(wish.verb or "", whole)
        options = [name for name in verb._option_string_actions if name.startswith("--")]
        hint = near(extra[0], options) if extra[0].startswith("-") else ""
        raise Refused(
            f"{extra[0]!r} is not understood: {verb.prog} takes {', '.join(options)}.{hint}"
        )
    return wish
