"""One costly piece of painting after the other: between two of them the window answers the hand."""

import time


BREATH = 0.003  # s between the end of a piece and the next one
WAIT = round(1000 * BREATH)  # ms


class Turns:
    """When the last piece ended, whichever view it was of."""

    def __init__(self) -> None:
        self._ended = 0.0

    def free(self, breath: float = BREATH) -> bool:
        """Whether a piece may begin; else ask again a little later."""
        return time.perf_counter() - self._ended >= breath

    def end(self) -> None:
        """A piece has ended."""
        self._ended = time.perf_counter()


turns = Turns()  # of the one thread that paints
