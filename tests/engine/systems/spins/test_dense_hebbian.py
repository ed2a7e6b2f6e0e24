"""Dense memories: capacity, theory, and networks that obey it."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, along
from engine.systems.spins.dense_hebbian import DenseHebbian, capacity, elementary


def test_capacities_at_zero_temperature():
    found = [capacity(p, 0.0) for p in (3, 4, 5, 6)]
    np.testing.assert_allclose(found, [0.252190, 0.197860, 0.172773, 0.157680], atol=1e-5)
    noisy = [capacity(4, rho) for rho in (0.1, 0.25, 0.5, 1.0)]
    np.testing.assert_allclose(noisy, [0.13058, 0.08883, 0.06373, 0.04892], atol=2e-5)


def of_entropy(rho, order):
    """Data of the entropy ρ: one size of examples that gives it."""
    total = 10_000
    return DenseHebbian(order=order, quality=1 / math.sqrt(1 + total * rho), examples=total)


@pytest.mark.parametrize(
    ("order", "load", "rho", "t", "known"),
    [
        ("4", 0.1, 0.0, 0.2, (0.99274, 0.98864, 0.99274)),
        ("3", 0.1, 0.0, 0.3, (0.97880, 0.96306, 0.97880)),
        ("4", 0.05, 0.2, 0.2, (0.89805, 0.89173, 0.96579)),
        ("3", 0.05, 0.5, 0.2, (0.75829, 0.82509, 0.99299)),
    ],
)
def test_the_replica_symmetric_overlaps(order, load, rho, t, known):
    m, q, n, residual = of_entropy(rho, order).solved(load, t)
    np.testing.assert_allclose([m, q, n], known, atol=2e-4)
    assert residual < 1e-5


def test_memory_is_lost_where_it_was_found_to_be():
    loads = jnp.array([0.0, 0.05, 0.1])
    lines = along(DenseHebbian(), DenseHebbian.boundaries, load=loads)
    hottest = lines["memory is lost"].at["temperature"]
    np.testing.assert_allclose(hottest, [0.49579, 0.4635, 0.4286], atol=1e-3)


def test_a_map_over_data_and_load_has_the_line_of_their_entropy():
    # The axis is the quality r of 20 examples, or their number: ρ = (1 − r²)/(M r²) follows.
    rho = np.array([0.1, 0.25, 0.5])
    system = DenseHebbian(order="4", temperature=0.1, examples=20.0)
    quality = jnp.asarray(1 / np.sqrt(1 + 20 * rho))
    lost = along(system, DenseHebbian.boundaries, quality=quality)["memory is lost"]
    # By the same equations elsewhere, averaged over u = (a + sz)/T in float64. At T = 1e-4 those
    # give the capacities above, 0.13061 and 0.06376: some heat lets more classes be recalled.
    np.testing.assert_allclose(lost.at["load"], [0.15711, 0.11986, 0.09745], rtol=0.005)


def test_the_glass_left_inside_is_that_of_p_spins():
    lines = along(DenseHebbian(), DenseHebbian.boundaries, load=jnp.array([0.1]))
    # T_K = 0.61686 √(2λ/P), and T_d likewise.
    strength = math.sqrt(2 * 0.1 / 4)
    assert float(lines["glass (T_K)"].at["temperature"][0]) == pytest.approx(
        0.61686 * strength, abs=1e-4
    )
    assert float(lines["clusters (T_d)"].at["temperature"][0]) == pytest.approx(
        0.67841 * strength, abs=1e-4
    )


def test_power_sums_give_elementary_polynomials():
    x = np.array([0.3, -1.2, 0.7, 2.0, -0.4, 1.1])
    for order in (2, 3, 5):
        sums = [jnp.asarray([np.sum(x**k)], jnp.float32) for k in range(1, order + 1)]
        exact = sum(math.prod(c) for c in itertools.combinations(x, order))
        assert elementary(sums)[0] == pytest.approx(exact, rel=1e-4)


def test_the_field_is_what_turning_a_neuron_costs(key):
    # P = 4 with 48 neurons and one class: H by its definition.
    system = DenseHebbian(order="4", n=48, load=0.0, quality=0.6, examples=20.0)
    state = system.init(key)
    x = np.asarray(state.mean[:, 0], float)

    def energy(spin):
        e = np.zeros(5)
        e[0] = 1
        for value in x * spin:
            e[1:] += value * e[:-1].copy()
        return -float(system.scale()) * e[4]

    up, down = np.ones(48), np.ones(48)
    down[7] = -1
    others = [np.sum(x**k) - x[7] ** k for k in range(1, 4)]
    h = (
        float(system.scale())
        * x[7]
        * float(elementary([jnp.asarray([s], jnp.float32) for s in others])[0])
    )
    assert energy(down) - energy(up) == pytest.approx(2 * h, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "overlap", "spread"),
    [
        ({"order": "3", "n": 256, "load": 0.1, "temperature": 0.3}, 0.980, 0.015),
        ({"order": "4", "n": 64, "load": 0.1, "temperature": 0.2}, 0.990, 0.012),
        ({"order": "3", "n": 128, "load": 0.0, "noise": 28.6, "temperature": 0.3}, 0.978, 0.012),
    ],
)
def test_networks_recall_as_theory_says(values, overlap, spread):
    # One draw of the patterns: √((q − m²)/N) = 0.005, which the network's own response doubles.
    running = Simulation(DenseHebbian(quality=1.0, **values), seed=1).run(10)
    assert running.measure(40).estimates["overlap"].mean == pytest.approx(overlap, abs=spread)


def test_a_network_learns_from_examples():
    # ρ = 0.525: the spec's run has m = 0.774 ± 0.03, n = 1.03 ± 0.04.
    system = DenseHebbian(order="3", n=256, load=0.05, temperature=0.2, quality=0.4, examples=10.0)
    assert float(system.entropy()) == pytest.approx(0.525)
    running = Simulation(system, seed=2).run(20)
    means = running.measure(40).estimates
    assert means["overlap"].mean == pytest.approx(0.774, abs=0.06)
    assert means["class overlap"].mean == pytest.approx(1.03, abs=0.06)


def test_examples_have_the_spread_that_their_entropy_says():
    state = DenseHebbian(quality=0.5, examples=20.0).init(jax.random.key(0))
    system = DenseHebbian(quality=0.5, examples=20.0)
    spread = float(jnp.mean(state.mean**2))
    assert spread == pytest.approx(1 + float(system.entropy()), rel=0.01)


def test_storage_and_detection_are_bounded_together():
    # (P − 1)! (N^b + N^{2δ}) = λ_c N^{P−1}, which is max(b, 2δ) = P − 1 as N grows.
    system = DenseHebbian(order="3", n=128, load=0.0, noise=28.6)
    _, corner, line, here = system._powers()
    both = 128**line.x + 128**line.y
    there = np.isfinite(both)
    assert there.sum() > 20
    np.testing.assert_allclose(2 * both[there] / 128**2, 0.252190, rtol=1e-3)  # float32 powers
    np.testing.assert_allclose(corner.x[:2], 2)
    # A pattern in 28.6 times its own noise: K = 1 and λ = 0.1, within the line.
    assert here.x[0] == 0
    assert here.y[0] == pytest.approx(2 * np.log(28.6) / np.log(128))
    assert here.y[0] < np.nanmax(line.y)
