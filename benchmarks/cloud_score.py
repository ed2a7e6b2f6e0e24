"""The exact score of a cloud, beside attention kernels and tiles of others that compute the same.

    taskset -c 0 python benchmarks/cloud_score.py [points ...]

At each x it is Σ_j w_j y_j with w a softmax over all y: attention with keys y and an extra column
for |y|². PyTorch and KeOps take part where they are installed. Ours, with
all moments, gives the local dimension and the entropy of the weights in the same pass: that is
what the system runs.
"""

import os
import sys
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from bench import Candidate, absent, interleave, show

from engine.numerics.scores import belief, score


TIME = 0.05  # of the noise
SHRUNK, V = np.float32(np.exp(-TIME)), np.float32(-np.expm1(-2 * TIME))
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
TILE = 500  # rows of a NumPy tile: a few MiB of weights


def ours(x: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    a, b = jnp.asarray(x), jnp.asarray(y)
    only, moments = jax.jit(partial(score, t=TIME)), jax.jit(partial(belief, t=TIME))
    return {
        "ours": lambda: np.asarray(only(a, b)),
        "ours, all moments": lambda: (SHRUNK * np.asarray(moments(a, b).mean) - x) / V,
    }


def numpy_tiles(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    target = np.empty_like(x)
    keys, offset = (SHRUNK / V) * y.T, SHRUNK**2 / (2 * V) * np.sum(y**2, axis=1)
    for first in range(0, len(x), TILE):
        logit = x[first : first + TILE] @ keys - offset
        w = np.exp(logit - logit.max(axis=1, keepdims=True))
        target[first : first + TILE] = w @ y / w.sum(axis=1, keepdims=True)
    return (SHRUNK * target - x) / V


def with_torch(x: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    import torch

    torch.set_num_threads(THREADS)
    attention = torch.nn.functional.scaled_dot_product_attention
    points, data = torch.from_numpy(x), torch.from_numpy(y)
    query = torch.cat([points * (SHRUNK / V), torch.ones(len(x), 1)], dim=1)[None, None]
    square = -(SHRUNK**2) / (2 * V) * (data**2).sum(dim=1, keepdim=True)
    keys = torch.cat([data, square], dim=1)[None, None]
    values = torch.nn.functional.pad(data, (0, 1))[None, None]

    def fused() -> np.ndarray:
        with torch.no_grad():
            target = attention(query, keys, values, scale=1.0)[0, 0, :, :3]
            return ((SHRUNK * target - points) / V).numpy()

    def tiles() -> np.ndarray:
        with torch.no_grad():
            parts = [
                torch.softmax(points[i : i + 128] @ data.T * (SHRUNK / V) + square[:, 0], 1) @ data
                for i in range(0, len(x), 128)
            ]
            return ((SHRUNK * torch.cat(parts) - points) / V).numpy()

    return {"torch sdpa": fused, "torch tiles": tiles}


def with_keops(x: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    from pykeops.numpy import LazyTensor

    def lazy() -> np.ndarray:
        apart = LazyTensor(x[:, None, :]) - LazyTensor(SHRUNK * y[None, :, :])
        target = (-(apart**2).sum(-1) / (2 * V)).sumsoftmaxweight(LazyTensor(y[None, :, :]), axis=1)
        return (SHRUNK * target - x) / V

    lazy()  # compiles its kernel
    return {"KeOps": lazy}


def candidates(n: int) -> dict[str, Candidate]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, n, 3)).astype(np.float32)
    found = ours(x, y) | {"NumPy tiles": partial(numpy_tiles, x, y)}
    for name, peer in {"torch": with_torch, "KeOps": with_keops}.items():
        try:
            found |= peer(x, y)
        except Exception as why:  # a peer may fail in any way
            absent(name, why)
    exact = numpy_tiles(x[:200].astype(np.float64), y.astype(np.float64))
    for name, run in found.items():
        error = np.abs(run()[:200] - exact).max()
        print(f"{name:20} largest error {error:.1e} of a score of {np.abs(exact).max():.0f}")
    return {name: partial(counted, run, n * n) for name, run in found.items()}


def counted(run: Callable[[], np.ndarray], pairs: int) -> int:
    run()
    return pairs


if __name__ == "__main__":
    for n in [int(float(word)) for word in sys.argv[1:]] or [1000, 4000, 10_000]:
        show(f"exact score, N = M = {n}", interleave(candidates(n), ref="ours", rounds=7), "pairs")
