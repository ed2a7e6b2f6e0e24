"""Small matrices one after the other, as XLA's threads would else wait for each other for ever."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import engine
from engine.numerics import matrices


SIDE = 6
# Two threads of XLA, and three programs that would each share a batch out among them.
SIDE_BY_SIDE = """
import os, threading
import jax, jax.numpy as jnp
from engine.numerics.matrices import cholesky, orthonormal

@jax.jit
def program(x):
    square = x @ jnp.swapaxes(x, -1, -2) + 10 * jnp.eye(x.shape[-1])
    again = lambda _, s: s + cholesky(square + 1e-9 * s).sum() + jax.vmap(orthonormal)(x + s).sum()
    return jax.lax.fori_loop(0, 20, again, jnp.float32(0))

def run(seed):
    program(jax.random.normal(jax.random.key(seed), (64, 24, 24))).block_until_ready()

threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(100)
os._exit(any(thread.is_alive() for thread in threads))
"""


@pytest.fixture
def batch(key):
    return jax.random.normal(key, (2, 3, SIDE, SIDE))


def square(x):
    return x @ jnp.swapaxes(x, -1, -2) + jnp.eye(SIDE)


def test_a_batch_is_as_in_the_library(batch):
    definite = square(batch)
    right = batch[..., 0]
    same = np.testing.assert_allclose
    same(matrices.cholesky(definite), np.linalg.cholesky(definite), atol=1e-4)
    same(
        matrices.inverse(definite) @ definite, np.broadcast_to(np.eye(SIDE), batch.shape), atol=1e-3
    )
    same(definite @ matrices.solve(definite, right)[..., None], right[..., None], atol=1e-3)
    same(matrices.singular_values(batch), np.linalg.svd(batch, compute_uv=False), atol=1e-4)
    same(matrices.eigvalsh(definite), np.linalg.eigvalsh(definite), rtol=1e-4, atol=1e-3)
    values, vectors = matrices.eigh(definite)
    same(definite @ vectors, vectors * values[..., None, :], atol=1e-3)
    columns = matrices.orthonormal(batch[..., :2])
    same(
        jnp.swapaxes(columns, -1, -2) @ columns, np.broadcast_to(np.eye(2), (2, 3, 2, 2)), atol=1e-5
    )
    lower = matrices.cholesky(definite)
    same(lower @ matrices.solve_below(lower, batch), batch, atol=1e-3)


def test_a_line_is_solved_as_the_matrix_that_it_is(key):
    lower, upper, right = jax.random.normal(key, (3, 4, SIDE))
    middle = 5 + jnp.abs(lower)
    solved = matrices.solve_in_line(lower, middle, upper, right)
    whole = jax.vmap(lambda a, b, c: jnp.diag(a[1:], -1) + jnp.diag(b) + jnp.diag(c[:-1], 1))
    made = whole(lower, middle, upper) @ solved[..., None]
    np.testing.assert_allclose(made[..., 0], right, atol=1e-5)


def test_no_batch_reaches_the_library(batch):
    program = jax.jit(jax.vmap(lambda x: matrices.cholesky(square(x))))
    (shape,) = re.findall(r"@lapack_spotrf.*?: \(tensor<(.*?)xf32>", program.lower(batch).as_text())
    assert shape in (f"{SIDE}x{SIDE}", f"1x{SIDE}x{SIDE}")


def test_nobody_calls_the_library_but_by_matrices():
    calls = re.compile(
        r"(jnp|lax|scipy)\.linalg\.(cholesky|inv|solve|eig|svd|qr|lstsq|det|slogdet|pinv|lu|tri)"
        r"|solve_triangular\(|from jax\.scipy\.linalg"
    )
    files = [f for f in Path(engine.__file__).parent.rglob("*.py") if f.name != "matrices.py"]
    assert [f.name for f in files if calls.search(f.read_text(encoding="utf-8"))] == []


def test_programs_side_by_side_come_to_an_end():
    ended = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE],
        env={**os.environ, "NPROC": "2"},
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0
