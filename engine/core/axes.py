"""The axes of a phase diagram: which parameters, from where to where, in how many steps."""

from typing import Any, NamedTuple

import numpy as np

from engine.core.parameters import Parameter, declared, parameters
from engine.core.system import System


class Axis(NamedTuple):
    """A parameter, and the values of it that a map runs through."""

    name: str
    low: float
    high: float
    count: int  # pyright: ignore[reportIncompatibleMethodOverride]
    log: bool = False

    @property
    def values(self) -> np.ndarray:
        return self.finer(self.count)

    def finer(self, count: int) -> np.ndarray:
        """As many values between the same ends."""
        space = np.geomspace if self.log else np.linspace
        return space(self.low, self.high, count)

    def share(self, value: Any) -> Any:
        """How far along the axis a value lies, from 0 to 1 between its ends."""
        if self.log:
            return np.log(np.asarray(value) / self.low) / np.log(self.high / self.low)
        return (np.asarray(value) - self.low) / (self.high - self.low)

    def at(self, share: Any) -> Any:
        """The value at a share of the way."""
        if self.log:
            return self.low * (self.high / self.low) ** np.asarray(share)
        return self.low + (self.high - self.low) * np.asarray(share)


def default_axes(system: System[Any], count: int = 64) -> tuple[Axis, Axis]:
    """The plane that a system names, or its first two live parameters, as sliders offer them."""
    first = [spannable(system, name) for name in type(system).spanned]
    first = first or [p for p in parameters(system).values() if p.kind == "live" and p.span][:2]
    if len(first) < 2:
        raise ValueError(f"{type(system).__name__} has no map: it takes two live parameters.")
    return offered(first[0], count), offered(first[1], count)


def offered(parameter: Parameter, count: int) -> Axis:
    """A parameter along what its slider offers."""
    assert parameter.span is not None
    low, high = parameter.span
    return Axis(parameter.name, float(low), float(high), count, parameter.log)


def check_axes(system: System[Any], x: Axis, y: Axis) -> None:
    """Refuse axes that no map of this system can have, in one sentence."""
    if x.name == y.name:
        raise ValueError(f"Both axes are {x.name!r}: a map takes two different parameters.")
    for axis in (x, y):
        parameter = spannable(system, axis.name)
        for end in (axis.low, axis.high):
            parameter.check(float(end))
        if axis.count < 1:
            raise ValueError(f"{axis.name} takes {axis.count} values: give at least 1.")
        if axis.log and min(axis.low, axis.high) <= 0:
            raise ValueError(
                f"{axis.name} from {axis.low:g} to {axis.high:g} has no logarithm: "
                "give ends above 0, or a linear axis."
            )


def spannable(system: System[Any], name: str) -> Parameter:
    """The parameter of this name, if it can be an axis."""
    parameter = declared(system, name)
    if not (parameter.traced and parameter.span):
        able = [p.name for p in parameters(system).values() if p.traced and p.span]
        raise ValueError(
            f"{name!r} of {type(system).__name__} is no axis of a map: choose from "
            f"{', '.join(able)}."
        )
    return parameter
