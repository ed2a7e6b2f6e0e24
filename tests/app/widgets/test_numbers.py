import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.widgets import numbers


def test_digits_follow_the_magnitude_of_the_span():
    assert numbers.value(0.33, (0, 1)) == "0.330"
    assert numbers.value(2.5, (0, 6)) == "2.50"
    assert numbers.value(180, (0, 180)) == "180"
    assert numbers.value(0.02, (0.001, 0.05)) == "0.0200"


def test_digits_that_were_typed_are_not_hidden():
    assert numbers.value(0.12345, (0, 1)) == "0.12345"
    assert numbers.value(1e-5, (0, 1)) == "1e\u22125"


def test_thousands_stand_apart_and_minus_is_a_minus():
    assert numbers.count(20000) == "20\u202f000"
    assert numbers.value(-0.5, (-1, 1)) == "\u22120.500"


def test_no_digit_stands_beyond_the_error():
    assert numbers.estimate(0.5423, 0.0061) == ("0.542", "0.006")
    assert numbers.estimate(0.63, 0.09) == ("0.63", "0.09")
    assert numbers.estimate(0.5423, 0.0086) == ("0.542", "0.009")
    assert numbers.estimate(0.5423, 0.0096) == ("0.542", "0.010")
    assert numbers.estimate(0.7042, 0.0141) == ("0.704", "0.014")
    assert numbers.estimate(123.4, 12.0) == ("123", "12")
    assert numbers.estimate(1234.0, 96.0) == ("1230", "100")


def test_what_is_not_known_is_a_dash():
    assert numbers.estimate(math.nan, math.nan) == ("–", "")
    assert numbers.value(math.nan) == "–"
    assert numbers.estimate(0.5423, math.nan) == ("0.54", "")


@given(st.floats(1e-6, 1e5), st.floats(1e-6, 1e3))
def test_a_written_mean_is_the_mean_within_its_error(mean, error):
    text, _ = numbers.estimate(mean, error)
    # Rounded at the first digit of the error: at most half of that digit, which is at most the
    # error itself; scientific notation keeps four digits.
    assert abs(float(text.replace("\u2212", "-")) - mean) <= max(error, 5e-4 * mean)


@pytest.mark.parametrize("span", [(0, 1), (-3, 3), (0, 180), (0.001, 0.05)])
@given(share=st.floats(0, 1))
def test_a_value_written_is_the_value_again(span, share):
    value = span[0] + share * (span[1] - span[0])
    text = numbers.value(value, span).replace("\u2212", "-")
    assert float(text) == pytest.approx(value, rel=1e-4, abs=1e-6)
