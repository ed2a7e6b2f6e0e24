"""The course of noise time in a cloud that is watched: down to the data, up again, or at rest."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from engine.numerics.scores import Kernel, denoising, noising, resting


Scalar = int | float | Float[Array, ""]

FLOWS = ("again", "once", "hold")  # condense and dissolve, condense once, or stay at a moment
REST = 0.02  # Langevin time of a step at rest, in units of λ V


class Course(NamedTuple):
    """Where a cloud is on its way."""

    time: Float[Array, ""]
    condensing: Bool[Array, ""]
    shown: Int[Array, ""]  # steps since it arrived


def begun(time: Scalar) -> Course:
    """On its way down from here."""
    return Course(jnp.asarray(time, float), jnp.asarray(True), jnp.int32(0))


def onward(
    course: Course,
    flow: str,
    *,
    earliest: float,
    latest: Scalar,
    moment: Scalar,
    steps: Scalar,
    pause: int,
) -> Course:
    """One step on: down in equal shares of ln t, from `earliest` to `latest` in so many `steps`.

    In flow "again" a finished cloud is shown for `pause` steps, then seen to dissolve, twice as
    fast as it came; in flow "hold" noise is added at once, and taken away four times as fast.
    """
    if flow == "hold":
        aim, condensing = jnp.asarray(moment, float), jnp.asarray(True)
    elif flow == "once":
        aim, condensing = jnp.asarray(latest, float), jnp.asarray(True)
    else:
        there = jnp.where(course.condensing, course.shown >= pause, course.shown > 0)
        condensing = course.condensing ^ there
        aim = jnp.where(condensing, latest, earliest)
    ratio = (jnp.asarray(latest, float) / earliest) ** (1 / jnp.asarray(steps, float))
    ratio = jnp.minimum(ratio, 0.999) ** (4 if flow == "hold" else 1)
    pace = ratio**-2 if flow == "again" else jnp.inf
    time = jnp.clip(aim, course.time * ratio, course.time * pace)
    # So many steps arrive, whatever rounding made of their product.
    time = jnp.where(jnp.abs(time / aim - 1) < 1e-4, aim, time)
    return Course(time, condensing, jnp.where(time == aim, course.shown + 1, 0))


def passage(
    now: Array, then: Array, width: Scalar = 0.0, mixing: Scalar = 1.0, error: Scalar = 0.0
) -> Kernel:
    """Noise forwards, the reversed dynamics backwards, and Langevin motion where t stays."""
    back = denoising(now, jnp.minimum(now, then), width, mixing, error)
    rest = resting(now, width, REST * mixing, error)
    forth = noising(now, jnp.maximum(now, then))

    def pick(back: Array, rest: Array, forth: Array) -> Array:
        return jnp.where(then < now, back, jnp.where(then > now, forth, rest))

    return Kernel(*map(pick, back, rest, forth))
