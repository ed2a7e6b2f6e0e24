"""Interpolants: one law whatever the noise, and what moves it is exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation, begin
from engine.core.system import Touch
from engine.numerics.interpolants import density, field
from engine.systems.diffusion.stochastic_interpolant import StochasticInterpolant


LINE = {"scene": "on a line", "n": 20_000, "steps": 400, "flow": "once"}


def state(running):
    return running._run.state


@pytest.fixture(scope="module")
def line():
    return Simulation(StochasticInterpolant(**LINE), seed=1)


# The spec's path lengths: of a flow 1.81, 1.49 and 1.40, else about √(4εK/π).
@pytest.mark.parametrize(
    ("latent", "diffusion", "length"),
    [(0.0, 0.0, 1.81), (1.0, 0.0, 1.49), (2.0, 0.0, 1.40), (1.0, 0.5, 16.0), (1.0, 2.0, 32.0)],
)
def test_every_noise_arrives_at_the_same_density(line, latent, diffusion, length):
    running = line.set(latent=latent, diffusion=diffusion).restart().run(400)
    x = np.asarray(state(running).x[:, 0])
    assert running.done
    # The spec's tolerances; the variance of 20 000 points of kurtosis 2.9 is itself within 0.13
    # at four standard errors, a share of a half within 0.014.
    assert running.observables["variance"] == pytest.approx(4.6, abs=0.12)
    weights = [np.mean(x < -1.5), np.mean(np.abs(x) < 1.5), np.mean(x > 1.5)]
    np.testing.assert_allclose(weights, [0.25, 0.5, 0.25], atol=0.014)
    assert running.observables["length"] == pytest.approx(length, rel=0.03)


def test_on_the_way_the_moments_are_those_of_the_law(line):
    running = line.set(latent=2.0, diffusion=1.0).restart().run(150)
    for name in ("mean", "variance"):
        # Four standard errors of 20 000 points, and the step.
        assert running.observables[name] == pytest.approx(running.limit[name], abs=0.12)


@pytest.mark.parametrize(("latent", "energy"), [(0.0, 2 - np.pi / 2), (1.0, 0.0931), (2.0, 0.0)])
def test_a_gaussian_led_to_itself_takes_the_energy_of_the_specification(latent, energy):
    system = StochasticInterpolant(
        scene="one to itself", n=4000, latent=latent, diffusion=0.0, flow="once"
    )
    running = Simulation(system, seed=1).run(200)
    assert running.limit["energy"] == pytest.approx(energy, abs=1e-3)
    # Of 4000 points: ⟨x²⟩ is within 4 √(2/4000) = 9 %.
    assert running.observables["energy"] == pytest.approx(energy, rel=0.09, abs=1e-5)


@pytest.mark.parametrize("path", ["linear", "trigonometric", "one-sided"])
def test_velocity_and_score_obey_the_continuity_equation(path):
    system = StochasticInterpolant(scene="on a line", path=path, n=100)
    now = begin(system, jax.random.key(0)).state
    x = jnp.linspace(-4, 4, 201)[:, None]

    @jax.jit
    def residual(t):
        law = system.law(now, t)

        def flux(x):
            return density(x[None], law)[0] * field(x[None], law).velocity[0, 0]

        change = jax.jvp(lambda t: density(x, system.law(now, t)), (t,), (jnp.float32(1),))[1]
        slope = jax.vmap(jax.grad(flux))(x)[:, 0]
        score = jax.vmap(jax.grad(lambda x: jnp.log(density(x[None], law)[0])))(x)
        wrong = density(x, law)[:, None] * (field(x, law).score(x) - score)
        return jnp.abs(change + slope).max(), jnp.abs(wrong).max()

    for t in (0.2, 0.5, 0.8):
        unbalanced, wrong = residual(jnp.float32(t))
        assert unbalanced < 1e-3
        assert wrong < 1e-3


def test_noise_alone_diffuses_as_two_epsilon_t(key):
    """Without a drift or a score to speak of: a Gaussian far wider than the noise of a step."""
    system = StochasticInterpolant(scene="one to itself", n=20_000, diffusion=0.5, latent=2.0)
    now = begin(system, key).state  # γ² = 2t(1 − t) keeps every Gaussian as it is: b = 0
    step = jax.jit(lambda key: system.step(now, key).x)
    difference = (step(jax.random.key(1)) - step(jax.random.key(2))) / jnp.sqrt(2)
    # 2εΔt = 1/200, less Δt of it; four standard errors of 20 000 are 4 %.
    assert jnp.var(difference) == pytest.approx(1 / 200, rel=0.045)


def test_an_error_of_the_drift_strays_and_noise_bounds_it(line):
    running = line.set(latent=1.0, drift_error=0.7, diffusion=0.0).restart().run(400)
    flow, said = running.observables, running.caveats
    noisy = running.set(diffusion=2.0).restart().run(400).observables
    running.set(drift_error=0.0)
    assert noisy["distance"] < flow["distance"] / 2
    # (1/4ε) ∫ η² ⟨sin²⟩ dt ≤ 0.49/8
    assert 0 < noisy["bound"] < 0.49 / 8
    assert any("no bound" in words for words in said)


def test_a_swarm_sets_out_again_and_stays_where_it_is_told_to():
    running = Simulation(StochasticInterpolant(n=100, steps=10)).run(10 + 60)
    assert running.observables["time"] == 1
    assert running.run(2).observables["time"] < 0.2


def test_a_mode_that_is_dragged_is_where_the_swarm_arrives():
    running = Simulation(StochasticInterpolant(n=2000, steps=100, flow="once"), seed=1)
    hand = jnp.array([2.8, 2.0])
    running.poke("drag_mode", Touch(hand, 0 * hand, jnp.float32(1), jnp.float32(1))).run(100)
    apart = jnp.linalg.norm(state(running).x - hand, axis=1)
    # A quarter of the particles, within four standard errors: 0.04.
    assert jnp.mean(apart < 1.3) == pytest.approx(0.25, abs=0.045)
