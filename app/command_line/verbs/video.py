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


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=600, settle=0)
    made.add_argument("--every", type=whole(1, 10**6), default=2, help="steps a frame")
    of_a_film(made)


def of_a_film(made: argparse.ArgumentParser) -> None:
    """How a film looks, and where it goes."""
    made.add_argument("--fps", type=number(1, 240), default=30.0)
    made.add_argument("--size", type=size, default=(1280, 720), metavar="WIDTHxHEIGHT")
    made.add_argument("--view", metavar="NAME")
    made.add_argument("--colour", metavar="NAME", help="which of a swarm's colourings")
    made.add_argument("--ground", choices=("dark", "light"), default="dark")
    made.add_argument(
        "--path", nargs="+", action="extend", default=[], metavar="NAME=A:B[:C…]",
        help="lead a parameter from value to value, at even times",
    )  # fmt: skip
    made.add_argument(
        "--turns", type=number(-100, 100), default=0.0, help="of the camera around a view in space"
    )
    made.add_argument("--hold", type=number(0, 600), default=0.0, help="s at both ends")
    made.add_argument("--anonymous", action="store_true", help="leave the metadata out")
    made.add_argument(
        "--out", metavar="FILE", required=True,
        help=f"{', '.join(FILES)} (a folder of pictures)",
    )  # fmt: skip


def script_of(wish: Any, steps: int, every: int) -> Any:
    """The film as the arguments ask for it."""
    from app.figures.film_script import Script

    return Script(
        steps,
        every,
        wish.fps,
        wish.size,
        wish.view or "",
        wish.ground,
        (wish.hold, wish.hold),
        dict(map(_path, wish.path)),
        turns=wish.turns,
    )


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
    from app.figures.metadata import metadata_of, values_of, written_out

    path = target(wish.out, FILES)
    with refusing():
        script = script_of(wish, wish.steps, wish.every)
    simulation = started(wish, wish.settle)
    views = list(simulation.views())
    if wish.view is not None and wish.view not in views:
        raise Refused(
            f"There is no view {wish.view!r}: choose from {', '.join(views)}."
            f"{near(wish.view, views)}"
        )
    about = metadata_of(
        simulation.system,
        seed=wish.seed,
        tick=simulation.tick,
        time=simulation.time,
        views=(script.view or views[0],),
    )
    made = rendered(simulation, path, script, "" if wish.anonymous else written_out(about), wish)
    say_caveats(simulation)
    answer = {"id": wish.id, "file": str(made.path), "frames": made.frames}
    answer |= {"size": list(made.size), "fps": wish.fps, "steps": wish.steps}
    answer |= {"parameters": values_of(simulation.system), "seed": wish.seed}
    reply(wish, answer, lambda: f"wrote {made.path} ({made.frames} frames)")


def rendered(simulation: Any, path: Any, script: Any, said: str, wish: Any) -> Any:
    """The film, with progress on standard error."""
    from app.figures import video

    progress = Progress("rendering", script.frames)
    with refusing():
        return video.render_video(
            simulation, path, script, said=said, colouring=wish.colour, progress=progress.at
        )
