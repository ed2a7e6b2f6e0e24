"""Phase space: what leapfrog keeps, how fast errors vanish, and where orbits pass a plane."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import hamiltonians as zoo
from engine.numerics.canonical import (
    Section,
    canonical,
    crossings,
    leapfrog,
    misfit,
    passed,
    runge_kutta,
    stretched,
)


def hamiltonian(kind):
    return lambda x: zoo.energy(kind, x)


def flown(kind, x, dt, steps):
    def leap(x, _):
        x = leapfrog(hamiltonian(kind), x, dt)
        return x, x

    return jax.jit(lambda x: jax.lax.scan(leap, x, length=steps))(x)


def test_hamilton_s_equations_are_those_of_the_pendulum():
    x = jnp.array([[0.5, 0.0, -1.0, 0.0]])
    np.testing.assert_allclose(
        canonical(hamiltonian(zoo.PENDULUM), x), [[-1.0, 0.0, -np.sin(0.5), 0.0]], rtol=1e-6
    )
    wrong = 2 * canonical(hamiltonian(zoo.PENDULUM), x)
    assert misfit(hamiltonian(zoo.PENDULUM), x, wrong) == pytest.approx(0.25)


@pytest.mark.parametrize(("angle", "period"), [(1.0, 6.69998), (2.0, 8.34975), (3.0, 16.15554)])
def test_the_pendulum_swings_with_its_exact_period(angle, period):
    share = np.sin(angle / 2) ** 2
    assert zoo.period(zoo.PENDULUM, share) == pytest.approx(period, rel=1e-5)
    steps = 4000
    dt = 1.1 * period / steps
    _, path = flown(zoo.PENDULUM, jnp.array([[angle, 0.0, 0.0, 0.0]]), dt, steps)
    p = np.asarray(path[:, 0, 2])
    back = int(np.flatnonzero((p[:-1] > 0) & (p[1:] <= 0))[0])  # at rest again, where it began
    share = p[back] / (p[back] - p[back + 1])
    # 0.1 %, of the specification; a step of 0.004 errs by dt²/24 of a period.
    assert (back + 1 + share) * dt == pytest.approx(period, rel=1e-3)


def test_the_error_of_the_energy_falls_with_the_square_of_the_step(key):
    x = zoo.cloud(zoo.HENON_HEILES, 0.75, key, 64)  # E = 1/8
    worst = {}
    for dt in (0.1, 0.05, 0.025):
        _, path = flown(zoo.HENON_HEILES, x, dt, round(200 / dt))
        energies = jax.vmap(jax.vmap(hamiltonian(zoo.HENON_HEILES)))(path)
        worst[dt] = np.max(np.abs(energies - 1 / 8), axis=0)
    # Of one orbit the specification has 3.6e-4, 9.0e-5 and 2.24e-5: the largest of an ensemble
    # at 1/8 are these, and the smallest half as much.
    for dt, known in ((0.1, 3.6e-4), (0.05, 9.0e-5), (0.025, 2.24e-5)):
        assert np.min(worst[dt]) < known < 1.2 * np.max(worst[dt])
    # A ratio of 4; the next order of dt², and float32 in the smallest, change it by 5 %.
    for dt in (0.1, 0.05):
        assert np.mean(worst[dt]) / np.mean(worst[dt / 2]) == pytest.approx(4, rel=0.05)


def test_areas_are_kept():
    turn = np.arange(400) * 2 * np.pi / 400
    x = jnp.stack([1.5 + 0.3 * np.cos(turn), 0 * turn, 0.3 * np.sin(turn), 0 * turn], axis=1)
    period = float(zoo.period(zoo.PENDULUM, np.sin(0.75) ** 2))

    def area(x):
        q, p = np.asarray(x[:, 0], float), np.asarray(x[:, 2], float)
        return np.sum(q * np.roll(p, -1) - np.roll(q, -1) * p) / 2

    end, _ = flown(zoo.PENDULUM, x, period / 200, 200)
    # 1 %: a polygon of 400 corners has 4e-5 less than the disc, and shear bends its sides.
    assert area(end) == pytest.approx(area(x), rel=0.01)
    # Runge and Kutta keep it only as well as they solve: at such steps, as well.
    step = jax.jit(lambda x: runge_kutta(lambda x: canonical(hamiltonian(1), x), x, period / 50))
    for _ in range(50):
        x = step(x)
    np.testing.assert_allclose(x, end, atol=5e-3)


def test_two_bodies_keep_their_angular_momentum_and_come_back():
    with jax.enable_x64(True):  # the check is of leapfrog, not of float32
        x = jnp.asarray(zoo.middle(zoo.TWO_BODY, 0.5), jnp.float64)[None]
        assert zoo.energy(zoo.TWO_BODY, x[0]) == pytest.approx(-0.25)
        period = float(zoo.period(zoo.TWO_BODY, 0.5))
        assert period == pytest.approx(2 * np.pi * 2**1.5, rel=1e-6)
        end, path = flown(zoo.TWO_BODY, x, period / 4000, 4000)
        momentum = path[:, 0, 0] * path[:, 0, 3] - path[:, 0, 1] * path[:, 0, 2]
        np.testing.assert_allclose(momentum, np.sqrt(1.5), rtol=1e-6)
        np.testing.assert_allclose(end, x, atol=2e-3)  # dt² of a period late


def test_a_short_vector_grows_as_the_flow_is_unstable():
    # About the top of the pendulum: e^t along (1, 1), at a rate of 1.
    x = jnp.array([[np.pi, 0.0, 0.0, 0.0]])
    aside = jnp.array([[1.0, 0.0, 1.0, 0.0]]) / np.sqrt(2)
    total = 0.0
    for _ in range(10):
        x, aside, growth = stretched(
            lambda x: leapfrog(hamiltonian(zoo.PENDULUM), x, 0.05), x, aside
        )
        total += float(growth[0])
    assert total == pytest.approx(0.5, rel=1e-3)
    np.testing.assert_allclose(jnp.linalg.norm(aside), 1, rtol=1e-6)


def test_passages_are_found_upwards_only_and_the_oldest_give_way():
    before = jnp.array([[-0.1, 0.0, 1.0, 2.0], [0.1, 0.0, -1.0, 0.0], [-0.3, 1.0, 1.0, 0.0]])
    after = jnp.array([[0.3, 0.4, 1.0, 4.0], [-0.1, 0.0, -1.0, 0.0], [-0.1, 1.0, 1.0, 0.0]])
    at, up = crossings(before, after)
    np.testing.assert_array_equal(up, [True, False, False])
    np.testing.assert_allclose(at[0], [0.1, 2.5], rtol=1e-6)
    section = Section(jnp.zeros((2, 2)), jnp.zeros(2), jnp.zeros((), int))
    for rate in (1.0, 2.0, 3.0):
        section = passed(section, before, after, jnp.full(3, rate))
    assert section.seen == 3
    np.testing.assert_allclose(section.rate, [3.0, 2.0])


def test_the_well_of_henon_and_heiles_opens_at_a_sixth(key):
    saddles = [[0.0, 1.0], [np.sqrt(3) / 2, -0.5], [-np.sqrt(3) / 2, -0.5]]
    for saddle in saddles:
        q = jnp.array(saddle, jnp.float32)
        assert zoo.henon_heiles(q) == pytest.approx(1 / 6, rel=1e-6)
        np.testing.assert_allclose(jax.grad(zoo.henon_heiles)(q), 0, atol=1e-6)
    assert zoo.level(zoo.HENON_HEILES, 1.0) == pytest.approx(1 / 6)


def test_the_energy_surface_is_drawn_evenly(key):
    share, n = 0.9, 20_000
    x = zoo.cloud(zoo.HENON_HEILES, share, key, n)
    energies = jax.vmap(hamiltonian(zoo.HENON_HEILES))(x)
    np.testing.assert_allclose(energies, share / 6, atol=2e-5)  # of the angles between the 256
    # Evenly in the well: as often where |y| < 0.1 and |x| < 0.1 as the area says.
    angle, reach = zoo.edge(share)
    area = float(jnp.sum(reach**2) / 2 * (2 * np.pi / len(angle)))
    inside = np.mean((np.abs(x[:, 0]) < 0.1) & (np.abs(x[:, 1]) < 0.1))
    expected = 0.04 / area
    assert inside == pytest.approx(expected, abs=4 * np.sqrt(expected / n))
    # All directions of p alike.
    way = np.arctan2(x[:, 3], x[:, 2])
    assert abs(np.mean(np.exp(2j * way))) < 4 / np.sqrt(n)


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("share", [0.3, 0.9, 1.1])
def test_the_outline_is_an_exact_orbit_or_the_edge(kind, share):
    start, _ = (np.asarray(part) for part in zoo.outline(kind, share))
    start = start[~np.isnan(start[:, 0])]
    assert len(start) > 100
    none = np.zeros(len(start))
    if kind in (zoo.SPRING, zoo.PENDULUM):
        x = np.stack([start[:, 0], none, start[:, 1], none], axis=1)
        found = jax.vmap(hamiltonian(kind))(jnp.asarray(x))
        np.testing.assert_allclose(found, zoo.level(kind, share), atol=1e-5)
    elif kind == zoo.TWO_BODY:
        # p from the conservation of L = √(1 + e): the orbit obeys Kepler's first law.
        x, y = start.T
        np.testing.assert_allclose(np.hypot(x, y) + share * x, 1 + share, rtol=1e-4)
    else:
        height = jax.vmap(zoo.henon_heiles)(jnp.asarray(start))
        closed = np.linalg.norm(start, axis=1) < 0.999
        np.testing.assert_allclose(height[closed], share / 6, atol=1e-5)
        assert closed.all() == (share < 1)
