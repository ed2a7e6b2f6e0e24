"""The signature of a path: its iterated integrals, which tell all paths apart.

    S(i₁…iₖ) = ∫ dX^{i₁} ∘ … ∘ dX^{iₖ}  over  0 < t₁ < … < tₖ < 1

Of a path with its time as a coordinate, the expected signature tells the law (where it grows
slowly enough); kidger2022nde, appendix A.
"""

from math import factorial

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


Signature = list[Float[Array, "n _"]]  # by the length of the words, from 1


def signature(path: Float[Array, "nodes n channels"], depth: int) -> Signature:
    """Of each of n piecewise linear paths, the integrals of all words of up to `depth` letters.

    Level k has channels^k numbers, the last letter fastest.
    """
    _, count, channels = path.shape

    def advance(sofar: Signature, change: Float[Array, "n channels"]) -> tuple[Signature, None]:
        # Chen: a path behind another multiplies; a straight one has dX^{⊗k}/k!.
        straight = [change]
        for k in range(2, depth + 1):
            straight.append(product(straight[-1], change) / k)
        longer = [
            sofar[k]
            + straight[k]
            + sum((product(sofar[j], straight[k - 1 - j]) for j in range(k)), jnp.zeros(()))
            for k in range(depth)
        ]
        return longer, None

    nothing = [jnp.zeros((count, channels**k)) for k in range(1, depth + 1)]
    return lax.scan(advance, nothing, jnp.diff(path, axis=0))[0]


def product(a: Float[Array, "n words"], b: Float[Array, "n others"]) -> Float[Array, "n both"]:
    return (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)


def apart(a: Signature, b: Signature) -> Float[Array, ""]:
    """Σₖ (k!)²/wordsₖ |E Sₖ(a) − E Sₖ(b)|²: every level counts alike, a line's words being 1/k!."""
    levels = enumerate(zip(a, b, strict=True), start=1)
    return sum(
        (
            factorial(k) ** 2 * jnp.mean((x.mean(axis=0) - y.mean(axis=0)) ** 2)
            for k, (x, y) in levels
        ),
        jnp.zeros(()),
    )
