"""Who goes first where the processor has more to do than it has cores."""

import contextlib
import os
import sys
import threading


RUN, BUILD, MAPS = 10, 12, 14  # niceness; the window's thread keeps 0
SWITCH = 0.0005  # s after which a thread that runs Python lets the one go on that waits for it


def give_way(niceness: int) -> None:
    """Let the window's thread, and all of less niceness, go before the calling thread.

    Threads that it starts inherit this, those of XLA among them. Linux alone has a niceness for
    each thread; elsewhere nothing happens.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def take_turns() -> None:
    """Let no thread wait for Python's lock longer than a frame can spare.

    Python's own 5 ms are a sixth of a frame, and a frame waits several times.
    """
    sys.setswitchinterval(SWITCH)
