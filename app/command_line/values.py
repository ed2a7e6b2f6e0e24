"""The values of `--set name=value`: numbers, words, and arrays from files."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.command_line.refusal import Refused, near


def values_for(system: Any, pairs: Sequence[str]) -> dict[str, Any]:
    from engine.core.parameters import declared

    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise Refused(f"{pair!r} sets nothing: write name=value, such as --set n=1000.")
        values[name] = _value(system, declared(system, name), text.strip())
    return values


def _value(system: Any, parameter: Any, text: str) -> Any:
    """The value that a word of the command line means for a parameter of this kind."""
    name = parameter.name
    if parameter.choices is not None:
        words = [word.strip() for word in text.split(",")] if parameter.several else [text]
        for word in words:
            if word not in parameter.choices:
                raise Refused(
                    f"{name} = {word!r} is unknown: choose from {', '.join(parameter.choices)}."
                    f"{near(word, parameter.choices)}"
                )
        return tuple(words) if parameter.several else text
    if parameter.kind == "start" and parameter.default is None and parameter.span is None:
        return asset(system, name, Path(text))
    try:
        value = float(text)
    except ValueError:
        raise Refused(f"{name} = {text!r} is not a number: give one.{_span(parameter)}") from None
    if parameter.kind == "size":
        if not math.isfinite(value) or not value.is_integer():
            raise Refused(f"{name} = {text} is not a whole number: give one.{_span(parameter)}")
        return int(value)
    return value


def _span(parameter: Any) -> str:
    if parameter.span is None:
        return ""
    return f" Usual are {parameter.span[0]:g} to {parameter.span[1]:g}."


def asset(system: Any, name: str, path: Path) -> Any:
    """An array of the user's, of the shape that the system declares."""
    import typing

    import numpy as np

    if not path.is_file():
        raise Refused(f"{name} = {str(path)!r} is not there: name a file.")
    wanted = ()
    for kind in typing.get_args(typing.get_type_hints(type(system)).get(name)):
        wanted = tuple(getattr(kind, "dim_str", "").split()) or wanted
    if wanted and len(wanted) != 2:
        if path.suffix.lower() != ".npy":
            raise Refused(f"{name} needs an array of {len(wanted)} axes: give a .npy file.")
        try:
            array = np.load(path, allow_pickle=False).astype(np.float32)
        except Exception as wrong:  # whatever the bytes may be
            raise Refused(f"{path} cannot be read as an array of numbers.") from wrong
    else:
        from engine.storage.clouds import load_cloud

        cloud = load_cloud(path)
        array = cloud.points
        if cloud.thinned:
            print(f"manyscope: note: {path.name}: {cloud.thinned}", file=sys.stderr)
    shape = " × ".join(map(str, array.shape))
    fits = not wanted or (
        array.ndim == len(wanted)
        and all(not w.isdigit() or int(w) == n for w, n in zip(wanted, array.shape, strict=True))
    )
    if not fits or not array.size:
        raise Refused(f"{path} holds {shape} numbers: {name} needs {' × '.join(wanted)}.")
    if not np.isfinite(array).all():
        raise Refused(f"{path} holds numbers that are not finite: remove them.")
    import jax.numpy as jnp

    return jnp.asarray(array)
