"""What a person asked for and cannot have, in one line for them."""

import contextlib
import difflib
from collections.abc import Iterable, Iterator


class Refused(Exception):  # noqa: N818 (it is a sentence)
    """What a person asked for cannot be; the message is one line for them."""


def near(name: str, known: Iterable[str]) -> str:
    """The end of an error: what a wrong name may have meant."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """The engine's sentences about values are for the person who typed them."""
    try:
        yield
    except FloatingPointError:
        raise
    except (TypeError, ValueError, OSError) as wrong:
        raise Refused(str(wrong)) from wrong
