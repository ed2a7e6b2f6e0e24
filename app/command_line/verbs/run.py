"""`manyscope run`: run a system and average what it measures."""

import argparse
import math
import time
from pathlib import Path
from typing import Any

from app.command_line import series_files
from app.command_line.options import MOST_STEPS, of_a_run, whole
from app.command_line.refusal import Refused, refusing
from app.command_line.reply import reply, say_caveats, table
from app.command_line.runs import Recorder, advance, started
from app.command_line.target import target


HELP = "run a system and average what it measures"


def take(made: argparse.ArgumentParser) -> None:
    of_a_run(made, steps=2000, settle=1000)
    made.add_argument("--every", type=whole(1, MOST_STEPS), default=1, help="steps a sample")
    made.add_argument(
        "--out", metavar="FILE", help=f"the series, as {', '.join(series_files.FILES)}"
    )


def act(wish: Any) -> None:
    import jax

    from app.figures.metadata import metadata_of, values_of

    steps = 2000 if wish.steps is None else wish.steps
    settle = wish.settle
    if settle is None:
        settle = 1000 if wish.origin is None else 0
    path = target(wish.out, series_files.FILES) if wish.out else None
    if steps < wish.every:
        raise Refused(
            f"--steps {steps} has room for no sample: give at least --every {wish.every}."
        )
    simulation = started(wish, settle)
    if not simulation.done:
        # Compiling is not running: one sample before the clock starts, and back.
        before = simulation.snapshot()
        simulation.measure(wish.every, wish.every)
        simulation.restore(before)
    recorder = Recorder(simulation.measurement)
    simulation.measurement = recorder
    first, began = simulation.tick, time.perf_counter()
    advance(
        lambda steps: simulation.measure(steps, wish.every),
        steps // wish.every * wish.every,
        simulation,
        "measuring",
        wish.every,
    )
    if not recorder.parts:  # a picture in which nothing moves
        simulation.measure(0)
    seconds = time.perf_counter() - began
    taken = simulation.tick - first
    device = jax.devices()[0]
    found = {
        "id": wish.id,
        "parameters": values_of(simulation.system),
        "seed": simulation.seed,
        "steps": taken,
        "observables": {
            name: estimate._asdict() for name, estimate in simulation.estimates.items()
        },
        "theory": simulation.theory(),
        "seconds": round(seconds, 6),
        "steps_per_second": round(taken / seconds, 3) if taken else 0.0,
        "device": device.platform if device.platform == "cpu" else device.device_kind,
    }
    if path:
        import numpy as np

        from app.figures.still import session_text

        series = recorder.series()
        count = len(next(iter(series.values())))
        tick = first + wish.every * np.arange(1, count + 1)
        about = metadata_of(
            simulation.system, seed=simulation.seed, tick=simulation.tick,
            time=simulation.time, views=(), session=session_text(simulation),
        )  # fmt: skip
        about |= {"settle": settle, "every": wish.every, "steps": taken}
        about |= {"observables": found["observables"], "theory": found["theory"]}
        with refusing():
            series_files.write(path, {"tick": tick, **series}, about)
    say_caveats(simulation)
    reply(wish, found, lambda: _words(found, path))


def _words(found: dict[str, Any], path: Path | None) -> str:
    rows = [["", "mean", "error", "theory", "samples"]]
    for name, one in found["observables"].items():
        theory = found["theory"].get(name, math.nan)
        rows.append(
            [
                name,
                f"{one['mean']:.5g}",
                f"{one['error']:.2g}" if math.isfinite(one["error"]) else "unknown",
                f"{theory:.5g}" if math.isfinite(theory) else "–",
                str(one["samples"]),
            ]
        )
    rate = f"{found['steps']} steps in {found['seconds']:.3g} s on {found['device']}"
    return "\n".join([table(rows), rate, *([f"wrote {path}"] if path else [])])
