"""`manyscope extract`: the session that a figure or a film carries."""

import argparse
import json
import sys
from typing import Any

from app.command_line.origin import SESSION, file_of, origin_of, said_by
from app.command_line.refusal import Refused, refusing
from app.command_line.reply import reply
from app.command_line.target import target


HELP = "print the session that a figure, a film or a session file holds"


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", metavar="FILE")
    made.add_argument("--out", metavar="FILE", help=f"write it as a session file ({SESSION})")


def act(wish: Any) -> None:
    path = file_of(wish.what)
    if path is None:
        raise Refused(f"{wish.what} is no file that holds a session: name a figure, a film or a "
                      f"{SESSION} file.")  # fmt: skip
    if path.suffix.lower() == SESSION:
        from engine.storage.sessions import to_text

        session: dict[str, Any] = json.loads(to_text(origin_of(path).session))
        said: dict[str, Any] = {"id": session["system"]}
    else:
        said = said_by(path)
        session = said["session"]
    if wish.out:
        out = target(wish.out, (SESSION,))
        with refusing():
            origin_of(path).session.save(out)
        print(f"manyscope: note: wrote {out}", file=sys.stderr)
    found = {name: value for name, value in said.items() if name not in ("figure", "film")}
    reply(wish, found | {"file": str(path), "session": session}, lambda: _words(session))


def _words(session: dict[str, Any]) -> str:
    # In ASCII, for not every pipe takes more.
    return json.dumps(session, indent=2)
