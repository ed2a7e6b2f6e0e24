"""Measures of a swarm as it is drawn: against an ideal gas, known walks, and brute force."""

import numpy as np
import pytest

from engine.core.measures import MEASURES, Gathering, Swarm


SIDE = 20.0
RNG = np.random.default_rng(3)


def swarm(position, time=0.0, *, side=SIDE, periodic=True, **more):
    position = np.asarray(position, np.float32)
    low, high = np.full(position.shape[1], -2.0), np.full(position.shape[1], side - 2.0)
    return Swarm(position + low.astype(np.float32), time, low, high, periodic, **more)


def gathered(name, swarms):
    gathering = Gathering(name)
    for one in swarms:
        gathering.add(one)
    return gathering.average()


@pytest.mark.parametrize("name", ["g(r)", "S(k)", "local density"])
def test_an_ideal_gas_is_what_is_said_of_an_ideal_gas(name):
    gases = (swarm(SIDE * RNG.random((600, 2)), t) for t in range(64))
    found = gathered(name, gases)
    assert found.frames == 64
    assert found.particles == 600
    known = (found.error > 0) & (found.ideal * 600 > 1)  # in rare classes errors are not Gaussian
    assert known.sum() > 20
    # From 64 independent frames an error is known to 10 %: of 60 values none is 5 of them off.
    apart = (found.mean - found.ideal)[known] / found.error[known]
    assert np.abs(apart).max() < 5
    assert np.sqrt(np.mean(apart**2)) == pytest.approx(1, abs=0.5)
    if name == "local density":
        assert np.sum(found.mean * np.diff(found.edges)) == pytest.approx(1)


def test_walkers_are_followed_through_the_box_whoever_stands_where():
    n, steps = 400, 150
    walk = np.cumsum(RNG.normal(0, 0.3, (steps, n, 2)), axis=0) + SIDE * RNG.random((n, 2))

    def shuffled(t):
        identity = RNG.permutation(n)
        return swarm((walk[t] % SIDE)[identity], 0.5 * t, identity=identity)

    found = gathered("displacement", map(shuffled, range(steps)))
    assert found.used == n
    # Lags are whole frames, and each is at its time: 2 · 0.3² a step, in two dimensions.
    lag = np.round(found.x / 0.5).astype(int)
    direct = [np.mean(np.sum((walk[k:] - walk[:-k]) ** 2, axis=2)) for k in lag[:6]]
    np.testing.assert_allclose(found.mean[:6], direct, rtol=1e-3)  # float32 of what is drawn
    np.testing.assert_allclose(found.mean[:6], 0.18 * lag[:6], rtol=0.1)
    assert 0 < found.error[0] < 0.05 * found.mean[0]


def test_what_flies_straight_goes_as_the_square_of_time_at_uneven_frames():
    start, way = SIDE * RNG.random((50, 2)), RNG.normal(size=(50, 2))
    times = np.cumsum(RNG.uniform(0.02, 0.2, 900))  # more frames than are kept
    found = gathered("displacement", (swarm((start + way * t) % SIDE, t) for t in times))
    # The mean over lags of one class, of which a lag differs by up to 15 %, has twice that at most.
    np.testing.assert_allclose(found.mean, np.mean(np.sum(way**2, axis=1)) * found.x**2, rtol=0.03)
    assert found.x[-1] > 50


def test_who_crosses_a_quarter_of_the_box_in_a_frame_is_not_followed():
    start = SIDE * RNG.random((50, 2))
    found = gathered("displacement", (swarm((start + 6.0 * t) % SIDE, t) for t in range(9)))
    assert len(found.x) == 0
    assert "fewer steps a frame" in found.words
    # One such gap among many frames: what is known stays, and nothing is measured across it.
    times = np.append(np.arange(20), np.arange(50, 70))
    found = gathered("displacement", (swarm((start + 0.2 * t) % SIDE, t) for t in times))
    np.testing.assert_allclose(found.mean, 2 * 0.2**2 * found.x**2, rtol=0.03)
    assert found.x[-1] < 20
    assert not found.words


@pytest.mark.parametrize("periodic", [True, False])
def test_clusters_are_counted_as_they_hang_together(periodic):
    # A chain of 60 through the side of the box, which an open world cuts in two, and 40 alone.
    chain = np.stack([np.arange(60) * 0.2 - 6.0, np.full(60, 10.0)], axis=1)
    alone = 2.0 * np.stack(np.divmod(np.arange(40), 4), axis=1) + [0.0, 1.0]
    place = np.concatenate([chain, alone]) % SIDE
    found = gathered("clusters", [swarm(place, radius=0.12, periodic=periodic)])
    assert "joined within 1.5, ¾" in found.words  # of a spacing of 2: such small discs never touch
    share = dict(zip(found.edges[:-1], found.mean, strict=True))
    assert share[1] == pytest.approx(0.4)
    assert share[32 if periodic else 16] == pytest.approx(0.6)


def test_crowds_around_each_are_those_of_all_pairs_in_an_open_world():
    place = np.concatenate([RNG.normal(10, 0.2, (300, 2)), SIDE * RNG.random((100, 2))])
    found = gathered("local density", [swarm(place, periodic=False)])
    reach = 2 * np.sqrt(SIDE**2 / 400)
    apart = np.linalg.norm(place[:, None] - place, axis=2)
    count = np.sum(apart < reach, axis=1) - 1
    exact, _ = np.histogram(count / (np.pi * reach**2), found.edges, density=True)
    np.testing.assert_allclose(found.mean, exact, atol=0.02 * exact.max())  # float32 at the rim
    assert found.ideal is None


def test_what_cannot_be_measured_says_so_in_a_sentence():
    open_, deep = swarm(np.ones((30, 2)), periodic=False), swarm(np.ones((30, 3)))
    for name in MEASURES:
        for one in (open_, deep):
            found = gathered(name, [one])
            if found.words:
                assert found.words.endswith(".") or found.frames
    assert "boundary of this swarm is open" in gathered("g(r)", [open_]).words
    assert "3 dimensions" in gathered("clusters", [deep]).words
    # All in one place: each has all others within reach, listed in a longer list.
    assert gathered("clusters", [open_]).mean[4] == 1
