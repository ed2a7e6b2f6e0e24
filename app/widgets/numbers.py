"""How numbers are written: digits follow magnitude, and never go beyond what is known."""

from __future__ import annotations

import math


THIN = "\u202f"  # between thousands
MINUS = "\u2212"


def count(value: float) -> str:
    """A whole number with its thousands apart: 20 000."""
    return f"{round(value):,}".replace(",", THIN).replace("-", MINUS)


def decimals(span: tuple[float, float]) -> int:
    """Digits after the point with which a span has three digits in all."""
    reach = max(abs(span[0]), abs(span[1]), 1e-300)
    return max(0, 3 - math.ceil(math.log10(reach) - 1e-9)) if reach < 1000 else 0


def value(number: float, span: tuple[float, float] | None = None, *, log: bool = False) -> str:
    """A parameter's value: as many digits as its span asks for, more only if it has them."""
    if not math.isfinite(number):
        return "–"
    if log and 1e-2 <= abs(number) < 1e3 and math.isclose(float(f"{number:.3g}"), number):
        return _tidy(f"{number:#.3g}".rstrip("."))
    if number and (log or span is None or abs(number) >= 1e5 or abs(number) < 1e-3):
        text = f"{number:.3g}" if math.isclose(float(f"{number:.3g}"), number) else f"{number:.5g}"
        return _tidy(text)
    text = f"{number:.{decimals(span or (number, number))}f}"
    if not math.isclose(float(text), number, rel_tol=1e-9, abs_tol=1e-12):
        text = f"{number:.6g}"
    return _tidy(text)


def estimate(mean: float, error: float) -> tuple[str, str]:
    """A mean and its error: ("0.542", "0.006"), ("0.704", "0.014").

    The error has one digit, two where it begins with a 1, as physicists write it; no digit of the
    mean stands beyond it.
    """
    if not math.isfinite(mean):
        return "–", ""
    if not math.isfinite(error) or error < 0:
        return _tidy(f"{mean:.2g}"), ""
    if error == 0:
        return _tidy(f"{mean:.6g}"), "0"
    place = -math.floor(math.log10(error))  # of the error's first digit
    first = round(error * 10**place) if abs(place) < 300 else 0
    place -= first == 10
    place += 10 <= round(error * 10 ** (place + 1)) < 20 if abs(place) < 300 else 0
    if abs(mean) >= 1e6 or place > 6:
        return _tidy(f"{mean:.3e}"), _tidy(f"{error:.0e}")
    places = max(0, place)
    return _tidy(f"{round(mean, place):.{places}f}"), _tidy(f"{round(error, place):.{places}f}")


def like(number: float, example: str) -> str:
    """A number with as many digits after the point as `example`, but at least two and three."""
    if not math.isfinite(number):
        return "–"
    places = len(example.partition(".")[2]) if "." in example and "e" not in example else 2
    if number and (abs(number) >= 1e5 or abs(number) < 1e-3):
        return _tidy(f"{number:.3g}")
    return _tidy(f"{number:.{min(max(places, 3), 6)}f}")


def _tidy(text: str) -> str:
    head, mark, power = text.partition("e")
    if mark:
        head += f"e{int(power)}"
    if head.strip("-0.") == "":
        head = head.lstrip("-")
    return head.replace("-", MINUS)
