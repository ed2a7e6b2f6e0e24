"""How far particles wander in a time: mean square displacements over all lags, as a run goes on."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int


LEVELS = 15  # each with lags twice as long as those of the one before
HELD = 8  # positions that a level remembers, of which the present one will be the last
MEMORY = 400  # windows that an average goes back: what was dragged is forgotten
TRACERS = 128  # particles that are followed


class Wanderings(NamedTuple):
    """Positions of the past, denser in the near past, and the displacements since.

    As `freud.msd.MSD` does, it averages over particles and over all windows of a lag; windows of
    level ℓ begin 2^ℓ steps apart (as in the correlator of Ramírez et al. 2010).
    """

    past: Float[Array, "levels held n 2"]  # rings
    square: Float[Array, "levels lags"]  # mean square displacement over lag steps · 2^level
    windows: Int[Array, "levels lags"]
    steps: Int[Array, ""]

    def lags(self) -> tuple[Int[Array, " m"], Float[Array, " m"]]:
        """Lags in steps, and the mean square displacement; not-a-number where none has passed."""
        lag = np.arange(1, HELD) * 2 ** np.arange(LEVELS)[:, None]
        new = np.ones_like(lag, bool)
        new[1:, : HELD // 2 - 1] = False  # the level below has them, from more windows
        square = jnp.where(self.windows > 0, self.square, jnp.nan)
        return jnp.asarray(lag[new]), square[new]


def at_home(place: Float[Array, "n 2"]) -> Wanderings:
    """No one has gone anywhere yet."""
    none = jnp.zeros((LEVELS, HELD - 1))
    past = jnp.broadcast_to(place, (LEVELS, HELD, *place.shape))
    return Wanderings(past, none, none.astype(int), jnp.int32(0))


def wandered(before: Wanderings, place: Float[Array, "n 2"]) -> Wanderings:
    """One step later; `place` is not wrapped. Level ℓ has its turn in every 2^ℓ-th step."""
    steps = before.steps + 1
    back = jnp.arange(1, HELD)

    def has_turn(carry: tuple[Array, Wanderings]) -> Array:
        level, _ = carry
        return (level < LEVELS) & (steps & ((1 << level) - 1) == 0)

    def remembered(carry: tuple[Array, Wanderings]) -> tuple[Array, Wanderings]:
        level, now = carry
        turn = steps >> level
        apart = place - now.past[level, (turn - back) % HELD]
        square = jnp.mean(jnp.sum(apart**2, axis=-1), axis=-1)
        passed = turn >= back
        windows = now.windows[level] + passed
        share = passed / jnp.clip(windows, 1, MEMORY)
        mean = now.square[level] + share * (square - now.square[level])
        return level + 1, now._replace(
            past=now.past.at[level, turn % HELD].set(place),
            square=now.square.at[level].set(mean),
            windows=now.windows.at[level].set(windows),
        )

    return lax.while_loop(has_turn, remembered, (jnp.int32(0), before))[1]._replace(steps=steps)
