"""Critical points and exponents from runs of several sizes, against what is exact."""

import numpy as np
import pytest

from engine.core.criticality import (
    CriticalPoint,
    Stage,
    TooSlow,
    find_critical_point,
    run_sizes,
)
from engine.core.scaling import Exponents, best_fit, collapsed, quality
from engine.core.theory import Criticality
from engine.core.turning import SizeRuns, helicity, located, onset, squares

from .magnets import CurieWeiss


def found(system, **settings):
    stages = list(find_critical_point(system, **settings))
    assert all(isinstance(stage, Stage) for stage in stages[:-1])
    shares = [stage.share for stage in stages[:-1]]
    assert shares == sorted(shares)
    assert isinstance(stages[-1], CriticalPoint)
    return stages[-1]


@pytest.fixture(scope="module")
def point():
    return found(CurieWeiss(rate=0.5))


def test_binders_cumulants_cross_at_the_critical_point(point):
    assert point.theory == 1.0
    assert point.error < 0.03
    assert abs(point.value - 1) < 2.5 * point.error
    # At T_c of a mean-field magnet the cumulant is 1 − Γ(¼)⁴ / (24π²) = 0.2705 as N → ∞; the
    # largest size is some N^{-1/2} = 0.03 away.
    middle = np.argmin(np.abs(point.runs.values - 1))
    assert point.curves[-1, middle] == pytest.approx(0.27, abs=0.12)


def test_the_result_is_said_in_as_many_digits_as_are_known(point):
    said = point._replace(value=1.00312, error=0.0123, theory=1.0).words
    assert said == "1.003 ± 0.012; theory 1.000"


def test_a_system_that_is_too_slow_is_refused_with_the_reason():
    with pytest.raises(TooSlow, match=r"remembers its past for about \d+ steps, and 1024 are"):
        list(find_critical_point(CurieWeiss(rate=0.001), seeds=4, longest=1024))


def test_runs_that_are_still_losing_their_order_are_refused():
    class Fading(CurieWeiss):
        """It forgets what it began with, by and by."""

        critical = Criticality("temperature", (64, 256), (1.5, 9.0), "loss", level=0.6)

    with pytest.raises(TooSlow, match=r"At n = 256, \d+% of the runs still lose or regain"):
        list(find_critical_point(Fading(rate=0.01), seeds=4))


def test_where_nothing_turns_it_is_said():
    class Elsewhere(CurieWeiss):
        """Looked for far from where it turns, and no theory knows better."""

        critical = Criticality("temperature", sizes=(64, 256), span=(2.0, 3.0))

        def boundaries(self):
            return {}

    with pytest.raises(ValueError, match="Nothing turns "):
        list(find_critical_point(Elsewhere(rate=0.5), seeds=4))


def test_a_system_that_does_not_say_how_is_refused():
    class Silent(CurieWeiss):
        """It says nothing."""

        critical = None

    with pytest.raises(ValueError, match="does not say how its critical point is found"):
        next(find_critical_point(Silent()))


def test_averages_are_those_of_exact_sums():
    how = Criticality("temperature", sizes=(16, 32), span=(1.0, 2.0))
    values = np.array([1.0, 1.5])
    *_, runs = run_sizes(CurieWeiss(rate=0.5, temperature=1.0), how, values, seeds=64)
    for size, rows in zip(runs.sizes, runs.square, strict=True):
        # Many spins look at a time: the number of spins up is a chain with a law of its own.
        up = np.arange(size + 1)
        m = 2 * up / size - 1
        for value, found_ in zip(values, rows, strict=True):
            law = _stationary(size, value, 0.5)
            error = float(found_.std(ddof=1)) / 8
            assert found_.mean() == pytest.approx(np.sum(law * m**2), abs=5 * error)


def _stationary(size, temperature, rate):
    """The law of the number of spins up, from the chain's own transition probabilities."""
    from scipy.stats import binom

    m = 2 * np.arange(size + 1) / size - 1
    chance = 1 / (1 + np.exp(-2 * m / temperature))
    step = np.zeros((size + 1, size + 1))
    for k in range(size + 1):
        stay = binom.pmf(np.arange(k + 1), k, 1 - rate * (1 - chance[k]))
        come = binom.pmf(np.arange(size - k + 1), size - k, rate * chance[k])
        step[k] = np.convolve(stay, come)
    law = np.full(size + 1, 1 / (size + 1))
    for _ in range(4000):
        law = law @ step
    return law / law.sum()


def synthetic(by, noise=0.04, seeds=16):
    sizes, values = (32, 64, 128, 256), np.linspace(0.93, 1.09, 15)
    draw = np.random.default_rng(3)
    size = np.array(sizes, float)[:, None]
    exact = size**-by.beta_over_nu * (
        1 / (1 + np.exp(2 * (values - by.critical) * size**by.inverse_nu)) + 0.2
    )
    order = exact[:, :, None] * (1 + noise * draw.standard_normal((4, 15, seeds)))
    empty = np.zeros_like(order)
    return SizeRuns("x", sizes, values, order, empty, empty, empty, np.zeros((4, 15)), 1)


TRUE = Exponents(1.01, 0.8, 0.15)


def test_the_right_exponents_collapse_the_curves_and_wrong_ones_do_not():
    runs = synthetic(TRUE)
    assert 0.5 < quality(runs, TRUE) < 2
    for wrong in (TRUE._replace(critical=1.03), TRUE._replace(beta_over_nu=0.25)):
        assert quality(runs, wrong) > 20
    x, y, _ = collapsed(runs, TRUE)
    inside = (x[0] > x[-1].min()) & (x[0] < x[-1].max())
    master = np.interp(x[0][inside], x[-1], y[-1])
    np.testing.assert_allclose(y[0][inside], master, atol=0.06)  # chords of a steep curve


def test_the_best_fit_finds_the_exponents_within_its_errors():
    fit = best_fit(synthetic(TRUE), Exponents(1.0, 1.0, 0.1))
    assert 0.5 < fit.quality < 2
    for value, error, true in zip(fit.exponents, fit.errors, TRUE, strict=True):
        assert 0 < error < 0.05
        assert abs(value - true) < 4 * error  # errors of 16 draws are known to 20 %


def test_where_an_order_begins_to_grow_from_nothing_is_the_critical_point():
    class Growing(CurieWeiss):
        """Its critical point is looked for by the square of its order."""

        critical = Criticality(
            "temperature", (512, 2048), (0.7, 1.2), "onset", boundary="critical point"
        )

    point = found(Growing(rate=0.5))
    assert point.error < 0.03
    assert abs(point.value - 1) < 3 * point.error


def test_an_order_that_jumps_has_no_onset():
    values = np.linspace(0, 1, 11)
    order = np.where(values > 0.55, 0.8, 0.01)[None, :, None] * np.ones((2, 1, 4))
    empty = np.zeros_like(order)
    runs = SizeRuns("x", (256, 512), values, order, order**2, empty, empty, empty[:, :, 0], 1)
    with pytest.raises(ValueError, match=r"^The order jumps near x = 0\.6"):
        onset(runs, squares(runs, np.arange(4)))


def test_at_the_jump_all_sizes_say_the_same_of_the_stiffness():
    sizes, values = (16, 32, 64), np.linspace(0.8, 1.0, 9)
    size = np.array(sizes, float)[:, None]
    far = np.log(size) + 0.7
    excess = 1 / (2 * far + np.log(far)) * (1 + 0 * values)
    stiff = (2 / np.pi * values * (1 + excess))[:, :, None]
    empty = np.zeros_like(stiff)
    runs = SizeRuns("t", sizes, values, empty, empty, empty, stiff, empty[:, :, 0], 1)
    said = helicity(runs, np.arange(1), level=2 / np.pi)
    np.testing.assert_allclose(said, np.broadcast_to(excess[-1], said.shape), rtol=1e-9)


def test_what_is_lost_at_a_jump_is_lost_there_as_sizes_grow():
    how = Criticality("x", (16, 24, 32), (0.1, 0.18), "loss", level=0.7, dimension=2)
    values, draw = np.linspace(0.1, 0.18, 11), np.random.default_rng(5)
    # Each run holds up to 0.14 + (0.3 ± 0.5) / √N, and has 0.97 or 0.3 of its memory.
    root = np.array(how.sizes)[:, None, None]
    most = 0.14 + (0.3 + 0.5 * draw.logistic(size=(3, 11, 24)) * np.sqrt(3) / np.pi) / root
    order = np.where(values[None, :, None] < most, 0.97, 0.3)
    empty = np.zeros_like(order)
    runs = SizeRuns("x", how.sizes, values, order, empty, empty, order, empty[:, :, 0], 1)
    value, error, shares = located(how, runs)
    assert 0.002 < error < 0.012  # of which 0.3 / 32 / 2 is for sizes beyond
    assert abs(value - 0.14) < 2.5 * error
    assert shares[-1, 0] > 0.9 > 0.2 > shares[-1, -1]


def test_curves_that_bend_cross_where_they_do():
    how = Criticality("x", (16, 32), (2.1, 2.5))
    values, size = 2.2692 + 0.03 + 0.02 * np.arange(-5, 6), np.array(how.sizes)[:, None]
    # Alike to the cumulants of the 2D Ising magnet: 0.611 at 2.2692, ⅔ with order, 0 without.
    cumulant = 2 / 3 / (1 + np.exp(0.61 * (values - 2.2692) * size - 2.389))[:, :, None]
    order = np.exp(2.2692 - values)[:, None] * np.ones((2, 1, 1))
    one, empty = np.ones_like(cumulant), np.zeros_like(cumulant)
    fourth = 3 * (1 - cumulant)
    runs = SizeRuns("x", how.sizes, values, order, one, fourth, empty, empty[:, :, 0], 1)
    # A line through the four nearest points errs by 0.006, as much as runs do.
    assert located(how, runs)[0] == pytest.approx(2.2692, abs=5e-4)


def test_what_is_never_lost_turns_nowhere():
    how = Criticality("x", (16, 32), (0.1, 0.2), "loss", level=0.7)
    order = np.full((2, 11, 8), 0.9)
    values, empty = np.linspace(0.1, 0.2, 11), np.zeros_like(order)
    runs = SizeRuns("x", how.sizes, values, order, empty, empty, order, empty[:, :, 0], 1)
    with pytest.raises(ValueError, match="Nothing turns between x"):
        located(how, runs)
