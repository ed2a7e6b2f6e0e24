"""Mean-field Langevin: clouds settle to the minimiser, and momentum hurries them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, begin, record
from engine.systems.swarms.mean_field_langevin import MeanFieldLangevin


EXACT = {"functional": "quadratic", "temperature": 1.0, "pull": 2.0, "friction": 2.0}


def test_the_quadratic_cloud_settles_to_its_gaussian():
    system = MeanFieldLangevin(**EXACT, dt=0.05, n=50)
    keys = jax.random.split(jax.random.key(2), 8)

    def observed(key):
        run, _ = record(system, begin(system, key), key, steps=400, every=400)
        _, seen = record(system, run, key, steps=8000)
        return seen["centre"], seen["spread"]

    centre, spread = jax.jit(lambda keys: jax.lax.map(observed, keys))(keys)
    # In time 3200 the mean, of variance 1/150, forgets itself within 1: 2000 values.
    assert jnp.mean(centre) == pytest.approx(2.0, abs=0.02)  # 1 %
    predicted = system.theory()
    # Within the cloud (N − 1)/N of the variance that held slopes leave: 0.98 · 1.0127 = 0.9924.
    assert jnp.mean(spread) == pytest.approx(0.98, rel=0.02)
    assert jnp.mean(spread) == pytest.approx(49 / 50 * predicted["spread"].item(), rel=0.01)
    # The mean lies in a well N (1 + a) times as deep. 10 %: √(2/2000) = 3 %, three times.
    assert jnp.var(centre) == pytest.approx(1 / (50 * 3), rel=0.1)


def test_theory_of_the_quadratic_is_that_of_the_specification():
    predicted = MeanFieldLangevin(**EXACT, dt=0.05).theory()
    assert predicted["centre"] == pytest.approx(2.0, abs=1e-6)
    assert predicted["spread"] == pytest.approx(1.01266, abs=1e-5)
    small = MeanFieldLangevin(**EXACT, dt=0.001).theory()
    # F(μ*) = ½ (m² + 2T) + (a/2)(m − c)² = 2 + 1 + 1.
    assert small["objective"] == pytest.approx(4.0, abs=2e-3)
    assert small["bare"] == pytest.approx(4.0, abs=2e-3)
    assert np.isnan(MeanFieldLangevin(**EXACT, dt=0.8).theory()["bare"])  # h (1 + a) > 2
    assert MeanFieldLangevin().theory() == {}


@pytest.mark.parametrize("functional", ["MMD", "network", "Stein"])
def test_both_clouds_settle_to_the_density_of_theory(functional):
    # The step of Stein's functional, which is steep far out, is short.
    step = {"MMD": 0.3, "network": 0.3, "Stein": 0.1}[functional]
    system = MeanFieldLangevin(functional=functional, n=256, dt=step, temperature=0.03)
    running = Simulation(system.replace(friction=1.0)).run(600)
    _, ideal, bare, momentum = running.frame["objective"]
    there = ideal.y[0]
    late = [np.nanmean(curve.y[100:]) for curve in (bare, momentum)]
    # Above F(μ*) by the 1/N of a point with itself and by the bias of the step, here some per cent.
    np.testing.assert_allclose(late, there, rtol=0.12)
    assert running.observables["gap"] < 0.25  # one cloud of 256, some 3 wide; the softest way sways
    assert not any(running.caveats)


def test_momentum_is_faster_where_the_functional_is_flat():
    running = Simulation(MeanFieldLangevin(n=256, dt=0.2, friction=0.6)).run(70)
    seen = running.observables
    settled = 0.0975  # F(μ*) of these clusters and 1/N of a point with itself
    # Of what is still to go, a third of what is left without momentum: 0.32 with this seed.
    assert seen["objective"] - settled < 0.6 * (seen["bare"] - settled)
    # With much friction it crawls.
    slow = running.restart(0).set(friction=20.0).run(70).observables
    assert slow["objective"] > slow["bare"]


def test_a_race_begins_anew_towards_the_same_target():
    running = Simulation(MeanFieldLangevin(n=256)).run(20)
    before = running._run.state
    after = running.poke("race")._run.state
    np.testing.assert_array_equal(before.target, after.target)
    np.testing.assert_array_equal(after.position[0], after.position[1])
    assert after.course[0].filled == 0
