"""Phase diagrams: right values with right errors, from coarse to fine, compiled once."""

import os
import subprocess
import sys
import textwrap
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import cells, maps, simulation
from engine.core.axes import Axis, default_axes
from engine.core.cells import MOST, beside, side_by_side, to_its_end
from engine.core.maps import blank, fill, names, plan, strides
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.simulation import Simulation
from engine.core.system import System
from engine.core.theory import Boundary
from engine.systems.diffusion.kde_regimes import KdeRegimes
from engine.systems.spins.ising_2d import Ising2D
from engine.systems.swarms.coulomb_gas import CoulombGas
from engine.systems.swarms.kuramoto import Kuramoto

from .libraries import Library


class Place(NamedTuple):
    x: jax.Array


class Trap(System[Place]):
    """N free particles in a trap: dx = −k (x − c) dt + √(2T) dW, all of it known exactly."""

    stiffness: Scalar = live(default=1.0, span=(0.1, 2), symbol="k", help="of the trap", log=True)
    centre: Scalar = live(default=0.0, span=(-1, 1), symbol="c", help="of the trap")
    heat: Scalar = live(default=0.1, span=(0, 1), symbol="T", help="of the bath", limits=(0, 9))
    away: Scalar = start(default=0.0, span=(0, 2), symbol="a", help="from the centre, at first")
    kind: str = mode(default="soft", choices=("soft", "hard"), help="nothing")
    n: int = size(default=16, span=(1, 4096), symbol="N", help="particles")

    def init(self, key):
        return Place(jnp.zeros(self.n) + self.centre + self.away)

    def step(self, state, key):
        # Exact for any step: Ornstein–Uhlenbeck over a time 1.
        a = jnp.exp(-self.stiffness)
        noise = jnp.sqrt(self.heat / self.stiffness * (1 - a**2))
        kick = noise * jax.random.normal(key, state.x.shape)
        return Place(self.centre + a * (state.x - self.centre) + kick)

    def observables(self, state):
        return {"place": jnp.mean(state.x), "square": jnp.mean(state.x**2)}

    def derived(self, mean):
        return {"variance": mean["square"] - mean["place"] ** 2}

    def theory(self):
        return {"place": jnp.asarray(self.centre)}

    def boundaries(self):
        return {
            "along": Boundary({"stiffness": 1.0 + jnp.asarray(self.centre) ** 2}, kind="guide"),
            "both": Boundary({"centre": 0.5 * jnp.ones(()), "stiffness": jnp.asarray(jnp.nan)}),
            "elsewhere": Boundary({"n": jnp.asarray(3.0)}),
        }

    def frame(self, state):
        return {}


class Fuse(System[Place]):
    """It burns down, and then it is over."""

    length: Scalar = live(default=5.0, span=(1, 9), symbol="l", help="of the fuse")
    thickness: Scalar = live(default=1.0, span=(1, 2), symbol="d", help="of the fuse")

    def init(self, key):
        return Place(jnp.asarray(self.length, float))

    def step(self, state, key):
        return Place(state.x - 1)

    def done(self, state):
        return state.x <= 0

    def observables(self, state):
        return {"left": state.x}

    def frame(self, state):
        return {}


class Die(System[Place]):
    """It is thrown, and thrown again, unless it is thrown once."""

    faces: Scalar = live(default=6.0, span=(2, 20), symbol="f", help="of the die")
    roll: Scalar = live(default=3.0, span=(1, 9), symbol="r", help="steps until it lies")
    flow: str = mode(default="again", choices=("again", "once", "never"), help="how often")

    spanned = ("roll", "faces")

    def init(self, key):
        return Place(jnp.zeros(2))

    def step(self, state, key):
        face = self.faces * jax.random.uniform(key)
        return Place(jnp.stack([state.x[0] + 1, face]))

    def lasts(self):
        return self.roll

    def done(self, state):
        return (state.x[0] >= self.roll) & (self.flow == "once")

    def observables(self, state):
        return {"face": state.x[1], "steps": state.x[0]}

    def frame(self, state):
        return {}


TRAP = Trap()
X, Y = Axis("stiffness", 0.1, 2, 16, log=True), Axis("centre", -1, 1, 12)


def last(*args, **settings):
    *_, found = fill(*args, **settings)
    return found


def test_every_cell_settles_to_what_is_exact_within_its_error():
    found = last(TRAP, X, Y, "place", settle=50, measure=200, seeds=4)
    assert found.complete
    assert found.mean.shape == (12, 16)
    exact = np.broadcast_to(Y.values[:, None], (12, 16))
    deviation = np.abs(found.mean - exact) / found.error
    # Errors from 4 seeds are rough, and cells share their noise: Student's t with 3 degrees of
    # freedom stays below 1.2 in two thirds of all cases, below 6 in 99 %.
    assert np.median(deviation) < 1.5
    assert np.quantile(deviation, 0.9) < 6


def test_the_error_is_the_spread_of_many_maps():
    x, y = Axis("stiffness", 0.1, 2, 2), Axis("centre", -1, 1, 2)
    # T = k·heat/k: the mean of N particles over time t has variance 2T/(N k² t).
    found = last(TRAP, x, y, "place", settle=100, measure=6400, seeds=8)
    exact = np.sqrt(2 * TRAP.heat / (TRAP.n * x.values**2 * 6400 * 8))
    # 64 samples of each average miss fluctuations that are faster (k = 2: a sample is 100 times
    # the memory), so there the error is that of 64 independent samples.
    independent = np.sqrt(TRAP.heat / x.values / TRAP.n / (64 * 8))
    expected = np.maximum(exact, independent)
    assert np.all(found.error < 2 * expected)
    assert np.all(found.error > 0.5 * expected)


def test_a_derived_quantity_is_mapped_with_its_error():
    found = last(TRAP, X, Y, "variance", settle=50, measure=400, seeds=4)
    exact = np.broadcast_to(TRAP.heat / X.values, (12, 16))
    deviation = np.abs(found.mean - exact)
    assert np.median(deviation / found.error) < 2
    assert np.median(deviation / exact) < 0.1


def test_it_fills_from_coarse_to_fine_and_yields_on_the_way():
    coarse, full = {}, None
    for found in fill(TRAP, X, Y, settle=5, measure=10):
        coarse.setdefault(found.level, []).append(found.measured.sum())
        full = found
    assert strides(16) == [2, 1]
    assert coarse[0] == [0]
    assert max(coarse[1]) == 8 * 6
    assert max(coarse[2]) == 16 * 12
    first = next(f for f in fill(TRAP, X, Y, settle=5, measure=10) if f.measured.sum() == 48)
    # One cell stands for its surroundings: the picture has no holes.
    assert np.isfinite(first.mean).all()
    np.testing.assert_array_equal(first.mean[2, 4], full.mean[2, 4])
    assert first.mean[2, 4] == first.mean[1, 3]


def test_nothing_recompiles_between_batches_levels_and_maps():
    last(TRAP, X, Y, settle=3, measure=8)
    compiled = [f._cache_size() for f in (cells._begun, cells._marched, cells._summarised)]
    last(TRAP.replace(heat=0.5), X._replace(high=1), Y, settle=10, measure=20)
    assert [f._cache_size() for f in (cells._begun, cells._marched, cells._summarised)] == compiled


def test_it_stops_when_it_is_told_to():
    asked = []

    def stop():
        asked.append(None)
        return len(asked) == 3

    assert len(list(fill(TRAP, X, Y, settle=5, measure=5, stop=stop))) == 4


def test_a_system_that_needs_room_gets_it_and_runs_cell_by_cell():
    x, y = Axis("pages", 1, 2, 2), Axis("plates", 0, 1, 2)
    assert not side_by_side(Library())
    # A book a step: 6 ... 15 of them while it is measured, on a shelf that held two.
    found = last(Library(room=2), x, y, "pages", settle=5, measure=10)
    np.testing.assert_array_equal(found.mean, 10.5 * np.array([[1, 2], [2, 3]]))


def test_a_loop_that_only_keeps_random_numbers_in_memory_holds_no_cell_up():
    assert side_by_side(Kuramoto(n=16))  # whose noise is `drawn_once`


def test_what_is_drawn_and_not_measured_costs_a_map_nothing():
    # A step of charges at β = 2 draws as many exact samples as are refused, for the histogram.
    assert side_by_side(CoulombGas(n=16))
    assert beside(CoulombGas(n=16)) == MOST
    # Nor do 256 copies of a small board, which wait in the state until they are asked for.
    assert beside(Ising2D(length=64)) == MOST
    # But all states must fit in memory.
    assert beside(KdeRegimes()) == 1


def test_a_cell_is_a_run():
    cell = last(TRAP, X._replace(count=1), Y._replace(count=1), settle=3, measure=2)
    run = Simulation(TRAP.replace(stiffness=0.1, centre=-1.0))
    run._key = jax.random.split(jax.random.key(0), 1)[0]
    run._act(lambda system, _: (simulation.begin(system, run._key), None))
    values = [run.run(steps).observables["place"] for steps in (4, 1)]
    assert cell.mean[0, 0] == pytest.approx(np.mean(values), rel=1e-5)


def test_what_ends_is_mapped_at_its_end():
    found = last(Fuse(), Axis("length", 2, 9, 2), Axis("thickness", 1, 2, 1), settle=8, measure=16)
    np.testing.assert_allclose(found.mean, [[0.0, 0.0]])  # the last step of the long one is 9
    early = last(Fuse(), Axis("length", 2, 9, 2), Axis("thickness", 1, 2, 1), settle=0, measure=4)
    np.testing.assert_allclose(early.mean, [[0.25, 6.5]])  # of 1 0 0 0, and of 8 7 6 5


def test_an_axis_may_be_where_a_run_starts():
    found = last(
        TRAP.replace(heat=0.0),
        Axis("away", 0, 2, 3),
        Axis("stiffness", 0.1, 2, 2),
        "place",
        settle=0,
        measure=1,
    )
    np.testing.assert_allclose(found.mean[0], np.exp(-0.1) * np.array([0, 1, 2]), rtol=1e-5)


def test_a_map_begins_blank():
    empty = blank(TRAP, X, Y, "place")
    assert np.isnan(empty.mean).all()
    assert not empty.measured.any()
    assert (empty.level, empty.system) == (0, "test-maps")


def test_the_axes_offered_are_the_first_two_live_parameters():
    x, y = default_axes(TRAP)
    assert x == Axis("stiffness", 0.1, 2, 64, log=True)
    assert y == Axis("centre", -1, 1, 64)
    assert names(TRAP) == ("place", "square", "variance")


def test_a_run_that_begins_again_ends_in_a_cell_and_other_modes_stay():
    x, y = default_axes(Die())
    assert (x.name, y.name) == ("roll", "faces")  # as it names them
    system, longest = to_its_end(Die(), x, y)
    assert (system.flow, longest) == ("once", 9)
    assert to_its_end(Die(flow="never"), x, y)[0].flow == "never"
    assert to_its_end(TRAP, X, Y) == (TRAP, 0)


def test_what_has_ended_scatters_as_its_runs_do():
    x, y = Axis("roll", 2, 4, 2), Axis("faces", 6, 12, 2)
    found = last(Die(flow="once"), x, y, "face", settle=4, measure=8, seeds=2)
    np.testing.assert_array_equal(found.values["steps"][0], [[2, 4], [2, 4]])  # there it stays
    # Two numbers, uniform in [0, f]: their mean errs by half of how far they lie apart.
    one, other = (
        6 * jax.random.uniform(jax.random.fold_in(key, 2))
        for key in jax.random.split(jax.random.key(0), 2)
    )
    np.testing.assert_allclose(found.mean[0, 0], (one + other) / 2, rtol=1e-5)
    np.testing.assert_allclose(
        found.error[:, 0], abs(one - other) / 2 * np.array([1, 2]), rtol=1e-4
    )


@pytest.mark.parametrize(
    ("x", "y", "observable", "words"),
    [
        (X._replace(name="stifness"), Y, None, "Did you mean 'stiffness'"),
        (X._replace(name="n"), Y, None, "'n' of Trap is no axis of a map: choose from stiffness"),
        (X._replace(name="kind"), Y, None, "is no axis of a map"),
        (X, X, None, "two different parameters"),
        (X._replace(low=0.0), Y, None, "has no logarithm"),
        (Axis("heat", -1, 1, 4), Y, None, "is impossible"),
        (X._replace(count=0), Y, None, "at least 1"),
        (X, Y, "plaice", "no observable 'plaice': it has place, .*Did you mean 'place'"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_words(x, y, observable, words):
    with pytest.raises((ValueError, TypeError), match=words):
        next(fill(TRAP, x, y, observable, settle=1, measure=1))


def test_a_map_holds_every_observable():
    found = last(TRAP, X, Y, "place", settle=5, measure=10)
    assert list(found.values) == ["place", "square", "variance"]
    np.testing.assert_array_equal(
        found.of("square").mean, last(TRAP, X, Y, "square", settle=5, measure=10).mean
    )
    assert found.at(3, 2)["place"] == (found.mean[3, 2], found.error[3, 2])


def test_a_plan_takes_every_cell_once_from_coarse_to_fine():
    levels = plan(40, 24, 8)
    cells = [cell for level in levels for part in level for cell in part.cells]
    assert sorted(cells) == [(row, column) for row in range(40) for column in range(24)]
    assert [level[0].stride for level in levels] == [(8, 4), (4, 4), (2, 2), (1, 1)][-len(levels) :]
    assert all(len(part.cells) <= 8 for level in levels for part in level)
    # Parts are compact: their cells lie within a few strides of each other.
    reach = [np.ptp(np.array(part.cells), axis=0).max() for part in levels[-1]]
    assert np.median(reach) <= 8


def test_finer_cells_come_first_where_the_map_changes(monkeypatch):
    monkeypatch.setattr(maps, "beside", lambda *_: 4)  # small parts
    x, y = Axis("stiffness", 0.5, 2, 4), Axis("centre", -1, 1, 64)

    class Step(Trap):
        """A step in the middle."""

        def observables(self, state):
            return {"side": jnp.tanh(1000 * (jnp.asarray(self.centre) - 0.3)) + 0 * state.x[0]}

        def derived(self, mean):
            return {}

    step = Step(heat=0.0)
    done = [f.measured for f in fill(step, x, y, settle=1, measure=1)]
    half = next(m for m in done if m.sum() > 0.5 * m.size)
    near = np.abs(y.values - 0.3) < 0.06  # two cells to either side
    assert half[near].mean() > 0.9
    assert half[~near].mean() < 0.6
    assert done[-1].all()


def test_several_devices_share_the_cells_and_change_nothing():
    script = """
        import jax, numpy as np
        from engine.core.axes import Axis
        from engine.core.maps import fill
        from tests.engine.core.magnets import CurieWeiss

        x, y = Axis("temperature", 0.5, 1.5, 16), Axis("field", -0.5, 0.5, 8)
        *_, found = fill(CurieWeiss(n=64), x, y, settle=2, measure=4)
        print(jax.local_device_count(), *found.mean.ravel())
    """
    flags = "--xla_force_host_platform_device_count="
    said = [
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env=os.environ | {"XLA_FLAGS": f"{flags}{k}", "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for k in (1, 2)
    ]
    assert [int(words[0]) for words in said] == [1, 2]
    one, two = (np.array(words[1:], float) for words in said)
    np.testing.assert_allclose(two, one, rtol=1e-6)  # spins are whole numbers


class Crystal(NamedTuple):
    x: jax.Array
    pinning: jax.Array


class Pinned(System[Crystal]):
    """Free particles, each with a place of its own that the seed alone decides."""

    stiffness: Scalar = live(default=1.0, span=(0.1, 2), symbol="k", help="of the pins")
    shift: Scalar = live(default=0.0, span=(-1, 1), symbol="s", help="of all")
    n: int = size(default=64, span=(1, 4096), symbol="N", help="particles")

    def init(self, key):
        return Crystal(jnp.zeros(self.n), jax.random.normal(key, (self.n,)))

    def step(self, state, key):
        pull = self.stiffness * (state.pinning + self.shift - state.x)
        kick = 0.1 * jax.random.normal(key, state.x.shape)
        return state._replace(x=state.x + 0.5 * pull + kick)

    def observables(self, state):
        return {"place": jnp.mean(state.x), "known": jnp.mean(state.x * state.pinning)}

    def frame(self, state):
        return {}


class Shared(Pinned):
    """The same, which says so."""

    quenched = ("pinning",)


def test_what_is_quenched_is_held_once_for_all_cells_of_a_seed_and_changes_nothing():
    x, y = Axis("stiffness", 0.1, 1, 4), Axis("shift", -1, 1, 4)
    plain, shared = (
        last(system, x, y, settle=5, measure=16, seeds=2) for system in (Pinned(), Shared())
    )
    for name, (mean, _) in plain.values.items():
        np.testing.assert_allclose(shared.values[name][0], mean, rtol=1e-4, atol=1e-6)
    assert cells.beside(Shared(n=4096), 1) == 2 * cells.beside(Pinned(n=4096), 1)
    assert cells._begun(
        Shared(), jax.random.split(jax.random.key(0), 2), {"stiffness": np.ones(8, np.float32)}
    ).quenched["pinning"].shape == (2, 64)
