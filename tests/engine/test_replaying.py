"""Every system, saved and reopened in another process, is the same to the last bit."""

import subprocess
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest

from engine.core.parameters import parameters
from engine.core.simulation import Simulation
from engine.core.system import Touch, pokes
from engine.replaying import replay
from engine.storage.sessions import Session
from engine.systems import gallery


CHANGES = 20
MORE = 3  # steps after the place that was saved


def small(system_class):
    """The smallest one its sliders offer: compiling costs as much, and running nothing."""
    sizes = {p.name: p.span[0] for p in parameters(system_class).values() if p.kind == "size"}
    return system_class(**sizes)


def eventful(system_class, rng):
    """Twenty random changes of parameters, a restart, and every poke, with steps in between.

    Words and sizes stay as they are: each would be compiled anew, and their events are tested with
    single systems.
    """
    running = Simulation(small(system_class), seed=int(rng.integers(1000)))
    known = parameters(system_class).values()
    free = [p for p in known if p.kind == "live"] or [p for p in known if p.traced and p.span]
    starts = [p for p in known if p.kind == "start" and p.traced and p.span]
    hands = [(poke, _touch(running, poke)) for poke in pokes(system_class).values()]
    for k in range(CHANGES):
        running.run(int(rng.integers(0, 4)))
        parameter = free[rng.integers(len(free))]
        if k == CHANGES // 2 and starts:
            parameter = starts[rng.integers(len(starts))]
        # Within the inner half of the span: what lies at its ends is tested elsewhere.
        running.set(**{parameter.name: parameter.at(0.25 + 0.5 * rng.random())})
        if hands and k % 6 == 5:
            poke, touch = hands[k // 6 % len(hands)]
            running.poke(poke.name, touch)
    return running.run(2)


def _touch(running, poke):
    if not poke.view:
        return None
    if poke.view == "clock":  # a time, not a place
        return Touch(np.full(1, 0.5, np.float32), np.zeros(1, np.float32), 1.0, 1.0)
    # The number of its coordinates is enough to know of the view: to draw it would be compiled.
    frame = jax.eval_shape(lambda run: running.system.frame(run.state), running.present)
    box = next(layer for layer in frame[poke.view] if hasattr(layer, "low"))
    middle = np.zeros(box.low.shape, np.float32)
    return Touch(middle, middle + 0.1, 1.0, 1.0)


def states(running):
    """Here, and some steps later."""
    here = jax.tree.map(np.asarray, jax.tree.leaves(running.present))
    later = jax.tree.leaves(running.run(MORE).present)
    found = {f"here {k}": leaf for k, leaf in enumerate(here)}
    return found | {f"later {k}": np.asarray(leaf) for k, leaf in enumerate(later)}


def play(folder, family):
    """In one process: play the systems, save them, and write down what their states are."""
    for number, name in enumerate(systems_of(family)):
        with faults_in(folder / f"{name}.txt"):
            running = eventful(gallery()[name], np.random.default_rng(number))
            Session.of(running, state=False).save(folder / f"{name}.manyscope")
            np.savez(folder / f"{name}.played.npz", **states(running))


def play_again(folder, family):
    """In another process: replay them all, and write down what the states are there."""
    for name in systems_of(family):
        with faults_in(folder / f"{name}.txt"):
            running = replay(Session.load(folder / f"{name}.manyscope"))
            np.savez(folder / f"{name}.replayed.npz", **states(running))


def systems_of(family):
    return [name for name in gallery() if gallery().entry(name).family == family]


@contextmanager
def faults_in(file):
    """A system that fails does not keep the others of its family from being tested."""
    try:
        yield
    except Exception:
        file.write_text(traceback.format_exc())


FAMILIES = sorted({gallery().entry(name).family for name in gallery()})


@pytest.mark.parametrize("family", FAMILIES)
def test_reopened_in_another_process_it_is_the_same_to_the_last_bit(family, tmp_path):
    for deed in ("play", "play_again"):
        subprocess.run([sys.executable, __file__, deed, tmp_path, family], check=True, timeout=600)
    assert "".join(file.read_text() for file in tmp_path.glob("*.txt")) == ""
    for name in systems_of(family):
        session = Session.load(tmp_path / f"{name}.manyscope")
        assert sum(len(part.events) for part in session.document.run.branches) >= CHANGES
        with (
            np.load(tmp_path / f"{name}.played.npz", allow_pickle=False) as played,
            np.load(tmp_path / f"{name}.replayed.npz", allow_pickle=False) as replayed,
        ):
            assert set(replayed) == set(played)
            for key in played:
                np.testing.assert_array_equal(replayed[key], played[key], err_msg=f"{name}: {key}")


if __name__ == "__main__":
    {"play": play, "play_again": play_again}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
