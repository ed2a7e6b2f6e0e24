"""Rows whose second half are twins of the first: of the same noise, or of the same cloud."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Twins(NamedTuple):
    """Which of so many rows are whose twins; the middle one of an odd number has none."""

    rows: int

    @property
    def half(self) -> int:
        return self.rows // 2

    @property
    def firsts(self) -> int:
        """Rows that are nobody's twin: they come first."""
        return self.rows - self.half

    def born(self, rows: Float[Array, "rows ..."]) -> Float[Array, "rows ..."]:
        """The first rows, and twins of them in place of the others."""
        return rows.at[self.firsts :].set(rows[: self.half])

    def agree(self, label: Int[Array, " rows"]) -> Float[Array, ""]:
        """How many share their twin's label; one alone agrees with itself."""
        if self.half == 0:
            return jnp.ones(())
        return jnp.mean((label[: self.half] == label[self.firsts :]).astype(float))
