"""How far a verb is, on standard error."""

import sys
import time


class Progress:
    """How far it is, on standard error: in one line of a terminal, or a line every few seconds."""

    _open = False

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, max(total, 1)
        self._last = time.monotonic()

    def at(self, done: int) -> None:
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if now - self._last < (0.1 if terminal else 5.0) and done < self.total:
            return
        self._last = now
        share = f"{self.what} {100 * done // self.total} %"
        if terminal:
            print(f"\r{share}\x1b[K", end="", file=sys.stderr, flush=True)
            Progress._open = True
        elif done < self.total:
            print(share, file=sys.stderr, flush=True)

    @classmethod
    def end(cls) -> None:
        if cls._open:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            cls._open = False
