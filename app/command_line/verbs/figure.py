"""`manyscope figure`: views of a run, for print; and the figure that a file tells of, again."""

import argparse
import math
from dataclasses import replace
from typing import Any

from app.command_line.options import length, number, of_a_run
from app.command_line.origin import SESSION
from app.command_line.progress import Progress
from app.command_line.refusal import Refused, near, refusing
from app.command_line.reply import reply, say_caveats
from app.command_line.runs import Recorder, advance, started
from app.command_line.target import target


HELP = "draw views of a run for print"
FILES = (".pdf", ".svg", ".png", ".tif", ".tiff")
TRACE = "trace"  # a view of figures that no frame has: the order parameter over time
STEPS = 2000
SAMPLES = 2000  # of a trace
PAGE = ("width", "height", "dpi", "font", "line", "background", "columns", "bars")


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=STEPS, settle=None)
    made.add_argument(
        "--views", metavar="NAME[@STEP],…",
        help="at a step of the run, or at its end; 'trace' is the order parameter over time",
    )  # fmt: skip
    made.add_argument("--colour", metavar="NAME", help="which of a swarm's colourings")
    made.add_argument("--style", metavar="NAME", help="the page of a journal: aps, nature, ...")
    made.add_argument("--width", type=length, help="such as 86mm (the default)")
    made.add_argument("--height", type=length)
    made.add_argument("--dpi", type=number(30, 2400))
    made.add_argument("--font", type=number(3, 48), help="pt")
    made.add_argument("--line", type=number(0.1, 6), help="pt")
    made.add_argument("--columns", type=int, choices=range(1, 7), help="panels in a row")
    made.add_argument("--bars", choices=("each", "shared", "none"), help="of colour")
    made.add_argument("--background", choices=("white", "transparent", "dark"))
    made.add_argument("--anonymous", action="store_true", help="leave the metadata out")
    made.add_argument("--data", choices=("csv", "h5"), help="write the numbers beside the figure")
    made.add_argument("--script", action="store_true", help="write a script that makes them again")
    made.add_argument("--sidecar", action="store_true", help=f"write the session, a {SESSION} file")
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(FILES))


def act(wish: Any) -> None:
    from app.figures.companions import write_beside
    from app.figures.still import export, names_of, shown_by

    path = target(wish.out, FILES)
    known = None if wish.origin is None else wish.origin.said.get("figure")
    redrawn = known is not None and not (wish.views or wish.colour or wish.set or wish.preset)
    simulation = started(wish, 0)
    if redrawn and not wish.steps:
        still, recipe = _again(simulation, known, wish)
    else:
        still, recipe = _afresh(simulation, wish)
    with refusing():
        export(still, recipe, path, embedded=not wish.anonymous)
        files = write_beside(
            still, recipe, path, data=wish.data, script=wish.script, sidecar=wish.sidecar
        )
    say_caveats(still.run)
    about = still.metadata(names_of(recipe))
    words = still.caption(shown_by(recipe))
    answer = {"id": about["id"], "file": str(path), "beside": [str(file) for file in files]}
    answer |= {"width": recipe.style.width, "dpi": recipe.style.dpi}
    answer |= {name: about[name] for name in ("parameters", "seed", "tick", "time", "views")}
    answer |= {"caption": words}
    wrote = "\n".join(f"wrote {file}" for file in (path, *files))
    reply(wish, answer, lambda: f"{wrote}\n{words}")


def _style(wish: Any, base: Any = None) -> Any:
    from app.figures.style import FigureStyle, preset, presets

    changed = {name: v for name in PAGE if (v := getattr(wish, name)) is not None}
    if wish.style is not None and wish.style not in presets():
        raise Refused(
            f"There is no style {wish.style!r}: choose from {', '.join(presets())}."
            f"{near(wish.style, presets())}"
        )
    with refusing():
        if wish.style:
            return preset(wish.style, **changed)
        return replace(base or FigureStyle(), **changed)


def _again(simulation: Any, known: Any, wish: Any) -> tuple[Any, Any]:
    """The figure of a file, from what it says."""
    import msgspec

    from app.figures.recipe import recipe_of
    from app.figures.still import Still

    with refusing():
        recipe = recipe_of(known)
        style = _style(wish, recipe.style)
        still = Still.again(simulation, wish.origin.session, recipe)
        return still, msgspec.structs.replace(recipe, style=style)


def _afresh(simulation: Any, wish: Any) -> tuple[Any, Any]:
    """The run, on by so many steps, and the views that are asked for."""
    from app.figures.recipe import Recipe, ViewPart
    from app.figures.still import Still

    style = _style(wish)
    panels = _panels(simulation, wish.views)
    steps = wish.steps
    if steps is None:
        steps = STEPS if wish.origin is None else 0
    names = [name for name, _ in panels if name != TRACE]
    if wish.colour is not None:
        _check_colour(simulation, names, wish.colour)
    trace = None
    if any(name == TRACE for name, _ in panels) and wish.origin is None:
        trace = _traced(simulation, steps)
    else:
        advance(simulation.run, steps, simulation, "running")
        if any(name == TRACE for name, _ in panels):
            trace = _traced_again(simulation)
    end = simulation.step
    for name, step in panels:
        if step is not None and step > end:
            raise Refused(f"{name}@{step} lies ahead: the run goes from step 0 to {end}.")
    parts: list[Any] = [
        trace if name == TRACE else ViewPart(name, step, None, wish.colour) for name, step in panels
    ]
    return Still.of(simulation), Recipe(tuple(parts), style)


def _panels(simulation: Any, asked: str | None) -> list[tuple[str, int | None]]:
    known = [*simulation.views(), TRACE]
    if asked is None:
        return [(known[0], None)]
    out: list[tuple[str, int | None]] = []
    for one in filter(None, (part.strip() for part in asked.split(","))):
        name, at, step = one.partition("@")
        if name not in known:
            raise Refused(
                f"There is no view {name!r}: choose from {', '.join(known)}.{near(name, known)}"
            )
        if at and not (step.isdecimal() and len(step) < 12):
            raise Refused(f"{one!r} names no step: write {name}@1000.")
        out.append((name, int(step) if at and name != TRACE else None))
    if not 0 < len(out) <= 12:
        raise Refused(f"A figure of {len(out)} panels: give 1 to 12 views.")
    return out


def _check_colour(simulation: Any, views: list[str], colour: str) -> None:
    frame = simulation.look(views=tuple(dict.fromkeys(views))).frame
    layers = [layer for name in views for layer in frame[name]]
    known = list(dict.fromkeys(n for layer in layers for n in getattr(layer, "colours", ())))
    if colour not in known:
        raise Refused(
            f"There is no colouring {colour!r}: choose from {', '.join(known) or 'none'}."
            f"{near(colour, known)}"
        )


def _traced(simulation: Any, steps: int) -> Any:
    """Run, and the order parameter on the way."""
    import numpy as np

    recorder = Recorder(simulation.measurement)
    before = next(iter(simulation.observables.items()))
    simulation.measurement = recorder
    every = max(1, steps // SAMPLES)
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
    return _trace(simulation, name, t, values)


def _traced_again(simulation: Any) -> Any:
    """The order parameter since the state was drawn, by going along the recorded line again."""
    end = simulation.position
    first = simulation.timeline.birth(end)[0]
    name = next(iter(simulation.observables))
    every = max(1, (end.step - first.step) // SAMPLES)
    progress = Progress("replaying", end.step - first.step)
    simulation.back_to(first)
    t, values = [], []
    while True:
        t.append(simulation.time)
        values.append(simulation.observables[name])
        progress.at(simulation.step - first.step)
        if simulation.step + every > end.step:
            break
        simulation.run(every)
    simulation.back_to(end)
    return _trace(simulation, name, t, values)


def _trace(simulation: Any, name: str, t: Any, values: Any) -> Any:
    from app.figures.recipe import trace_part

    theory = simulation.theory().get(name, math.nan)
    clock = type(simulation.system).clock
    return trace_part(name, t, values, theory if math.isfinite(theory) else None, clock)
