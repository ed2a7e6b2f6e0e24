"""Films by step, not by recording: every frame is drawn off-screen from the run itself.

Equal runs give equal films. The run is where it was when the film is done.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.figures.film_files import write_film
from app.figures.film_page import Canvas, Moment
from app.figures.film_script import Script, camera_at
from app.figures.metadata import metadata_of, written_out


class Rendered(NamedTuple):
    path: Path  # the film, or the folder of its pictures
    frames: int
    size: tuple[int, int]


def render_video(
    simulation: Any,
    path: str | Path,
    script: Script,
    *,
    session: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Rendered:
    """Run on as the script says and draw a frame each `every` steps; then go back.

    With the text of a session the film says what makes it again; without, it says nothing. `stop`
    ends early and leaves no file. A run that ends ends the film.
    """
    count = 0
    size = script.size

    def counted(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal count
        for picture in frames:
            if stop():
                raise InterruptedError
            count += 1
            progress(count)
            yield picture

    before = simulation.snapshot()
    script.check(simulation.system)
    said = "" if session is None else _said(simulation, script, session)
    try:
        made = write_film(Path(path), counted(film_frames(simulation, script)), script.fps, said)
    finally:
        simulation.restore(before)
    if Path(path).suffix.lower() in (".mp4", ".webm"):
        size = (size[0] + size[0] % 2, size[1] + size[1] % 2)
    return Rendered(made, count, size)


def frame_at(simulation: Any, script: Script, share: float) -> np.ndarray:
    """The state as it is, seen as the film would see it at a share of its length."""
    view = script.view or next(iter(simulation.views()))
    look = {"theme": script.theme, "colouring": script.colouring}
    canvas = Canvas(simulation.system, view, *script.size, **look)
    (moment,) = _moments(simulation, replace(script, steps=0, paths={}), canvas)
    camera = camera_at(script.keys, share) if script.keys else None
    return canvas.draw(moment, camera, 2 * math.pi * script.turns * share)


def _said(simulation: Any, script: Script, session: str) -> str:
    """The run at the first frame, and the script."""
    import msgspec

    about = metadata_of(
        simulation.system, seed=simulation.seed, tick=simulation.tick, time=simulation.time,
        views=(script.view or next(iter(simulation.views())),), session=session,
    )  # fmt: skip
    return written_out(about | {"film": msgspec.to_builtins(script)})


def film_frames(simulation: Any, script: Script) -> Iterator[np.ndarray]:
    """The frames of a film, those that stand among them; the simulation goes on with them."""
    view = script.view or next(iter(simulation.views()))
    canvas = Canvas(
        simulation.system, view, *script.size, theme=script.theme, colouring=script.colouring
    )
    first, last = script.held
    picture = None
    for k, moment in enumerate(_moments(simulation, script, canvas)):
        share = script.share(k)
        camera = camera_at(script.keys, share) if script.keys else None
        picture = canvas.draw(moment, camera, 2 * math.pi * script.turns * share)
        for _ in range(1 if k else 1 + first):
            yield picture
    if picture is not None:
        for _ in range(last):
            yield picture


def _moments(simulation: Any, script: Script, canvas: Canvas) -> Iterator[Moment]:
    times: list[float] = []
    values: list[float] = []
    theories: list[float] = []
    theory = math.nan
    for k in range(script.moving):
        if script.paths:
            simulation.set(**script.values(simulation.system, script.share(k)))
        if k:
            simulation.run(script.every)
            if times and simulation.time < times[-1]:  # it was restarted
                times, values, theories = [], [], []
        told = canvas.system
        if simulation.system is not told:
            canvas.follow(simulation.system)
        seen = simulation.look(views=(canvas.view,))
        name = next(iter(seen.observables), None)
        if name is not None:
            if not k or simulation.system is not told:
                theory = simulation.theory().get(name, math.nan)
            times.append(simulation.time)
            values.append(seen.observables[name])
            theories.append(seen.limit.get(name, theory))
        caveat = seen.caveats[0] if seen.caveats else ""
        layers = seen.frame[canvas.view]
        yield Moment(layers, simulation.time, times, values, theories, caveat)
        if simulation.done and k:
            return
