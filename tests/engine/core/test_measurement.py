"""Averages with errors: right for what remembers its past, silent where they cannot be known."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.measurement import FEWEST, ROWS, Measurement, standard_error


def remembering(rng, n, memory, runs=1):
    """AR(1) series of unit variance, `runs` of them: x ← φ x + √(1 − φ²) ξ, φ = e^{−1/memory}."""
    phi = math.exp(-1 / memory) if memory else 0.0
    noise = rng.normal(size=(n, runs)) * math.sqrt(1 - phi**2)
    x = np.empty((n, runs))
    x[0] = rng.normal(size=runs)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + noise[t]
    return x


def exact_error(n, memory):
    """Of the mean of n samples: σ²/n (1 + 2 Σₖ (1 − k/n) φᵏ)."""
    phi = math.exp(-1 / memory) if memory else 0.0
    k = np.arange(1, n)
    return math.sqrt((1 + 2 * np.sum((1 - k / n) * phi**k)) / n)


@pytest.mark.parametrize(("memory", "n"), [(0, 100), (0, 5000), (5, 5000), (50, 20_000)])
def test_the_error_of_a_series_with_a_known_memory_is_right(memory, n):
    rng = np.random.default_rng(0)
    errors = [standard_error(series) for series in remembering(rng, n, memory, runs=60).T]
    # A single error from 8 to 32 blocks is good to 12-27 %; the mean square of 60 of them to
    # about 6 %. Blocks of a few memories are 5-15 % too small by their remaining correlation.
    assert np.isfinite(errors).mean() > 0.9
    assert np.sqrt(np.nanmean(np.square(errors))) == pytest.approx(exact_error(n, memory), rel=0.2)


def test_the_naive_error_would_be_wrong_where_ours_is_right():
    series = remembering(np.random.default_rng(1), 20_000, 50)[:, 0]
    naive = series.std() / math.sqrt(len(series))
    assert standard_error(series) > 5 * naive  # √(2 · memory) = 10 in truth


def test_a_run_shorter_than_its_memory_has_no_error():
    series = remembering(np.random.default_rng(2), 400, 1000, runs=40)
    assert np.isnan([standard_error(run) for run in series.T]).mean() > 0.8
    assert math.isnan(standard_error(np.linspace(0, 1, 500)))  # it drifts
    assert math.isnan(standard_error(np.arange(FEWEST - 1.0)))


def test_what_does_not_move_has_no_error_to_speak_of():
    measurement = Measurement()
    measurement.add({"order": np.ones(100)})
    assert measurement.estimates["order"] == (1.0, 0.0, 100, 1.0)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_it_does_not_matter_how_samples_come_in(parts):
    samples = np.random.default_rng(3).normal(size=sum(parts))
    pieces, whole = Measurement(), Measurement()
    for part in np.split(samples, np.cumsum(parts)[:-1]):
        pieces.add({"x": part})
    for sample in samples:
        whole.add({"x": float(sample)})
    # The order of additions differs, so rounding does.
    np.testing.assert_allclose(pieces.estimates["x"], whole.estimates["x"], rtol=1e-9)
    assert pieces.estimates["x"].mean == pytest.approx(samples.mean(), rel=1e-9)


def test_memory_stays_small_however_long_it_runs():
    measurement = Measurement()
    rng = np.random.default_rng(4)
    for _ in range(200):
        measurement.add({"x": rng.normal(size=5000)})
    estimate = measurement.estimates["x"]
    assert measurement._table.shape == (ROWS, 1)
    assert estimate.samples == 1_000_000
    # From 16 blocks or more: the error of an error is at most 1/√(2 · 15) = 18 %, twice that here.
    assert estimate.error == pytest.approx(1e-3, rel=0.4)


def test_a_cumulant_has_the_error_that_its_spread_over_many_runs_shows():
    def binder(mean):
        return {"binder": 1 - mean["x⁴"] / (3 * mean["x²"] ** 2)}

    values, errors = [], []
    for x in remembering(np.random.default_rng(5), 4000, 10, runs=60).T:
        measurement = Measurement(binder)
        measurement.add({"x²": x**2, "x⁴": x**4})
        values.append(measurement.estimates["binder"].mean)
        errors.append(measurement.estimates["binder"].error)
    # The spread of 60 values is known to 1/√120 = 9 %, and blocks cost another 10 %.
    assert np.sqrt(np.nanmean(np.square(errors))) == pytest.approx(np.std(values), rel=0.3)
    assert np.mean(values) == pytest.approx(0, abs=4 * np.std(values) / math.sqrt(60) + 0.005)


def test_a_reset_forgets():
    measurement = Measurement()
    measurement.add({"x": np.ones(10)})
    measurement.reset()
    assert measurement.estimates == {}
    measurement.add({"y": 2.0})
    assert measurement.estimates["y"].samples == 1
    assert math.isnan(measurement.estimates["y"].error)


def test_samples_of_other_things_are_refused():
    measurement = Measurement()
    measurement.add({"x": 1.0})
    with pytest.raises(ValueError, match="reset in between"):
        measurement.add({"y": 1.0})


def test_it_needs_no_jax():
    code = "import sys, engine.core.measurement; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
