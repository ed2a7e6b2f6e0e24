"""Vicsek beside a hand-written cell list in Numba, NumPy with a k-d tree, and agent frameworks.

    taskset -c 0 python benchmarks/vicsek.py [particles ...] [--density 2] [--noise 0.6]

All take the exact metric rule, in a periodic square, at speed 0.1. Mesa and agentpy run a thousand
particles, since more would take them minutes. Numba's generator is a lighter one than ours.
"""

import argparse
import math
import os

import jax
import numpy as np
from bench import Candidate, absent, interleave, show

from engine.core.simulation import advance, begin
from engine.systems.swarms.vicsek import Vicsek


SPEED = 0.1
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def ours(n: int, density: float, noise: float, steps: int) -> Candidate:
    system = Vicsek(noise=noise, speed=SPEED, density=density, n=n)
    key = jax.random.key(0)
    run = begin(system, key)

    def work() -> int:
        nonlocal run
        run = advance(system, run, key, steps)
        jax.block_until_ready(run)
        return n * steps

    return work


def with_numba(n: int, density: float, noise: float, steps: int) -> Candidate:
    import numba as nb

    nb.set_num_threads(THREADS)
    f4, u8 = np.float32, np.uint64

    @nb.njit(fastmath=True)
    def counting_sort(x, y, scale, across, cell, first, place, order):
        first[:] = 0
        for i in range(x.size):
            column = min(int(x[i] * scale), across - 1)
            row = min(int(y[i] * scale), across - 1)
            cell[i] = row * across + column
            first[cell[i] + 1] += 1
        for c in range(across * across):
            first[c + 1] += first[c]
        place[:] = first[:-1]
        for i in range(x.size):
            order[place[cell[i]]] = i
            place[cell[i]] += 1

    @nb.njit(parallel=True, fastmath=True)
    def step(x, y, theta, xs, ys, cs, ss, new, side, speed, noise, across, first, order, seeds):
        n, parts = x.size, seeds.shape[0]
        for k in nb.prange(n):
            i = order[k]
            xs[k], ys[k] = x[i], y[i]
            cs[k], ss[k] = math.cos(theta[i]), math.sin(theta[i])
        for part in nb.prange(parts):
            a, b = seeds[part, 0], seeds[part, 1]
            for row in range(part * across // parts, (part + 1) * across // parts):
                for column in range(across):
                    here = row * across + column
                    for k in range(first[here], first[here + 1]):
                        c, s = f4(0), f4(0)
                        for up in range(-1, 2):
                            other, lift = row + up, f4(0)
                            if other < 0:
                                other, lift = other + across, -side
                            elif other >= across:
                                other, lift = other - across, side
                            if 0 < column < across - 1:
                                low = first[other * across + column - 1]
                                for j in range(low, first[other * across + column + 2]):
                                    dx, dy = xs[j] - xs[k], ys[j] + lift - ys[k]
                                    near = f4(1) if dx * dx + dy * dy < f4(1) else f4(0)
                                    c += near * cs[j]
                                    s += near * ss[j]
                            else:
                                for along in range(-1, 2):
                                    there, push = column + along, f4(0)
                                    if there < 0:
                                        there, push = there + across, -side
                                    elif there >= across:
                                        there, push = there - across, side
                                    low = first[other * across + there]
                                    for j in range(low, first[other * across + there + 1]):
                                        dx, dy = xs[j] + push - xs[k], ys[j] + lift - ys[k]
                                        near = f4(1) if dx * dx + dy * dy < f4(1) else f4(0)
                                        c += near * cs[j]
                                        s += near * ss[j]
                        word, mixed = a + b, b ^ a  # xoroshiro128+
                        a = ((a << u8(24)) | (a >> u8(40))) ^ mixed ^ (mixed << u8(16))
                        b = (mixed << u8(37)) | (mixed >> u8(27))
                        uniform = f4(word >> u8(40)) * f4(2**-24) - f4(0.5)
                        new[k] = math.atan2(s, c) + noise * uniform * f4(2 * math.pi)
            seeds[part, 0], seeds[part, 1] = a, b
        for k in nb.prange(n):
            theta[k] = new[k]
            there_x = xs[k] + speed * math.cos(new[k])
            there_y = ys[k] + speed * math.sin(new[k])
            x[k] = there_x - side * math.floor(there_x / side)
            y[k] = there_y - side * math.floor(there_y / side)

    rng = np.random.default_rng(0)
    side = math.sqrt(n / density)
    across = int(side)
    x, y = (side * rng.random((2, n))).astype(f4)
    theta = (2 * np.pi * rng.random(n)).astype(f4)
    room = [np.zeros(n, f4) for _ in range(5)]
    cell, order = np.zeros(n, np.int32), np.zeros(n, np.int32)
    first, place = np.zeros(across**2 + 1, np.int32), np.zeros(across**2, np.int32)
    seeds = rng.integers(1, 2**63, (THREADS, 2)).astype(u8)

    def work() -> int:
        for _ in range(steps):
            counting_sort(x, y, f4(across / side), across, cell, first, place, order)
            step(x, y, theta, *room, f4(side), f4(SPEED), f4(noise), across, first, order, seeds)
        return n * steps

    return work


def with_numpy(n: int, density: float, noise: float, steps: int) -> Candidate:
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    side = math.sqrt(n / density)
    x = side * rng.random((n, 2))
    theta = 2 * np.pi * rng.random(n)

    def work() -> int:
        nonlocal x, theta
        for _ in range(steps):
            pairs = cKDTree(x, boxsize=side).sparse_distance_matrix(
                cKDTree(x, boxsize=side), 1.0, output_type="coo_matrix"
            )
            u = np.exp(1j * theta)
            total = np.bincount(pairs.row, u.real[pairs.col], n) + 1j * np.bincount(
                pairs.row, u.imag[pairs.col], n
            )
            theta = np.angle(total) + 2 * np.pi * noise * (rng.random(n) - 0.5)
            x = (x + SPEED * np.stack([np.cos(theta), np.sin(theta)], axis=1)) % side
        return n * steps

    return work


def with_mesa(n: int, density: float, noise: float, steps: int) -> Candidate:
    import mesa
    from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent

    side = math.sqrt(n / density)

    class Bird(ContinuousSpaceAgent):
        def look(self) -> None:
            near, _ = self.get_neighbors_in_radius(1.0)
            total = np.exp(1j * self.theta) + sum(np.exp(1j * bird.theta) for bird in near)
            turn = 2 * np.pi * noise * (self.model.random.random() - 0.5)
            self.next = np.angle(total) + turn

        def fly(self) -> None:
            self.theta = self.next
            way = np.array([math.cos(self.theta), math.sin(self.theta)])
            self.position = self.position + SPEED * way

    class Flock(mesa.Model):
        def __init__(self) -> None:
            super().__init__(seed=1)
            self.space = ContinuousSpace(
                [[0, side], [0, side]], torus=True, random=self.random, n_agents=n
            )
            for _ in range(n):
                bird = Bird(self.space, self)
                bird.position = np.array([self.random.random() * side for _ in range(2)])
                bird.theta = 2 * np.pi * self.random.random()

        def step(self) -> None:
            self.agents.do("look")
            self.agents.do("fly")

    flock = Flock()

    def work() -> int:
        flock.step()
        return n

    return work


def with_agentpy(n: int, density: float, noise: float, steps: int) -> Candidate:
    import agentpy

    side = math.sqrt(n / density)

    class Bird(agentpy.Agent):
        def setup(self) -> None:
            self.theta = 2 * np.pi * self.model.nprandom.random()

        def look(self) -> None:
            near = self.model.space.neighbors(self, distance=1.0)
            total = np.exp(1j * self.theta) + sum(np.exp(1j * bird.theta) for bird in near)
            turn = 2 * np.pi * noise * (self.model.nprandom.random() - 0.5)
            self.next = np.angle(total) + turn

        def fly(self) -> None:
            self.theta = self.next
            way = np.array([math.cos(self.theta), math.sin(self.theta)])
            self.model.space.move_by(self, SPEED * way)

    class Flock(agentpy.Model):
        def setup(self) -> None:
            self.space = agentpy.Space(self, shape=[side, side], torus=True)
            self.birds = agentpy.AgentList(self, n, Bird)
            self.space.add_agents(self.birds, random=True)

        def step(self) -> None:
            self.birds.look()
            self.birds.fly()

    flock = Flock()
    flock.sim_setup(steps=10**6, seed=1)

    def work() -> int:
        flock.sim_step()
        return n

    return work


def candidates(n: int, density: float, noise: float) -> dict[str, Candidate]:
    steps = max(1, 400_000 // n)
    found = {"ours": ours(n, density, noise, steps)}
    peers = {"Numba cell list": with_numba}
    if n <= 100_000:
        peers["NumPy with a k-d tree"] = with_numpy
    if n <= 1000:
        peers |= {"Mesa continuous space": with_mesa, "agentpy space": with_agentpy}
    for name, peer in peers.items():
        try:
            found[name] = peer(n, density, noise, 1 if peer is with_numpy else steps)
            found[name]()  # a peer may fail only when it runs
        except Exception as why:
            found.pop(name, None)
            absent(name, why)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Vicsek beside its peers.")
    parser.add_argument("particles", nargs="*", type=float, default=[1e3, 1e4, 1e5])
    parser.add_argument("--density", type=float, default=2.0)
    parser.add_argument("--noise", type=float, default=0.6)
    asked = parser.parse_args()
    for n in map(int, asked.particles):
        timings = interleave(candidates(n, asked.density, asked.noise), ref="ours")
        title = f"Vicsek, N = {n}, density {asked.density:g}, noise {asked.noise:g}"
        show(title, timings, "particles")
