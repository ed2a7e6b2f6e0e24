"""Ising's heat bath beside hand-written Numba: two colours of a board, a sweep at a time.

    taskset -c 0 python benchmarks/ising.py [length ...]

Both compare a random number of 24 bits with the probability of being up. Numba's generator is
lighter than ours, which favours it.
"""

import os
import sys
import time

import jax
import numpy as np
from bench import Candidate, absent, interleave, show

from engine.core.simulation import advance, begin
from engine.systems.spins.ising_2d import Ising2D


TEMPERATURE = 2.27
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def ours(length: int, sweeps: int, update: str = "heat bath") -> Candidate:
    system = Ising2D(length=length, temperature=TEMPERATURE, update=update, arrangement="random")
    key = jax.random.key(0)
    run = begin(system, key)

    def work() -> int:
        nonlocal run
        run = advance(system, run, key, sweeps)
        jax.block_until_ready(run)
        return length**2 * sweeps

    return work


def with_numba(length: int, sweeps: int) -> Candidate:
    import numba as nb

    nb.set_num_threads(THREADS)
    u8 = np.uint64

    @nb.njit(parallel=True)
    def swept(spin, threshold, seeds, sweeps):
        length, parts = spin.shape[0], seeds.shape[0]
        for colour in range(2 * sweeps):
            for part in nb.prange(parts):
                a, b = seeds[part, 0], seeds[part, 1]
                for y in range(part * length // parts, (part + 1) * length // parts):
                    below, above = (y + 1) % length, (y - 1) % length
                    for x in range((y + colour) & 1, length, 2):
                        around = spin[below, x] + spin[above, x]
                        around += spin[y, (x + 1) % length] + spin[y, x - 1]
                        word, mixed = a + b, b ^ a  # xoroshiro128+
                        a = ((a << u8(24)) | (a >> u8(40))) ^ mixed ^ (mixed << u8(16))
                        b = (mixed << u8(37)) | (mixed >> u8(27))
                        up = (word >> u8(40)) < threshold[(around + 4) >> 1]
                        spin[y, x] = 1 if up else -1
                seeds[part, 0], seeds[part, 1] = a, b

    rng = np.random.default_rng(0)
    spin = rng.choice([-1, 1], (length, length)).astype(np.int8)
    field = np.arange(-4, 5, 2)
    threshold = (2**24 / (1 + np.exp(-2 * field / TEMPERATURE))).astype(u8)
    seeds = rng.integers(1, 2**63, (THREADS, 2)).astype(u8)

    def work() -> int:
        swept(spin, threshold, seeds, sweeps)
        return length**2 * sweeps

    return work


def candidates(length: int) -> dict[str, Candidate]:
    sweeps = max(2, 20_000_000 // length**2)
    found = {
        "ours, heat bath": ours(length, sweeps),
        "ours, Metropolis": ours(length, sweeps, "metropolis"),
    }
    try:
        found["Numba, heat bath"] = with_numba(length, sweeps)
    except ImportError as why:
        absent("Numba", why)
    return found


def live(length: int = 512, seconds: float = 3.0) -> None:
    """How many sweeps fit into a frame of 1/30 s."""
    work = ours(length, 10)
    work()
    frames, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        work()
        frames += 1
    rate = 10 * frames / (time.perf_counter() - began)
    print(f"{length}²: {rate:.0f} sweeps a second, {rate / 30:.0f} to a frame of 1/30 s")


if __name__ == "__main__":
    for length in [int(float(word)) for word in sys.argv[1:]] or [1024]:
        show(f"Ising, {length}²", interleave(candidates(length), ref="ours, heat bath"), "spins")
    live()
