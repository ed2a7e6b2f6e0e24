"""`manyscope map`: a phase diagram over two parameters."""

import argparse
import time
from typing import Any

from app.command_line.axes import axis
from app.command_line.options import MOST_STEPS, length, number, of_a_system, whole
from app.command_line.progress import Progress
from app.command_line.refusal import Refused, refusing
from app.command_line.reply import reply
from app.command_line.systems import system_of
from app.command_line.target import target


HELP = "measure a phase diagram over two parameters"
FILES = (".npz", ".png", ".pdf", ".svg")


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("id", metavar="ID")
    made.add_argument("--x", metavar="NAME=LOW:HIGH:COUNT")
    made.add_argument("--y", metavar="NAME=LOW:HIGH:COUNT")
    made.add_argument("--observable", metavar="NAME")
    of_a_system(made)
    made.add_argument("--settle", type=whole(0, MOST_STEPS), default=1000)
    made.add_argument("--measure", type=whole(1, MOST_STEPS), default=1000)
    made.add_argument("--seeds", type=whole(1, 10_000), default=4)
    made.add_argument("--width", type=length, default=86.0)
    made.add_argument("--dpi", type=number(30, 2400), default=600.0)
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(FILES))


def act(wish: Any) -> None:
    import numpy as np

    path = target(wish.out, FILES)
    system = system_of(wish)
    from app.figures.metadata import metadata_of, values_of
    from engine.core import maps

    with refusing():
        x, y = maps.default_axes(system, 32)
        x, y = axis(system, wish.x, x), axis(system, wish.y, y)
        if x.name == y.name:
            raise Refused(f"Both axes are {x.name}: a map needs two parameters.")
        observable = maps.measurable(system, wish.observable)
    began = time.perf_counter()
    progress = Progress("mapping", x.count * y.count)
    found = None
    with refusing():
        for found in maps.fill(
            system, x, y, observable, settle=wish.settle, measure=wish.measure, seeds=wish.seeds
        ):
            progress.at(int(found.measured.sum()))
    assert found is not None
    theory = maps.predicted(system, x, y, observable)
    about = metadata_of(system, seed=0, tick=0, time=0.0, views=("map",))
    about |= {"observable": observable, "settle": wish.settle, "measure": wish.measure}
    about |= {"seeds": wish.seeds, "x": x._asdict(), "y": y._asdict()}
    with refusing():
        if path.suffix.lower() == ".npz":
            from app.figures.metadata import written_out
            from engine.storage.atomic import written

            arrays = {"x": x.values, "y": y.values, "mean": found.mean, "error": found.error}
            if np.isfinite(theory).any():
                arrays["theory"] = theory
            with written(path) as draft, draft.open("wb") as file:
                np.savez_compressed(file, **arrays, metadata=np.array(written_out(about)))
        else:
            from app.figures.figure import export_figure
            from app.figures.style import FigureStyle

            panel = _panel(system, found, maps.lines(system, x, y))
            export_figure([panel], path, FigureStyle(width=wish.width, dpi=wish.dpi), about)
    answer = {
        "id": wish.id,
        "parameters": values_of(system),
        "observable": observable,
        "x": x._asdict(),
        "y": y._asdict(),
        "settle": wish.settle,
        "measure": wish.measure,
        "seeds": wish.seeds,
        "file": str(path),
        "seconds": round(time.perf_counter() - began, 3),
    }
    reply(wish, answer, lambda: f"wrote {path} ({answer['seconds']:.3g} s)")


def _panel(system: Any, found: Any, lines: dict[str, Any]) -> Any:
    """A phase diagram with the names of its system."""
    from app.figures.panels import MapPanel, parameter_label, quantity_label

    return MapPanel(
        found,
        lines,
        None,
        parameter_label(system, found.x.name),
        parameter_label(system, found.y.name),
        quantity_label(system, found.observable),
    )
