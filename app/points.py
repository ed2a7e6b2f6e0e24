"""The points of a simulation for a file: whose they are, where they go, and what made them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


MOST_VALUES = 4 * 10**8  # numbers in a trajectory that is held in memory


def views_with_points(simulation: Any) -> list[str]:
    """The names of the views that show a swarm, the large one first."""
    return [name for name, kinds in simulation.views().items() if "Points" in kinds]


def points_of(simulation: Any, view: str) -> Any:
    """The first swarm of a view, now."""
    layers = simulation.look(views=(view,)).frame[view]
    return next(layer for layer in layers if type(layer).__name__ == "Points")


def write_now(simulation: Any, view: str, path: Path) -> tuple[int, ...]:
    """The points as they are now; their shape."""
    from engine.storage.cloud_files import write_cloud

    points = points_of(simulation, view)
    write_cloud(path, points, about(simulation))
    return np.shape(points.position)


def write_way(
    simulation: Any,
    view: str,
    path: Path,
    *,
    times: int,
    run: Callable[[Callable[[], None]], None],
) -> tuple[int, ...]:
    """A trajectory: the points now, and after each of so many calls that `run` makes.

    `run(keep)` steps the simulation and calls `keep` at every time that is wanted. Raises
    ValueError where that would not fit.
    """
    from engine.storage.cloud_files import in_order, write_trajectory

    first = in_order(points_of(simulation, view))
    if (times + 1) * first.size > MOST_VALUES:
        raise ValueError(
            f"{times + 1} times {first.size} numbers are more than {MOST_VALUES}: take fewer "
            "steps, or more steps between two times."
        )
    positions, clock = [first], [simulation.time]

    def keep() -> None:
        positions.append(in_order(points_of(simulation, view)))
        clock.append(simulation.time)

    run(keep)
    whole = np.stack(positions)
    write_trajectory(path, whole, np.array(clock), about(simulation))
    return whole.shape


def about(simulation: Any) -> str:
    """What made the points, as one line."""
    from app.figures.metadata import metadata_of, written_out

    facts = {"seed": simulation.seed, "tick": simulation.tick, "time": simulation.time}
    return written_out(metadata_of(simulation.system, **facts, views=()))
