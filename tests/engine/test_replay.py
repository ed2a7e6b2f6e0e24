"""Every system, saved and reopened in another process, is the same to the last bit."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from engine.core.parameters import parameters
from engine.core.simulation import Simulation
from engine.core.system import Touch, pokes
from engine.replay import replay
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
    box = next(layer for layer in running.frame[poke.view] if hasattr(layer, "low"))
    middle = np.asarray((box.low + box.high) / 2, np.float32)
    return Touch(middle, 0.1 * np.ones_like(middle), 1.0, 1.0)


def arrays(running):
    return {f"{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(running.present))}


def main(folder):
    """In the other process: replay all sessions from their beginnings, write the states down."""
    for path in sorted(Path(folder).glob("*.manyscope")):
        running = replay(Session.load(path), from_start=True)
        here = {f"here {name}": leaf for name, leaf in arrays(running).items()}
        later = {f"later {name}": leaf for name, leaf in arrays(running.run(MORE)).items()}
        np.savez(path.with_suffix(".npz"), **here, **later)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Of each system, what the states were, and the file that another process wrote of them."""
    folder = tmp_path_factory.mktemp("sessions")
    states = {}
    for number, (name, system_class) in enumerate(gallery().items()):
        running = eventful(system_class, np.random.default_rng(number))
        assert sum(len(part.events) for part in running.timeline.branches) >= CHANGES
        Session.of(running).save(folder / f"{name}.manyscope")
        here = {f"here {key}": leaf for key, leaf in arrays(running).items()}
        later = {f"later {key}": leaf for key, leaf in arrays(running.run(MORE)).items()}
        states[name] = here | later
        if number % 8 == 7:
            jax.clear_caches()  # a process may have so many compiled functions, and no more
    subprocess.run([sys.executable, __file__, str(folder)], check=True, timeout=600)
    return states, folder


@pytest.mark.parametrize("name", gallery())
def test_reopened_in_another_process_it_is_the_same_to_the_last_bit(played, name):
    states, folder = played
    with np.load(folder / f"{name}.npz", allow_pickle=False) as found:
        assert set(found) == set(states[name])
        for key, leaf in states[name].items():
            np.testing.assert_array_equal(found[key], leaf, err_msg=key)


if __name__ == "__main__":
    main(sys.argv[1])
