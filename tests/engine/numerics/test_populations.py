"""Embeddings of populations: no order, and who knows their number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics.populations import deep_set, nearest, neighbour_graph


@pytest.fixture
def crowd(key):
    return jax.random.normal(key, (40, 2)) * jnp.array([2.0, 0.5])


@pytest.mark.parametrize("k", [1, 4, 16])
def test_the_nearest_are_the_nearest_of_all_others(crowd, k):
    apart = np.linalg.norm(np.asarray(crowd[:, None] - crowd), axis=-1)
    found = np.asarray(nearest(crowd, k))
    np.testing.assert_array_equal(found, np.argsort(apart, axis=1)[:, 1 : k + 1])


@pytest.mark.parametrize("make", [deep_set, lambda *a: neighbour_graph(*a, 4)])
def test_an_embedding_knows_no_order(make, crowd, key):
    embed = make(key, 8, 16)
    told = embed(crowd)
    mixed = jax.random.permutation(jax.random.key(1), crowd)
    np.testing.assert_allclose(embed(mixed), told, atol=1e-6)  # sums in another order
    assert jnp.max(jnp.abs(embed(2 * crowd) - told)) > 1e-3  # but it tells something


def test_a_mean_over_particles_knows_no_number_and_a_graph_of_neighbours_does(crowd, key):
    twice = jnp.concatenate([crowd, crowd])
    mean, graph = deep_set(key, 8, 16), neighbour_graph(key, 8, 16, 1)
    np.testing.assert_allclose(mean(twice), mean(crowd), atol=1e-6)
    assert jnp.max(jnp.abs(graph(twice) - graph(crowd))) > 1e-3
    # The nearest of each is its double, at no distance: as if it saw itself.
    doubled = jax.vmap(lambda x: graph.node(graph.edge(jnp.append(x, jnp.zeros(2)))))(crowd)
    np.testing.assert_allclose(graph(twice), jnp.mean(doubled, axis=0), atol=1e-6)
