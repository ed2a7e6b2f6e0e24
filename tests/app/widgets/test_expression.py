import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.widgets.expression import number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("2*pi", 2 * math.pi),
        ("π/2", math.pi / 2),
        ("-3", -3.0),
        ("−3", -3.0),
        ("2^3", 8.0),
        ("2**-1", 0.5),
        ("sqrt(2)", math.sqrt(2)),
        ("(1 + 2) / 4", 0.75),
        ("e", math.e),
        ("20\u202f000", 20000.0),
        ("0,5", 0.5),
    ],
)
def test_numbers_are_read_as_physicists_write_them(text, value):
    assert number(text) == pytest.approx(value)


def test_other_parameters_may_be_named():
    assert number("Kc*1.1", {"Kc": 2.0}) == pytest.approx(2.2)
    assert number("γ + width", {"γ": 1.0, "width": 0.5}) == 1.5
    assert number("e", {"e": 0.9}) == 0.9  # a parameter hides a constant of its name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1/0",
        "9**9**9",
        "10**400",
        "sqrt(-1)",
        "(-1)**0.5",
        "1 if 1 else 2",
        "[1]",
        "'a'",
        "True",
        "__import__('os')",
        "(1).real",
        "sqrt(1, 2)",
        "x := 3",
        "1e999",
        "(" * 150,
        "1+" * 150 + "1",
    ],
)
def test_everything_else_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match=r"\S") as refused:
        number(text)
    assert str(refused.value).count("\n") == 0


def test_a_wrong_name_gets_a_hint():
    with pytest.raises(ValueError, match="Did you mean coupling"):
        number("couplng*2", {"coupling": 1.0})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read_as_it_is(value):
    assert number(repr(value)) == value


@given(st.text(max_size=30))
def test_no_text_does_anything_but_be_a_number_or_refused(text):
    with contextlib.suppress(ValueError):
        assert math.isfinite(number(text))
