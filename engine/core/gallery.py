"""Systems on a shelf: found by their files, read without JAX, imported when asked for."""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple


if TYPE_CHECKING:
    from engine.core.system import System


class Entry(NamedTuple):
    """What a system's file says of it before it is imported, and JAX with it."""

    family: str  # the folder: `swarms`, `diffusion`, `spins`, `neural` or `fields`
    title: str
    sources: tuple[str, ...]  # keys of resources/references.bib
    after: bool  # whether formulas are reconstructed


class Gallery(Mapping[str, Any]):
    """Systems by their ids, which are the names of their files: `kuramoto`, `active-matter`.

    A system is imported when it is first asked for.
    """

    def __init__(self, folder: Path, package: str) -> None:
        self._modules: dict[str, str] = {}
        self._files: dict[str, Path] = {}
        for file in sorted(folder.glob("*/[!_]*.py")):
            name = file.stem.replace("_", "-")
            if name in self._files:
                raise TypeError(
                    f"Two system files have the same name, {file.name}; an id must be unique."
                )
            self._files[name] = file
            self._modules[name] = f"{package}.{file.parent.name}.{file.stem}"

    def __getitem__(self, name: str) -> "type[System[Any]]":
        return _system_in(self._modules[name])

    def __contains__(self, name: object) -> bool:
        return name in self._modules  # asking imports nothing

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def entry(self, name: str) -> Entry:
        """What is on the shelf of the gallery, read from the file alone."""
        file = self._files[name]
        text = file.read_text("utf-8")
        begins = re.search(
            r'^class \w+\((?:System|Scene)\b.*?\):\n\s+r?"""(.+)', text, re.MULTILINE
        )
        if begins is None:  # written otherwise
            system = self[name]
            return Entry(family(system), title(system), tuple(system.sources), system.after)
        head = text[begins.end() :].partition("\n    def ")[0]
        sources = re.search(r"^    sources = \(([^()]*)\)", head, re.MULTILINE)
        after = re.search(r"^    after = True$", head, re.MULTILINE)
        keys = re.findall(r'"(.+?)"', sources[1]) if sources else ()
        return Entry(
            file.parent.name, begins[1].removesuffix('"""'), tuple(keys), after is not None
        )


def family(system: "System[Any] | type[System[Any]]") -> str:
    """The folder a system lies in: `swarms`, `diffusion`, `spins`, `neural` or `fields`."""
    cls = system if isinstance(system, type) else type(system)
    return cls.__module__.split(".")[-2]


def title(system: "System[Any] | type[System[Any]]") -> str:
    """The first line of a system's docstring."""
    return (inspect.getdoc(system) or "").partition("\n")[0]


@cache
def _system_in(module: str) -> "type[System[Any]]":
    from engine.core.system import System

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
