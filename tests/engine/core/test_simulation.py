"""A run: reproducible, never silently wrong, and compiled no more often than it must be."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import simulation, sweeps
from engine.core.density import Splat
from engine.core.layers import Points
from engine.core.parameters import Scalar, live
from engine.core.simulation import (
    LeftTheNumbers,
    Simulation,
    advance,
    advance_each,
    along,
    begin,
    look,
    stack,
    sweep,
)
from engine.core.stepping import predict, without_room
from engine.core.system import System, Touch
from engine.systems.diffusion.kde_regimes import KdeRegimes
from engine.systems.diffusion.mean_field_chaos import MeanFieldChaos
from engine.systems.spins.hopfield_ags import HopfieldAGS
from engine.systems.spins.ising_2d import Ising2D
from engine.systems.swarms.active_matter import CROWD, ActiveMatter
from engine.systems.swarms.kuramoto import Kuramoto

from .libraries import Library


class Capital(NamedTuple):
    capital: jax.Array


class Interest(System[Capital]):
    """Capital that grows out of all bounds, or vanishes."""

    rate: Scalar = live(default=1.0, span=(0, 2), symbol="q", help="factor a step")

    def init(self, key):
        return Capital(jnp.ones(3))

    def step(self, state, key):
        return Capital(self.rate * state.capital)

    def observables(self, state):
        return {"total": jnp.sum(state.capital), "log": jnp.log(state.capital[0])}

    def frame(self, state):
        return {}


def test_a_number_of_any_kind_is_one_type():
    running = Simulation(Kuramoto(n=32)).run(1)
    compiled = simulation.advance._cache_size()
    for coupling in (2, 2.5, np.float64(3), jnp.float32(4)):
        running.set(coupling=coupling).run(np.int64(1))
    assert simulation.advance._cache_size() == compiled


def test_too_little_room_grows_and_changes_nothing():
    tight = Simulation(ActiveMatter(n=256, slots=2, packing=0.6), seed=1).run(300)
    assert tight.system.slots in (8, 16)
    # Of the same room: sums over more slots are rounded in another order.
    roomy = Simulation(tight.system, seed=1).run(300)
    assert tight.observables == roomy.observables


def test_room_that_runs_out_in_the_middle_of_a_run_is_made_from_before_the_chunk():
    running = Simulation(ActiveMatter(n=256, slots=8, packing=0.05)).run(10)
    crowd = Touch(jnp.full(2, 10.0), jnp.zeros(2), jnp.float32(30.0), jnp.float32(-1.0))
    for _ in range(30):
        running.poke("push_away", crowd)  # pulled together
    running.run(5)
    assert running.system.slots == CROWD
    assert running._run.tick == 15


def test_theory_is_compiled_once_for_whatever_room_a_run_has_grown_to():
    tight = Simulation(Library(room=2, pages=1.5))
    tight.theory()
    compiled = predict._cache_size()
    tight.run(10).theory()
    assert tight.system.room == 16
    assert predict._cache_size() == compiled
    assert without_room(tight.system) == Library(pages=1.5)


def test_a_sweep_grows_too():
    # A book a step, on a shelf that held two; every tenth step is measured: 20 books, and 30.
    found = sweep(Library(room=2), pages=jnp.array([1.0, 2.0]), seeds=1, settle=10, measure=20)
    np.testing.assert_array_equal(found["pages"][:, 0], [25.0, 50.0])


def test_a_mode_goes_on_from_the_same_state():
    running = Simulation(Ising2D(length=32, temperature=1.0)).run(20)
    before = running.observables
    assert running.set(update="metropolis").observables == before
    assert running._run.tick == 20


def test_a_run_that_ends_stops_by_itself_and_a_poke_revives_it():
    running = Simulation(MeanFieldChaos(n=8, clouds=2, m=50, moments=50, flow="once"))
    running.run(10_000)
    assert running.done
    assert running._run.tick == 50
    assert not running.poke("turn_back").done
    assert running.observables["time"] == pytest.approx(1.0)


def test_a_poke_replays():
    def played():
        running = Simulation(MeanFieldChaos(n=8, clouds=2, m=50), seed=4).run(60)
        return running.poke("turn_back").run(5).observables

    assert played() == played()


def test_a_run_that_leaves_the_numbers_says_where_and_goes_back():
    running = Simulation(Interest(rate=1.01)).run(50)
    good = running.observables
    running.set(rate=1e30)
    with pytest.raises(
        LeftTheNumbers,
        match=r"Interest left the numbers by tick 57: capital, total, log became infinite or "
        r"not-a-number at rate = 1e\+30\. Go back, .*smaller step",
    ) as caught:
        running.run(7)
    error = caught.value
    assert error.tick == 57
    assert error.names == ("capital", "total", "log")
    assert error.values == {"rate": 1e30}
    # It stands where it stood before, ready for gentler values, ...
    assert running.tick == error.last_good.tick
    assert running.system.rate == 1e30
    assert np.isfinite(running.set(rate=1.0).run(5).observables["total"])
    # ... and may take back the values too.
    running.restore(error.last_good)
    assert running.system.rate == pytest.approx(1.01)
    assert running.run(50 - running.tick).observables == good


def test_the_last_good_state_is_older_than_the_change_that_spoilt_the_run():
    running = Simulation(ActiveMatter(n=64), seed=2).run(40).set(stiffness=1e30)
    with pytest.raises(LeftTheNumbers) as caught:  # noqa: PT012 (finite, and spoilt, for a while)
        while True:
            running.run(1)
    assert running.step > 41
    running.restore(caught.value.last_good)
    assert running.step <= 40
    assert np.isfinite(list(running.run(50).observables.values())).all()


def test_a_state_spared_by_a_failing_hand_is_the_last_good_one():
    running = Simulation(Kuramoto(n=64)).run(3)
    with pytest.raises(LeftTheNumbers, match="phase") as caught:
        running._act(
            lambda system, run: (
                run._replace(state=run.state._replace(phase=jnp.full(64, jnp.inf))),
                None,
            )
        )
    assert caught.value.last_good.tick == running.tick == 3
    assert running.run(1).tick == 4


def test_an_observable_that_is_not_a_number_is_named_though_the_state_is_sound():
    running = Simulation(Interest(rate=0.0)).run(0)
    assert running.observables["log"] == pytest.approx(0)
    with pytest.raises(LeftTheNumbers, match=r"by tick 1: log became") as caught:
        running.run(1).look()
    assert caught.value.last_good is not None
    with pytest.raises(LeftTheNumbers, match="log"):
        running.restart().measure(8)


@pytest.mark.parametrize("system", [Kuramoto(n=64), ActiveMatter(n=64), Ising2D(length=32)])
def test_from_a_snapshot_it_goes_on_bit_for_bit(system):
    running = Simulation(system, seed=5).run(20)
    snapshot = running.snapshot()
    there = running.run(30).snapshot()
    changed = running.restart(seed=6).run(3)
    back = changed.restore(snapshot)
    assert (back.tick, back.seed) == (20, 5)
    assert back.time == pytest.approx(20 * float(system.tick))
    again = back.run(30).snapshot()
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), there.run, again.run))
    assert again.time == there.time


def test_a_snapshot_serves_more_than_once():
    running = Simulation(Kuramoto(n=64)).run(5)
    snapshot = running.snapshot()
    first = running.run(5).observables
    assert running.restore(snapshot).run(5).observables == first
    assert running.restore(snapshot).run(5).observables == first


def test_tick_time_and_seed_tell_where_it_is():
    running = Simulation(Kuramoto(n=32, dt=0.05), seed=3).run(10)
    assert (running.tick, running.seed, running.done) == (10, 3, False)
    assert running.set(dt=0.1).run(10).time == pytest.approx(1.5)
    one = running.restart(seed=4).run(1).observables
    assert (running.tick, running.seed) == (1, 4)
    assert one == Simulation(running.system, seed=4).run(1).observables


def test_a_change_that_cannot_start_changes_nothing():
    running = Simulation(Ising2D(length=32)).run(4)
    with pytest.raises(ValueError, match="is odd"):
        running.set(length=33)
    assert running.system.length == 32
    assert running.run(1).tick == 5


def test_what_is_looked_at_belongs_to_the_reader():
    running = Simulation(Ising2D(length=32), seed=1).run(1)
    look = running.look()
    assert all(type(leaf) is np.ndarray for leaf in jax.tree.leaves(look.frame))
    assert all(type(value) is float for value in look.observables.values())
    memory = running._run.state.spin.unsafe_buffer_pointer()
    running.run(1)  # `look` still lives, and yet the state's memory is used again
    assert running._run.state.spin.unsafe_buffer_pointer() == memory


def test_observables_and_views_keep_the_order_of_the_file():
    running = Simulation(HopfieldAGS(side=16))
    assert list(running.look().observables) == ["overlap", "freezing", "crosstalk", "energy"]
    assert list(running.look().frame) == list(running.views()) == ["network", "memory", "overlaps"]
    assert running.views()["network"] == ("Box", "Image")
    assert list(running.measure(10).estimates) == ["overlap", "freezing", "crosstalk", "energy"]


def test_a_view_that_is_not_there_is_refused_in_words():
    running = Simulation(Kuramoto(n=16))
    with pytest.raises(ValueError, match=r"no view 'circel': it has .*Did you mean 'circle'"):
        running.look(views=("circel",))


def test_measuring_gives_the_average_its_error_and_theory_beside_it():
    running = Simulation(Kuramoto(n=4096, coupling=3.0), seed=2).run(300)
    estimate = running.measure(3000, every=5).estimates["order"]
    assert estimate.samples == 600
    assert running.tick == 3300
    # N^{-1/2} of one draw of frequencies = 0.016, and 0.01 of the Euler step.
    assert estimate.mean == pytest.approx(running.theory()["order"], abs=0.05)
    assert 0 < estimate.error < 0.01
    assert estimate.last == running.observables["order"]
    for change in (lambda: running.set(coupling=1.0), running.restart):
        running.measure(10)
        change()
        assert running.estimates == {}


def test_measuring_does_not_change_the_trajectory():
    assert (
        Simulation(Kuramoto(n=64)).measure(30, every=3).observables
        == Simulation(Kuramoto(n=64)).run(30).observables
    )


def test_what_derives_from_averages_is_measured_with_an_error():
    running = Simulation(Ising2D(length=32, temperature=4.0), seed=1).run(100)
    estimates = running.measure(4000).estimates
    # Far above T_c the magnetisation is Gaussian, and its cumulant vanishes with 1/N.
    assert estimates["binder"].mean == pytest.approx(0, abs=4 * estimates["binder"].error + 0.01)
    assert 0 < estimates["binder"].error < 0.1
    mean = {name: jnp.float32(estimate.mean) for name, estimate in estimates.items()}
    assert estimates["susceptibility"].mean == pytest.approx(
        float(running.system.derived(mean)["susceptibility"]),
        rel=1e-3,  # that one in float32
    )


def test_what_never_moves_is_measured_once():
    still = Simulation(KdeRegimes(d=8, room=256, tests=50)).measure(100)
    assert still.estimates["participation"].samples == 1
    assert still.estimates["participation"].mean == still.observables["participation"]


def test_room_that_runs_out_while_measuring_is_made():
    tight = Simulation(ActiveMatter(n=64, slots=2, packing=0.6), seed=1).measure(100, every=10)
    roomy = Simulation(tight.system, seed=1).measure(100, every=10)
    assert tight.system.slots > 2
    assert tight.estimates == roomy.estimates


def test_a_swarm_comes_as_a_picture_of_its_density_instead():
    running = Simulation(Kuramoto(n=500), seed=1).run(10)
    table = jnp.linspace(0, 1, 256)[:, None] * jnp.array([1.0, 0.5, 0.0])
    wish = Splat(jnp.diag(jnp.array([0.5, 0.5, 1, 1])), table, view="circle", height=30, width=40)
    look = running.look(splats=(wish,))
    kinds = [kind for kind in running.views()["circle"] if kind != "Points"]
    assert [type(layer).__name__ for layer in look.frame["circle"]] == kinds
    picture = look.splats["circle"]
    assert picture.shape == (30, 40, 4)
    assert picture[..., 3].sum() == 500
    # Red is the phase's share of a turn, to half a step of the table.
    share = np.asarray(running._run.state.phase) / (2 * np.pi)
    assert picture[..., 0].sum() == pytest.approx(share.sum(), abs=500 / 510)

    compiled = simulation.look._cache_size()
    turned = Splat(jnp.eye(4), 1 - table, view="circle", height=30, width=40)
    assert not np.array_equal(running.look(splats=(turned,)).splats["circle"], picture)
    assert simulation.look._cache_size() == compiled


def test_panels_are_splatted_each_for_itself():
    running = Simulation(MeanFieldChaos(n=8, clouds=2, m=50))
    wish = Splat(jnp.eye(4) * 0.2, jnp.ones((256, 3)), view="clouds", height=8, width=8)
    wish = dataclasses.replace(wish, projection=wish.projection.at[3, 3].set(1.0))
    assert running.look(splats=(wish,)).splats["clouds"].shape == (2, 8, 8, 4)


def test_a_frame_once_taken_stays_as_it_was():
    running = Simulation(Ising2D(length=32, temperature=5.0)).run(1)
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
    frame = jax.vmap(look)(pair, runs).frame
    points = next(layer for layer in frame["circle"] if isinstance(layer, Points))
    assert points.position.shape == (2, 64, 2)


def test_a_theory_curve_compiles_once_wherever_the_other_parameters_stand():
    coupling = jnp.linspace(0, 6, 13)
    along(Kuramoto(), Kuramoto.theory, coupling=coupling)
    compiled = sweeps._on_grid._cache_size()
    for noise in (0.1, 0.5):
        curve = along(Kuramoto(noise=noise, width=0.2), Kuramoto.theory, coupling=coupling + noise)
        alone = Kuramoto(noise=noise, width=0.2, coupling=coupling[5] + noise).theory()
        np.testing.assert_allclose(curve["order"][5], alone["order"], atol=1e-6)
    assert sweeps._on_grid._cache_size() == compiled


def test_a_grid_along_an_unknown_parameter_is_refused_in_words():
    with pytest.raises(TypeError, match="Did you mean 'coupling'"):
        along(Kuramoto(), Kuramoto.theory, couplng=jnp.linspace(0, 1, 3))


def test_a_sweep_compiles_once_wherever_the_other_parameters_stand():
    grid = jnp.array([0.5, 3.0])
    sweep(Kuramoto(n=32), coupling=grid, seeds=2, settle=5, measure=10)
    compiled = sweeps._on_grid._cache_size()
    sweep(Kuramoto(n=32, noise=0.1), coupling=2 * grid, seeds=2, settle=5, measure=10)
    assert sweeps._on_grid._cache_size() == compiled


def test_an_axis_may_be_a_size():
    orders = along(
        Ising2D(),
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


def test_the_large_view_alone_is_the_same_as_in_a_whole_look_and_compiles_nothing():
    running = Simulation(Kuramoto(n=50), seed=1).run(10)
    whole = running.look()
    compiled = simulation.look._cache_size()
    part = running.look(whole=False)
    assert simulation.look._cache_size() == compiled
    assert list(part.frame) == ["circle"]
    assert list(whole.frame) == list(running.views()) != ["circle"]
    jax.tree.map(np.testing.assert_array_equal, part.frame["circle"], whole.frame["circle"])
    assert part.observables == whole.observables
    alone = look(running.system, running.present, ("phases", "speeds")).frame
    jax.tree.map(np.testing.assert_allclose, dict(alone), dict(list(whole.frame.items())[1:]))


def test_nothing_is_computed_of_views_that_nobody_sees():
    heard = []

    def hear(points):
        heard.append(len(points))
        return points

    class Slow(System[Capital]):
        """What takes long is beside what does not"""

        def init(self, key):
            return Capital(jnp.ones((5, 2)))

        def step(self, state, key):
            return state

        def observables(self, state):
            return {"capital": jnp.mean(state.capital)}

        def frame(self, state):
            kind = jax.ShapeDtypeStruct(state.capital.shape, state.capital.dtype)
            slow = jax.pure_callback(hear, kind, state.capital)
            return {"quick": (Points(state.capital),), "slow": (Points(slow),)}

    running = Simulation(Slow())
    assert list(running.look(whole=False).frame) == ["quick"]
    assert not heard
    np.testing.assert_array_equal(running.look().frame["slow"][0].position, 1.0)
    assert heard == [5]
