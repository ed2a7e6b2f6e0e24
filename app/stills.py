"""What is on the window as data for a figure: one instant of the run, and all measured so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from app.diagrams import symbol_of
from app.measuring import TAB
from app.views.view import titled


if TYPE_CHECKING:
    from app.figures.recipe import Part, Recipe, ViewPart
    from app.figures.still import Still
    from app.window import Window
    from engine.storage.sessions import Session

UNDRAWN = ("Clock", "Comparison")  # layers that are controls and tables


class Reopened(NamedTuple):
    """A figure that was opened: the session in it, and how it was drawn."""

    session: Session
    recipe: Recipe
    format: str  # as its name ends: "pdf"

    def panels(self) -> list[tuple[str, int | None]]:
        """Names and steps, as a composer takes them."""
        from app.figures.still import name_of, step_of

        return [(name_of(part), step_of(part)) for part in self.recipe.panels]

    def still(self) -> Still:
        """The instant that it shows; replayed, so not in the window's thread."""
        from app.figures.still import Still
        from engine.replaying import replay

        return Still.again(replay(self.session), self.session, self.recipe)


def titles(window: Window) -> dict[str, str]:
    """The views that a figure can show in words, by name; the large one first."""
    moment = window.moment
    if moment is None:
        return {}
    seen = [
        name for name, kinds in moment.views.items() if any(kind not in UNDRAWN for kind in kinds)
    ]
    large, *others = seen
    order = symbol_of(moment.system, next(iter(moment.observables), ""))
    out = {large: titled(large)}
    if moment.observables:
        out["trace"] = window.trace_panel.title()
    if window.diagrams.axes is not None:
        if window.diagrams.measured is not None:
            out["map"] = "Phase diagram"
        out["curve"] = f"{order} along {window.diagrams.cut.name.replace('_', ' ')}"
    if window.diagrams.measures.found is not None:
        out[TAB] = titled(window.diagrams.measures.found[1].name)
    return out | {name: titled(name) for name in others}


def capture(window: Window, look: dict[str, Any]) -> Callable[[], Still]:
    """The present instant; what is made of it in another thread does not change any more.

    `look` goes into the session, for the window that opens it. Raises ValueError where nothing is
    open.
    """
    moment = window.moment
    if moment is None:
        raise ValueError("Nothing is open yet: open a system first.")
    system, axes = moment.system, window.diagrams.axes
    order = next(iter(moment.observables), "")
    columns = window.trace.data()
    found, lines = window.diagrams.measured, dict(window.diagrams.lines)
    regions = dict(window.diagrams.regions)
    curve = window.diagrams.curve_parts()
    values = window.session.values
    cut = None if axes is None else window.diagrams.cut.name
    dot = None if axes is None else (float(values[axes[0].name]), float(values[axes[1].name]))
    seen, gathered = _seen(window), window.diagrams.measures.found
    twin = window.runner.ask(lambda run: run.twin())

    def make() -> Still:
        from app.figures.recipe import curve_part, map_part, measure_part, trace_part
        from app.figures.still import Still, session_text

        measured: dict[str, Part] = {}
        if len(columns.get("time", ())):
            measured["trace"] = trace_part(
                order, columns["time"], columns["value"], columns["theory"], system.clock
            )
        if found is not None:
            measured["map"] = map_part(found, lines, dot, regions)
        if cut is not None:
            measured["curve"] = curve_part(order, cut, **curve)
        if gathered is not None:
            measured[TAB] = measure_part(*gathered)
        run = twin.result(timeout=60)
        return Still.of(run, measured, seen, session_text(run, look))

    return make


def _seen(window: Window) -> dict[str, ViewPart]:
    """The large view with its camera and its colours."""
    from app.figures.recipe import ViewPart
    from app.views.camera import described

    view, name = window.stage.view, window.stage.name
    camera = getattr(view, "camera", None)
    if camera is None:
        return {}
    return {name: ViewPart(name, None, described(camera), getattr(view, "colouring", "") or None)}


def table(columns: dict[str, np.ndarray]) -> str:
    """Columns side by side, tab-separated; what has several components has several columns."""
    flat: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        values = np.asarray(values)
        if values.ndim <= 1:
            flat[name] = np.atleast_1d(values)
        else:
            for k, column in enumerate(values.reshape(-1, values.shape[-1]).T):
                flat[f"{name} {k}"] = column
    rows = max(len(column) for column in flat.values())
    lines = ["\t".join(flat)]
    for row in range(rows):
        lines.append("\t".join(f"{c[row]:.7g}" if row < len(c) else "" for c in flat.values()))
    return "\n".join(lines)
