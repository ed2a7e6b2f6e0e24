"""`manyscope cloud`: the swarm of a run as a file, at its end or along the way."""

import argparse
from collections.abc import Callable
from typing import Any

from app.command_line.options import MOST_STEPS, of_a_run, whole
from app.command_line.refusal import Refused, near, refusing
from app.command_line.reply import reply, say_caveats
from app.command_line.runs import advance, started
from app.command_line.target import target


HELP = "write the points of a run, or their trajectories"
STEPS = 1000


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=STEPS, settle=0)
    made.add_argument("--view", metavar="NAME", help="whose points; the first that has some")
    made.add_argument(
        "--every", type=whole(1, MOST_STEPS), help="a trajectory, with its points every so often"
    )
    words = ".ply or .npz; with --every .npz"
    made.add_argument("--out", metavar="FILE", required=True, help=words)


def act(wish: Any) -> None:
    from app import points
    from engine.storage.cloud_files import CLOUDS, TRAJECTORIES

    path = target(wish.out, CLOUDS if wish.every is None else TRAJECTORIES)
    simulation = started(wish, wish.settle or 0)
    view = _view(points.views_with_points(simulation), wish.view)
    steps = STEPS if wish.steps is None else wish.steps
    if wish.every is None:
        advance(simulation.run, steps, simulation, "running")
        with refusing():
            shape = points.write_now(simulation, view, path)
    else:
        every, times = wish.every, steps // wish.every

        def run(keep: Callable[[], None]) -> None:
            def stride(steps: int) -> None:
                for _ in range(steps // every):
                    simulation.run(every)
                    keep()

            advance(stride, times * every, simulation, "running", every)

        with refusing():
            shape = points.write_way(simulation, view, path, times=times, run=run)
    say_caveats(simulation)
    answer = {"id": wish.id, "file": str(path), "view": view, "shape": list(shape)}
    answer |= {"seed": simulation.seed, "steps": simulation.tick}
    reply(wish, answer, lambda: f"wrote {path} ({' × '.join(map(str, shape))} numbers)")


def _view(views: list[str], wanted: str | None) -> str:
    if not views:
        raise Refused("This system draws no points: `manyscope run --out` writes its series.")
    if wanted is not None and wanted not in views:
        raise Refused(
            f"There are no points in a view {wanted!r}: choose from {', '.join(views)}."
            f"{near(wanted, views)}"
        )
    return wanted or views[0]
