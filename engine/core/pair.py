"""Two runs beside each other, under the same noise."""

import math
from typing import Any, Generic, NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.core.parameters import parameters
from engine.core.simulation import Simulation
from engine.core.stepping import Run, State, inexact
from engine.core.system import Touch
from engine.core.timeline import Position, changes


UNLIKE = 0.01  # of its spread, by which a number differs; and of the numbers, so that runs part


class Parted(NamedTuple):
    """How far two runs are apart."""

    share: float  # of the numbers of a state that differ by more than a hundredth of their spread
    step: int | None  # when that share first exceeded a hundredth


class Pair(Generic[State]):
    """A run and a second one beside it, which differ in parameters and share all random numbers.

    The second begins as a copy of the first. Both are advanced by the very program that each would
    be alone, one after the other, so that either replays bit for bit without its companion; as in
    `advance_each`, a system that decides at run time does not do the work of every choice.

    >>> pair = Pair(Simulation(Kuramoto(coupling=3.0))).set(1, coupling=3.001).run(1000)
    >>> pair.parted().step
    """

    def __init__(self, one: Simulation[State], other: Simulation[State] | None = None) -> None:
        self.one = one
        self.other = one.twin() if other is None else other
        self._step: int | None = None  # when they parted
        self._left: Any = None  # the second's system where it set out to follow

    @property
    def rows(self) -> tuple[Simulation[State], Simulation[State]]:
        return self.one, self.other

    def run(self, steps: int) -> Self:
        """Take steps in both, up to the end of the first."""
        self.one.run(steps)
        self.other.run(self.one.step - self.other.step)
        return self

    def set(self, row: int, **values: Any) -> Self:
        """Change parameters of a row; what makes one begin anew makes both.

        Sizes belong to both: noise of other shapes is other noise.
        """
        known = parameters(self.one.system)
        rows = self.rows
        if any(known[name].restarts for name in values if name in known):
            sizes = {name: value for name, value in values.items() if known[name].kind == "size"}
            rows[row].set(**values)
            companion = rows[1 - row]
            if sizes:
                companion.set(**sizes)
            else:
                companion.restart(rows[row].seed)
            self._step = None
        else:
            rows[row].set(**values)
        return self

    def restart(self, seed: int | None = None) -> Self:
        """Draw fresh initial states under the same seed."""
        for row in self.rows:
            row.restart(self.one.seed if seed is None else seed)
        self._step = None
        return self

    def poke(self, name: str, touch: Touch | None = None, rows: tuple[int, ...] = (0, 1)) -> Self:
        """Let a hand act on both, with the same noise; or on one, to see how that spreads."""
        for row in rows:
            self.rows[row].poke(name, touch)
        return self

    def follow(self, seconds: float = math.inf, place: Position | None = None) -> bool:
        """Bring the second row to where the first one went; False where it takes longer.

        Where the first went to another past than the second knows, the second becomes its copy
        again, under the parameters it had. A `place` of the second's own timeline tells which of
        several at the same step is meant.
        """
        here, other = self.one.step, self.other
        if self._left is None:
            self._left = other.system
        if self._step is not None and here < self._step:
            self._step = None
        if place is not None:
            other.jump(place)
        elif here < other.step:
            other.jump(other.goal(here))
        end = other.timeline.tip(other.position.branch).step
        if not other.approach(place or other.goal(min(here, end)), seconds):
            return False
        if other.step < here:
            other.run(min(here - other.step, other.steps_in(seconds)))
        if other.step < here and not other.done:
            return False
        left, self._left = self._left, None
        if (other.tick, other.seed) != (self.one.tick, self.one.seed):
            known = parameters(left)
            new = changes(self.one.system, left)
            self.other = self.one.twin()
            self.other.set(**{n: v for n, v in new.items() if not known[n].restarts})
            self._step = None
        return True

    def parted(self) -> Parted:
        """How far they are apart now, and since when they have been parted."""
        share = float(unlike(self.one.present, self.other.present))
        if self._step is None and share > UNLIKE:
            self._step = self.one.step
        return Parted(share, self._step)


@jax.jit
def unlike(one: Run[Any], other: Run[Any]) -> Float[Array, ""]:
    """The share of a state's numbers that differ by more than a hundredth of their spread.

    The field that differs most counts, and an angle that has just gone around a circle is one
    number among many. Fields of different shapes (of rooms that have grown) are left out.
    """
    shares = [jnp.float32(0)]
    leaves = list(zip(jax.tree.leaves(one.state), jax.tree.leaves(other.state), strict=True))
    moving = [pair for pair in leaves if inexact(pair[0])] or leaves
    for a, b in moving:
        if a.shape == b.shape and a.size and not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            wide = jnp.result_type(a, jnp.float32)
            a, b = a.astype(wide), b.astype(wide)
            shares.append(jnp.mean(jnp.abs(a - b) > UNLIKE * jnp.std(b)))
    return jnp.max(jnp.stack(shares))
