"""Measures of pairs, against ideal gases, lattices and brute force."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from engine.numerics.local_density import boxes
from engine.numerics.neighbours import listed
from engine.numerics.pair_measures import (
    cluster_sizes,
    clusters,
    hexatic,
    radial_distribution,
)
from engine.numerics.structure_factor import scattered, structure_factor


SIDE = 20.0


def cloud(n, seed=0, side=SIDE):
    return side * jax.random.uniform(jax.random.key(seed), (n, 2))


def hexagonal(across):
    """A lattice of unit spacing in a square: its rows lie 0.1 % too far apart."""
    rows = 2 * round(across / np.sqrt(3))
    column, row = np.meshgrid(np.arange(across), np.arange(rows))
    x = np.stack([(column + 0.5 * (row % 2)).ravel(), (row * across / rows).ravel()], axis=1)
    return jnp.asarray(x, jnp.float32), jnp.float32(across)


def test_an_ideal_gas_has_no_structure():
    n, bins, most = 3000, 25, 5.0
    x, side = cloud(n), jnp.float32(SIDE)
    r, g = radial_distribution(x, side, most=most, bins=bins, centres=n)
    # Each pair is counted from both ends, so the error of a count is √2 of Poisson's.
    pairs = np.pi * np.diff(np.linspace(0, most, bins + 1) ** 2) * n**2 / SIDE**2
    assert np.abs((g - 1) / np.sqrt(2 / pairs)).max() < 4  # of 25 values
    assert r[0] == pytest.approx(0.1)
    _, s = structure_factor(x, side, most=10.0)
    # S of each k is exponential of mean 1; there are 40 × 8, few of them twice.
    assert jnp.mean(s) == pytest.approx(1, abs=4 / np.sqrt(320))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), side=st.floats(3.0, 30.0), centres=st.integers(1, 300))
def test_g_counts_the_pairs_that_brute_force_counts(seed, side, centres):
    side = float(np.float32(side))  # as it is measured: half of it is where g is silent
    x = cloud(200, seed, side)
    # All centres, or some: each of those counts all others.
    _, g = radial_distribution(x, jnp.float32(side), most=3.0, bins=6, centres=200)
    apart = np.asarray(x, float)[:, None] - np.asarray(x, float)
    apart -= side * np.round(apart / side)
    r = np.hypot(*apart.T)[~np.eye(200, dtype=bool)]
    edges = np.linspace(0, 3, 7)
    ideal = np.pi * np.diff(edges**2) * 199 / side**2 * 200
    seen = edges[1:] < side / 2
    np.testing.assert_array_equal(np.isnan(g), ~seen)
    exact = np.histogram(r, edges)[0] / ideal
    np.testing.assert_allclose(g[seen], exact[seen], atol=2 / ideal[0])  # one pair at an edge
    _, some = radial_distribution(x, jnp.float32(side), most=3.0, bins=6, centres=centres)
    assert np.isfinite(some[seen]).all()


def test_a_lattice_scatters_into_its_peaks_and_nowhere_else():
    site = np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1).reshape(-1, 2) + 0.3
    waves = jnp.array([[16, 0], [0, -32], [16, 48], [3, 5], [15, 0], [8, 8]])
    s = scattered(jnp.asarray(site, jnp.float32), jnp.float32(16.0), waves)
    np.testing.assert_allclose(s, [256, 256, 256, 0, 0, 0], atol=1e-2)  # float32 of 256²


def test_a_lattice_has_its_distances():
    x, side = hexagonal(26)
    r, g = radial_distribution(x, side, most=1.5, bins=15)
    assert jnp.argmax(g) in (9, 10)  # at 1, on the edge between two bins
    assert jnp.sum(g > 0) <= 2  # and the next at √3
    assert r.shape == g.shape


@pytest.mark.parametrize("turn", [0.0, 0.2])
def test_a_hexagonal_lattice_is_hexatic_and_a_gas_is_not(turn):
    x, side = hexagonal(26)
    # A bond is turned by 0.03° at most, of which ψ₆ sees (6 · 5e-4)².
    np.testing.assert_allclose(np.abs(hexatic(x, side, reach=1.4)), 1, atol=1e-3)
    square = jnp.stack(jnp.divmod(jnp.arange(400), 20), axis=1).astype(float)
    # On a square lattice the four nearest cancel in pairs: e^{6i·0} + e^{6i·π/2} = 0.
    np.testing.assert_allclose(np.abs(hexatic(square, jnp.float32(20.0), reach=1.2)), 0, atol=1e-5)
    # One turned neighbour, alone: ψ₆ is its direction, six times.
    pair = jnp.array([[5.0, 5.0], [5 + np.cos(turn), 5 + np.sin(turn)], [15.0, 15.0]])
    psi = hexatic(pair, side, reach=1.4)
    np.testing.assert_allclose(psi, [np.exp(6j * turn), np.exp(6j * turn), 0], atol=1e-4)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), reach=st.floats(0.05, 1.3))
def test_clusters_are_the_components_of_who_touches(seed, reach):
    x, side = cloud(400, seed), jnp.float32(SIDE)
    near = listed(*x.T, side, reach=jnp.float32(reach), slots=32)
    label = clusters(near.other, near.other >= 0)
    apart = np.asarray(x)[:, None] - np.asarray(x)
    apart -= SIDE * np.round(apart / SIDE)
    touch = coo_matrix(np.sum(apart**2, axis=-1) < np.float32(reach) ** 2)
    count, exact = connected_components(touch)
    assert len(np.unique(label)) == count
    assert len(np.unique(exact + 1000 * np.asarray(label))) == count  # the same parts
    edges, share = cluster_sizes(label)
    exact_share, _ = np.histogram(np.bincount(exact)[exact], edges)
    np.testing.assert_allclose(share, exact_share / 400, atol=1e-5)


def test_a_chain_is_one_cluster():
    n = 500
    shuffled = np.random.default_rng(0).permutation(n)
    other = np.full((2, n), -1)
    other[0, shuffled[:-1]], other[1, shuffled[1:]] = shuffled[1:], shuffled[:-1]
    assert not jnp.any(clusters(jnp.asarray(other), jnp.asarray(other >= 0)))


def test_boxes_hold_everyone():
    x = cloud(900)
    crowd = boxes(x[:, 0], x[:, 1], jnp.float32(SIDE), side=4.0)
    assert crowd.across == 5
    each = np.asarray(crowd.each())
    assert np.sum(~np.isnan(each)) == 25
    assert np.nansum(each) * 16 == pytest.approx(900)
    exact, *_ = np.histogram2d(*np.asarray(x)[:, ::-1].T, bins=5, range=[[0, SIDE]] * 2)
    np.testing.assert_allclose(each[:25] * 16, exact.ravel(), rtol=1e-5)
    np.testing.assert_allclose(crowd.around(), each[np.asarray(crowd.place)])
    shares = (0.0, 0.05, 0.5, 0.95, 1.0)
    exact = np.percentile(each[:25], 100 * np.array(shares))
    np.testing.assert_allclose(crowd.percentiles(shares), exact, rtol=1e-5)
