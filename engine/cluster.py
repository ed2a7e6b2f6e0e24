"""A phase diagram on many processes or machines, by Dask.

Each task is a part of the map's plan, the same that one process would run, so the numbers are the
same. A task carries plain values and comes back as arrays; whoever loses a worker gets its tasks
run by another.

>>> with clients(workers=4) as client:
...     for found in fill_on(client, system, x, y, effort=Effort(400, 400, seeds=4)): ...
"""

import hashlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.core.axes import Axis
from engine.core.cells import Cell, Effort, Found, beside, run_cells
from engine.core.maps import PhaseMap, Picture, measurable, plan
from engine.core.parameters import parameters
from engine.core.system import System, identity


if TYPE_CHECKING:
    from distributed import Client

RETRIES = 2  # of a part whose worker failed rather than vanished


class Job(NamedTuple):
    """All that a worker needs to know of a map, as plain values."""

    system: str  # its id in the gallery
    physics: str  # a digest of its file: workers of another version would mix two models
    values: dict[str, Any]
    x: Axis
    y: Axis
    effort: Effort


@contextmanager
def clients(*, workers: int | None = None, scheduler: str | None = None) -> Iterator["Client"]:
    """A client of processes on this machine, or of the scheduler at an address.

    Raises ConnectionError where no scheduler answers. It takes Dask: `manyscope[cluster]`.
    """
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=20)
        except (OSError, ValueError) as error:
            raise ConnectionError(
                f"No Dask scheduler answers at {scheduler}: start one with `dask scheduler`."
            ) from error
        with client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def fill_on(
    client: "Client",
    system: System[Any],
    x: Axis,
    y: Axis,
    observable: str | None = None,
    *,
    effort: Effort,
    known: PhaseMap | None = None,
) -> Iterator[PhaseMap]:
    """Like `engine.core.maps.fill`, by the workers of a client; it yields after each part."""
    from distributed import as_completed

    picture = Picture(system, x, y, measurable(system, observable), known)
    yield picture.map()
    values = {name: getattr(system, name) for name in parameters(system)}
    values = {n: np.asarray(v) if hasattr(v, "shape") else v for n, v in values.items()}
    job = Job(identity(system), _digest(type(system)), values, x, y, effort)
    levels = plan(y.count, x.count, beside(system, effort.seeds))
    left = [
        (level, part)
        for level, parts in enumerate(levels, start=1)
        for part in parts
        if not picture.has(part)
    ]
    tasks = {
        client.submit(measure, job, part.cells, priority=-level, retries=RETRIES, pure=False): (
            level,
            part,
        )
        for level, part in left
    }
    if not tasks:
        return
    for task, found in as_completed(list(tasks), with_results=True):
        level, part = tasks[task]
        picture.level = max(picture.level, level)
        picture.put(part, found)
        yield picture.map()


def measure(job: Job, cells: tuple[Cell, ...]) -> Found:
    """What a worker does: these cells, from the beginning to their averages."""
    system = _opened(job.system, job.physics).replace(**job.values)
    for result in run_cells(system, job.x, job.y, cells, job.effort):
        if isinstance(result, dict):
            return result
    raise AssertionError("cells end with what was found")


@cache
def _opened(name: str, physics: str) -> System[Any]:
    from engine.core.compilation import keep_compilations
    from engine.systems import gallery

    keep_compilations()
    system = gallery()[name]
    if _digest(system) != physics:
        raise ValueError(
            f"{name} differs between this worker and the program that asked it: "
            "install the same version of Manyscope on both."
        )
    return system()


def _digest(system: type[System[Any]]) -> str:
    return hashlib.sha256(Path(inspect.getfile(system)).read_bytes()).hexdigest()
