"""Factors and solutions of small matrices: on a processor one after the other, on a card at once.

XLA shares a batch of matrices among the few threads that also run the programs, and the thread that
shares them out waits for the rest. Where all of these threads wait at the same time (a run and a
map side by side, or two places of one program, on a machine of two cores), none is left to do the
work: all programs stand still for ever. A single matrix is done by the thread that meets it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import sequential_vmap
from jax.scipy.linalg import solve_triangular
from jaxtyping import PyTree


def _in_turn(function: Callable, signature: str) -> Callable:
    """Of the last axes, for any others in front; not to be differentiated backwards."""
    one = sequential_vmap(lambda *arrays: function(*arrays))

    def of_one(*arrays: jax.Array) -> PyTree[jax.Array]:
        return lax.platform_dependent(*arrays, cpu=one, default=function)

    return jnp.vectorize(of_one, signature=signature)


def _solved_below(matrix: jax.Array, right: jax.Array) -> jax.Array:
    return solve_triangular(matrix, right, lower=True)


def _singular_values(matrix: jax.Array) -> jax.Array:
    return jnp.linalg.svd(matrix, compute_uv=False)


def _solved_in_line(*parts: jax.Array) -> jax.Array:
    lower, middle, upper, right = parts
    return lax.linalg.tridiagonal_solve(lower, middle, upper, right[:, None])[:, 0]


# As in jnp.linalg, jax.scipy.linalg and lax.linalg.
cholesky = _in_turn(jnp.linalg.cholesky, "(n,n)->(n,n)")
eigh = _in_turn(lambda a: tuple(jnp.linalg.eigh(a)), "(n,n)->(n),(n,n)")
eigvalsh = _in_turn(jnp.linalg.eigvalsh, "(n,n)->(n)")
inverse = _in_turn(jnp.linalg.inv, "(n,n)->(n,n)")
orthonormal = _in_turn(lambda a: jnp.linalg.qr(a)[0], "(n,k)->(n,k)")  # the columns, for k ≤ n
singular_values = _in_turn(_singular_values, "(n,k)->(m)")
solve = _in_turn(jnp.linalg.solve, "(n,n),(n)->(n)")
solve_below = _in_turn(_solved_below, "(n,n),(n,k)->(n,k)")  # of a lower triangle
solve_in_line = _in_turn(_solved_in_line, "(n),(n),(n),(n)->(n)")  # lower, middle, upper, right
