"""One timeline: what happened happens again, bit for bit, and branches share their past."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import simulation as module
from engine.core.parameters import Scalar, live
from engine.core.simulation import LeftTheNumbers, Simulation
from engine.core.system import System, Touch
from engine.core.timeline import Grow, Poke, Position, Restart, Set
from engine.systems.spins.ising_2d import Ising2D
from engine.systems.swarms.active_matter import ActiveMatter
from engine.systems.swarms.coulomb_gas import CoulombGas
from engine.systems.swarms.kuramoto import Kuramoto


def small(**values):
    return Kuramoto(**({"n": 32} | values))


def state(running):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(running.present)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def touch(x=0.3):
    return Touch(jnp.array([x, 0.0]), jnp.array([0.2, 0.1]), jnp.float32(1.0), jnp.float32(1.0))


def test_a_step_of_the_past_is_what_it_was():
    running = Simulation(small(), seed=1)
    then = [state(running.run(7)) for _ in range(5)]
    for k in (2, 0, 4, 1, 3):
        assert same(state(running.back_to(7 * (k + 1))), then[k])
    assert running.step == running.tick == 28


def test_how_many_steps_are_taken_together_does_not_matter():
    def played(pieces):
        running = Simulation(small(), seed=2)
        for piece in pieces:
            running.run(piece)
        running.set(coupling=4.0)
        for piece in reversed(pieces):
            running.run(piece)
        return state(running)

    whole = played([60])
    assert same(whole, played([1] * 60))
    assert same(whole, played([7, 13, 40]))
    measured = Simulation(small(), seed=2).measure(60, every=4).set(coupling=4.0).measure(60)
    assert same(whole, state(measured))


def test_what_was_recorded_happens_again_up_to_the_tip_and_then_it_goes_on():
    running = Simulation(small(), seed=1).run(10).set(coupling=5.0).run(10).restart(seed=3).run(5)
    tip, then = running.position, state(running)
    running.back_to(4).run(16)
    assert running.system.coupling == 5.0
    running.run(5)
    assert (running.seed, running.tick, running.position) == (3, 5, tip)
    assert same(state(running), then)
    further = state(running.run(3))
    assert same(state(running.back_to(2).run(26)), further)
    assert len(running.timeline.branches) == 1


def test_steps_go_on_over_a_restart_and_ticks_begin_anew():
    running = Simulation(small(), seed=1).run(10).restart().run(4)
    assert (running.step, running.tick) == (14, 4)
    assert running.back_to(6).tick == 6
    assert running.back_to(12).tick == 2
    assert running.time == pytest.approx(2 * running.system.dt)


def test_a_change_in_the_past_begins_a_branch_and_leaves_the_other_whole():
    running = Simulation(small(), seed=1).run(20).set(coupling=5.0).run(20)
    then = state(running)
    running.back_to(10).set(coupling=0.5).run(30)
    assert running.position == Position(1, 40, 1)
    assert running.system.coupling == 0.5
    other = state(running)
    assert not same(other, then)
    assert same(state(running.go_to(0)), then)
    assert same(state(running.go_to(1)), other)
    assert [stem[1:] for stem in running.past.branches] == [(None, 0, 40), (0, 10, 40)]
    # Along a branch lies the past that it shares.
    assert running.back_to(5).position == Position(1, 5, 0)
    assert same(state(running.run(35)), other)


def test_a_branch_of_a_branch_goes_back_to_the_beginning():
    running = Simulation(small(), seed=1).run(10).branch().run(10).set(noise=0.5).run(5).branch()
    running.set(noise=0.1).run(5)
    then = state(running)
    assert [stem.parent for stem in running.past.branches] == [None, 0, 1]
    assert same(state(running.back_to(0).run(30)), then)
    alone = Simulation(small(), seed=1).run(20).set(noise=0.5).run(5).set(noise=0.1).run(5)
    assert same(state(alone), then)


def test_undo_across_a_structural_change_returns_the_very_same_state():
    running = Simulation(small(), seed=1).run(15).set(coupling=4.0)
    before, then = running.position, state(running)
    running.set(n=64).run(9)
    after = running.position
    running.back_to(before)
    running.let_go()
    assert running.system == small(coupling=4.0)
    assert same(state(running), then)
    # It goes on as if the change had never been, on a branch; and the change is there to redo.
    on = state(running.run(5))
    assert same(on, state(Simulation(small(), seed=1).run(15).set(coupling=4.0).run(5)))
    assert running.position.branch == 1
    assert running.back_to(after).system.n == 64


def test_events_at_the_same_step_are_told_apart():
    running = Simulation(CoulombGas(n=16), seed=1).run(3)
    places, states = [], []
    for x in (0.1, 0.2, 0.4):
        places.append(running.position)
        states.append(state(running))
        running.poke("stir", touch(x))
    assert [place.events for place in places] == [0, 1, 2]
    for place, then in zip(places, states, strict=True):
        assert same(state(running.back_to(place)), then)


def test_two_pokes_at_the_same_tick_do_not_share_noise():
    running = Simulation(small(), seed=1).run(2).poke("scatter")
    once, place = state(running), running.position
    twice = state(running.poke("scatter"))
    assert not same(once, twice)
    assert same(state(running.back_to(place).poke("scatter")), twice)
    assert [event.order for event in running.timeline.events(running.position)] == [0, 1]


def test_room_that_grew_grows_again_at_its_step():
    running = Simulation(ActiveMatter(n=64, slots=2, packing=0.6), seed=1).run(20)
    crowd = Touch(jnp.full(2, 4.0), jnp.zeros(2), jnp.float32(30.0), jnp.float32(-1.0))
    for _ in range(10):
        running.run(3).poke("push_away", crowd)
    running.run(20)
    assert any(isinstance(event, Grow) for event in running.timeline.branches[0].events)
    then, tip = state(running), running.position
    for goal in (5, 33, 60):
        running.back_to(goal)
    assert same(state(running.go_to(0)), then)
    running.checkpoints.clear()  # all of it again, from the beginning
    running.back_to(1)
    running.checkpoints.clear()
    assert same(state(running.go_to(0)), then)
    assert running.position == tip


def test_a_mode_keeps_the_state_and_replays():
    running = Simulation(Ising2D(length=32), seed=1).run(5).set(update="metropolis").run(5)
    then = state(running)
    assert same(state(running.back_to(2).run(8)), then)
    assert running.system.update == "metropolis"


def test_a_value_that_stays_is_no_event():
    running = Simulation(small(), seed=1).run(3)
    running.set(coupling=running.system.coupling)
    assert running.timeline.branches[0].events == []
    running.set(n=32)  # a size restarts, even so
    assert [type(event) for event in running.timeline.branches[0].events] == [Restart]


def test_a_change_that_is_refused_is_no_event():
    running = Simulation(small(), seed=1).run(3)
    for wrong in ({"coupling": float("nan")}, {"n": 1}):
        with pytest.raises(ValueError, match="give"):
            running.set(**wrong)
    assert running.timeline.branches[0].events == []


class Capital(NamedTuple):
    capital: jax.Array


class Interest(System[Capital]):
    """Capital that grows out of all bounds."""

    rate: Scalar = live(default=1.01, span=(0, 2), symbol="q", help="factor a step")

    def init(self, key):
        return Capital(jnp.ones(3))

    def step(self, state, key):
        return Capital(self.rate * state.capital)

    def observables(self, state):
        return {"total": jnp.sum(state.capital)}

    def frame(self, state):
        return {}


def test_a_run_that_left_the_numbers_goes_on_and_no_branch_holds_what_it_left_them_with():
    running = Simulation(Interest(), seed=1).run(10)
    running.set(rate=1e30)
    with pytest.raises(LeftTheNumbers):
        running.run(50)
    assert running.system.rate == 1e30
    assert running.step <= 10
    running.set(rate=1.0).run(5)
    for stem in running.past.branches:
        assert all(np.isfinite(leaf).all() for leaf in state(running.go_to(stem.branch)))


def test_a_place_that_never_was_is_refused_in_words():
    running = Simulation(small(), seed=1).run(5).set(noise=0.3).run(5)
    with pytest.raises(ValueError, match="Step 11 is not on this line: it goes from 0 to 10"):
        running.back_to(11)
    with pytest.raises(ValueError, match="There is no branch 3: there are 1"):
        running.go_to(3)
    with pytest.raises(ValueError, match="never was at step 3 after 1 events"):
        running.back_to(Position(0, 3, 1))
    with pytest.raises(ValueError, match="has no step 4 after 7 events"):
        running.back_to(Position(0, 4, 7))
    assert running.step == 10


def test_going_back_takes_no_compilation():
    running = Simulation(small(), seed=1).run(5).set(coupling=4.0).run(5)
    running.back_to(3)
    functions = (module.advance, module.begin, module.inspect, module.copied)
    compiled = [function._cache_size() for function in functions]
    for goal in (7, 2, 10, 0):
        running.back_to(goal)
    assert [function._cache_size() for function in functions] == compiled


def test_a_gesture_is_one_mark_and_a_mark_says_what_was_done():
    running = Simulation(small(), seed=1).run(5)
    for k in range(20):
        running.set(coupling=1 + k / 10).run(2)
    running.set(noise=0.5).run(100).set(noise=0.6).restart(seed=4).set(n=64)
    words = [(mark.kind, mark.step, mark.words) for mark in running.past.marks]
    assert words == [
        ("set", 5, "K = 2.9"),
        ("set", 45, "D = 0.5"),
        ("set", 145, "D = 0.6"),
        ("restart", 145, "restart, seed 4"),
        ("restart", 145, "N = 64"),
    ]
    mark = running.past.marks[0]
    running.back_to(Position(mark.branch, mark.step, mark.events))
    assert running.system.coupling == small().coupling


def test_a_snapshot_brings_its_past_to_another_simulation():
    running = Simulation(small(), seed=1).run(5).set(coupling=5.0).run(5).back_to(7)
    running.branch().set(noise=0.1).run(4)
    other = Simulation(small()).restore(running.snapshot())
    assert same(state(other), state(running))
    assert same(state(other.back_to(6)), state(running.back_to(6)))
    assert len(other.timeline.branches) == 1


def test_a_twin_has_the_same_past_and_goes_its_own_way():
    running = Simulation(small(), seed=1).run(5).set(coupling=5.0).run(20)
    running.checkpoints.keep(running.snapshot)
    then, branches = state(running), running.past.branches
    twin = running.twin()
    assert same(state(twin.back_to(3).set(noise=0.2).run(8)), state(twin))
    assert same(state(twin.go_to(0)), then)
    assert same(state(running), then)
    assert running.past.branches == branches
    assert len(twin.timeline.branches) == 2
    assert same(state(running.run(5)), state(twin.run(5)))


deeds = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(0, 9)),
        st.tuples(st.just("coupling"), st.floats(0, 6, width=32)),
        st.tuples(st.just("noise"), st.floats(0, 2, width=32)),
        st.tuples(st.just("coherence"), st.floats(0, 1, width=32)),
        st.tuples(st.just("restart"), st.integers(0, 3)),
        st.tuples(st.just("back"), st.floats(0, 1)),
        st.tuples(st.just("branch"), st.just(0)),
        st.tuples(st.just("undo"), st.floats(0, 1)),
    ),
    min_size=3,
    max_size=14,
)


@settings(deadline=None, max_examples=60)
@given(deeds=deeds)
def test_wherever_one_goes_a_place_is_the_same_again(deeds):
    running = Simulation(small(n=16), seed=1)
    seen = {}

    def look():
        place = running.timeline.owner(running.position)
        seen.setdefault(place, (running.system, running.seed, running.tick, state(running)))

    look()
    for deed, value in deeds:
        match deed:
            case "run":
                running.run(value)
            case "restart":
                running.restart(seed=value)
            case "back":
                running.back_to(round(value * running.past.end))
            case "branch":
                running.branch()
            case "undo":
                running.back_to(list(seen)[int(value * (len(seen) - 1))])
                running.let_go()
            case _:
                running.set(**{deed: value})
        look()
    for place, (system, seed, tick, then) in seen.items():
        running.back_to(place)
        assert (running.system, running.seed, running.tick) == (system, seed, tick)
        assert same(state(running), then)
    events = [event for part in running.timeline.branches for event in part.events]
    assert all(isinstance(event, Set | Restart | Grow | Poke) for event in events)
