"""The gallery: every system file below this folder, found by itself."""

from functools import cache
from pathlib import Path

from engine.core.gallery import Gallery
from engine.core.gallery import family as family
from engine.core.gallery import title as title


@cache
def gallery() -> Gallery:
    """Every system by its id, which is the name of its file: `kuramoto`, `active-matter`."""
    return Gallery(Path(__file__).parent, __name__)
