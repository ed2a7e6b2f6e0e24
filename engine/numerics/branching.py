"""Branching: few particles are moved while they are alike, and copied before they part."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int


Scalar = int | float | Float[Array, ""]
Way = TypeVar("Way", bound=Callable[..., Any])


class Branching(NamedTuple):
    """How n particles come from few, each copied several times on the way down from noise."""

    n: int  # particles in the end
    copies: int  # that each becomes at a time of copying; 1 is no branching
    splits: int  # times of copying

    @property
    def counts(self) -> tuple[int, ...]:
        """How many there are before the first copies, between them, and after the last."""
        if self.copies == 1:
            return (self.n,)
        left = range(self.splits, -1, -1)
        return tuple(-(-self.n // self.copies**k) for k in left)

    def stage(
        self, time: Scalar, descending: Bool[Array, ""], first: Scalar, later: Scalar
    ) -> Int[Array, ""]:
        """Which of the counts holds, where copies are made at noise times first · laterᵏ.

        On the way up again all copies have been made.
        """
        if self.copies == 1:
            return jnp.int32(0)
        times = first * jnp.asarray(later, float) ** jnp.arange(self.splits)
        passed = jnp.sum(time < times)
        return jnp.where(descending, passed, self.splits).astype(jnp.int32)

    def staged(self, stage: Int[Array, ""], way: Callable[[int], Way]) -> Way:
        """The way to move as many particles as there are: of `way`, for each of the counts."""
        ways = [way(count) for count in self.counts]
        if len(ways) == 1:
            return ways[0]
        return cast("Way", lambda *state: lax.switch(stage, ways, *state))

    def last(self, first: Scalar, later: Scalar) -> Float[Array, ""]:
        """The noise time of the last copies."""
        return first * jnp.asarray(later, float) ** (self.splits - 1)

    def originals(self, count: int) -> np.ndarray:
        """Which of the first `count` particles each of all is, or is a copy of."""
        return np.arange(self.n) % count
