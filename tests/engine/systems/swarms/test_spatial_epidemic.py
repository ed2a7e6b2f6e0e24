"""Epidemic in space: a network as it is said to be, and a disease that does as theory says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation
from engine.systems.swarms.spatial_epidemic import (
    INFECTED,
    RECOVERED,
    SUSCEPTIBLE,
    SpatialEpidemic,
    expected,
    kinds,
)


N = 10_000


def begun(**values):
    return Simulation(SpatialEpidemic(**values), seed=1)


def jumps(simulation):
    """The vectors of all edges, once in each direction."""
    edges, nodes = simulation.present.state.edges, simulation.present.state.nodes
    count = int(edges.first[-1])
    one = np.repeat(np.arange(simulation.system.n), np.diff(edges.first))
    way = nodes.position[edges.neighbour[:count]] - nodes.position[one]
    return np.asarray(way - jnp.round(way)), one, np.asarray(edges.neighbour[:count])


@pytest.mark.parametrize("kernel", ["gaussian", "anywhere"])
def test_degrees_are_poisson_and_edges_have_two_ends_and_no_loop(kernel):
    simulation = begun(kernel=kernel, sigma=0.06, n=N)
    _, one, other = jumps(simulation)
    degree = np.bincount(one, minlength=N)
    # The mean of N Poisson numbers to √(κ/N) · √2 (ends come in pairs); their variance to
    # κ √(2/N) + 1/√N, and it is a little larger where places are unevenly full.
    assert degree.mean() == pytest.approx(5, abs=4 * np.sqrt(2 * 5 / N))
    assert degree.var() == pytest.approx(5, abs=0.45)
    assert (one != other).all()
    pairs = np.sort(one * N + other), np.sort(other * N + one)
    np.testing.assert_array_equal(*pairs)


@pytest.mark.parametrize(("kernel", "fourth"), [("gaussian", 3.0), ("exponential", 6.0)])
def test_edges_are_as_long_as_the_kernel_says(kernel, fourth):
    way = jumps(begun(kernel=kernel, sigma=0.05, n=N, kappa=10.0, room=65_536))[0][:, 0]
    # Both marginals are known: variance σ² or 2 σ², and the fourth moment over its square. Ends
    # lie anywhere in a cell of 0.01, which adds 0.01²/6. Of 5·10⁴ edges: 1.3 % at 4 sigma, and
    # 6 % where the tail is that of Laplace; the kurtosis 3 and 15 % there.
    variance = 0.05**2 * (1 if kernel == "gaussian" else 2) + 0.01**2 / 6
    assert way.var() == pytest.approx(variance, rel=0.03)
    assert np.mean(way**4) / way.var() ** 2 == pytest.approx(fourth, rel=0.1)


def test_the_power_law_reaches_as_far_as_its_tail():
    way = jumps(begun(kernel="power law", sigma=0.01, alpha=3.0, n=N))[0]
    r = np.hypot(*way.T)
    # P(distance > r) = (1 + (r/σ)²)^(1 − α/2), until the torus folds it: 25 000 edges, 1 % each.
    for at in (0.03, 0.1):
        assert np.mean(r > at) == pytest.approx((1 + (at / 0.01) ** 2) ** -0.5, abs=0.02)


def test_who_catches_it_does_so_at_the_rate_of_infected_contacts(key):
    simulation = begun(n=N, dt=0.05, beta=2.0, kernel="anywhere", seed_radius=0.2)
    state, system = simulation.present.state, simulation.system
    _, one, other = jumps(simulation)
    infected = np.asarray(state.health) == INFECTED
    contacts = np.bincount(one, infected[other], minlength=N)
    chance = np.where(infected, 0, 1 - np.exp(-2.0 * 0.05 * contacts))
    after = np.asarray(system.step(state, key).health)
    expected, spread = chance.sum(), np.sqrt((chance * (1 - chance)).sum())
    assert abs((after[~infected] == INFECTED).sum() - expected) < 4 * spread
    stay = infected.sum() * np.exp(-0.05)
    left = (after[infected] == INFECTED).sum()
    assert abs(left - stay) < 4 * np.sqrt(stay * (1 - np.exp(-0.05)))
    assert not (after[contacts == 0] == INFECTED)[~infected[contacts == 0]].any()


@pytest.mark.parametrize(("kappa", "beta", "size"), [(5.0, 1.0, 0.8926), (6.0, 0.5, 0.7968)])
def test_the_final_size_solves_its_equation(kappa, beta, size):
    system = SpatialEpidemic(kappa=kappa, beta=beta, dt=1e-4)
    assert system.theory()["attack"] == pytest.approx(size, abs=2e-4)


def test_below_the_threshold_it_stays_small():
    system = SpatialEpidemic(beta=0.2, dt=1e-3)  # R₀ = 5/6
    assert system.theory()["attack"] == 0
    at = system.boundaries()["R₀ = 1"].at  # β = γ/(κ − 1), but for terms of the step
    assert at["beta"] == pytest.approx(0.25, rel=1e-3)
    assert at["gamma"] == pytest.approx(0.8, rel=2e-3)
    first = begun(beta=0.2, n=N, kernel="anywhere", seed_radius=0.005).run(4000)
    assert first.observables["attack"] < 0.01


@pytest.mark.parametrize(
    ("values", "size", "tolerance"),
    [
        # Fluctuations of the size are about 1/√N = 0.01 (all from few: some die out at once).
        ({"kernel": "anywhere", "dt": 0.05}, 0.9005, 0.01),
        ({"sigma": 0.03}, 0.89, 0.015),
        ({"sigma": 0.015}, 0.865, 0.02),  # neighbours share neighbours
    ],
)
def test_an_outbreak_ends_where_theory_says(values, size, tolerance):
    simulation = begun(n=N, **values).run(6000)
    assert simulation.done
    assert simulation.observables["attack"] == pytest.approx(size, abs=tolerance)


def test_the_discrete_step_is_part_of_theory():
    assert SpatialEpidemic(dt=0.05).theory()["attack"] == pytest.approx(0.9005, abs=3e-4)


@pytest.mark.parametrize(("kernel", "speed"), [("gaussian", 6.089), ("exponential", 9.33)])
def test_a_flat_front_travels_at_the_pulled_speed(kernel, speed):
    assert SpatialEpidemic(kernel=kernel, sigma=1.0).speed() == pytest.approx(speed, rel=2e-3)
    # The same equation along a line, in 64 bits: a front is pulled by its far tail. Fronts come
    # from below, as 3/(2 λ t): 2 to 4 % low at t = 10; Euler steps of 0.002 lose up to 1 % more.
    length, points, dt = 300.0, 2048, 0.002
    k = 2 * np.pi * np.fft.rfftfreq(points, length / points)
    spectrum = np.exp(-(k**2) / 2) if kernel == "gaussian" else 1 / (1 + k**2)
    x = (np.arange(points) + 0.5) * length / points - length / 2
    fresh, passed, reach = np.where(np.abs(x) < 1, 0.0, 1.0), np.zeros(points), {}
    for step in range(1, 6001):
        edge = 1 - fresh * np.exp(-5 * passed)
        passed = passed + dt * (np.fft.irfft(np.fft.rfft(edge) * spectrum) - 2 * passed)
        reach[step] = (1 - np.exp(-5 * passed) > 0.4).sum() * length / points / 2
    assert 0.94 * speed < (reach[6000] - reach[4000]) / 4 < speed


@pytest.mark.parametrize("kernel", ["gaussian", "exponential", "power law", "anywhere"])
def test_theory_s_kernel_is_the_network_s(kernel):
    system = SpatialEpidemic(kernel=kernel, sigma=0.04, alpha=3.5, n=400)
    parts, share = system.mixture()
    drawn = np.asarray(system.jumps(jax.random.key(3), 200_000))
    place = (np.floor(drawn * 64 + 0.5).astype(int)) % 64
    seen = np.zeros((64, 64))
    np.add.at(seen, (place[:, 0], place[:, 1]), 1 / len(drawn))
    mixed = np.einsum("p,pi,pj->ij", share, parts[:, :, 0], parts[:, :, 0])
    assert mixed.sum() == pytest.approx(1, rel=1e-5)
    # As means over Gaussians of 0.05 and 0.2, which see near and far: 2 % for cells of 1/64 and for
    # sixteen Gaussians in place of a mixture, and five times the scatter of the draws.
    away = np.minimum(np.arange(64), 64 - np.arange(64)) / 64
    for width in (0.05, 0.2):
        window = np.exp(-(away[:, None] ** 2 + away**2) / (2 * width**2))
        mean, scatter = (mixed * window).sum(), np.sqrt((mixed * window**2).sum() / len(drawn))
        assert (seen * window).sum() == pytest.approx(mean, abs=0.02 * mean + 5 * scatter)


@pytest.mark.parametrize("contacts", ["equal", "two kinds", "power law"])
def test_contacts_have_the_moments_they_are_said_to_have(contacts):
    many, share = (np.asarray(part) for part in expected(contacts, 5.0))
    ratio = {"equal": 1.0, "two kinds": 3.25, "power law": 1.6564}[contacts]
    assert share.sum() == pytest.approx(1, rel=1e-5)
    assert (share * many).sum() == pytest.approx(5, rel=1e-4)
    assert (share * many**2).sum() == pytest.approx(25 * ratio, rel=2e-3)
    weight = 5 * kinds(contacts, jax.random.uniform(jax.random.key(5), (N,)))
    assert weight.mean() == pytest.approx(5, rel=4 * np.sqrt(ratio / N) + 1e-3)


def test_a_hand_infects_or_makes_immune_and_theory_follows(key):
    from engine.core.system import Touch

    system = SpatialEpidemic(n=N, seed_radius=0.0)
    state = Simulation(system).present.state
    touch = Touch(jnp.array([0.95, 0.5]), jnp.zeros(2), jnp.float32(0.1), jnp.float32(1.0))
    ill = system.infect(state, key, touch)
    share = np.pi * 0.1**2
    assert system.observables(ill)["infected"] == pytest.approx(share, rel=0.2)  # 314 nodes
    assert system.limit(ill)["infected"] == pytest.approx(share, rel=0.02)
    immune = system.infect(state, key, touch._replace(sign=jnp.float32(-1.0)))
    assert int((immune.health == RECOVERED).sum()) == int((ill.health == INFECTED).sum())
    assert system.limit(immune)["infected"] == pytest.approx(0, abs=1e-6)
    assert int((ill.health == SUSCEPTIBLE).sum()) < N
