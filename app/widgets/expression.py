"""Numbers that a person types: `2*pi`, `1e-3`, `Kc*1.1`. Read by the parser, never run."""

from __future__ import annotations

import ast
import difflib
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any


LONGEST = 200  # characters: nobody means more
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau}
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
SPELLING = str.maketrans(
    {"−": "-", "×": "*", "·": "*", "÷": "/", "^": "**", "\u202f": "", "\u00a0": ""}
)


def number(text: str, names: Mapping[str, float] | None = None) -> float:
    """The number that `text` says; `names` are other parameters. ValueError says what is wrong."""
    known = {**CONSTANTS, **(names or {})}
    written = text.translate(SPELLING).strip()
    if "," in written and "." not in written:
        written = written.replace(",", ".")  # the decimal comma of half of the world
    if not written:
        raise ValueError("Nothing is written here: give a number.")
    if len(written) > LONGEST:
        raise ValueError("This is too long for a number.")
    try:
        found = float(_value(ast.parse(written, mode="eval").body, known))
    except ZeroDivisionError:
        raise ValueError(f"{text.strip()} divides by zero.") from None
    except OverflowError:
        raise ValueError(f"{text.strip()} is too large for a number.") from None
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(
            f"{text.strip()} is not a number: write one, such as 0.5, 2*pi or 1e-3."
        ) from None
    if not math.isfinite(found):
        raise ValueError(f"{text.strip()} is not finite: give a finite number.")
    return found


def _value(node: ast.AST, known: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=bool()):
            raise TypeError
        case ast.Constant(value=int() | float() as constant):
            return float(constant)
        case ast.Name(id=name):
            if name in known:
                return float(known[name])
            near = difflib.get_close_matches(name, [*known, *FUNCTIONS], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"{name} is unknown here.{hint}")
        case ast.UnaryOp(op=op, operand=inner) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(inner, known))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            made = OPERATORS[type(op)](_value(left, known), _value(right, known))
            if isinstance(made, complex):
                raise ValueError("This is no real number: give a real one.")
            return made
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            try:
                return FUNCTIONS[name](_value(inner, known))
            except ValueError as error:
                if "unknown" in str(error) or "real" in str(error):
                    raise
                raise ValueError(f"{name} of this is no real number.") from None
    raise TypeError
