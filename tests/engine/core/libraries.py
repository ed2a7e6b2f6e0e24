"""A system that outgrows its room, and counts in whole numbers: all of it is known exactly."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.core.parameters import Scalar, live, size
from engine.core.system import System


class Shelf(NamedTuple):
    books: jax.Array  # pages of each
    count: jax.Array


class Library(System[Shelf]):
    """A book a step; the shelf has to be long enough."""

    pages: Scalar = live(default=1.0, span=(1, 2), symbol="p", help="of a book")
    plates: Scalar = live(default=0.0, span=(0, 1), symbol="q", help="pages more")
    room: int = size(default=2, span=(1, 64), symbol="R", help="on the shelf")

    def init(self, key):
        return Shelf(jnp.zeros(self.room), jnp.int32(0))

    def step(self, state, key):
        books = state.books.at[state.count].set(self.pages + self.plates, mode="drop")
        return Shelf(books, state.count + 1)

    def observables(self, state):
        return {"pages": jnp.sum(state.books)}

    def demand(self, state):
        return {"room": state.count}

    def frame(self, state):
        return {}
