"""Two gases: rates of the moments, what collisions keep, and the order of the epochs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.layers import Curve
from engine.core.simulation import Simulation, advance, begin, record
from engine.systems.swarms.epochal_relaxation import EpochalRelaxation, moments, told


def decay(system, *, steps, seeds):
    """The rate at which the temperatures meet, by least squares from the start to 1/e of it."""

    def seen(one):
        return one.observables["gap"], one.observables["time"]

    runs = [Simulation(system, seed=seed) for seed in range(seeds)]
    rows = [[seen(one) for one in runs]]
    for _ in range(20):
        rows.append([seen(one.run(steps // 20)) for one in runs])
    gap, time = np.mean(rows, axis=1).T
    fallen = np.log(gap / gap[0])
    early = np.arange(len(time)) < np.argmax(fallen < -1)
    return -np.sum(fallen[early] * time[early]) / np.sum(time[early] ** 2)


@pytest.mark.parametrize(
    ("mass", "rate", "steps", "seeds"),
    [(1, 1.0, 80, 30), (10, 0.3306, 200, 15), (100, 0.03921, 1440, 5)],
)
def test_temperatures_meet_at_the_exact_rate(mass, rate, steps, seeds):
    system = EpochalRelaxation(ratio=mass**-0.5, pace=0.02, n=1024)
    assert rate == pytest.approx(4 * mass / (1 + mass) ** 2, rel=1e-3)
    # 5 %: steps of 0.02 between collisions miss up to 1 % of them; chance adds √(2/3N) of both
    # temperatures at an e-folding, 8 % of what is left of the difference, over √seeds. The
    # heavier the other gas, the less of that chance has come about by then.
    assert decay(system, steps=steps, seeds=seeds) == pytest.approx(rate, rel=0.05)


def test_one_gas_alone_loses_half_its_beams_for_each_collision_of_a_molecule():
    # Two such gases, which do not meet each other, late enough for the longest steps.
    alone = EpochalRelaxation(cross_rate=0.0, ratio=1.0, pace=0.2, hot=1.0, cold=1.0, n=32_768)
    met = 1 - np.exp(-0.2)  # share that collides in a step, so that the rate is ν/2
    kept = []
    for seed in range(10):
        key = jax.random.key(seed)
        run = begin(alone, key)
        before = told(moments(run.state.light, run.state.heavy))[2:]
        run = run._replace(state=run.state._replace(time=jnp.float32(100)))
        after = advance(alone, run, key, 10).state
        kept.append(told(moments(after.light, after.heavy))[2:] / before)
    lost = 1 - np.mean(kept) ** 0.1
    # 2 %: what is left, 0.39 × 1.2 T, is known to √(6/N) T in each of 20 gases: 0.7 % of lost.
    assert lost / met == pytest.approx(0.5, rel=0.02)


def test_rates_of_the_epochs_are_those_of_the_specification():
    light, heavy, meeting = EpochalRelaxation(ratio=0.1).speeds()
    assert light == pytest.approx(1.50, abs=0.001)
    assert meeting == pytest.approx(0.0392, abs=1e-4)
    _, alone, _ = EpochalRelaxation(ratio=0.1, cross_rate=0.0).speeds()
    assert alone == pytest.approx(0.05, abs=1e-6)
    assert heavy > alone


def test_the_moments_follow_their_exact_equation_through_all_epochs():
    runs = [Simulation(EpochalRelaxation(ratio=0.2, n=1024), seed=seed) for seed in range(4)]
    for _ in range(6):
        for name in ("light", "heavy", "light beam", "heavy beam"):
            apart = [one.run(0).observables[name] - one.limit[name] for one in runs]
            # Four standard errors of a mean of squares: √(2/N) T, and twice that for a difference.
            assert abs(np.mean(apart)) < 8 * np.sqrt(2 / 4096) * 1.5
        for one in runs:
            one.run(100)
    assert abs(runs[0].limit["gap"]) < 0.05


@pytest.mark.parametrize("ratio", [0.7, 0.1])
def test_collisions_keep_energy_and_momentum(ratio):
    system = EpochalRelaxation(ratio=ratio, pace=0.5, n=64, heavy_rate=1 / ratio)
    key = jax.random.key(4)
    start = begin(system, key)
    # 0.39 of each pair at a step, one with itself and one with the other gas: 10⁴ collisions.
    run, _ = record(system, start, key, steps=13_000, every=13_000)
    energy = [float(jnp.sum(r.state.light**2) + jnp.sum(r.state.heavy**2)) for r in (start, run)]
    # 1e-5, of the specification: what float32 rounds by chance in 10⁴ collisions leaves 2e-6.
    assert energy[1] == pytest.approx(energy[0], rel=1e-5)
    for r in (start, run):
        momentum = jnp.sum(r.state.light, axis=0) + jnp.sum(r.state.heavy, axis=0) / ratio
        scale = jnp.sum(jnp.abs(r.state.light)) + jnp.sum(jnp.abs(r.state.heavy)) / ratio
        np.testing.assert_allclose(momentum / scale, 0, atol=1e-5)


def test_it_ends_in_maxwellians_of_the_mean_temperature():
    running = Simulation(EpochalRelaxation(ratio=0.5, n=1024), seed=2).run(300)
    seen, predicted = running.observables, running.theory()
    # T = (T_L + T_H)/2, which the start, drawn by chance, has within √(2/3N) T_L/2 = 2 %.
    assert predicted["light"] == 1.25
    assert seen["energy"] / 3 == pytest.approx(1.25, rel=0.06)
    for name in ("light", "heavy"):
        # Four standard errors of a temperature that shares what there is of energy: √(1/3N) T.
        assert seen[name] == pytest.approx(seen["energy"] / 3, abs=4 * 1.25 / np.sqrt(3 * 1024))
    for name in ("light shape", "heavy shape"):
        assert abs(seen[name]) < 4 * np.sqrt(24 / 1024)
    for name in ("light lack", "heavy lack"):
        # Chance, bins/2N = 0.016, and the width of a bin: 1/24 of its square, 0.003. Two beams
        # lack 0.3.
        assert seen[name] < 0.035


def test_shape_goes_before_temperature():
    running = Simulation(EpochalRelaxation(ratio=0.05, n=1024), seed=3)
    running.run(150)
    assert 5 < running.observables["time"] < 15
    seen = running.observables
    assert abs(seen["light shape"]) < 0.15  # the light gas is Maxwellian
    assert seen["heavy shape"] < -0.5  # the heavy one is still two beams: −1.28 at first
    assert seen["gap"] > 1.3  # and the temperatures have hardly moved
    course = running.frame["temperatures"][3]
    assert isinstance(course, Curve)
    assert not np.isnan(course.y[:80]).any()  # no gaps on the logarithmic axis
