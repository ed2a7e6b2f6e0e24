"""What must not go unnoticed: a run that leaves the numbers."""

from typing import Any

import jax
import numpy as np

from engine.core.checkpoints import Snapshot
from engine.core.parameters import parameters
from engine.core.stepping import Run, inexact, look
from engine.core.system import System


class LeftTheNumbers(FloatingPointError):  # noqa: N818 (it is a sentence)
    """A run met infinity or not-a-number. It has gone back to a state that had neither.

    `last_good` is a state to go back to: from before the last change, where that was lately.
    """

    def __init__(
        self,
        system: System[Any],
        tick: int,
        names: tuple[str, ...],
        last_good: Snapshot | None,
    ) -> None:
        self.tick = tick
        self.names = names  # fields of the state, and observables
        self.last_good = last_good
        self.values = {
            p.name: float(getattr(system, p.name))
            for p in parameters(system).values()
            if p.span is not None
        }
        at = ", ".join(f"{name} = {value:g}" for name, value in self.values.items())
        super().__init__(
            f"{type(system).__name__} left the numbers by tick {tick}: {', '.join(names)} "
            f"became infinite or not-a-number at {at}. Go back, then take a smaller step or "
            "gentler values."
        )


def unsound(system: System[Any], run: Run[Any]) -> tuple[str, ...]:
    """The fields of a state, and the observables, that are infinite or not-a-number."""
    sight = jax.device_get(look(system, run, views=()))
    fields = {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(run.state)
        if inexact(leaf)
    }
    found = fields | sight.observables
    return tuple(name for name, value in found.items() if not np.isfinite(value).all())
