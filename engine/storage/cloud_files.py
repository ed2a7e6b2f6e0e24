"""Clouds and trajectories as files: PLY, which every viewer of meshes reads, and NumPy's arrays.

A .ply holds the positions, a number per point for each colouring, and the panel that a point
belongs to; two dimensions get a third, 0. An .npz holds the same arrays by name, in the shapes that
the system has them in, and can hold a trajectory: `position[time, n, dim]` with its times. Both
carry what made them as text.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.layers import Points
from engine.storage.atomic import written


CLOUDS = (".ply", ".npz")
TRAJECTORIES = (".npz",)


def write_cloud(path: str | Path, points: Points, about: str = "") -> Path:
    """A swarm as it is now; `about` is a line of text that says what made it."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in CLOUDS:
        raise ValueError(f"{path.name} is no file of a cloud: end it in {' or '.join(CLOUDS)}.")
    columns = columns_of(points)
    with written(path) as draft:
        if kind == ".ply":
            draft.write_bytes(_ply(columns, about))
        else:
            _write_arrays(draft, columns, about)
    return path


def write_trajectory(
    path: str | Path,
    positions: np.ndarray,
    time: np.ndarray,
    about: str = "",
    more: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """Positions of one swarm at several times, `[time, n, dim]`, and other series beside them."""
    path = Path(path)
    if path.suffix.lower() not in TRAJECTORIES:
        raise ValueError(f"{path.name} is no file of a trajectory: end it in .npz.")
    positions, time = np.asarray(positions), np.asarray(time)
    if positions.ndim < 3 or len(positions) != len(time):
        raise ValueError(
            f"A trajectory of shape {positions.shape} at {len(time)} times: give [time, n, dim]."
        )
    with written(path) as draft:
        _write_arrays(draft, {"position": positions, "time": time, **(more or {})}, about)
    return path


def columns_of(points: Points) -> dict[str, np.ndarray]:
    """The arrays of a swarm by name."""
    columns = {"position": np.asarray(points.position)}
    for name, colour in points.colours.items():
        columns[name] = np.asarray(colour.value)
    if points.identity is not None:
        columns["identity"] = np.asarray(points.identity)
    return columns


def in_order(points: Points) -> np.ndarray:
    """The positions by who is who, so that a row of a trajectory is one particle."""
    position = np.asarray(points.position)
    if points.identity is None:
        return position
    order = np.argsort(np.asarray(points.identity), axis=-1)
    return np.take_along_axis(position, order[..., None], axis=-2)


def _write_arrays(draft: Path, columns: Mapping[str, np.ndarray], about: str) -> None:
    arrays: dict[str, Any] = {**columns, "metadata": np.array(about)}
    with draft.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _ply(columns: Mapping[str, np.ndarray], about: str) -> bytes:
    """Binary PLY of either machine's order, written little-endian."""
    position = np.asarray(columns["position"], "<f4")
    panels = position.shape[:-2]
    flat = position.reshape(-1, position.shape[-1])
    count = len(flat)
    whole = np.zeros((count, 3), "<f4")
    whole[:, : flat.shape[1]] = flat
    fields = {axis: whole[:, k] for k, axis in enumerate("xyz")}
    if panels:
        fields["panel"] = np.repeat(np.arange(count // position.shape[-2]), position.shape[-2])
    for name, values in columns.items():
        if name != "position":
            values = np.broadcast_to(np.asarray(values), position.shape[:-1]).ravel()
            fields.setdefault(_word(name), values)
    kinds = {name: "<i4" if v.dtype.kind in "iub" else "<f4" for name, v in fields.items()}
    form = np.dtype(list(kinds.items()))
    table = np.empty(count, form)
    for name, values in fields.items():
        table[name] = values
    types = {"<i4": "int", "<f4": "float"}
    head = ["ply", "format binary_little_endian 1.0"]
    head += [f"comment {line}" for line in about.splitlines() if line.strip()]
    head.append(f"element vertex {count}")
    head += [f"property {types[kinds[name]]} {name}" for name in fields]
    return ("\n".join([*head, "end_header"]) + "\n").encode("utf-8") + table.tobytes()


def _word(name: str) -> str:
    """A name that PLY takes: one word of plain letters."""
    return re.sub(r"\W+", "_", name).strip("_") or "value"
