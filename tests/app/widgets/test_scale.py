import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.widgets.scale import Scale, nice_below


SCALES = [Scale(0, 1), Scale(-2, 5), Scale(0.01, 100, log=True), Scale(0, 10, log=True)]


@pytest.mark.parametrize("scale", SCALES)
@given(share=st.floats(0, 1))
def test_a_share_leads_to_a_value_and_back(scale, share):
    assert scale.share(scale.at(share)) == pytest.approx(share, abs=1e-9)  # rounding of floats


@pytest.mark.parametrize("scale", SCALES)
def test_the_ends_are_exact(scale):
    assert (scale.at(0), scale.at(1)) == (scale.low, scale.high)


def test_a_logarithmic_scale_is_even_in_decades():
    assert Scale(0.01, 100, log=True).at(0.5) == pytest.approx(1.0)


def test_a_logarithmic_scale_may_end_at_zero():
    scale = Scale(0, 10, log=True)
    assert scale.at(0) == 0
    assert 0 < scale.at(0.5) < 1  # far below the middle of the span: it is no linear one


def test_a_scale_widens_for_what_lies_beyond_it():
    assert Scale(0, 1).holding(1.5) == Scale(0, 1.5)
    assert Scale(0, 1).holding(0.5) == Scale(0, 1)
    assert Scale(0.1, 1, log=True).holding(0.05).low > 0


@given(st.floats(1e-6, 1e6))
def test_nice_steps_are_one_two_or_five(step):
    nice = nice_below(step)
    assert nice <= step * (1 + 1e-9) < nice * 2.5 * (1 + 1e-6)


def test_round_values_are_round():
    assert Scale(0, 1).nice(0.337) == pytest.approx(0.35)
    assert Scale(0, 6).nice(3.11) == pytest.approx(3.2)
    assert Scale(0.01, 100, log=True).nice(3.9) == 5.0


def test_a_drag_sets_three_digits():
    assert Scale(0, 1).rounded(0.123456, 3) == 0.123
    assert Scale(0, 6).rounded(2.34567, 3) == 2.35
    assert Scale(0.01, 100, log=True).rounded(0.0123456, 3) == 0.0123
