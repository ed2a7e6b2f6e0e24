"""`manyscope map`: a phase diagram over two parameters."""

import argparse
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.command_line.axes import axis
from app.command_line.options import MOST_STEPS, length, number, of_a_system, whole
from app.command_line.progress import Progress
from app.command_line.refusal import Refused, refusing
from app.command_line.reply import reply
from app.command_line.systems import system_of
from app.command_line.target import target


HELP = "measure a phase diagram over two parameters"
DATA = (".npz", ".h5", ".csv")
FILES = (*DATA, ".png", ".pdf", ".svg")
SETTLE = 1000  # steps of a cell before its average, at least


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("id", metavar="ID|FILE")
    made.add_argument("--x", metavar="NAME=LOW:HIGH:COUNT")
    made.add_argument("--y", metavar="NAME=LOW:HIGH:COUNT")
    made.add_argument("--observable", metavar="NAME")
    of_a_system(made)
    made.add_argument("--settle", type=whole(0, MOST_STEPS), help="1000, or to the end of a run")
    made.add_argument("--measure", type=whole(1, MOST_STEPS), default=1000)
    made.add_argument("--seeds", type=whole(1, 10_000), default=4)
    where = made.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=whole(1, 1024), metavar="N", help="processes on this machine"
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://host:8786")
    made.add_argument(
        "--fresh", action="store_true", help="measure cells again that are known already"
    )
    made.add_argument("--width", type=length, default=86.0)
    made.add_argument("--dpi", type=number(30, 2400), default=600.0)
    made.add_argument("--out", metavar="FILE", required=True, nargs="+", help=", ".join(FILES))


def act(wish: Any) -> None:
    paths = [target(out, FILES) for out in wish.out]
    system = system_of(wish)
    from app.figures.metadata import metadata_of, values_of
    from engine.core.axes import default_axes
    from engine.core.cells import to_its_end
    from engine.core.maps import measurable
    from engine.core.theory_maps import lines, predicted

    with refusing():
        x, y = default_axes(system, 32)
        x, y = axis(system, wish.x, x), axis(system, wish.y, y)
        if x.name == y.name:
            raise Refused(f"Both axes are {x.name}: a map needs two parameters.")
        system, longest = to_its_end(system, x, y)
        if wish.settle is None:
            wish.settle = max(SETTLE, longest)
        observable = measurable(system, wish.observable or system.mapped or None)
    began = time.perf_counter()
    progress = Progress("mapping", x.count * y.count)
    found = None
    with refusing():
        for found in _filled(wish, system, x, y, observable):
            progress.at(int(found.measured.sum()))
    assert found is not None
    about = metadata_of(system, seed=0, tick=0, time=0.0, views=("map",))
    about |= {"observable": observable, "settle": wish.settle, "measure": wish.measure}
    about |= {"seeds": wish.seeds, "x": x._asdict(), "y": y._asdict()}
    drawn = lines(system, x, y)
    theory = predicted(system, x, y, observable)
    for path in paths:
        with refusing():
            _write(path, wish, system, found, theory, drawn, about)
    answer = {
        "id": wish.id,
        "parameters": values_of(system),
        "observable": observable,
        "x": x._asdict(),
        "y": y._asdict(),
        "settle": wish.settle,
        "measure": wish.measure,
        "seeds": wish.seeds,
        "file": str(paths[0]),
        "files": [str(path) for path in paths],
        "seconds": round(time.perf_counter() - began, 3),
    }
    names = ", ".join(answer["files"])
    reply(wish, answer, lambda: f"wrote {names} ({answer['seconds']:.3g} s)")


def _filled(wish: Any, system: Any, x: Any, y: Any, observable: str) -> Iterator[Any]:
    """The map as it fills: from the cache, then in this process or by workers."""
    from engine.core.cells import Effort
    from engine.core.maps import fill
    from engine.storage.map_cache import MapCache

    effort, cache = Effort(wish.settle, wish.measure, wish.seeds), MapCache()
    if wish.fresh:
        cache.forget(system, x, y, effort)
    known = cache.load(system, x, y, effort, observable)
    if known is not None and known.complete:
        yield known
        return
    with cache.keeper(system, x, y, effort) as keep:
        if wish.workers or wish.scheduler:
            from engine.cluster import clients, fill_on

            if not find_spec("distributed"):
                raise Refused("Maps by workers need Dask: install `manyscope[cluster]`.")
            with clients(workers=wish.workers, scheduler=wish.scheduler) as client:
                for found in fill_on(client, system, x, y, observable, effort=effort, known=known):
                    keep(found)
                    yield found
            return
        for found in fill(system, x, y, observable, known=known, **effort._asdict()):
            keep(found)
            yield found


def _write(
    path: Path, wish: Any, system: Any, found: Any, theory: Any, lines: Any, about: dict[str, Any]
) -> None:
    if path.suffix.lower() in DATA:
        from app.figures.metadata import finite
        from engine.storage.maps import write_map

        write_map(path, found, theory, finite(about), lines)
        return
    from app.figures.recipe import Recipe, map_part
    from app.figures.still import Still, export
    from app.figures.style import FigureStyle
    from engine.core.simulation import Simulation
    from engine.core.theory_maps import region_names

    names = region_names(system, found.x, found.y)
    page = FigureStyle(width=wish.width, dpi=wish.dpi)
    recipe = Recipe((map_part(found, lines, regions=names),), page)
    export(Still.of(Simulation(system, seed=0)), recipe, path, about=about)
