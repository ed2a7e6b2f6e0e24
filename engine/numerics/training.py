"""How a system learns: a network and its optimiser as plain arrays in the state.

A `Training` says what learns, from what, and how; a system makes one wherever it needs one, for it
holds no arrays. All that changes is a `Learned`, which is arrays alone. So it is a state like any
other: it is donated, copied, rewound, and replayed from the seed and the tick.
"""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Float, Int, Key


Scalar = int | float | Float[Array, ""]
Network = TypeVar("Network")  # an equinox module, or any tree of them

ROWS = 256  # averages that a history holds
RECENT = 50  # optimiser steps that the shown loss and its gradient are averaged over


class History(NamedTuple):
    """A number at every optimiser step so far, in averages that become longer as it grows."""

    rows: Float[Array, " rows"]  # 0 where there is nothing yet
    filled: Int[Array, ""]
    length: Int[Array, ""]  # steps that a row is the average of
    total: Float[Array, ""]  # of the row that is being filled
    held: Int[Array, ""]  # steps in it

    def curve(self) -> tuple[Float[Array, " rows"], Float[Array, " rows"]]:
        """Steps and values, with gaps where there are none yet."""
        row = jnp.arange(len(self.rows))
        return (row + 0.5) * self.length, jnp.where(row < self.filled, self.rows, jnp.nan)


class Learned(NamedTuple):
    """What a network has learnt, and what its optimiser remembers."""

    weights: Any  # the arrays of the network, in its own tree
    memory: Any  # of the optimiser
    steps: Int[Array, ""]  # of the optimiser, so far
    loss: Float[Array, ""]  # averaged over the most recent steps
    slope: Float[Array, ""]  # norm of the loss's gradient before it is clipped, averaged alike
    history: History  # of the loss


class Training(Generic[Network]):
    """A network, its loss and its optimiser.

    `build(key)` makes the network, whose floating arrays are all learnt: what is fixed belongs
    into its functions. `loss(network, key)` draws its own samples. The optimiser, and the loss,
    may depend on traced parameters: a rate or a weight that is dragged does not recompile.
    """

    def __init__(
        self,
        build: Callable[[Key[Array, ""]], Network],
        loss: Callable[[Network, Key[Array, ""]], Float[Array, ""]],
        optimiser: optax.GradientTransformation,
    ) -> None:
        self.build, self.loss, self.optimiser = build, loss, optimiser

    def begin(self, key: Key[Array, ""], before: Scalar | None = None) -> Learned:
        """A network that has learnt nothing, and its loss; `before`, where that is known."""
        for_network, for_loss = jax.random.split(key)
        network = self.build(for_network)
        weights = eqx.filter(network, eqx.is_inexact_array)
        empty = History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
        memory = self.optimiser.init(weights)
        loss = self.loss(network, for_loss) if before is None else jnp.asarray(before, float)
        return Learned(weights, memory, jnp.int32(0), loss, jnp.zeros(()), empty)

    def network(self, learned: Learned) -> Network:
        """The network with the weights of now."""
        # What is not an array is the same in every network that `build` makes: nothing is drawn.
        outline = eqx.filter_eval_shape(self.build, jax.random.key(0))
        return eqx.combine(learned.weights, eqx.filter(outline, is_outline, inverse=True))

    def on(self, learned: Learned, key: Key[Array, ""], steps: Scalar | Int[Array, ""]) -> Learned:
        """Take optimiser steps: none where learning is paused. Their number may be dragged."""

        def step(i: Array, learned: Learned) -> Learned:
            def loss(weights: Any) -> Float[Array, ""]:
                network = self.network(learned._replace(weights=weights))
                return self.loss(network, jax.random.fold_in(key, i))

            value, slope = jax.value_and_grad(loss)(learned.weights)
            change, memory = self.optimiser.update(slope, learned.memory, learned.weights)
            share = jnp.maximum(1 / (learned.steps + 1), 1 / RECENT)
            return Learned(
                optax.apply_updates(learned.weights, change),
                memory,
                learned.steps + 1,
                learned.loss + share * (value - learned.loss),
                learned.slope + share * (optax.tree.norm(slope) - learned.slope),
                longer(learned.history, value),
            )

        return lax.fori_loop(0, jnp.round(jnp.asarray(steps, float)).astype(int), step, learned)


def drawn_at_once(
    build: Callable[[Key[Array, ""]], Network], key: Key[Array, ""], *, biases: bool = False
) -> Network:
    """The network that `build` makes, with all its weights from one draw: it compiles much faster.

    As equinox does, matrices are uniform within ±1/√inputs, and so are `biases` if they are asked
    for, each behind its matrix; all else begins at zero.
    """
    outline = eqx.filter_eval_shape(build, jax.random.key(0))
    weights, rest = eqx.partition(outline, is_outline)
    leaves, tree = jax.tree.flatten(weights)
    sizes = [leaf.size if leaf.ndim > 1 or biases else 0 for leaf in leaves]
    parts = jnp.split(
        jax.random.uniform(key, (sum(sizes),), minval=-1, maxval=1), np.cumsum(sizes)[:-1]
    )
    drawn, inputs = [], 1
    for part, leaf in zip(parts, leaves, strict=True):
        inputs = leaf.shape[-1] if leaf.ndim > 1 else inputs
        shaped = part.reshape(leaf.shape) if part.size else jnp.zeros(leaf.shape)
        drawn.append(shaped / np.sqrt(inputs))
    return eqx.combine(jax.tree.unflatten(tree, drawn), rest)


def adam(
    rate: Scalar, *, decay: int = 0, floor: float = 0.05, clip: float = 1.0
) -> optax.GradientTransformation:
    """Adam, with gradients clipped to a norm of `clip`.

    With a `decay` the rate falls along a cosine over so many steps to a `floor` of itself, and
    stays there: learning goes on for as long as it is watched.
    """
    speed = (
        optax.cosine_decay_schedule(1.0, decay, floor) if decay else optax.constant_schedule(1.0)
    )
    return optax.chain(
        optax.clip_by_global_norm(clip),
        optax.scale_by_adam(),
        optax.scale_by_schedule(speed),
        optax.scale(-rate),
    )


def longer(history: History, value: Float[Array, ""]) -> History:
    """A history with one more value; where it is full, neighbours are averaged first."""
    half = len(history.rows) // 2
    total, held = history.total + value, history.held + 1
    ready = held == history.length
    rows = history.rows.at[history.filled].set(jnp.where(ready, total / held, 0.0))
    filled = history.filled + ready
    full = filled == len(rows)
    merged = jnp.zeros_like(rows).at[:half].set(rows.reshape(half, 2).mean(axis=1))
    return History(
        jnp.where(full, merged, rows),
        jnp.where(full, half, filled),
        jnp.where(full, 2 * history.length, history.length),
        jnp.where(ready, 0.0, total),
        jnp.where(ready, 0, held),
    )


def is_outline(leaf: Any) -> bool:
    """Whether a leaf of an outline stands for an array of weights."""
    return isinstance(leaf, jax.ShapeDtypeStruct) and jnp.issubdtype(leaf.dtype, jnp.inexact)
