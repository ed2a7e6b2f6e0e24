"""Session files: what was saved comes back, whole, in every version of the schema."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.simulation import Simulation
from engine.core.system import Touch
from engine.replaying import doubts, replay, replay_other, system_of, values_of
from engine.storage import session_schema
from engine.storage.session_schema import SCHEMA
from engine.storage.sessions import Session, SessionError, from_text, to_text
from engine.systems.diffusion.exact_score_cloud import ExactScoreCloud
from engine.systems.diffusion.mean_flow import MeanFlow
from engine.systems.swarms.coulomb_gas import CoulombGas
from engine.systems.swarms.kuramoto import Kuramoto


SAMPLES = Path(__file__).parent / "sessions"


def small(**values):
    return Kuramoto(**({"n": 16} | values))


def state(running):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(running.present)]


def same(one, other):
    pairs = zip(state(one), state(other), strict=True)
    return one.system == other.system and all(np.array_equal(a, b) for a, b in pairs)


def eventful():
    running = Simulation(CoulombGas(n=16), seed=3).run(4)
    touch = Touch(np.float32([0.1, 0.2]), np.float32([0.3, 0.0]), 1.0, -1.0)
    running.poke("stir", touch).poke("stir", touch).run(3).restart(seed=4).run(5)
    running.back_to(5).set(dt=0.004 if running.system.dt != 0.004 else 0.003).run(6)
    return running.set(n=32).run(2)


def test_a_session_comes_back_with_all_its_branches(tmp_path):
    running = eventful()
    window = {"camera": [1.5, 2.0], "views": {"charges": True}, "note": "Käfer"}
    Session.of(running, window=window, thumbnail=b"\x89PNG\r\n\x1a\nx").save(
        tmp_path / "a.manyscope"
    )
    session = Session.load(tmp_path / "a.manyscope")
    assert (session.system, session.seed, session.window) == ("coulomb-gas", 3, window)
    assert session.thumbnail.endswith(b"x")
    assert session.position == running.position
    again = replay(session)
    assert same(again, running)
    assert (again.time, again.tick, again.position) == (
        running.time,
        running.tick,
        running.position,
    )
    assert again.past.branches == running.past.branches
    assert again.past.marks == running.past.marks
    assert same(again.go_to(0), running.go_to(0))
    assert same(again.run(5), running.run(5))
    assert values_of(session).n == 32
    assert system_of(session) == running.timeline.system


def test_without_its_state_a_session_is_replayed_to_the_same(tmp_path):
    running = eventful()
    session = Session.of(running)
    assert same(replay(session, from_start=True), running)
    bare = Session.of(running, state=False)
    assert bare.arrays == {}
    assert same(replay(bare), running)
    assert same(replay(from_text(to_text(session))), running)


def test_a_session_saved_in_the_past_opens_there_and_goes_on_as_it_did(tmp_path):
    running = Simulation(small(), seed=1).run(10).set(coupling=5.0).run(10)
    tip = state(running)
    again = replay(Session.of(running.back_to(5)))
    assert again.step == 5
    assert all(np.array_equal(a, b) for a, b in zip(tip, state(again.run(15)), strict=True))
    assert len(again.timeline.branches) == 1


def test_what_was_undone_stays_undone():
    running = Simulation(small(), seed=1).run(10)
    before = running.position
    running.restart(seed=2).run(10).back_to(before)
    running.let_go()
    for again in (replay(Session.of(running)), replay(Session.of(running, state=False))):
        assert (again.run(5).tick, again.seed, again.position.branch) == (15, 1, 1)


def test_an_array_of_the_users_travels_along(tmp_path):
    cloud = jax.random.normal(jax.random.key(0), (40, 3))
    system = ExactScoreCloud(own=cloud, n=100)
    running = Simulation(system, seed=1).run(2).set(own=cloud + 1).run(1)
    Session.of(running).save(tmp_path / "cloud.manyscope")
    again = replay(Session.load(tmp_path / "cloud.manyscope"), from_start=True)
    pairs = zip(state(again), state(running), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    # In a figure's metadata too, while it is small.
    again = replay(from_text(to_text(Session.of(running))))
    assert np.array_equal(again.system.own, cloud + 1)
    large = jax.random.normal(jax.random.key(0), (60_000, 3))
    text = to_text(Session.of(Simulation(system.replace(own=large))))
    assert len(text) < 2**20
    with pytest.raises(SessionError, match="too large to travel with it: open the session file"):
        replay(from_text(text))


ELSEWHERE = """
import sys
import numpy as np
from engine.core import stepping
from engine.replaying import replay
from engine.storage.sessions import Session

running = replay(Session.load(sys.argv[1]))
assert stepping.advance._cache_size() == 0, "it was trained again"
learned = running.present.state.learned
assert int(learned.steps) == 200
drawn = running.set(pace=0, steps=4).run(1).present.state
np.savez(sys.argv[2], made=drawn.made, loss=drawn.learned.loss, steps=drawn.learned.steps)
"""


def test_what_a_network_has_learnt_travels_along(tmp_path):
    system = MeanFlow(n=128, width=16, batch=32, pace=50)
    running = Simulation(system, seed=1).run(4)  # 200 optimiser steps
    Session.of(running).save(tmp_path / "learnt.manyscope")
    files = [str(tmp_path / name) for name in ("learnt.manyscope", "drawn.npz")]
    subprocess.run([sys.executable, "-c", ELSEWHERE, *files], check=True)
    here = running.set(pace=0, steps=4).run(1).present.state
    with np.load(files[1], allow_pickle=False) as there:
        assert there["steps"] == here.learned.steps == 200
        assert there["loss"] == here.learned.loss
        np.testing.assert_array_equal(there["made"], here.made)


def test_the_run_beside_is_saved_too():
    one, other = Simulation(small(), seed=1).run(5), Simulation(small(coupling=5.0), seed=1).run(5)
    session = Session.of(one, other=other)
    assert same(replay_other(session), other)
    assert replay_other(Session.of(one)) is None


def test_the_same_session_is_the_same_file(tmp_path):
    session = Session.of(eventful())
    session.save(tmp_path / "a.manyscope")
    time.sleep(0.01)
    session.save(tmp_path / "b.manyscope")
    assert (tmp_path / "a.manyscope").read_bytes() == (tmp_path / "b.manyscope").read_bytes()


def test_its_arrays_can_be_read_without_manyscope(tmp_path):
    running = Simulation(small(), seed=1).run(5)
    Session.of(running).save(tmp_path / "a.manyscope")
    with np.load(tmp_path / "a.manyscope", allow_pickle=False) as file:
        assert np.array_equal(file["state/0"], state(running)[0])


def test_what_makes_a_replay_doubtful_is_said():
    session = Session.of(Simulation(small(), seed=1))
    assert doubts(session) == []
    old = msgspec.structs.replace(
        session.document, physics="0" * 64, release="0.0.1", made_with={"jax": "0.1"}
    )
    words = doubts(Session(old))
    assert words[0] == "kuramoto was written anew since this session was saved."
    assert words[1].startswith("It was saved by Manyscope 0.0.1; this is")
    assert words[2].startswith("It ran with jax 0.1, and runs now with")


# Versions of the schema.


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.manyscope")), ids=lambda path: path.stem)
def test_a_file_of_every_version_opens(sample):
    session = Session.load(sample)
    assert session.document.manyscope == SCHEMA
    running = replay(session, from_start=True)
    assert running.step == 40
    assert len(running.timeline.branches) == 2


def test_there_is_a_sample_and_a_way_on_for_every_version():
    assert {path.stem for path in SAMPLES.glob("*.manyscope")} == {
        f"schema_{version}" for version in range(1, SCHEMA + 1)
    }
    assert set(session_schema.MIGRATIONS) == set(range(1, SCHEMA))


def test_older_words_are_turned_into_newer_ones_step_by_step(monkeypatch):
    document = Session.of(Simulation(small(), seed=1), state=False).document
    raw = msgspec.json.decode(session_schema.encode(document))
    oldest = {k: v for k, v in raw.items() if k not in ("run", "release")}
    oldest |= {"manyscope": -1, "history": raw["run"], "program": raw["release"]}

    def first(raw):
        return {k: v for k, v in raw.items() if k != "history"} | {"run": raw["history"]}

    def second(raw):
        return {k: v for k, v in raw.items() if k != "program"} | {"release": raw["program"]}

    monkeypatch.setattr(session_schema, "MIGRATIONS", {-1: first, 0: second})
    assert session_schema.decode(json.dumps(oldest)) == document
    monkeypatch.setattr(session_schema, "MIGRATIONS", {})
    with pytest.raises(SessionError, match="schema -1 was never used"):
        session_schema.decode(json.dumps(oldest))


# Round trips.

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(window=st.dictionaries(st.text(max_size=8), plain, max_size=5))
def test_what_the_window_saves_comes_back(window, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "window.manyscope"
    session = ORIGIN.with_window(window)
    session.save(path)
    assert Session.load(path).document == session.document
    assert Session.load(path).window == window
    assert from_text(to_text(session)).window == window


ORIGIN = Session.of(Simulation(small(), seed=1), state=False)


@settings(deadline=None, max_examples=25)
@given(
    deeds=st.lists(
        st.tuples(
            st.sampled_from(["run", "coupling", "noise", "coherence", "restart", "back"]),
            st.floats(0, 1, width=32),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_run_comes_back(deeds, tmp_path_factory):
    running = Simulation(small(), seed=1)
    for deed, value in deeds:
        match deed:
            case "run":
                running.run(round(9 * value))
            case "restart":
                running.restart(seed=round(5 * value))
            case "back":
                running.back_to(round(value * running.past.end))
            case _:
                running.set(**{deed: value})
    path = tmp_path_factory.getbasetemp() / "run.manyscope"
    session = Session.of(running)
    session.save(path)
    found = Session.load(path)
    assert found.document == session.document
    assert same(replay(found), running)
    assert same(replay(found, from_start=True), running)


# Saving.


def test_a_kill_while_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "run.manyscope"
    code = (
        "import sys, numpy as np\n"
        "from engine.storage.archives import write_archive, array_bytes\n"
        "k = 0\n"
        "while True:\n"
        "    data = array_bytes(np.full(400_000, k % 250, np.uint8))\n"
        "    write_archive(sys.argv[1], {'state/0.npy': data, 'session.json': b'%d' % k})\n"
        "    if k == 0: print('begun', flush=True)\n"
        "    k += 1\n"
    )
    from engine.storage.archives import array_of, read_archive
    from engine.storage.sessions import LIMITS

    seen = set()
    for k in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout.readline() == "begun\n"
        time.sleep(0.05 + 0.013 * k)  # at another point of the loop each time
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        members = read_archive(path.read_bytes(), LIMITS)
        number = int(members["session.json"])
        assert (array_of(members["state/0.npy"], "") == number % 250).all()
        seen.add(number)
    assert max(seen) > 0


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.manyscope"
    session = Session.of(Simulation(Kuramoto(n=4096), seed=1).run(1))
    session.save(path)
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limit[1]))
    try:
        with pytest.raises(OSError, match="large"):
            session.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.manyscope"]
