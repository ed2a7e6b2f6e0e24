"""Graphs of a graphex: as many edges and vertices as integrals say, every pair by its chance."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import graphex
from engine.numerics.spatial_network import neighbours_that


drawn = jax.jit(graphex.drawn, static_argnames=("candidates", "room"))
sized = partial(drawn, candidates=131_072, room=8192)


def graphs(rate, power, count):
    return [
        sized(jax.random.key(seed), jnp.float32(rate), jnp.float32(power)) for seed in range(count)
    ]


@pytest.mark.parametrize(
    ("rate", "power", "edges", "vertices"),
    [(30.0, 2.0, 450, 261), (60.0, 2.0, 1800, 764), (40.0, 1.5, 3200, 1950)],
)
def test_edges_and_vertices_are_as_many_as_expected(rate, power, edges, vertices):
    rate, power = jnp.float32(rate), jnp.float32(power)
    assert graphex.edges_expected(rate, power) == pytest.approx(edges)
    far = graphex.vertices_expected(rate, power, jnp.float32(1e7))
    assert far == pytest.approx(vertices, rel=0.01)
    made = graphs(rate, power, 12)
    for graph in made:
        # Given where vertices are, the edges are a sum of independent pairs: 3 √E.
        off = float(graph.edges.total) - float(graph.expected)
        assert abs(off) < 3.5 * np.sqrt(float(graph.expected))
    # Weights near x = 0 scatter edges by 15 to 20 % a graph, vertices by half of that.
    assert np.mean([g.edges.total for g in made]) == pytest.approx(edges, rel=0.2)
    near = graphex.vertices_expected(rate, power, 131_072 / rate)
    assert near > 0.9 * far
    assert np.mean([g.vertices for g in made]) == pytest.approx(float(near), rel=0.08)


def test_a_graph_is_simple_and_every_edge_has_two_ends():
    graph = graphs(60.0, 2.0, 1)[0]
    total, n = int(graph.edges.total), len(graph.degree)
    one = np.repeat(np.arange(n), np.diff(graph.edges.first))
    other = np.asarray(graph.edges.neighbour[: 2 * total])
    assert len(one) == 2 * total
    assert (one != other).all()
    both = np.sort(one * n + other), np.sort(other * n + one)
    np.testing.assert_array_equal(*both)
    assert (np.diff(both[0]) > 0).all()  # no pair twice
    np.testing.assert_array_equal(np.bincount(one, minlength=n), graph.degree)
    alive = int(graph.vertices)
    assert (graph.degree[:alive] > 0).all()
    assert (graph.degree[alive:] == 0).all()
    np.testing.assert_array_equal(neighbours_that(graph.edges, graph.degree > 0), graph.degree)


def test_pairs_beyond_the_core_are_joined_by_their_chance():
    # Among 300 candidates 44 are beyond the core of 256; at ν = 300 all lie within x = 1.
    small = partial(drawn, candidates=300, room=32_768)
    counts, expected = 0.0, 0.0
    for seed in range(10):
        graph = small(jax.random.key(seed), jnp.float32(300.0), jnp.float32(1.2))
        counts, expected = counts + float(graph.edges.total), expected + float(graph.expected)
        late = np.asarray(graph.degree)[256:300].sum()
        weight = (1 + np.asarray(graph.x, float)[:300]) ** -1.2
        mean = weight[256:] @ (weight.sum() - weight[256:])[:, None].ravel()
        assert late == pytest.approx(mean, abs=5 * np.sqrt(mean))
    assert counts == pytest.approx(expected, abs=4 * np.sqrt(expected))


def test_too_little_room_asks_for_more():
    graph = drawn(jax.random.key(0), jnp.float32(60.0), jnp.float32(2.0), candidates=4096, room=256)
    assert graph.edges.total > 256


def test_branching_is_that_of_many_graphs():
    made = graphs(30.0, 2.0, 12)
    degree = np.concatenate([np.asarray(g.degree, float) for g in made])
    ratio = (degree**2).sum() / degree.sum()
    expected = graphex.branching(jnp.float32(30.0), jnp.float32(2.0))
    assert ratio == pytest.approx(float(expected), rel=0.2)  # weights near x = 0 scatter
