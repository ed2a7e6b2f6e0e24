"""The axes of a map: `name=low:high:count`."""

import math
import re
from typing import Any

from app.command_line.refusal import Refused, refusing


def axis(system: Any, text: str, default: Any) -> Any:
    """An axis of a map: name=low:high:count."""
    if text is None:
        return default
    from engine.core.axes import Axis
    from engine.core.parameters import declared

    found = re.fullmatch(r"([^=]+)=([^:]+):([^:]+):([^:]+)", text)
    if not found:
        raise Refused(f"{text!r} is no axis: write name=low:high:count, such as coupling=0:4:32.")
    name, *numbers = found.groups()
    with refusing():
        parameter = declared(system, name)
    if not parameter.traced or parameter.span is None:
        raise Refused(f"{name} is no number that a map can run through: choose a live parameter.")
    try:
        low, high, count = float(numbers[0]), float(numbers[1]), int(numbers[2])
    except ValueError:
        raise Refused(f"{text!r} is no axis: give two numbers and a whole one.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Refused(f"{text!r} runs from {low:g} to {high:g}: the first must be the smaller.")
    if not 1 < count <= 1024:
        raise Refused(f"{text!r} has {count} values: give 2 to 1024.")
    with refusing():
        parameter.check(low)
        parameter.check(high)
    return Axis(name, low, high, count, parameter.log and low > 0)
