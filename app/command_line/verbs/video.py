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
FILES = (".mp4", ".gif")


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=600, settle=0)
    made.add_argument("--every", type=whole(1, 10**6), default=2, help="steps a frame")
    made.add_argument("--fps", type=number(1, 240), default=30.0)
    made.add_argument("--size", type=size, default=(1280, 720), metavar="WIDTHxHEIGHT")
    made.add_argument("--view", metavar="NAME")
    made.add_argument("--out", metavar="FILE", required=True, help=", ".join(FILES))


def act(wish: Any) -> None:
    from app.figures.video import render_video

    path = target(wish.out, FILES)
    simulation = started(wish, wish.settle)
    views = list(simulation.views())
    if wish.view is not None and wish.view not in views:
        raise Refused(
            f"There is no view {wish.view!r}: choose from {', '.join(views)}."
            f"{near(wish.view, views)}"
        )
    frames = wish.steps // wish.every + 1
    progress = Progress("rendering", frames)
    with refusing():
        made = render_video(
            simulation,
            path,
            steps=wish.steps,
            every=wish.every,
            fps=wish.fps,
            size=wish.size,
            view=wish.view,
            progress=progress.at,
        )
    say_caveats(simulation)
    answer = {"id": wish.id, "file": str(path), "frames": made.frames}
    answer |= {"size": list(made.size), "fps": wish.fps, "steps": wish.steps}
    answer |= {"parameters": made.metadata["parameters"], "seed": wish.seed}
    reply(wish, answer, lambda: f"wrote {path} ({made.frames} frames)")
