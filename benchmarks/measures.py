"""What is measured of a swarm beside freud: the same numbers, and how long they take.

    .venv/bin/python benchmarks/measures.py [N ...]     (after: pip install freud-analysis)

The swarm is one of active discs in a drop and its vapour; both may use all cores. A pair whose
distance is the edge of a bin falls into either, as float32 has it, so differences of g(r) are told
in pairs. freud 3.4 averages S(k) over the vectors of one quadrant, and asks for a box in space:
its box is a slab so thin that no wave stands upright in it, and ours are averaged over its waves.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine.core.simulation import Simulation
from engine.numerics.neighbours import listed
from engine.numerics.pair_measures import clusters, hexatic, radial_distribution
from engine.numerics.structure_factor import scattered
from engine.systems.swarms.active_matter import ActiveMatter


SIZES = (4096, 16_384)
STEPS = 500
MOST, BINS = 5.0, 100  # of g(r)
REACH = 1.35  # of |ψ₆|
K_MOST, K_BINS = 3.0, 30  # of S(k); fewer than 2π, the least wave across the slab
TURNS = 5


class Pair(NamedTuple):
    """A measure: ours and freud's, and how far they are apart."""

    name: str
    ours: Callable[[], np.ndarray]
    theirs: Callable[[], np.ndarray]
    unit: str


def pairs(position: np.ndarray, length: float) -> list[Pair]:
    import freud

    n = len(position)
    x, side = jnp.asarray(position), jnp.float32(length)
    box = freud.box.Box.square(length)
    flat = np.concatenate([position, np.zeros((n, 1), np.float32)], axis=1)
    flat = box.wrap(flat - [length / 2, length / 2, 0]).astype(np.float32)

    g = jax.jit(partial(radial_distribution, most=MOST, bins=BINS, centres=n))
    rings = np.pi * np.diff(np.linspace(0, MOST, BINS + 1) ** 2)
    ideal = rings * (n - 1) / length**2 * n  # pairs in a ring, both ways

    def freuds_g() -> np.ndarray:
        found = freud.density.RDF(BINS, MOST, normalization_mode="finite_size")
        return ideal * found.compute((box, flat)).rdf

    psi = jax.jit(partial(hexatic, reach=REACH))

    def freuds_psi() -> np.ndarray:
        found = freud.order.Hexatic(k=6)
        near = {"r_max": REACH, "exclude_ii": True}
        psi = np.abs(found.compute((box, flat), neighbors=near).particle_order)
        return np.nan_to_num(psi)  # of who is alone it is 0 here

    least, most = np.pi / length, K_MOST
    slab = freud.box.Box(length, length, 1.0)
    edges = np.linspace(least, most, K_BINS + 1)
    many = np.arange(int(most * length / (2 * np.pi)) + 1)
    waves = np.stack(np.meshgrid(many, many), -1).reshape(-1, 2)
    place = np.digitize(2 * np.pi / length * np.hypot(*waves.T), edges) - 1
    inside = (place >= 0) & (place < K_BINS)
    waves, place = waves[inside], place[inside]
    s = jax.jit(scattered)

    def ours_s() -> np.ndarray:
        found = np.asarray(s(x, side, waves))
        return np.bincount(place, found, K_BINS) / np.bincount(place, minlength=K_BINS)

    def freuds_s() -> np.ndarray:
        found = freud.diffraction.StaticStructureFactorDirect(K_BINS, most, least, 0)
        return found.compute((slab, flat)).S_k

    @jax.jit
    def joined(x: jax.Array, length: jax.Array) -> jax.Array:
        other = listed(x[:, 0], x[:, 1], length, reach=1.0, slots=16).other
        return clusters(other, other >= 0)

    def told(label: np.ndarray) -> np.ndarray:
        members = np.bincount(label)
        return np.array([np.sum(members > 0), np.max(members)])

    def ours_joined() -> np.ndarray:
        return told(np.asarray(joined(x, side)))

    def freuds_joined() -> np.ndarray:
        found = freud.cluster.Cluster().compute((box, flat), neighbors={"r_max": 1.0})
        return told(found.cluster_idx)

    return [
        Pair("g(r)", lambda: ideal * np.asarray(g(x, side)[1]), freuds_g, "pairs of a bin"),
        Pair("|ψ₆|", lambda: np.abs(np.asarray(psi(x, side))), freuds_psi, "of 1"),
        Pair("S(k)", ours_s, freuds_s, "of S, relative"),
        Pair("clusters", ours_joined, freuds_joined, "of their number and the largest"),
    ]


def timed(work: Callable[[], np.ndarray]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measured(n: int) -> list[dict[str, Any]]:
    run = Simulation(ActiveMatter(n=n), seed=1).run(STEPS)
    state = run.present.state
    position, length = np.asarray(state.position, np.float32), float(state.length)
    rows = []
    for pair in pairs(position, length):
        ours, theirs = pair.ours(), pair.theirs()
        scale = np.abs(theirs) if "relative" in pair.unit else 1.0
        turns = [(timed(pair.ours), timed(pair.theirs)) for _ in range(TURNS)]
        mine, other = np.median(np.array(turns), axis=0)
        rows.append(
            {
                "n": n,
                "measure": pair.name,
                "difference": float(np.max(np.abs(ours - theirs) / scale)),
                "unit": pair.unit,
                "largest": float(np.max(np.abs(theirs))),
                "ours_ms": 1000 * mine,
                "freud_ms": 1000 * other,
            }
        )
    return rows


def main(words: list[str]) -> int:
    rows = [row for n in (map(int, words) if words else SIZES) for row in measured(n)]
    for row in rows:
        print(
            f"{row['n']:>7} {row['measure']:<10} apart by {row['difference']:.2g} {row['unit']} "
            f"(largest {row['largest']:.4g}); {row['ours_ms']:.1f} ms, freud {row['freud_ms']:.1f}"
        )
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
