"""Files beside a figure: its data, its session, and a script that makes its numbers again."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np

from app.figures.metadata import written_out
from app.figures.panels import FramePanel, MapPanel, Panel, ParameterCurve, Trace
from app.figures.recipe import Recipe, panels_from
from app.figures.still import Still, instants, names_of
from engine.storage.atomic import written


ENDING = ".manyscope"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_LINES = 24  # of changes that a script spells out


def columns_of(panel: Panel) -> dict[str, np.ndarray]:
    """The numbers of a panel under names of the field."""
    match panel:
        case Trace():
            out = {"t": panel.t, panel.label.words or "value": panel.values}
            if panel.theory is not None:
                out["theory"] = np.broadcast_to(panel.theory, np.shape(panel.t))
            return out
        case MapPanel():
            found = panel.map
            x, y = np.meshgrid(found.x.values, found.y.values)
            return {
                panel.x.words: x.ravel(), panel.y.words: y.ravel(),
                panel.z.words: np.ravel(found.mean),
            }  # fmt: skip
        case ParameterCurve():
            out = {panel.x_label.words: panel.x, **panel.theory}
            if panel.measured is not None:
                names = ("measured at", "measured", "error")
                out |= dict(zip(names, panel.measured, strict=True))
            return out
        case FramePanel():
            return {
                name: values for layer in panel.layers for name, values in _of_layer(layer).items()
            }


def _of_layer(layer: Any) -> dict[str, np.ndarray]:
    kind = type(layer).__name__
    out: dict[str, np.ndarray] = {}
    for name, value in vars(layer).items():
        if name == "colours":
            for colouring, colour in value.items():
                out[colouring] = np.asarray(colour.value)
        elif isinstance(value, np.ndarray) and value.size > 1:
            out |= _components(name if kind == "Points" else f"{kind.lower()} {name}", value)
    return out


def _components(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    if values.ndim < 2 or not 1 < values.shape[-1] < 4:
        return {name: values}
    axes = "xyz"
    return {f"{name} {axes[k]}": values[..., k] for k in range(values.shape[-1])}


def write_data(panels: list[Panel], path: Path, about: dict[str, Any] | None) -> list[Path]:
    """The numbers of all panels: an HDF5 file with a group for each, or a CSV file for each."""
    said = written_out(about) if about else ""
    if path.suffix.lower() == ".h5":
        import h5py

        with written(path) as draft, h5py.File(draft, "w", track_order=True) as file:
            if said:
                file.attrs["metadata"] = np.bytes_(said) if len(said) < 60_000 else "see the figure"
            for letter, panel in zip(LETTERS, panels, strict=False):
                group = file.create_group(letter, track_order=True)
                for name, values in columns_of(panel).items():
                    group.create_dataset(name.replace("/", "∕") or "value", data=values)
        return [path]
    files = []
    for letter, panel in zip(LETTERS, panels, strict=False):
        own = path.with_name(f"{path.stem}-{letter}.csv") if len(panels) > 1 else path
        files.append(own)
        columns = {name: np.ravel(values) for name, values in columns_of(panel).items()}
        longest = max((len(column) for column in columns.values()), default=0)
        with written(own) as draft, draft.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(columns)
            for k in range(longest):
                lines.writerow([f"{c[k]:.9g}" if k < len(c) else "" for c in columns.values()])
    return files


def write_beside(
    still: Still,
    recipe: Recipe,
    figure: Path,
    *,
    data: str | None = None,
    script: bool = False,
    sidecar: bool = False,
    window: dict[str, Any] | None = None,
) -> list[Path]:
    """The files that stand beside a figure, under its name; those that were asked for.

    `data` is "csv" or "h5"; `window` is for whoever opens the session.
    """
    from engine.storage.sessions import Session

    files = []
    if data:
        panels = panels_from(recipe, still.system, instants(still))
        about = still.metadata(names_of(recipe))
        files += write_data(panels, figure.with_suffix(f".{data}"), about)
    beside = figure.with_suffix(ENDING)
    text = script_for(still.run, figure.name, beside.name) if script else ""
    if sidecar or beside.name in text:
        Session.of(still.run, window=window).save(beside)
        files.append(beside)
    if text:
        path = figure.with_suffix(".py")
        with written(path) as draft:
            draft.write_text(text, "utf-8")
        files.append(path)
    return files


def script_for(simulation: Any, figure: str, sidecar: str) -> str:
    """A script of a few lines that runs the same run to where it is now.

    Changes of parameters are spelled out; what cannot be told in few lines (hands that poked, the
    user's arrays, long histories) is read from the sidecar.
    """
    lines = _spelled(simulation)
    imports = ["from engine import Simulation, gallery"]
    if lines is None:
        imports = ["from engine import Session, replay"]
        lines = [f"simulation = replay(Session.load({_literal(sidecar)}))"]
    return "\n".join(
        [
            f'"""Makes the numbers of {figure} again; needs the package `manyscope`."""',
            "",
            *imports,
            "",
            "",
            *lines,
            "print(simulation.tick, simulation.observables)",
            "",
        ]
    )


def _spelled(simulation: Any) -> list[str] | None:
    """The run in lines of code, or None where that is not to be told in few."""
    from engine.core.parameters import parameters
    from engine.core.system import identity
    from engine.core.timeline import Poke, Restart, Set

    timeline, here = simulation.timeline, simulation.position
    events = timeline.events(here)
    told = [event for event in events if isinstance(event, Set | Restart)]
    known = parameters(timeline.system)
    first = {name: getattr(timeline.system, name) for name in known}
    values = [*first.values(), *(value for event in told for value in event.values.values())]
    arrays = any(_is_array(value) for value in values)
    if arrays or len(told) > MOST_LINES or any(isinstance(event, Poke) for event in events):
        return None
    lines = [
        f"system = gallery()[{_literal(identity(timeline.system))}](",
        *wrap(_arguments(first), 96, initial_indent="    ", subsequent_indent="    "),
        ")",
        f"simulation = Simulation(system, seed={timeline.seed})",
    ]
    step, seed = 0, timeline.seed
    for event in told:
        if event.step > step:
            lines.append(f"simulation.run({event.step - step})")
            step = event.step
        if event.values:
            lines.append(f"simulation.set({_arguments(event.values)})")
        if isinstance(event, Restart):
            # Setting what only `init` reads restarts by itself, under the same seed.
            if event.seed != seed or not any(known[name].restarts for name in event.values):
                lines.append(f"simulation.restart({event.seed})")
            seed = event.seed
    if here.step > step:
        lines.append(f"simulation.run({here.step - step})")
    return lines


def _is_array(value: Any) -> bool:
    return bool(getattr(value, "ndim", 0))


def _arguments(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_literal(value)}" for name, value in values.items())


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))},)"
    if value is None or isinstance(value, bool | int):
        return repr(value)
    return str(np.float32(value))  # the shortest number that is the same in single precision
