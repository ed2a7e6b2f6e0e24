"""Where on a slider a number lies."""

from __future__ import annotations

import math
from typing import NamedTuple


NEAR_ZERO = 1e-4  # share of the far end below which a logarithmic slider to zero is linear
NICE = (1.0, 2.0, 5.0, 10.0)


class Scale(NamedTuple):
    """A span with its own measure: linear, logarithmic, or logarithmic down to zero."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """How far along the slider `value` lies, from 0 to 1."""
        value = min(max(value, self.low), self.high)
        start, end = self._along(self.low), self._along(self.high)
        return (self._along(value) - start) / (end - start) if end > start else 0.0

    def at(self, share: float) -> float:
        """The value a `share` of the way along."""
        share = min(max(share, 0.0), 1.0)
        if share in (0.0, 1.0):
            return self.high if share else self.low
        start, end = self._along(self.low), self._along(self.high)
        return self._back(start + share * (end - start))

    def rounded(self, value: float, digits: int) -> float:
        """A value with as many digits as a hand can mean; the ends stay as they are."""
        if value in (self.low, self.high) or not math.isfinite(value):
            return value
        if self.log:
            return float(f"{value:.{max(1, digits)}g}")
        reach = max(abs(self.low), abs(self.high))
        return round(value, digits - math.ceil(math.log10(reach) - 1e-9)) + 0.0

    def nice(self, value: float) -> float:
        """The nearest round value: some twenty of them along a slider."""
        if self.log and value > 0:
            power = 10.0 ** math.floor(math.log10(value))
            near = min(NICE, key=lambda n: abs(math.log(n * power / value)))
            return min(max(float(f"{near * power:.1g}"), self.low), self.high)
        step = nice_below((self.high - self.low) / 20)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return min(max(round(round(value / step) * step, digits), self.low), self.high)

    def holding(self, value: float) -> Scale:
        """This scale, wide enough for a value beyond its ends."""
        if self.low <= value <= self.high:
            return self
        reach = abs(value) / 10 if self.log else 0.0
        low = value - reach if value < self.low else self.low
        if self.log and self.low > 0 >= low:
            low = value if value > 0 else 0.0
        return self._replace(low=min(low, self.low), high=max(value, self.high))

    @property
    def _linear_below(self) -> float:
        return NEAR_ZERO * max(abs(self.low), abs(self.high)) or 1.0

    def _along(self, value: float) -> float:
        if not self.log:
            return value
        return math.log(value) if self.low > 0 else math.asinh(value / self._linear_below / 2)

    def _back(self, along: float) -> float:
        if not self.log:
            return along
        return math.exp(along) if self.low > 0 else 2 * self._linear_below * math.sinh(along)


def nice_below(step: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return max(n for n in NICE if n * power <= step * (1 + 1e-9)) * power
