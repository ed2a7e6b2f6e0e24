"""A swarm on a coarse grid, against sums that are known."""

import numpy as np
import pytest

from app.views.coarse import EACH, MOST, Flow, Grid, crowding, over_mean, squares_across


UNIT = Grid(np.zeros(2), np.ones(2), 4)


def test_every_particle_is_in_one_square_and_those_outside_in_none():
    place = np.random.default_rng(0).random((1000, 2))
    place[:3] = [[-0.1, 0.5], [0.5, 1.1], [np.nan, 0.5]]
    place[3] = [1.0, 1.0]  # the far corner belongs to the last square
    counts = UNIT.sums(UNIT.cells(place))
    assert counts.sum() == 997
    assert counts[3, 3] >= 1


def test_the_density_is_one_on_average_and_row_0_is_at_the_bottom():
    place = np.array([[0.1, 0.1]] * 32)
    density = over_mean(UNIT, place)
    assert density.mean() == pytest.approx(1)
    assert density[0, 0] == 16
    np.testing.assert_array_equal(crowding(UNIT, place), 16)


def test_an_even_swarm_is_nowhere_crowded():
    x = (np.arange(40) + 0.5) / 40
    place = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    np.testing.assert_array_equal(crowding(UNIT, place), 1)


def test_squares_hold_enough_particles_to_mean_something():
    assert squares_across(10) == 4
    assert squares_across(EACH * 100) == 10
    assert squares_across(10**7) == MOST


def test_a_long_box_has_square_squares():
    grid = Grid(np.zeros(2), np.array([4.0, 1.0]), 8)
    assert (grid.columns, grid.rows) == (8, 2)


def test_arrows_show_a_rotation_and_say_how_fast_it_is():
    rng = np.random.default_rng(0)
    place = rng.random((20_000, 2))
    from_middle = place - 0.5
    velocity = 3.0 * np.stack([-from_middle[:, 1], from_middle[:, 0]], axis=1)
    flow, grid = Flow(), Grid(np.zeros(2), np.ones(2), 16)
    for _ in range(5):
        flow.see(grid, place, velocity)
    tail, vector, unit = flow.arrows(grid)
    middle = tail + vector / 2 - 0.5
    expected = 3.0 * np.stack([-middle[:, 1], middle[:, 0]], axis=1)
    # 78 particles in a square of 1/16: its mean velocity is that of its middle within 3/16/√(12·78)
    # = 0.006 of standard deviation, and five of these.
    np.testing.assert_allclose(vector * unit / grid.square, expected, atol=0.03)
    assert np.quantile(np.hypot(*vector.T), 0.95) == pytest.approx(0.9 * grid.square, rel=0.01)


def test_an_empty_square_has_no_arrow():
    flow = Flow()
    flow.see(UNIT, np.full((5, 2), 0.1), np.ones((5, 2)))
    tail, _, _ = flow.arrows(UNIT)
    assert len(tail) == 1
