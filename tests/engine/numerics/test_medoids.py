"""Medoids: every gain is what recomputing tells, and where it ends no swap helps."""

import itertools

import numpy as np
import pytest

from engine.numerics.medoids import changes, distances, improved, nearest, spread_out


def blobs(each=25, seed=0):
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    scatter = 0.1 * np.random.default_rng(seed).normal(size=(4, each, 2))
    return (corners[:, None] + scatter).reshape(-1, 2)


def loss(distance, medoids):
    return distance[list(medoids)].min(axis=0).sum()


def best_single_swap(distance, medoids):
    """By brute force, as PAM does: each medoid, each candidate, all points."""
    others = [c for c in range(len(distance)) if c not in set(medoids)]
    return min(
        loss(distance, [*medoids[:i], c, *medoids[i + 1 :]])
        for i in range(len(medoids))
        for c in others
    )


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("period", [None, np.array([1.0, 1.0])])
def test_gains_of_all_swaps_are_those_of_brute_force(k, period):
    place = np.random.default_rng(k).random((40, 2))
    distance = distances(place, period)
    medoids = np.random.default_rng(7).choice(40, k, replace=False)
    now = nearest(distance, medoids)
    before = loss(distance, medoids)
    for candidate in set(range(40)) - set(medoids.tolist()):
        change = changes(distance, now, candidate, k)
        for i in range(k):
            swapped = medoids.copy()
            swapped[i] = candidate
            # In double precision; the specification asks for 1e-4.
            assert change[i] == pytest.approx(loss(distance, swapped) - before, abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_it_ends_where_no_swap_helps_and_never_climbs(k):
    distance = distances(np.random.default_rng(3).random((60, 2)))
    medoids = np.random.default_rng(k).choice(60, k, replace=False)
    course = [improved(distance, medoids, rounds).loss for rounds in (0, 1, 2, 100)]
    assert course[0] == pytest.approx(loss(distance, medoids))
    assert all(later <= earlier for earlier, later in itertools.pairwise(course))
    made = improved(distance, medoids)
    assert made.loss == pytest.approx(loss(distance, made.medoids))
    assert best_single_swap(distance, made.medoids.tolist()) >= made.loss - 1e-9
    np.testing.assert_array_equal(made.one, distance[made.medoids].argmin(axis=0))


def test_one_medoid_is_the_most_central_point():
    distance = distances(np.random.default_rng(0).random((80, 2)))
    assert improved(distance, np.array([5])).medoids == distance.sum(axis=1).argmin()


def test_four_blobs_have_a_medoid_each_from_any_start():
    place = blobs()
    distance = distances(place)
    generator = np.random.default_rng(1)
    losses = []
    for _ in range(50):
        made = improved(distance, generator.choice(100, 4, replace=False))
        assert sorted(made.medoids // 25) == [0, 1, 2, 3]
        losses.append(made.loss)
    np.testing.assert_allclose(losses, losses[0], rtol=1e-12)


def test_three_of_a_few_points_are_the_best_of_all():
    distance = distances(np.random.default_rng(2).random((14, 2)))
    best = min(loss(distance, some) for some in itertools.combinations(range(14), 3))
    starts = itertools.combinations(range(0, 14, 2), 3)
    assert min(improved(distance, np.array(s)).loss for s in starts) == pytest.approx(best)


def test_pam_would_ask_k_times_as_often():
    distance = distances(blobs())
    made = improved(distance, spread_out(distance, 4))
    # PAM works out each of k n swaps alone, in every pass, and swaps once a pass.
    by_pam = 4 * (made.swaps + 1) * (100 - 4)
    assert made.asked * 4 <= by_pam + 4 * 100


def test_more_medoids_than_points_are_not_found():
    assert len(spread_out(distances(np.random.default_rng(0).random((3, 2))), 5)) == 3
