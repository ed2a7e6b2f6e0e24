"""What the gallery and the page about a system say of it, from its class alone."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.widgets.about_panel import Card
from app.widgets.gallery_panel import Entry
from engine.resources import resource


if TYPE_CHECKING:
    from engine.core.gallery import Gallery
    from engine.core.system import System

FAMILIES = {
    "swarms": "Swarms",
    "diffusion": "Diffusion",
    "spins": "Spins and memory",
    "neural": "Neural networks",
    "fields": "Fields",
}


def entries(gallery: Gallery) -> list[Entry]:
    """A picture and its words for each system, family by family; none is imported for it."""
    order = list(FAMILIES)
    shelf = {name: gallery.entry(name) for name in gallery}
    names = sorted(shelf, key=lambda name: (order.index(shelf[name].family), name))
    return [
        Entry(
            name,
            shelf[name].title,
            FAMILIES[shelf[name].family],
            origin(shelf[name].sources, after=shelf[name].after),
            thumbnail(name),
        )
        for name in names
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


def origin(sources: tuple[str, ...], *, after: bool) -> str:
    """Who wrote of it, and when: "Vicsek et al. 1995"."""
    from engine.core.about import references

    source = references().get(sources[0]) if sources else None
    if source is None:
        return ""
    return f"{'after ' if after else ''}{source.who} {source.year}"


def thumbnail(name: str) -> Path | None:
    try:
        return resource(f"thumbnails/{name}.png")
    except FileNotFoundError:
        return None
