"""`manyscope replay`: a recorded run again, step by step, as a film or as numbers."""

import argparse
import hashlib
from typing import Any

from app.command_line import series_files
from app.command_line.options import MOST_STEPS, whole
from app.command_line.origin import reopened
from app.command_line.progress import Progress
from app.command_line.refusal import Refused, refusing
from app.command_line.reply import reply, say_caveats
from app.command_line.target import target
from app.command_line.verbs import video


HELP = "run a recorded session again, as a film or as numbers"
FRAMES = 600  # of a film, and samples of a series, where nothing else is asked for


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("id", metavar="FILE", help="a session, or a figure or film that holds one")
    made.add_argument("--from", dest="first", type=whole(0, MOST_STEPS), default=0, metavar="STEP")
    made.add_argument("--to", dest="last", type=whole(0, MOST_STEPS), metavar="STEP")
    made.add_argument("--every", type=whole(1, 10**6), help="steps a frame or sample")
    video.of_a_film(made, out=False)
    made.add_argument("--out", metavar="FILE", help=", ".join((*video.FILES, *series_files.FILES)))


def act(wish: Any) -> None:
    from app.figures.film_script import Script
    from app.figures.metadata import values_of

    if wish.origin is None:
        raise Refused(f"{wish.id} is a system: name a session, or a figure or film that holds one.")
    if _is_film(wish):  # the very film again
        wish.set, wish.preset, wish.seed, wish.steps, wish.settle = [], None, None, None, None
        video.act(wish)
        return
    path = target(wish.out, (*video.FILES, *series_files.FILES)) if wish.out else None
    simulation = reopened(wish, from_start=True)
    end = simulation.position
    last = end.step if wish.last is None else wish.last
    if not wish.first <= last <= end.step:
        raise Refused(
            f"Steps {wish.first} to {last} are not in this session: it goes from 0 to {end.step}."
        )
    every = wish.every or max(1, (last - wish.first) // FRAMES)
    answer: dict[str, Any] = {"id": wish.id, "first": wish.first, "last": last}
    words = ""
    if path is not None:
        simulation.back_to(wish.first)
        if path.suffix.lower() in video.FILES:
            with refusing():
                script = video.changed(Script(last - wish.first, every), wish)
            film = video.rendered(simulation, path, script, wish)
            answer |= {"file": str(film.path), "frames": film.frames, "size": list(film.size)}
            words = f"wrote {film.path} ({film.frames} frames)\n"
        else:
            count = _write_series(simulation, path, last, every)
            answer |= {"file": str(path), "samples": count}
            words = f"wrote {path} ({count} samples)\n"
    simulation.back_to(last if last != end.step else end)
    answer |= {"every": every, "tick": simulation.tick, "time": simulation.time}
    answer |= {"parameters": values_of(simulation.system), "seed": simulation.seed}
    answer |= {"observables": simulation.observables, "digest": _digest(simulation)}
    say_caveats(simulation)
    told = ", ".join(f"{name} = {value:.6g}" for name, value in answer["observables"].items())
    reply(wish, answer, lambda: f"{words}step {last}: {told}\nstate {answer['digest']}")


def _is_film(wish: Any) -> bool:
    """Whether a film is to be made anew, whole."""
    whole_of_it = not wish.first and wish.last is None
    of_films = "film" in wish.origin.said and str(wish.out).lower().endswith(video.FILES)
    return whole_of_it and of_films


def _write_series(simulation: Any, path: Any, last: int, every: int) -> int:
    """The observables of every so-many-th step, on the way along the recorded line."""
    import numpy as np

    from app.figures.metadata import metadata_of
    from app.figures.still import session_text

    rows: list[dict[str, float]] = []
    session = session_text(simulation)
    progress = Progress("replaying", last - simulation.step)
    first = simulation.step
    while True:
        seen = simulation.look(views=()).observables
        here = {"step": simulation.step, "tick": simulation.tick, "t": simulation.time}
        rows.append(here | seen)
        if simulation.step + every > last:
            break
        before = simulation.step
        simulation.run(every)
        progress.at(simulation.step - first)
        if simulation.step == before:  # it ends by itself
            break
    about = metadata_of(
        simulation.system, seed=simulation.seed, tick=simulation.tick, time=simulation.time,
        views=(), session=session,
    )  # fmt: skip
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    with refusing():
        series_files.write(path, columns, about | {"every": every})
    return len(rows)


def _digest(simulation: Any) -> str:
    """Of all numbers of the state: equal digests are equal runs, to the last bit."""
    import jax
    import numpy as np

    made = hashlib.sha256()
    for leaf in jax.tree.leaves(jax.device_get(simulation.present)):
        made.update(np.ascontiguousarray(leaf).tobytes())
    return made.hexdigest()[:16]
