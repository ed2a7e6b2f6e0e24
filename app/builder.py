"""Compiles a system beside the run, in a thread of its own; of several plans the last one wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.priority import BUILD, give_way


if TYPE_CHECKING:
    from app.wishes import Plan
    from engine.core.simulation import Simulation


class Builder:
    """Builds one plan at a time; what is made, or why it cannot be, waits to be taken."""

    def __init__(self, lock: threading.Condition, say: Callable[[str], None]) -> None:
        self._lock = lock  # notified when something was built
        self._say = say  # what is being prepared, in words; empty when done
        self._thread: threading.Thread | None = None
        self.built: tuple[Plan, Any] | None = None
        self.next: Plan | None = None
        self.begun: Plan | None = None
        self._stopping = False

    @property
    def coming(self) -> Plan | None:
        """What will be there next."""
        return self.next or self.begun

    def begin(self) -> None:
        """Go on with the next plan if nothing is being built."""
        if self.next is None or self.begun is not None:
            return
        plan, self.next = self.next, None
        self.begun = plan
        from engine.systems import title

        words = ", ".join(f"{name} = {value}" for name, value in plan.values.items())
        self._say(words or title(plan.system))
        self._thread = threading.Thread(
            target=self._build, args=(plan,), name="builder", daemon=True
        )
        self._thread.start()

    def take(self) -> tuple[Plan, Any] | None:
        """What was built, once; an exception says why it was not."""
        with self._lock:
            built, self.built = self.built, None
        if built is not None:
            self.begun = None
            if self.next is None:
                self._say("")
        return built

    def stop(self) -> None:
        """Give up, and wait until the thread has ended."""
        self._stopping = True
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=120)

    def _build(self, plan: Plan) -> None:
        give_way(BUILD)
        try:
            made: Any = self._made(plan)
        except Exception as error:  # shown in words, by the runner
            made = error
        with self._lock:
            self.built = (plan, made)
            self._lock.notify_all()

    def _made(self, plan: Plan) -> tuple[Any, Any]:
        """The simulation, and the one that was saved beside it; all they need is compiled."""
        from engine.core.simulation import Simulation

        if plan.session is None:
            _warm(Simulation(plan.system, seed=plan.seed).run(1))
            return Simulation(plan.system, seed=plan.seed), None
        from engine.replaying import replay, replay_other

        made = replay(plan.session, stop=lambda: self._stopping or self.next is not None)
        _warm(Simulation(made.system, seed=made.seed).run(1))
        other = replay_other(plan.session)
        if other is not None:
            other.look()
        return made, other


def _warm(simulation: Simulation[Any]) -> None:
    simulation.look()
    simulation.theory()
    simulation.snapshot()
