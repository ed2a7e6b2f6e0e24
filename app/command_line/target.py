"""Where a verb writes."""

import contextlib
from pathlib import Path

from app.command_line.refusal import Refused, near, refusing


def target(text: str, suffixes: tuple[str, ...]) -> Path:
    """A file that can be written, found out before the work and not after it."""
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise Refused(
            f"{text!r} does not say what to write: end it in {' or '.join(suffixes)}."
            f"{near(path.suffix, suffixes) if path.suffix else ''}"
        )
    from engine.storage.atomic import written

    # A draft is made and removed: permissions lie (to root, on network disks), files do not.
    with refusing():
        if path.is_dir():
            raise Refused(f"{text!r} is a folder: name a file.")
        with contextlib.suppress(_Enough), written(path):
            raise _Enough
    return path


class _Enough(Exception):  # noqa: N818
    """Leaves `written` before it writes."""
