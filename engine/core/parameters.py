"""How a system declares its parameters.

There are four kinds, and they differ in what a change costs:

| declared with | inside `step` it is | a change                          |
|---------------|---------------------|-----------------------------------|
| `live`        | a traced scalar     | acts on the next step             |
| `mode`        | a word              | acts on the next step; recompiles |
| `start`       | a traced scalar     | restarts                          |
| `size`        | a Python int        | restarts and recompiles           |

A `start` with choices is a word (a data set, an initial arrangement), and recompiles too. A
`start` made by `asset` is an array of the user's; it recompiles when its shape changes.
"""

import dataclasses
import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float


Kind = Literal["live", "mode", "start", "size"]
Scalar = int | float | Float[Array, ""]  # a number where it is set, traced where it is used


@dataclasses.dataclass(frozen=True)
class Parameter:
    """All that a panel needs to show a parameter; its value lives in the system."""

    name: str
    kind: Kind
    default: Any
    symbol: str
    help: str
    span: tuple[float, float] | None = None  # what a slider offers
    choices: tuple[str, ...] | None = None
    unit: str = ""
    log: bool = False
    limits: tuple[float, float] | None = None  # what physics allows; None is all numbers

    @property
    def traced(self) -> bool:
        return self.kind != "size" and self.choices is None

    @property
    def restarts(self) -> bool:
        return self.kind in ("start", "size")

    @property
    def several(self) -> bool:
        """Whether a value is a tuple of choices."""
        return isinstance(self.default, tuple)

    def at(self, share: float) -> float:
        """The value a `share` of the way along the span, on its own scale."""
        low, high = self._ends()
        return low * (high / low) ** share if self.log else low + (high - low) * share

    def share(self, value: float) -> float:
        """How far along the span `value` lies, from 0 to 1."""
        low, high = self._ends()
        value = min(max(value, low), high)
        if self.log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def check(self, value: Any) -> Any:
        """Return `value` as the system stores it, or raise.

        A span is what a slider offers; a traced value may leave it, but not its `limits`.
        """
        if self.choices is not None:
            asked = value if self.several else (value,)
            if not isinstance(asked, tuple) or not set(asked) <= set(self.choices):
                raise ValueError(f"{self.name} = {value!r} is unknown: choose from {self.choices}.")
            return value
        if self.kind == "size":
            low, _ = self._ends()
            if not isinstance(value, int) or value < low:
                raise ValueError(
                    f"{self.name} = {value!r} is not an array size: give an int from {low} up."
                )
            return value
        value = _plain(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{self.name} = {value} is not a finite number: give a finite one.")
        if self.limits and isinstance(value, float):
            low, high = self.limits
            if not low <= value <= high:
                allowed = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} up"
                raise ValueError(f"{self.name} = {value:g} is impossible: give a number {allowed}.")
        return value

    def _ends(self) -> tuple[float, float]:
        if self.span is None:
            raise TypeError(f"{self.name} has no span.")
        return self.span


def live(
    *,
    default: float,
    span: tuple[float, float],
    symbol: str,
    help: str,
    unit: str = "",
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> Any:
    """Declare a number that can be dragged while the system runs."""
    return _declare(
        "live",
        default,
        span=span,
        symbol=symbol,
        help=help,
        unit=unit,
        log=log,
        limits=limits,
    )


def mode(*, default: str, choices: tuple[str, ...], help: str) -> Any:
    """Declare a choice between variants of the dynamics that share their state."""
    return _declare("mode", default, choices=choices, symbol="", help=help)


def start(
    *,
    default: Any,
    span: tuple[float, float] | None = None,
    choices: tuple[str, ...] | None = None,
    symbol: str = "",
    help: str,
    unit: str = "",
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> Any:
    """Declare what only `init` reads: a number, or a word; a tuple of words picks several."""
    return _declare(
        "start",
        default,
        span=span,
        choices=choices,
        symbol=symbol,
        help=help,
        unit=unit,
        log=log,
        limits=limits,
    )


def asset(*, help: str) -> Any:
    """Declare an array that a user may bring: a cloud, patterns. It is None until one does."""
    return _declare("start", None, symbol="", help=help)


def size(*, default: int, span: tuple[int, int], symbol: str, help: str) -> Any:
    """Declare a Python int that array shapes depend on."""
    return _declare("size", default, span=span, symbol=symbol, help=help, log=True)


def parameters(system: Any) -> dict[str, Parameter]:
    """The declared parameters of a system or system class, in the order of its file."""
    return {
        field.name: Parameter(field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(system)
    }


def declared(system: Any, name: str) -> Parameter:
    """The parameter of this name, or an error that says which there are."""
    known = parameters(system)
    if name not in known:
        cls = system if isinstance(system, type) else type(system)
        raise TypeError(
            f"{cls.__name__} has no parameter {name!r}: "
            f"it has {', '.join(known)}.{similar(name, known)}"
        )
    return known[name]


def similar(name: str, known: Iterable[str]) -> str:
    """The end of an error: what a wrong name may have meant, if that can be guessed."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _plain(value: Any) -> Any:
    # Anything but a Python float would trace as another type, and compile a second time.
    concrete = not isinstance(value, Tracer)
    if isinstance(value, numbers.Real) or (
        concrete and isinstance(value, (jax.Array, np.ndarray)) and value.ndim == 0
    ):
        return float(value)
    return jnp.asarray(value) if isinstance(value, np.ndarray) else value


def _declare(kind: Kind, default: Any, **about: Any) -> Any:
    return dataclasses.field(default=default, metadata={"kind": kind, **about})
