"""Cells of phase diagrams beside hand-written Numba: Kuramoto, and Hopfield on shared patterns.

    taskset -c 0 python benchmarks/cells.py

Ours are cells side by side under the same noise, as a map runs them. Numba runs one cell after the
other; its noise is uniform and from a lighter generator, which favours it. Both take the same Heun
step of Kuramoto's equation. The Hopfield peers differ in order: ours updates 32 parts of a network
one after the other, Numba each spin by itself.
"""

import math
import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from bench import Candidate, absent, interleave, show
from jax import lax

from engine.systems.spins.hopfield_ags import HopfieldAGS
from engine.systems.swarms.kuramoto import Kuramoto


THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
f4, u8 = np.float32, np.uint64


def side_by_side(system, points, chunk: int, steps: int, shared: tuple[str, ...] = ()):
    """A function that runs cells of a grid, so many at once, under the same noise."""

    @partial(jax.jit, static_argnames="steps")
    def run(points, key, steps):
        def of_chunk(points):
            first = jax.vmap(lambda p: system.replace(**p).init(key), out_axes=axes)(points)

            def step(state, tick):
                key_ = jax.random.fold_in(key, tick)
                new = jax.vmap(
                    lambda p, s: system.replace(**p).step(s, key_),
                    in_axes=(0, axes),
                    out_axes=axes,
                )(points, state)
                return new, None

            state, _ = lax.scan(step, first, jnp.arange(steps))
            return jax.vmap(
                lambda p, s: next(iter(system.replace(**p).observables(s).values())),
                in_axes=(0, axes),
            )(points, state)

        chunks = jax.tree.map(lambda x: x.reshape(-1, chunk), points)
        return lax.map(of_chunk, chunks)

    kind = type(jax.eval_shape(system.init, jax.random.key(0)))
    axes = kind(*(None if name in shared else 0 for name in kind._fields))
    return lambda: jax.block_until_ready(run(points, jax.random.key(0), steps))


def kuramoto(cells: int, n: int, steps: int, chunk: int) -> Candidate:
    side = math.isqrt(cells)
    points = {
        "coupling": jnp.repeat(jnp.linspace(0, 3, side), side),
        "noise": jnp.tile(jnp.linspace(0.03, 1, side), side),
    }
    work = side_by_side(Kuramoto(n=n, dt=0.05), points, chunk, steps)

    def units() -> int:
        work()
        return cells * n * steps

    return units


def kuramoto_numba(cells: int, n: int, steps: int) -> Candidate:
    import numba as nb

    nb.set_num_threads(THREADS)

    @nb.njit(parallel=True, fastmath=True)
    def run(coupling, noise, omega, out, steps, parts):
        n, cells = omega.size, coupling.size
        for part in nb.prange(parts):
            theta, sines, cosines = np.empty(n, f4), np.empty(n, f4), np.empty(n, f4)
            ahead, speed, noisy = np.empty(n, f4), np.empty(n, f4), np.empty(n, f4)
            a, b = u8(12345 + part), u8(987654321 + 7 * part)
            for cell in range(part * cells // parts, (part + 1) * cells // parts):
                for i in range(n):
                    theta[i] = f4(6.28) * f4(i) / f4(n)
                kick = math.sqrt(f4(0.1) * noise[cell]) * f4(3.4641016)
                order = f4(0)
                for _ in range(steps):
                    s, c = f4(0), f4(0)
                    for i in range(n):
                        sines[i], cosines[i] = math.sin(theta[i]), math.cos(theta[i])
                        s += sines[i]
                        c += cosines[i]
                    s, c = s / f4(n), c / f4(n)
                    order += math.sqrt(s * s + c * c)
                    for i in range(n):
                        word, mixed = a + b, b ^ a  # xoroshiro128+
                        a = ((a << u8(24)) | (a >> u8(40))) ^ mixed ^ (mixed << u8(16))
                        b = (mixed << u8(37)) | (mixed >> u8(27))
                        uniform = f4(word >> u8(40)) * f4(2**-24) - f4(0.5)
                        noisy[i] = kick * uniform
                        speed[i] = omega[i] + coupling[cell] * (s * cosines[i] - c * sines[i])
                        ahead[i] = theta[i] + f4(0.05) * speed[i] + noisy[i]
                    s, c = f4(0), f4(0)
                    for i in range(n):
                        sines[i], cosines[i] = math.sin(ahead[i]), math.cos(ahead[i])
                        s += sines[i]
                        c += cosines[i]
                    s, c = s / f4(n), c / f4(n)
                    for i in range(n):
                        then = omega[i] + coupling[cell] * (s * cosines[i] - c * sines[i])
                        theta[i] += f4(0.025) * (speed[i] + then) + noisy[i]
                out[cell] = order / f4(steps)

    side = math.isqrt(cells)
    coupling = np.repeat(np.linspace(0, 3, side), side).astype(f4)
    noise = np.tile(np.linspace(0, 1, side), side).astype(f4)
    omega = (np.random.default_rng(0).standard_cauchy(n) * 0.1).astype(f4)
    out = np.zeros(cells, f4)

    def units() -> int:
        run(coupling, noise, omega, out, steps, THREADS)
        return cells * n * steps

    return units


def hopfield(cells: int, side: int, steps: int, chunk: int, most: float) -> Candidate:
    points = {
        "load": jnp.linspace(0.002, most, cells),
        "temperature": jnp.linspace(0.2, 2, cells),
    }
    system = HopfieldAGS(side=side, memories="random")
    work = side_by_side(system, points, chunk, steps, HopfieldAGS.quenched)

    def units() -> int:
        work()
        return 2 * cells * side**2 * steps  # two replicas

    return units


def hopfield_numba(cells: int, side: int, steps: int, most: float) -> Candidate:
    import numba as nb

    nb.set_num_threads(THREADS)

    @nb.njit(parallel=True, fastmath=True)
    def run(pattern, load, beta, spin, sweeps, parts):
        room, n = pattern.shape
        for part in nb.prange(parts):
            a, b = u8(12345 + part), u8(987654321 + 7 * part)
            m = np.zeros(room, f4)
            for cell in range(part * load.size // parts, (part + 1) * load.size // parts):
                stored = int(load[cell])
                for k in range(stored):
                    total = f4(0)
                    for i in range(n):
                        total += pattern[k, i] * spin[cell, i]
                    m[k] = total / f4(n)
                for t in range(sweeps * n):
                    i, h = t % n, f4(0)
                    for k in range(stored):
                        h += pattern[k, i] * m[k]
                    word, mixed = a + b, b ^ a
                    a = ((a << u8(24)) | (a >> u8(40))) ^ mixed ^ (mixed << u8(16))
                    b = (mixed << u8(37)) | (mixed >> u8(27))
                    chance = f4(1) / (f4(1) + math.exp(f4(-2) * beta[cell] * h))
                    new = f4(1) if f4(word >> u8(40)) * f4(2**-24) < chance else f4(-1)
                    if new != spin[cell, i]:
                        for k in range(stored):
                            m[k] += pattern[k, i] * (new - spin[cell, i]) / f4(n)
                        spin[cell, i] = new

    rng, n = np.random.default_rng(0), side**2
    load = np.linspace(0.002, most, cells) * n
    # Patterns along the rows that a spin reads: the faster way round.
    pattern = np.ascontiguousarray(rng.choice([-1.0, 1.0], (int(most * n) + 1, n)).astype(f4))
    beta = (1 / np.linspace(0.2, 2, cells)).astype(f4)
    spin = np.where(rng.random((cells, n)) < 0.9, pattern[0], -pattern[0]).astype(f4)

    def units() -> int:
        run(pattern, load.astype(f4), beta, spin, steps, THREADS)
        return cells * n * steps

    return units


if __name__ == "__main__":
    cells, n, steps = 1024, 1000, 10
    found = {f"ours, {k} cells at once": kuramoto(cells, n, steps, k) for k in (16, 32, 64)}
    try:
        found["Numba, a cell at a time"] = kuramoto_numba(cells, n, steps)
    except ImportError as why:
        absent("Numba", why)
    show(
        f"Kuramoto, {cells} cells of N = {n}",
        interleave(found, ref="ours, 32 cells at once"),
        "steps",
    )
    cells, side, steps, most = 256, 22, 2, 0.25
    found = {"ours, 128 cells at once": hopfield(cells, side, steps, 128, most)}
    try:
        found["Numba, a cell at a time"] = hopfield_numba(cells, side, steps, most)
    except ImportError as why:
        absent("Numba", why)
    show(
        f"Hopfield, {cells} cells of N = {side**2} on shared patterns",
        interleave(found, ref="ours, 128 cells at once"),
        "spins",
    )
