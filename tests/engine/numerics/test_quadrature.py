"""Averages over Gaussian vectors, by a lattice."""

import numpy as np

from engine.numerics.quadrature import POINTS, normal_lattice


def test_a_lattice_knows_gaussian_averages_better_than_random_points_do():
    share, noise = normal_lattice(3)
    assert (share.shape, noise.shape) == ((POINTS,), (POINTS, 3))
    np.testing.assert_allclose(share, np.arange(POINTS) / POINTS, atol=1e-7)
    # Random points err by √(1/509) = 0.044 in the mean and √(2/509) = 0.063 in the square: a fifth.
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.009)
    np.testing.assert_allclose((noise**2).mean(axis=0), 1, atol=0.013)
    # By 0.044 in the product of two coordinates, by 0.013 in that of one with the share: a half.
    pairs = noise.T @ noise / POINTS - np.diag((noise**2).mean(axis=0))
    np.testing.assert_allclose(pairs, 0, atol=0.022)
    np.testing.assert_allclose((share - share.mean()) @ noise / POINTS, 0, atol=0.0064)


def test_a_lattice_in_many_dimensions_is_finite_and_the_same_at_every_call():
    _, noise = normal_lattice(512)
    assert np.abs(noise).max() < 5.5  # also no not-a-number
    assert normal_lattice(512)[1] is noise
