"""One-step generation: the exact average velocity, and a network that learns it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, along
from engine.systems.diffusion.mean_flow import Batch, MeanFlow, inputs


SMALL = {"width": 64, "batch": 256, "n": 1000, "pace": 50}
EXACT = {"field": "exact", "pace": 0, "n": 1000, "width": 16, "batch": 32}


def state(running):
    return running._run.state


def test_one_step_of_the_exact_velocity_ends_in_the_mean_of_the_data():
    running = Simulation(MeanFlow(**EXACT)).run(1)
    left = state(running).made[0]
    assert jnp.max(jnp.std(left, axis=0)) < 1e-5  # of the spec: at t = 1 nothing is known of x
    np.testing.assert_allclose(left, np.zeros((1000, 2)), atol=1e-5)
    # One step of the average is on the data: nearly all within three widths, e^{−9/2} = 1 % not.
    seen = running.observables
    assert seen["on mode"] > 0.96
    assert seen["distance"] < 0.2  # two samples of a thousand, of unit size in eight clusters
    assert seen["flow"] > 1.3  # the data's own spread: √(4 + 2 · 0.15²)/√2 = 1.42
    # Many steps of the velocity come as near.
    assert running.set(steps=64).run(1).observables["flow"] < 0.2


def test_the_exact_average_of_a_gaussian_is_known(key):
    system = MeanFlow(**EXACT, dataset="one Gaussian")
    centres = system.arranged(key)
    z = jnp.array([[1.0, 0.4]])
    landed = system.flown(centres, z, jnp.asarray(1.0), jnp.asarray(0.0))
    # m = 2, v = ¼ along x: Φ(1) = 2 + ½, and u = (1 − 2.5)/1 = −1.5; along y, of mean 0, half.
    np.testing.assert_allclose(landed, [[2.5, 0.2]], atol=1e-3)
    np.testing.assert_allclose(z - landed, [[-1.5, 0.2]], atol=1e-3)
    part = system.flown(centres, z, jnp.asarray(1.0), jnp.asarray(0.3))
    spread = np.sqrt(0.7**2 * 0.25 + 0.3**2)  # √C_r, and C₁ = 1
    np.testing.assert_allclose(part, [[0.7 * 2 + spread, 0.4 * spread]], atol=1e-3)


def test_without_pairs_of_times_it_is_flow_matching(key):
    system = MeanFlow(**EXACT | {"batch": 64}, share=0.0)
    centres = system.arranged(key)
    network = system.training(centres).build(key)
    batch = system.drawn(key, centres)
    found = system.errors(network, centres, batch, key)
    for_times, _ = jax.random.split(key)
    t = jnp.max(jax.nn.sigmoid(jax.random.normal(for_times, (64, 2)) - 0.4), axis=1)
    z = (1 - t)[:, None] * batch.x + t[:, None] * batch.e
    u = jax.vmap(lambda z, t: network(inputs(z, t, t, jnp.zeros(0))))(z, t)
    np.testing.assert_allclose(found, jnp.sum((u - (batch.e - batch.x)) ** 2, axis=1), rtol=1e-4)


def test_the_target_is_the_identity_of_the_average(key):
    """A field that is the exact average has no error, whatever the pair of times."""
    system = MeanFlow(**EXACT | {"batch": 64}, dataset="one Gaussian", target="teacher", share=1.0)
    centres = system.arranged(key)

    def average(features):
        # The inputs hold sin and cos of (π/2) t and (π/2)(t − r) first.
        z = 2 * features[:2]
        t = jnp.arctan2(features[2], features[5]) / (jnp.pi / 2)
        r = t - jnp.arctan2(features[8], features[11]) / (jnp.pi / 2)
        c = lambda s: (1 - s) ** 2 * 0.25 + s**2  # noqa: E731
        back = (1 - r) * centres[0] + jnp.sqrt(c(r) / c(t)) * (z - (1 - t) * centres[0])
        return (z - back) / (t - r)

    x, e = jax.random.normal(key, (2, 64, 2))
    batch = Batch(x, e, jnp.zeros((64, 0)))
    error = system.errors(average, centres, batch, key)
    assert jnp.max(error) < 1e-4  # rounding, of a derivative divided by t − r
    # Nor on the teacher's trajectories, up to their Runge–Kutta steps: (1/17)⁴ = 1e-5 of u, which
    # a difference over as little as (1/17)² = 0.003 of time makes larger.
    error = system.replace(target="trajectories").errors(average, centres, batch, key)
    assert jnp.max(error) < 1e-4


@pytest.fixture(scope="module")
def learnt():
    return Simulation(MeanFlow(**SMALL), seed=0).run(24)


def test_a_small_network_learns_to_make_the_data_in_one_step(learnt):
    def at(steps):
        seen = learnt.set(pace=0, steps=steps).run(1).observables
        return seen["distance"], seen["flow"]

    one, flow = at(1)
    # Spec, after 3000 steps of a network twice as wide: 0.32, 0.088, 0.060 (this one finds 0.219,
    # 0.100, 0.073) against 1.38 and 0.055 of the velocity; here 1200 steps, so wider bands.
    assert one < 0.45
    assert flow > 0.8
    two, _ = at(2)
    four, _ = at(4)
    _, many = at(64)
    assert two < 0.3
    assert four < 0.25
    assert many < 0.25
    assert learnt.observables["residual"] < 2


def test_a_teacher_calms_the_target():
    running = Simulation(MeanFlow(**SMALL, target="teacher"), seed=0)
    taught = running.run(12).observables
    # Spec: 0.201 after 750 steps, against 0.511; without the scatter of e − x the loss goes to 0.
    assert taught["distance"] < 0.45
    assert taught["loss"] < 1
    # Its gradient is a third of that of v = e − x (spec, after 3000 steps: 0.99 and 2.90).
    alone = running.set(target="data").run(2).observables
    assert alone["gradient"] > 2 * taught["gradient"]


@pytest.mark.parametrize("seed", range(2))
def test_two_points_of_a_trajectory_teach_a_single_step(seed):
    system = MeanFlow(**SMALL, target="trajectories")
    consistent = Simulation(system, seed=seed).run(16).observables
    # This size, seeds 0 to 4: 0.29 ± 0.03, and four spreads more; 0.1 after 3000 steps of the
    # size that one looks at.
    assert consistent["distance"] < 0.4
    # The average along a trajectory does not scatter: the loss goes to 0, and is 0.39 here.
    assert consistent["loss"] < 0.8


def test_learning_ends_after_as_many_steps_as_it_was_told():
    running = Simulation(MeanFlow(**SMALL | {"pace": 7}, lessons=17), seed=0)
    assert [running.run(1).observables["trained"] for _ in range(4)] == [7, 14, 17, 17]
    still = np.asarray(state(running).made).copy()
    np.testing.assert_array_equal(state(running.run(1)).made, still)
    # What is shown follows K all the same.
    assert jnp.any(state(running.set(steps=5).run(1)).made != still)
    assert running.set(lessons=20).run(1).observables["trained"] == 20
    assert float(running.system.replace(pace=8).lasts()) == 3  # so long runs a cell of the map
    running.set(lessons=10).run(1)
    assert any("longer than T" in words for words in running.caveats)


def test_conditions_are_right_as_often_as_bayes():
    clarity = jnp.array([1.0, 2.0, 4.0, 8.0])
    system = MeanFlow(task="condition")
    found = along(system, MeanFlow.theory, clarity=clarity)["accuracy"]
    np.testing.assert_allclose(found, [0.38, 0.71, 0.99, 1.0], atol=0.01)  # of the spec


def test_one_step_suffers_from_weak_conditions():
    running = Simulation(MeanFlow(**SMALL, task="condition", clarity=8.0), seed=0).run(24)
    clear = running.observables
    weak = running.set(clarity=1.0).run(24).observables  # from the same beginning
    # Spec, after 2500 steps: on a mode 0.97 against 0.51, accuracy 1.0 against 0.22 at K = 1.
    assert clear["accuracy"] > 0.9
    assert weak["accuracy"] < 0.38 + 0.05  # Bayes; 4 √(0.24/1000) = 0.06 of sampling
    assert clear["on mode"] > weak["on mode"] + 0.1
    few = running.set(pace=0, steps=4).run(1).observables
    assert few["on mode"] > weak["on mode"] + 0.1  # a few steps hide it
