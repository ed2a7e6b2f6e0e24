"""Manyscope's engine: many-body systems in JAX, with no window in sight.

>>> from engine import Simulation, gallery
>>> Kuramoto = gallery()["kuramoto"]
>>> simulation = Simulation(Kuramoto(coupling=3.0, n=20_000), seed=1).run(2000)
>>> simulation.observables, simulation.system.theory()
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from engine.core.simulation import Simulation as Simulation
    from engine.core.simulation import along as along
    from engine.core.simulation import sweep as sweep
    from engine.replaying import replay as replay
    from engine.storage.sessions import Session as Session
    from engine.systems import gallery as gallery

# What equinox and diffrax find wrong while they run becomes NaN, which a run reports. To raise they
# would call Python, and JAX keeps no program that does: it would be compiled at every start.
os.environ.setdefault("EQX_ON_ERROR", "nan")

WHERE = {
    "Simulation": "engine.core.simulation",
    "along": "engine.core.simulation",
    "sweep": "engine.core.simulation",
    "Session": "engine.storage.sessions",
    "replay": "engine.replaying",
    "gallery": "engine.systems",
}


def __getattr__(name: str) -> Any:
    # JAX takes a third of a second to import: the window and `--help` do without it.
    if name not in WHERE:
        raise AttributeError(f"module 'engine' has no attribute {name!r}.")
    return getattr(import_module(WHERE[name]), name)
