"""What the gallery and the page about a system say of it, from its class alone."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.widgets.about_panel import Card
from app.widgets.gallery_panel import Entry
from engine.resources import resource


if TYPE_CHECKING:
    from engine.core.system import System

FAMILIES = {
    "swarms": "Swarms",
    "diffusion": "Diffusion",
    "spins": "Spins and memory",
    "neural": "Neural networks",
    "fields": "Fields",
}


def entries(gallery: dict[str, type[System[Any]]]) -> list[Entry]:
    """A picture and its words for each system, family by family."""
    from engine.systems import family, title

    order = list(FAMILIES)

    def place(item: tuple[str, type[System[Any]]]) -> tuple[int, str]:
        return order.index(family(item[1])), item[0]

    return [
        Entry(
            name,
            title(system),
            FAMILIES.get(family(system), family(system).capitalize()),
            origin(system),
            thumbnail(name),
        )
        for name, system in sorted(gallery.items(), key=place)
    ]


def card(system: System[Any]) -> Card:
    """The page about a system: its words, equations and papers."""
    from engine.core.about import references
    from engine.systems import title

    known = references()
    text = (inspect.getdoc(type(system)) or "").partition("\n")[2]
    prose = "\n\n".join(part for part in text.split("\n\n") if not part.startswith("    "))
    return Card(
        title(system),
        prose,
        tuple(type(system).equations),
        type(system).assumptions,
        tuple(known[key] for key in type(system).sources if key in known),
        type(system).after,
    )


def origin(system: type[System[Any]]) -> str:
    """Who wrote of it, and when: "Vicsek et al. 1995"."""
    from engine.core.about import references

    source = references().get(system.sources[0]) if system.sources else None
    if source is None:
        return ""
    return f"{'after ' if system.after else ''}{source.who} {source.year}"


def thumbnail(name: str) -> Path | None:
    try:
        return resource(f"thumbnails/{name}.png")
    except FileNotFoundError:
        return None
