"""Kuramoto beside NumPy and hand-written Numba: the same Heun step, with Gaussian noise.

    taskset -c 0 python benchmarks/kuramoto.py [oscillators ...]

Numba's noise is uniform with the same variance and from a lighter generator, which favours it.
"""

import math
import os
import sys

import jax
import numpy as np
from bench import Candidate, absent, interleave, show

from engine.core.simulation import advance, begin
from engine.systems.swarms.kuramoto import Kuramoto


K, S, D, DT = 2.0, 0.5, 0.5, 0.02
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def ours(n: int, steps: int, noise: float = D) -> Candidate:
    system = Kuramoto(coupling=K, width=S, noise=noise, dt=DT, law="Gaussian", n=n)
    key = jax.random.key(0)
    run = begin(system, key)

    def work() -> int:
        nonlocal run
        run = advance(system, run, key, steps)
        jax.block_until_ready(run)
        return n * steps

    return work


def with_numpy(n: int, steps: int) -> Candidate:
    rng = np.random.Generator(np.random.SFC64(0))
    theta = (2 * np.pi * rng.random(n)).astype(np.float32)
    omega = (S * rng.standard_normal(n)).astype(np.float32)
    k, dt, kick = np.float32(K), np.float32(DT), np.float32(math.sqrt(2 * D * DT))

    def speed(theta: np.ndarray) -> np.ndarray:
        s, c = np.sin(theta), np.cos(theta)
        return omega + k * (s.mean() * c - c.mean() * s)

    def work() -> int:
        nonlocal theta
        for _ in range(steps):
            noise = kick * rng.standard_normal(n, dtype=np.float32)
            now = speed(theta)
            theta = theta + (now + speed(theta + now * dt + noise)) * (dt / 2) + noise
        return n * steps

    return work


def with_numba(n: int, steps: int) -> Candidate:
    import numba as nb

    nb.set_num_threads(THREADS)
    f4, u8 = np.float32, np.uint64

    @nb.njit(parallel=True, fastmath=True)
    def centre(theta, sines, cosines):
        s, c = f4(0), f4(0)
        for i in nb.prange(theta.size):
            sines[i], cosines[i] = math.sin(theta[i]), math.cos(theta[i])
            s += sines[i]
            c += cosines[i]
        return s / f4(theta.size), c / f4(theta.size)

    @nb.njit(parallel=True, fastmath=True)
    def advanced(theta, omega, seeds, steps, k, dt, kick):
        n, parts = theta.size, seeds.shape[0]
        sines, cosines = np.empty(n, f4), np.empty(n, f4)
        speed, noise, ahead = np.empty(n, f4), np.empty(n, f4), np.empty(n, f4)
        for _ in range(steps):
            s, c = centre(theta, sines, cosines)
            for part in nb.prange(parts):
                a, b = seeds[part, 0], seeds[part, 1]
                for i in range(part * n // parts, (part + 1) * n // parts):
                    word, mixed = a + b, b ^ a  # xoroshiro128+
                    a = ((a << u8(24)) | (a >> u8(40))) ^ mixed ^ (mixed << u8(16))
                    b = (mixed << u8(37)) | (mixed >> u8(27))
                    uniform = f4(word >> u8(40)) * f4(2**-24) - f4(0.5)
                    noise[i] = kick * f4(math.sqrt(12)) * uniform
                    speed[i] = omega[i] + k * (s * cosines[i] - c * sines[i])
                    ahead[i] = theta[i] + speed[i] * dt + noise[i]
                seeds[part, 0], seeds[part, 1] = a, b
            s, c = centre(ahead, sines, cosines)
            for i in nb.prange(n):
                then = omega[i] + k * (s * cosines[i] - c * sines[i])
                theta[i] += (speed[i] + then) * dt * f4(0.5) + noise[i]

    rng = np.random.default_rng(0)
    theta = (2 * np.pi * rng.random(n)).astype(f4)
    omega = (S * rng.standard_normal(n)).astype(f4)
    seeds = rng.integers(1, 2**63, (THREADS, 2)).astype(u8)

    def work() -> int:
        advanced(theta, omega, seeds, steps, f4(K), f4(DT), f4(math.sqrt(2 * D * DT)))
        return n * steps

    return work


def candidates(n: int) -> dict[str, Candidate]:
    steps = max(2, 2_000_000 // n)
    found = {"ours": ours(n, steps), "ours, without noise": ours(n, steps, noise=0.0)}
    found["NumPy"] = with_numpy(n, steps)
    try:
        found["Numba, uniform noise"] = with_numba(n, steps)
    except ImportError as why:
        absent("Numba", why)
    return found


if __name__ == "__main__":
    for n in [int(float(word)) for word in sys.argv[1:]] or [100_000, 1_000_000]:
        show(f"Kuramoto, N = {n}", interleave(candidates(n), ref="ours"), "oscillators")
