"""The reversible Heun method: a solve that can be taken back, and so need not be remembered.

For dy = f dt + g ∘ dW in the sense of Stratonovich, with noise of each number's own:

    ŷ′ = 2y − ŷ + f(t, ŷ) h + g(t, ŷ) ΔW
    y′ = y + ½ [f(t, ŷ) + f(t′, ŷ′)] h + ½ [g(t, ŷ) + g(t′, ŷ′)] ΔW

The same formula with −h and −ΔW leads from (y′, ŷ′) back to (y, ŷ), exactly but for rounding
(kidger2022nde, section 5.3.2).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


Scalar = int | float | Float[Array, ""]
# Weights, a time and numbers; the drift and the noise of each.
Fields = Callable[[Any, Array, Float[Array, "..."]], tuple[Array, Array]]


class Pair(NamedTuple):
    """What a step leads from and to: the solution, and its companion ŷ."""

    y: Float[Array, "..."]
    twin: Float[Array, "..."]


def stepped(fields: Fields, weights: Any, pair: Pair, t: Array, h: Scalar, dw: Array) -> Pair:
    """One step from t to t + h; with −h and −ΔW from its end, back."""
    f, g = fields(weights, t, pair.twin)
    twin = 2 * pair.y - pair.twin + f * h + g * dw
    f_next, g_next = fields(weights, t + h, twin)
    return Pair(pair.y + (f + f_next) * h / 2 + (g + g_next) * dw / 2, twin)


def heun(
    fields: Fields,
    weights: Any,
    y: Float[Array, "..."],
    noise: Float[Array, "steps ..."],
    *,
    backward: bool = False,
) -> Float[Array, "steps+1 ..."]:
    """Heun's own method at all nodes of 0 ≤ t ≤ 1; `backward` from 1 to 0, with this noise."""
    h = (-1 if backward else 1) / len(noise)
    first = 1.0 if backward else 0.0

    def advance(y: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        k, dw = step
        t = first + k * h
        f, g = fields(weights, t, y)
        f_next, g_next = fields(weights, t + h, y + f * h + g * dw)
        y = y + (f + f_next) * h / 2 + (g + g_next) * dw / 2
        return y, y

    path = lax.scan(advance, y, (jnp.arange(float(len(noise))), noise))[1]
    return jnp.concatenate([y[None], path])


def solved(
    fields: Fields, weights: Any, begun: Pair, noise: Float[Array, "steps ..."]
) -> tuple[Float[Array, "steps+1 ..."], Pair]:
    """The solution at all nodes of 0 ≤ t ≤ 1, and where it ends."""
    h = 1 / len(noise)

    def advance(pair: Pair, step: tuple[Array, Array]) -> tuple[Pair, Array]:
        k, dw = step
        after = stepped(fields, weights, pair, k * h, h, dw)
        return after, after.y

    end, path = lax.scan(advance, begun, (jnp.arange(float(len(noise))), noise))
    return jnp.concatenate([begun.y[None], path]), end


def undone(
    fields: Fields, weights: Any, end: Pair, noise: Float[Array, "steps ..."]
) -> tuple[Float[Array, "steps+1 ..."], Pair]:
    """The solution at all nodes again, found from its end, and where it began."""
    h = 1 / len(noise)

    def back(pair: Pair, step: tuple[Array, Array]) -> tuple[Pair, Array]:
        k, dw = step
        before = stepped(fields, weights, pair, (k + 1) * h, -h, -dw)
        return before, before.y

    steps = (jnp.arange(float(len(noise))), noise)
    begun, path = lax.scan(back, end, steps, reverse=True)
    return jnp.concatenate([path, end.y[None]]), begun


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def gradient_by_return(
    fields: Fields, weights: Any, y: Float[Array, "..."], noise: Float[Array, "steps ..."]
) -> Float[Array, "steps+1 ..."]:
    """`solved` from y, whose gradient is found by going back: memory does not grow with the steps.

    `fields` must take all that is differentiated, or traced, from its weights. The gradient is of
    the weights and of y; that of the noise is not asked for, and 0.
    """
    return solved(fields, weights, Pair(y, y), noise)[0]


def _forth(fields: Fields, weights: Any, y: Array, noise: Array) -> tuple[Array, Any]:
    path, end = solved(fields, weights, Pair(y, y), noise)
    return path, (weights, end, noise)


def _back(fields: Fields, kept: Any, slope: Float[Array, "nodes ..."]) -> tuple[Any, Array, Array]:
    weights, end, noise = kept
    h = 1 / len(noise)

    def back(carry: tuple[Pair, Pair, Any], step: tuple[Array, Array, Array]) -> tuple[Any, None]:
        pair, felt, gathered = carry
        k, dw, own = step
        before = stepped(fields, weights, pair, (k + 1) * h, -h, -dw)
        _, pulled = jax.vjp(lambda w, p: stepped(fields, w, p, k * h, h, dw), weights, before)
        of_weights, of_pair = pulled(felt)
        gathered = jax.tree.map(jnp.add, gathered, of_weights)
        return (before, of_pair._replace(y=of_pair.y + own), gathered), None

    zero = jax.tree.map(jnp.zeros_like, weights)
    felt = Pair(slope[-1], jnp.zeros_like(slope[-1]))
    steps = (jnp.arange(float(len(noise))), noise, slope[:-1])
    (_, felt, gathered), _ = lax.scan(back, (end, felt, zero), steps, reverse=True)
    return gathered, felt.y + felt.twin, jnp.zeros_like(noise)


gradient_by_return.defvjp(_forth, _back)
