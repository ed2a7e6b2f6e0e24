"""A run: reproducible, never silently wrong, and compiled no more often than it must be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import simulation
from engine.core.simulation import (
    Simulation,
    advance,
    advance_each,
    along,
    begin,
    look,
    stack,
    sweep,
)
from engine.core.system import Touch
from engine.systems.diffusion.mean_field_chaos import MeanFieldChaos
from engine.systems.spins.ising import Ising
from engine.systems.swarms.active_matter import ActiveMatter
from engine.systems.swarms.kuramoto import Kuramoto


def test_a_number_of_any_kind_is_one_type():
    running = Simulation(Kuramoto(n=32)).run(1)
    compiled = simulation.advance._cache_size()
    for coupling in (2, 2.5, np.float64(3), jnp.float32(4)):
        running.set(coupling=coupling).run(np.int64(1))
    assert simulation.advance._cache_size() == compiled


def test_too_little_room_grows_and_changes_nothing():
    tight = Simulation(ActiveMatter(n=256, slots=2, packing=0.6), seed=1).run(300)
    roomy = Simulation(ActiveMatter(n=256, slots=16, packing=0.6), seed=1).run(300)
    assert tight.system.slots in (8, 16)
    assert tight.observables == roomy.observables


def test_room_that_runs_out_in_the_middle_of_a_run_is_made_from_before_the_chunk():
    running = Simulation(ActiveMatter(n=256, slots=8, packing=0.05)).run(10)
    crowd = Touch(jnp.full(2, 10.0), jnp.zeros(2), jnp.float32(30.0), jnp.float32(-1.0))
    for _ in range(30):
        running.poke("push_away", crowd)  # pulled together
    running.run(5)
    assert running.system.slots > 8
    assert running._run.state.near.most <= running.system.slots
    assert running._run.tick == 15


def test_a_sweep_grows_too():
    tight = sweep(ActiveMatter(n=64, slots=2), seeds=1, settle=10, measure=20)
    roomy = sweep(ActiveMatter(n=64, slots=16), seeds=1, settle=10, measure=20)
    np.testing.assert_allclose(tight["swim"], roomy["swim"], rtol=1e-6)


def test_a_mode_goes_on_from_the_same_state():
    running = Simulation(Ising(length=32, temperature=1.0)).run(20)
    before = running.observables
    assert running.set(update="metropolis").observables == before
    assert running._run.tick == 20


def test_a_run_that_ends_stops_by_itself_and_a_poke_revives_it():
    running = Simulation(MeanFieldChaos(n=8, clouds=2, m=50, moments=50)).run(10_000)
    assert running.done
    assert running._run.tick == 50
    assert not running.poke("turn_back").done
    assert running.observables["time"] == pytest.approx(1.0)


def test_a_poke_replays():
    def played():
        running = Simulation(MeanFieldChaos(n=8, clouds=2, m=50), seed=4).run(60)
        return running.poke("turn_back").run(5).observables

    assert played() == played()


def test_what_is_not_a_number_is_not_shown():
    broken = Simulation(Kuramoto(n=16, dt=0.05)).run(3)
    broken._run = broken._run._replace(
        state=broken._run.state._replace(phase=jnp.full(16, jnp.nan))
    )
    with pytest.raises(FloatingPointError, match="smaller step"):
        broken.run(1)


def test_a_frame_once_taken_stays_as_it_was():
    running = Simulation(Ising(length=32, temperature=5.0)).run(1)
    (_, image) = running.frame["lattice"]
    copy = image.values.copy()
    running.run(5)
    np.testing.assert_array_equal(image.values, copy)


def test_two_runs_side_by_side_share_their_noise(key):
    one, other = Kuramoto(n=64, coupling=1.0), Kuramoto(n=64, coupling=5.0)
    pair = stack(one, other)
    runs = jax.vmap(begin, in_axes=(0, None))(pair, key)
    runs = advance_each(pair, runs, key, 50)
    alone = advance(other, begin(other, key), key, 50)
    np.testing.assert_array_equal(runs.state.phase[1], alone.state.phase)
    # A batch of frames is a frame of panels.
    points, _ = jax.vmap(look)(pair, runs).frame["circle"]
    assert points.position.shape == (2, 64, 2)


def test_an_axis_may_be_a_size():
    orders = along(
        Ising(),
        lambda system: {"sites": jnp.float32(system.length**2) + 0 * system.temperature},
        temperature=jnp.array([1.0, 2.0, 3.0]),
        length=jnp.array([32, 64]),
    )["sites"]
    np.testing.assert_array_equal(orders, [[1024, 4096]] * 3)


def test_views_that_nobody_asks_for_are_not_computed(key):
    system = Kuramoto(n=16)
    run = begin(system, key)
    assert set(look(system, run, views=("circle",)).frame) == {"circle"}
    assert look(system, run, views=()).frame == {}
