"""`manyscope video`: a run as a film, step by step."""

import argparse
from typing import Any

from app.command_line.options import number, of_a_run, size, whole
from app.command_line.progress import Progress
from app.command_line.refusal import Refused, near, refusing
from app.command_line.reply import reply, say_caveats
from app.command_line.runs import started
from app.command_line.target import target


HELP = "render a video, step by step"
FILES = (".mp4", ".webm", ".gif", ".png")
STEPS, EVERY = 600, 2


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=STEPS, settle=0)
    made.add_argument("--every", type=whole(1, 10**6), help=f"steps a frame, {EVERY} by default")
    of_a_film(made)


def of_a_film(made: argparse.ArgumentParser, *, out: bool = True) -> None:
    """How a film looks, and where it goes."""
    made.add_argument("--fps", type=number(1, 240), help="30 by default")
    made.add_argument("--size", type=size, metavar="WIDTHxHEIGHT", help="1280x720 by default")
    made.add_argument("--view", metavar="NAME")
    made.add_argument("--colour", metavar="NAME", help="which of a swarm's colourings")
    made.add_argument("--ground", choices=("dark", "light"))
    made.add_argument(
        "--path", nargs="+", action="extend", default=[], metavar="NAME=A:B[:C…]",
        help="lead a parameter from value to value, at even times",
    )  # fmt: skip
    made.add_argument(
        "--turns", type=number(-100, 100), help="of the camera around a view in space"
    )
    made.add_argument("--hold", type=number(0, 600), help="s that both ends stand")
    made.add_argument("--anonymous", action="store_true", help="leave the metadata out")
    if out:
        words = f"{', '.join(FILES)} (a folder of pictures)"
        made.add_argument("--out", metavar="FILE", required=True, help=words)


def script_of(wish: Any) -> Any:
    """The film that a file tells of, or the usual one, changed as the arguments say."""
    from app.figures.film_script import Script, script_in

    said = None if wish.origin is None else wish.origin.said.get("film")
    base = Script(STEPS, EVERY) if said is None else script_in(said)
    return changed(base, wish, steps=wish.steps, every=wish.every)


def changed(base: Any, wish: Any, **more: Any) -> Any:
    """A script with what the arguments ask for."""
    from dataclasses import replace

    asked = more | {
        "fps": wish.fps,
        "size": wish.size,
        "view": wish.view,
        "theme": wish.ground,
        "hold": None if wish.hold is None else (wish.hold, wish.hold),
        "paths": dict(map(_path, wish.path)) or None,
        "turns": wish.turns,
        "colouring": wish.colour,
    }
    return replace(base, **{name: value for name, value in asked.items() if value is not None})


def _path(text: str) -> tuple[str, tuple[float, ...]]:
    name, equals, stops = text.partition("=")
    try:
        values = tuple(float(stop) for stop in stops.split(":"))
    except ValueError:
        values = ()
    if not name or not equals or len(values) < 2:
        raise Refused(
            f"{text!r} is no path: write name=first:last, such as coupling=0:4, with more values "
            "between them if you like."
        )
    return name.strip(), values


def act(wish: Any) -> None:
    from app.figures.metadata import values_of

    path = target(wish.out, FILES)
    with refusing():
        script = script_of(wish)
    simulation = started(wish, wish.settle or 0)
    made = rendered(simulation, path, script, wish)
    say_caveats(simulation)
    answer = {"id": wish.id, "file": str(made.path), "frames": made.frames}
    answer |= {"size": list(made.size), "fps": script.fps, "steps": script.steps}
    answer |= {"parameters": values_of(simulation.system), "seed": simulation.seed}
    reply(wish, answer, lambda: f"wrote {made.path} ({made.frames} frames)")


def rendered(simulation: Any, path: Any, script: Any, wish: Any) -> Any:
    """The film, with progress on standard error."""
    from app.figures import video
    from app.figures.still import session_text

    views = list(simulation.views())
    if script.view and script.view not in views:
        raise Refused(
            f"There is no view {script.view!r}: choose from {', '.join(views)}."
            f"{near(script.view, views)}"
        )
    session = None if wish.anonymous else session_text(simulation)
    progress = Progress("rendering", script.frames)
    with refusing():
        return video.render_video(simulation, path, script, session=session, progress=progress.at)
