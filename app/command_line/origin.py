"""Where a run comes from that a file tells of: a session, or a figure or film with one in it."""

from pathlib import Path
from typing import Any, NamedTuple

from app.command_line.refusal import Refused, refusing


SESSION = ".manyscope"


class Origin(NamedTuple):
    """A session, and what the file says of itself beside it: nothing for a session file."""

    session: Any  # engine.storage.sessions.Session
    said: dict[str, Any]

    @property
    def id(self) -> str:
        return self.session.system


def file_of(text: str) -> Path | None:
    """The session, figure or film that is named; None where it may be a system."""
    from app.figures.metadata import READABLE

    path = Path(text)
    if path.suffix.lower() not in (SESSION, *READABLE):
        return None
    if not path.is_file():
        raise Refused(f"{text} is not there: name a system, a session, or a figure or film.")
    return path


def said_by(path: Path) -> dict[str, Any]:
    """What a figure or a film says of itself."""
    from app.figures.metadata import read_metadata

    with refusing():
        found = read_metadata(path)
    if found is None or not isinstance(found.get("session"), dict):
        raise Refused(
            f"{path.name} holds no session: Manyscope did not make it, or the session was left out."
        )
    return found


def origin_of(path: Path) -> Origin:
    """The session in a file, checked."""
    import json

    from engine.storage.sessions import Session, from_text

    if path.suffix.lower() == SESSION:
        with refusing():
            return Origin(Session.load(path), {})
    said = said_by(path)
    with refusing():
        return Origin(from_text(json.dumps(said["session"])), said)


def reopened(wish: Any, *, from_start: bool = False) -> Any:
    """The run of `wish.origin`, where the file leaves it."""
    from engine.replaying import replay

    with refusing():
        return replay(wish.origin.session, from_start=from_start)
