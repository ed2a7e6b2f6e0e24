"""Kuramoto: the transition is where, and as steep as, theory says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_banded
from scipy.special import ive
from scipy.stats import cauchy, norm

from engine.core.measurement import Measurement
from engine.core.simulation import Simulation, along, begin, record, sweep
from engine.systems.swarms.kuramoto import Kuramoto, order_parameter


LAWS = ("Lorentzian", "Gaussian", "uniform", "identical")
theory = jax.jit(Kuramoto.theory)
onset = jax.jit(Kuramoto.onset)


def settled(system, couplings, *, time=150, seeds=2):
    """The order averaged over the second half of `time`, for each coupling."""
    steps = round(time / system.dt / 2)
    coupling = jnp.array(couplings)
    order = sweep(system, coupling=coupling, seeds=seeds, settle=steps, measure=steps)["order"]
    return np.asarray(order.mean(axis=1))


# The five checks of the specification. r of 2000 oscillators fluctuates by about 0.01 in time and
# forgets itself within 1/|K − K_c| of about 1 or 2; the average over 75 keeps 0.002 of it.


def test_lorentzian_frequencies_settle_to_the_closed_form():
    order = settled(Kuramoto(n=2000, width=0.5), [1.5, 2.0, 3.0])
    np.testing.assert_allclose(order, [0.5774, 0.7071, 0.8165], atol=0.01)


def test_gaussian_frequencies_settle_to_their_theory():
    order = settled(Kuramoto(n=2000, width=1.0, law="Gaussian"), [1.8, 2.0, 3.0, 1.3])
    np.testing.assert_allclose(order[:3], [0.5629, 0.7152, 0.9252], atol=0.01)
    assert order[3] < 0.08  # no order: chance leaves N^{-1/2} = 0.022, near the onset more


def test_noise_lowers_the_order_as_much_as_theory_says():
    same = settled(Kuramoto(n=2000, law="identical", noise=0.5), [2.0], seeds=1)
    assert same == pytest.approx(0.8315, abs=0.01)
    mixed = settled(Kuramoto(n=2000, width=0.5, noise=0.5, dt=0.01), [3.0], seeds=1)
    assert mixed == pytest.approx(0.651, abs=0.01)


@pytest.mark.parametrize(
    ("coupling", "width", "noise", "order"),
    [
        (2.4, 0.5, 0.5, 0.47954),
        (3, 0.25, 0.75, 0.68796),
        (2, 0.5, 0, 0.70711),
        (2, 0, 0.5, 0.83146),
    ],
)
def test_the_continued_fraction_has_the_known_values(coupling, width, noise, order):
    system = Kuramoto(coupling=coupling, width=width, noise=noise)
    assert theory(system)["order"] == pytest.approx(order, abs=1e-5)  # the digits given


def test_free_phases_have_the_order_of_chance():
    free = Kuramoto(n=2000, width=0.5, sampling="random")
    # r is forgotten within 1/γ = 2: 150 independent values, each ± 52 %, leave 4 %.
    order = settled(free, [0.0], seeds=4)
    assert order == pytest.approx(np.sqrt(np.pi / (4 * 2000)), rel=0.15)


# Theory, beyond the specification.


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_measured_average_meets_theory_within_its_error(law, noise):
    system, key = Kuramoto(coupling=3.0, width=0.5, noise=noise, law=law), jax.random.key(1)
    run, _ = record(system, begin(system, key), key, steps=2000, every=2000)
    _, series = record(system, run, key, steps=4000)
    measurement = Measurement()
    measurement.add({"order": np.asarray(series["order"])})
    measured = measurement.estimates["order"]
    error = np.nan_to_num(measured.error)  # all locked: nothing moves
    # Four standard errors; finite N and the finite step add less than 1e-3.
    assert measured.mean == pytest.approx(theory(system)["order"].item(), abs=4 * error + 1e-3)


def stationary(frequency, noise, h, modes=300):
    """⟨cos θ⟩ of one oscillator: its Fokker–Planck equation in Fourier space, by elimination."""
    m = np.arange(1, modes + 1)
    bands = np.array([np.full(modes, h), m * noise - 1j * frequency, np.full(modes, -h)])
    return solve_banded((1, 1), bands, np.r_[h, np.zeros(modes - 1)])[0].real


@pytest.mark.parametrize(("law", "reach"), [("Gaussian", 6.0), ("uniform", 1.0)])
@pytest.mark.parametrize("noise", [0.02, 0.4])
def test_theory_in_noise_averages_the_fokker_planck_equation(law, reach, noise):
    system = Kuramoto(coupling=2.5, width=0.8, noise=noise, law=law)
    order = theory(system)["order"].item()
    omega, step = np.linspace(0, 0.8 * reach, 401, retstep=True)
    density = norm.pdf(omega, scale=0.8) if law == "Gaussian" else np.full(401, 1 / 1.6)
    each = np.array([stationary(w, noise, 2.5 * order / 2) for w in omega])
    weight = np.r_[0.5, np.ones(399), 0.5] * step
    # Trapezoids of 401 points meet quadrature in float32 to 2e-4 where noise blurs the edge least.
    assert 2 * np.sum(weight * density * each) == pytest.approx(order, abs=3e-4)


def test_theory_of_identical_oscillators_is_the_bessel_ratio():
    r = theory(Kuramoto(coupling=2.0, width=0.0, noise=0.5))["order"].item()
    x = 2.0 * r / 0.5
    assert r == pytest.approx(ive(1, x) / ive(0, x), abs=1e-6)


@pytest.mark.parametrize("law", LAWS)
def test_vanishing_noise_leaves_the_noiseless_theory(law):
    still = Kuramoto(coupling=3.0, width=0.9, noise=0.0, law=law)
    # To first order noise lowers r by some D/K: 3e-5; quadrature and depth err by 1e-4 at most.
    blurred = theory(still.replace(noise=1e-4))["order"].item()
    assert blurred == pytest.approx(theory(still)["order"].item(), abs=2e-4)


@pytest.mark.parametrize("law", LAWS)
def test_theory_orders_above_the_critical_coupling_and_not_below(law):
    @settings(deadline=None, max_examples=40)
    @given(width=st.floats(0.01, 2), noise=st.floats(0.01, 2), excess=st.floats(0.05, 3))
    def holds(width, noise, excess):
        system = Kuramoto(width=width, noise=noise, law=law)
        threshold = onset(system).item()
        assert theory(system.replace(coupling=threshold / (1 + excess)))["order"] < 1e-3
        assert theory(system.replace(coupling=threshold * (1 + excess)))["order"] > 0.1

    holds()


def test_uniform_frequencies_jump_to_a_quarter_of_pi():
    system = Kuramoto(width=1.0, law="uniform")
    lines = system.boundaries()
    jump = lines["jump"].at["coupling"].item()
    assert lines["jump"].kind == "first order"
    assert np.isnan(lines["onset"].at["coupling"])
    assert jump == pytest.approx(4 / np.pi, rel=1e-6)
    assert theory(system.replace(coupling=jump * 0.999))["order"] == 0
    # Above, r grows as the 2/3rd power of the excess: at 1e-4 by 0.003.
    above = theory(system.replace(coupling=jump * (1 + 1e-4)))["order"]
    assert above == pytest.approx(np.pi / 4, abs=0.005)
    assert np.isnan(system.replace(noise=0.1).boundaries()["jump"].at["coupling"])


def test_a_lag_weakens_the_pull_as_theory_says():
    system = Kuramoto(n=2000, width=0.5, lag=0.8)
    order = settled(system, [3.0])
    closed = np.sqrt(1 - 2 * 0.5 / (3 * np.cos(0.8)))
    assert theory(system.replace(coupling=3.0))["order"] == pytest.approx(closed, abs=1e-6)
    assert order == pytest.approx(closed, abs=0.01)  # fluctuations, as above


def test_theory_is_silent_where_it_is_not_known():
    assert np.isnan(theory(Kuramoto(lag=0.5, noise=0.5))["order"])
    assert np.isnan(theory(Kuramoto(lag=0.5, law="Gaussian"))["order"])
    assert np.isnan(theory(Kuramoto(coupling=0.0, law="identical"))["order"])
    assert theory(Kuramoto(coupling=-1.0, law="Gaussian", noise=0.1))["order"] == 0


def test_branches_swap_stability_at_the_onset():
    above, below = Kuramoto(coupling=2.0).branches(), Kuramoto(coupling=0.5).branches()
    assert above["synchronised"].stable
    assert not above["incoherent"].stable
    assert below["incoherent"].stable
    assert np.isnan(below["synchronised"].values["order"])


def test_the_transient_follows_the_equation_of_ott_and_antonsen():
    start = Kuramoto(coupling=2.0, width=0.5, coherence=0.2, n=100_000)
    running = Simulation(start)
    assert running.observables["order"] == pytest.approx(0.2, abs=4 / np.sqrt(2 * 100_000))
    for _ in range(6):
        running.run(100)  # 2 in time; growth doubles the 0.003 of chance within about 2
        assert running.observables["order"] == pytest.approx(running.limit["order"], abs=0.02)
    r, t = running.limit["order"], 12.0
    logistic = 0.5 / (1 + (0.5 / 0.2**2 - 1) * np.exp(-2 * 0.5 * t))  # r² for K/2 − γ = γ = ½
    # The start differs from 0.2 by chance, 0.002, which the end forgets.
    assert r**2 == pytest.approx(logistic, abs=1e-3)
    assert np.isnan(running.set(noise=0.5).limit["order"])


# The step.


def test_free_phases_diffuse():
    free = Kuramoto(coupling=0.0, width=0.0, noise=0.5, dt=0.05, coherence=1.0, n=20_000)
    order = Simulation(free).run(20).observables["order"]  # to t = 1
    assert order == pytest.approx(np.exp(-0.5 * 1.0), abs=4 / np.sqrt(20_000))


def test_a_long_step_costs_no_bias():
    system = Kuramoto(n=4000, law="identical", noise=0.5, dt=0.05)
    # Euler's method settles to 0.824 here; chance leaves 0.0005.
    assert settled(system, [2.0], seeds=4) == pytest.approx(0.8315, abs=0.003)


@pytest.mark.parametrize("law", LAWS[:3])
@pytest.mark.parametrize("sampling", ["quantiles", "random"])
def test_frequencies_follow_their_law(law, sampling, key):
    detuning = np.sort(Kuramoto(law=law, sampling=sampling, n=2000).init(key).detuning)
    cdf = {"Lorentzian": cauchy.cdf, "Gaussian": norm.cdf, "uniform": lambda x: (x + 1) / 2}[law]
    # Quantiles in float32, or the 1e-4 level of Kolmogorov and Smirnov.
    most = 1e-5 if sampling == "quantiles" else 2.2 / np.sqrt(2000)
    np.testing.assert_allclose(cdf(detuning), (np.arange(2000) + 0.5) / 2000, atol=most)


def test_phases_stay_on_the_circle():
    points = Simulation(Kuramoto(noise=1.0, n=1000)).run(50)
    phase = points.frame["circle"][1].colours["phase"].value
    assert np.all((phase >= 0) & (phase <= 2 * np.pi))  # 2π itself, where float32 rounds up


def test_evenly_spread_phases_have_no_order():
    assert abs(order_parameter(2 * jnp.pi * jnp.arange(7) / 7)) < 1e-6


def test_the_susceptibility_of_free_phases_is_that_of_a_random_walk():
    free = Kuramoto(coupling=0.0, width=1.0, n=1000, dt=0.1)
    chi = sweep(free, coupling=jnp.array([0.0]), seeds=4, settle=100, measure=4000)[
        "susceptibility"
    ]
    # N Var r = 1 − π/4 for r of Rayleigh's law; 1600 values know a variance to 5 %.
    assert jnp.mean(chi) == pytest.approx(1 - np.pi / 4, rel=0.2)


# The views.


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_histogram_of_phases_lies_on_its_density(law, noise):
    system = Kuramoto(coupling=2.0, width=0.7, noise=noise, law=law, n=40_000)
    _, bars, curve = Simulation(system).run(2000).frame["phases"]
    if law == "identical" and noise == 0:
        assert np.isnan(curve.y).all()  # all in one place: a density without a height
        return
    middle = (bars.edges[1:] + bars.edges[:-1]) / 2
    expected = np.interp(middle, curve.x, curve.y)
    # A bin holds 0.1 × density × N: chance is √(density / 4200), and 0.02 allows for the width of
    # a bin where the density is steep.
    chance = np.sqrt(np.maximum(expected, 0.01) / 4200)
    steep = (np.abs(np.gradient(expected)) > 0.15) | (np.abs(np.gradient(bars.height)) > 0.15)
    assert np.all((np.abs(bars.height - expected) < 5 * chance + 0.02) | steep)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(1, abs=0.03)


def test_locked_oscillators_stand_still_and_others_drift_as_predicted():
    system = Kuramoto(coupling=2.0, width=1.0, law="Gaussian", n=100_000)
    _, predicted, measured = Simulation(system).run(3000).frame["speeds"]
    expected = np.interp(measured.x, predicted.x, predicted.y)
    held = np.abs(measured.x) < 1.2  # K r is 1.43
    np.testing.assert_allclose(measured.y[held], 0, atol=0.02)
    # Some thousand oscillators a bin, each with a speed that varies by K r/√2.
    common = np.abs(measured.x) < 2.5
    np.testing.assert_allclose(measured.y[common], expected[common], atol=0.15)


def test_a_curve_of_theory_is_the_theory_along_it():
    couplings = jnp.linspace(0.5, 4, 8)
    curve = along(Kuramoto(width=0.5), Kuramoto.theory, coupling=couplings)["order"]
    closed = np.sqrt(np.maximum(1 - 1 / np.asarray(couplings), 0))
    np.testing.assert_allclose(curve, closed, atol=1e-6)
