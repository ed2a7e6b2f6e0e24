"""Theory over a phase diagram and along a cut of it: values, branches, boundaries, regions."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from engine.core.axes import Axis, check_axes, spannable
from engine.core.simulation import along
from engine.core.system import System
from engine.core.theory import Boundary, Branch


POINTS = 257  # along a line of theory
CONVERGED = 1e-4  # a residual above it is marked
GRAIN = 48  # cells along a side of the grid that regions are named on
ROOM = 0.045  # of the map's side: the radius of the smallest region that has room for its name


class Line(NamedTuple):
    """A line of theory on a map; not-a-number is a gap."""

    x: np.ndarray
    y: np.ndarray
    kind: str


class BranchLayer(NamedTuple):
    """A phase on a grid or along a curve; not-a-number where it is not there."""

    values: dict[str, np.ndarray]
    stable: np.ndarray  # bool
    free_energy: np.ndarray  # not-a-number where it is not known
    doubtful: np.ndarray  # bool: the iteration did not converge


def predicted(system: System[Any], x: Axis, y: Axis, observable: str) -> np.ndarray:
    """Theory over the map, [y, x]; not-a-number where it is silent."""
    check_axes(system, x, y)
    theory = along(system, type(system).theory, **{y.name: y.values, x.name: x.values})
    silent = np.full((y.count, x.count), np.nan, np.float32)
    return np.asarray(theory.get(observable, silent))


def branch_maps(system: System[Any], x: Axis, y: Axis) -> dict[str, BranchLayer]:
    """Every phase of theory on the whole grid, [y, x], each solved on a branch of its own."""
    check_axes(system, x, y)
    found = along(system, type(system).branches, **{y.name: y.values, x.name: x.values})
    return {name: _layer(branch, (y.count, x.count)) for name, branch in found.items()}


def branch_curves(system: System[Any], name: str, values: np.ndarray) -> dict[str, BranchLayer]:
    """Every phase of theory along a parameter; it compiles once for each system."""
    spannable(system, name)
    found = along(system, type(system).branches, **{name: np.asarray(values, np.float32)})
    return {label: _layer(branch, (len(values),)) for label, branch in found.items()}


def theory_curve(system: System[Any], name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Theory of every observable along a parameter; it compiles once for each system."""
    spannable(system, name)
    curve = along(system, type(system).theory, **{name: np.asarray(values, np.float32)})
    return {name: np.asarray(row) for name, row in curve.items()}


def guide_curves(
    system: System[Any], name: str, values: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Every guide along a parameter, as the observables that it says something of."""
    spannable(system, name)
    if type(system).guides is System.guides:
        return {}  # nothing to compile
    found = along(system, type(system).guides, **{name: np.asarray(values, np.float32)})
    return {label: {k: np.asarray(row) for k, row in rows.items()} for label, rows in found.items()}


def lines(system: System[Any], x: Axis, y: Axis) -> dict[str, Line]:
    """The boundaries of theory over the map, at the present values of all other parameters.

    A system bisects for its boundaries at one point; here all points of a line are one batch.
    """
    check_axes(system, x, y)
    drawn: dict[str, Line] = {}
    for axis, other in ((x, y), (y, x)):
        values = axis.finer(POINTS)
        boundaries = along(system, _boundaries_in(other.name), **{axis.name: values})
        for name, boundary in boundaries.items():
            place = {axis.name: values, other.name: np.asarray(boundary.at[other.name])}
            line = Line(place[x.name], place[y.name], boundary.kind)
            # Where it is known along either axis, the longer of the two is drawn.
            if name not in drawn or _seen(line, x, y) > _seen(drawn[name], x, y):
                drawn[name] = line
    return drawn


def critical_values(system: System[Any]) -> dict[str, list[float]]:
    """Where theory sees a boundary along each parameter, all others staying as they are."""
    found: dict[str, list[float]] = {}
    for boundary in jax.device_get(_boundaries(system)).values():
        for name, value in boundary.at.items():
            if np.isfinite(value):
                found.setdefault(name, []).append(float(value))
    return found


def landscapes(system: System[Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """−ln P of each observable that the system knows it of, along its values."""
    found = jax.device_get(_landscape(system))
    return {name: (np.asarray(c.x), np.asarray(c.y)) for name, c in found.items()}


def region_names(system: System[Any], x: Axis, y: Axis) -> dict[str, tuple[float, float]]:
    """Where on the map the name of each phase has most room; small phases stay unnamed.

    A system that names no regions is named by its branches: the lowest free energy wins.
    """
    check_axes(system, x, y)
    grid = {y.name: y.finer(GRAIN), x.name: x.finer(GRAIN)}
    inside = along(system, type(system).regions, **grid)
    if not inside:
        inside = _winners(along(system, type(system).branches, **grid))
    places: dict[str, tuple[float, float]] = {}
    for name, here in inside.items():
        room = ndimage.distance_transform_edt(np.pad(np.asarray(here, bool), 1))[1:-1, 1:-1]
        if room.max() <= ROOM * GRAIN:
            continue
        roomy = np.argwhere(room > room.max() - 1)  # of several places, the one in their middle
        row, column = roomy[np.argmin(np.sum((roomy - roomy.mean(axis=0)) ** 2, axis=1))]
        places[name] = (float(x.at(column / (GRAIN - 1))), float(y.at(row / (GRAIN - 1))))
    return places


def _seen(line: Line, x: Axis, y: Axis) -> float:
    """The length of what a map shows of a line, in sides of the map."""
    with np.errstate(invalid="ignore", divide="ignore"):
        at = np.stack([x.share(line.x), y.share(line.y)])
        steps = np.linalg.norm(np.diff(at, axis=1), axis=0)
        inside: np.ndarray = np.all((at >= 0) & (at <= 1), axis=0)
    both = np.logical_and(inside[1:], inside[:-1])
    return float(np.nansum(np.where(both, steps, 0)))


def _winners(branches: dict[str, Branch]) -> dict[str, np.ndarray]:
    if len(branches) < 2 or any(branch.free_energy is None for branch in branches.values()):
        return {}
    cost = np.stack([np.asarray(branch.free_energy, float) for branch in branches.values()])
    cost = np.where(np.isfinite(cost), cost, np.inf)
    lowest, there = np.argmin(cost, axis=0), np.isfinite(cost).any(axis=0)
    return {name: there & (lowest == k) for k, name in enumerate(branches)}


def _layer(branch: Branch, shape: tuple[int, ...]) -> BranchLayer:
    values = {name: np.asarray(value) for name, value in branch.values.items()}
    free = np.nan if branch.free_energy is None else np.asarray(branch.free_energy)
    doubt = 0.0 if branch.residual is None else np.asarray(branch.residual)
    return BranchLayer(
        values,
        np.broadcast_to(np.asarray(branch.stable, bool), shape),
        np.broadcast_to(free, shape),
        np.broadcast_to(~(np.asarray(doubt) <= CONVERGED), shape),
    )


@cache  # the same function for the same parameter, so that it compiles once
def _boundaries_in(name: str) -> Callable[[System[Any]], dict[str, Boundary]]:
    """Boundaries as values of one parameter; what they are in others need not be computed."""

    def boundaries(system: System[Any]) -> dict[str, Boundary]:
        return {
            title: Boundary({name: boundary.at[name]}, kind=boundary.kind)
            for title, boundary in system.boundaries().items()
            if name in boundary.at
        }

    return boundaries


@jax.jit
def _boundaries(system: System[Any]) -> dict[str, Any]:
    return jax.tree.map(jnp.asarray, system.boundaries())


@jax.jit
def _landscape(system: System[Any]) -> dict[str, Any]:
    return system.landscape()
