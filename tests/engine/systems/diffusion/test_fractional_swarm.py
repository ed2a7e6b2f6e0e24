"""Fractional noise: how far it strays, and H read back from the paths."""

import numpy as np
import pytest

from engine.core import simulation
from engine.core.simulation import Simulation
from engine.systems.diffusion.fractional_swarm import FractionalSwarm


ONCE = {"flow": "once", "n": 4000}


def ended(hurst, seed=0, **values):
    return Simulation(FractionalSwarm(**ONCE, hurst=hurst, **values), seed=seed).run(1000)


@pytest.mark.parametrize("hurst", [0.2, 0.3, 0.5, 0.7, 0.9])
def test_the_swarm_strays_by_its_power_law_and_h_is_read_back(hurst):
    running = ended(hurst)
    assert running.done
    seen = running.observables
    # Spec: 0.216, 0.305, 0.503, 0.707, 0.909, to 0.02.
    expected = {0.2: 0.216, 0.3: 0.305, 0.5: 0.503, 0.7: 0.707, 0.9: 0.909}[hurst]
    assert seen["slope"] == pytest.approx(expected, abs=0.02)
    # 8000 squares: 4 √(2/8000) = 6 %, and what K relaxations miss, 1 % from H = 0.2 on.
    assert seen["spread"] == pytest.approx(running.limit["spread"], rel=0.075)
    # Spec: 0.285 to 0.844 for 0.3 to 0.85, to 0.03; its paths, 32 of 50 observations, scatter so.
    assert seen["estimate"] == pytest.approx(hurst, abs=0.03)
    # 32 · 42/8 of the longest steps are independent: √(2/168) / (2 ln 8) = 0.026, four times it.
    assert seen["roughness"] == pytest.approx(
        running.system.theory()["roughness"].item(), abs=0.105
    )
    assert running.system.theory()["roughness"] == pytest.approx(hurst, abs=0.075)  # K relaxations
    # 32 · 48 pairs of increments, correlated over a few: 4 · 1.5 / √1536 = 0.15.
    assert seen["memory"] == pytest.approx(running.system.theory()["memory"].item(), abs=0.15)


def test_the_noise_of_a_step_has_the_variance_of_its_weights():
    """Without a memory to start from: dB̂ = Σ ω_k e^{−γ_k dt/2} dW."""
    from engine.numerics.fractional import rates, weights

    running = Simulation(FractionalSwarm(**ONCE, hurst=0.3)).run(1)
    kick = np.asarray(running._run.state.position)
    exact = np.sum(weights(0.3, 5) * np.exp(-rates(5) * 0.001)) ** 2 * 0.002
    assert kick.var() == pytest.approx(exact, rel=4 * np.sqrt(2 / 8000))


def test_in_a_harmonic_trap_the_spread_is_that_of_the_relaxations():
    running = ended(0.3, force="harmonic", stiffness=8.0)
    # 6 % of 8000 squares, and a step of Euler that is 8 · 0.002 / 2 = 1 % short.
    assert running.observables["spread"] == pytest.approx(running.limit["spread"], rel=0.075)
    assert np.isnan(running.system.theory()["slope"])
    # The noise is read, not the position: the trap hides nothing.
    assert running.observables["estimate"] == pytest.approx(0.3, abs=0.03)


def test_the_hurst_index_is_a_dial_and_a_moved_one_is_said():
    running = Simulation(FractionalSwarm(n=100, dt=0.005)).run(100)
    compiled = simulation.advance._cache_size()
    running.set(hurst=0.2).run(100)
    assert simulation.advance._cache_size() == compiled
    assert any("moved on the way" in words for words in running.caveats)
    assert np.isnan(running.limit["spread"])


def test_it_begins_anew_after_a_pause():
    system = FractionalSwarm(n=100, dt=0.005)
    running = Simulation(system).run(200)
    assert running.observables["time"] == pytest.approx(1)
    running.run(151)
    assert running.observables["time"] == 0
    assert running.run(5).observables["time"] == pytest.approx(0.025)


def test_a_step_too_long_cannot_throw_a_particle_out_of_its_well():
    running = ended(0.05, force="double well", stiffness=10.0, sigma=2.0, dt=0.005)
    assert np.abs(running._run.state.position).max() < 20


@pytest.mark.parametrize("power", [0.5, 2.0, 6.0])
def test_roughness_does_not_depend_on_the_power_that_reads_it(power):
    system = FractionalSwarm(hurst=0.3, power=power)
    assert system.theory()["roughness"] == pytest.approx(0.331, abs=0.003)


def test_roughness_is_read_from_what_was_seen_so_far_and_is_never_no_number():
    running = Simulation(FractionalSwarm(n=100, dt=0.005))
    silent = []
    for _ in range(5):  # 2 of 50 times in each
        assert np.isfinite(running.run(8).observables["roughness"])
        silent.append(int(np.isnan(running.frame["variation"][1].y).sum()))
    assert silent == [4, 2, 1, 1, 0]  # of the steps over 1, 2, 3, 5 and 8 times
