"""The gallery: every system file below this folder, found by itself."""

import inspect
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from engine.core.system import System
from engine.core.system import identity as identity


@cache
def gallery() -> dict[str, type[System[Any]]]:
    """Every system by its id, which is the name of its file: `kuramoto`, `active-matter`."""
    files = [m.name for m in walk_packages(__path__, f"{__name__}.") if not m.ispkg]
    found = {name.rpartition(".")[2].replace("_", "-"): _system_in(name) for name in files}
    if len(found) < len(files):
        raise TypeError("Two system files have the same name; an id must be unique.")
    return found


def family(system: System[Any] | type[System[Any]]) -> str:
    """The folder a system lies in: `swarms`, `diffusion`, `spins`, `neural` or `fields`."""
    cls = system if isinstance(system, type) else type(system)
    return cls.__module__.split(".")[-2]


def title(system: System[Any] | type[System[Any]]) -> str:
    """The first line of a system's docstring."""
    return (inspect.getdoc(system) or "").partition("\n")[0]


def _system_in(module: str) -> type[System[Any]]:
    own = [
        value
        for value in vars(import_module(module)).values()
        if inspect.isclass(value) and issubclass(value, System) and value.__module__ == module
    ]
    match own:
        case [system] if not inspect.isabstract(system):
            return system
        case [system]:
            missing = ", ".join(sorted(system.__abstractmethods__))
            raise TypeError(
                f"{module}: {system.__name__} is not a system yet; write its {missing}."
            )
        case _:
            names = ", ".join(value.__name__ for value in own) or "none"
            raise TypeError(f"{module} must hold exactly one System; it holds {names}.")
