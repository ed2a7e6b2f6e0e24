"""How many threads XLA computes with on a CPU, and where."""

import os


def cores() -> int:
    """The processor's cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> int:
    """Into how many pieces XLA cuts a long loop: NPROC if that was set, else the cores."""
    told = os.environ.get("NPROC", "")
    return max(1, int(told)) if told.isdecimal() else cores()


def leave_a_core() -> None:
    """Leave one core to the window, and let each thread work out itself what it asks of JAX.

    Must come before JAX is imported. XLA cuts a long loop into as many pieces as it has threads:
    with a piece on the window's core the others wait for that one, and on two cores a loop costs
    half as much again. Handed to a thread of XLA, work has not the niceness of who asks for it, and
    where that thread is the only one, the run waits for the map. Without a window it is the same,
    for the last bits of some runs depend on the pieces. Who set either variable has the last word.
    """
    os.environ.setdefault("NPROC", str(max(1, cores() - 1)))
    os.environ.setdefault("JAX_CPU_ENABLE_ASYNC_DISPATCH", "0")
