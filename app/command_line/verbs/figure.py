"""`manyscope figure`: views of a run, for print."""

import argparse
import math
from typing import Any

from app.command_line.options import length, number, of_a_run
from app.command_line.refusal import Refused, near, refusing
from app.command_line.reply import reply, say_caveats
from app.command_line.runs import Recorder, advance, started
from app.command_line.target import target


HELP = "draw views of a run for print"
FILES = (".pdf", ".svg", ".png", ".tif", ".tiff")
TRACE = "trace"  # a view of figures that no frame has: the order parameter over time


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=2000, settle=None)
    made.add_argument("--views", help="comma separated; 'trace' is the order parameter over time")
    made.add_argument("--colour", metavar="NAME", help="which of a swarm's colourings")
    made.add_argument("--style", metavar="NAME", help="the page of a journal: aps, nature, ...")
    made.add_argument("--width", type=length, help="such as 86mm (the default)")
    made.add_argument("--height", type=length)
    made.add_argument("--dpi", type=number(30, 2400))
    made.add_argument("--font", type=number(3, 48), help="pt")
    made.add_argument("--line", type=number(0.1, 6), help="pt")
    made.add_argument("--background", choices=("white", "transparent", "dark"), default="white")
    made.add_argument("--anonymous", action="store_true", help="leave the metadata out")
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(FILES))


def act(wish: Any) -> None:
    from app.figures.figure import export_figure
    from app.figures.metadata import caption, metadata_of
    from app.figures.style import FigureStyle, preset, presets
    from engine.systems import title

    path = target(wish.out, FILES)
    changed = {
        name: value
        for name in ("width", "height", "dpi", "font", "line", "background")
        if (value := getattr(wish, name)) is not None
    }
    if wish.style is not None and wish.style not in presets():
        raise Refused(
            f"There is no style {wish.style!r}: choose from {', '.join(presets())}."
            f"{near(wish.style, presets())}"
        )
    with refusing():
        style = preset(wish.style, **changed) if wish.style else FigureStyle(**changed)
    simulation = started(wish, 0)
    views = _views(simulation, wish.views)
    panels = _panels(simulation, views, wish)
    about = metadata_of(
        simulation.system,
        seed=wish.seed,
        tick=simulation.tick,
        time=simulation.time,
        views=tuple(views),
    )
    with refusing():
        export_figure(panels, path, style, None if wish.anonymous else about)
    say_caveats(simulation)
    words = caption(about, title(simulation.system))
    answer = {"id": about["id"], "file": str(path), "width": style.width, "dpi": style.dpi}
    answer |= {name: about[name] for name in ("parameters", "seed", "tick", "time", "views")}
    answer |= {"caption": words}
    reply(wish, answer, lambda: f"wrote {path}\n{words}")


def _views(simulation: Any, asked: str | None) -> list[str]:
    known = [*simulation.views(), TRACE]
    if asked is None:
        return known[:1]
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise Refused(
                f"There is no view {name!r}: choose from {', '.join(known)}.{near(name, known)}"
            )
    if not 0 < len(names) <= 12:
        raise Refused(f"A figure of {len(names)} panels: give 1 to 12 views.")
    return names


def _panels(simulation: Any, views: list[str], wish: Any) -> list[Any]:
    """Run, and the views of where it got to."""
    from app.figures.panels import frame_panels

    of_frame = [name for name in views if name != TRACE]
    if wish.colour is not None:
        frame = simulation.look(views=tuple(of_frame)).frame
        known = list(
            dict.fromkeys(
                name
                for layers in frame.values()
                for layer in layers
                for name in getattr(layer, "colours", ())
            )
        )
        if wish.colour not in known:
            raise Refused(
                f"There is no colouring {wish.colour!r}: choose from {', '.join(known) or 'none'}."
                f"{near(wish.colour, known)}"
            )
    trace = None
    if TRACE in views:
        trace = _traced(simulation, wish.steps)
    else:
        advance(simulation.run, wish.steps, simulation, "running")
    frame = simulation.look(views=tuple(of_frame)).frame
    drawn = dict(
        zip(
            of_frame,
            frame_panels(simulation.system, frame, of_frame, colouring=wish.colour),
            strict=True,
        )
    )
    return [trace if name == TRACE else drawn[name] for name in views]


def _traced(simulation: Any, steps: int) -> Any:
    """Run, and the order parameter on the way."""
    import numpy as np

    from app.figures.panels import Trace, quantity_label

    recorder = Recorder(simulation.measurement)
    before = next(iter(simulation.observables.items()))
    simulation.measurement = recorder
    every = max(1, steps // 2000)
    first = simulation.time
    if steps >= every:
        advance(
            lambda some: simulation.measure(some, every),
            steps // every * every,
            simulation,
            "running",
            every,
        )
        simulation.run(steps % every)
    name = before[0]
    values = np.concatenate([[before[1]], recorder.series().get(name, np.zeros(0))])
    t = first + np.arange(len(values)) * every * float(simulation.system.tick)
    theory = simulation.theory().get(name, math.nan)
    clock = type(simulation.system).clock
    return Trace(
        t,
        values,
        theory if math.isfinite(theory) else None,
        quantity_label(simulation.system, name),
        clock if clock not in simulation.observables else "t",
    )
