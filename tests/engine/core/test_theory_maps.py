"""Theory on the map: right places, its own branch for each phase, compiled once."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import sweeps
from engine.core.axes import Axis
from engine.core.parameters import Scalar, live
from engine.core.system import Scene
from engine.core.theory import Boundary, Branch
from engine.core.theory_maps import (
    branch_curves,
    branch_maps,
    critical_values,
    lines,
    predicted,
    region_names,
    theory_curve,
)


class Nothing(NamedTuple):
    x: jax.Array


class Fold(Scene):
    """Two wells: x = ±√(1 − h²)-like branches over a pull and a heat, all of it by hand."""

    pull: Scalar = live(default=0.0, span=(-1, 1), symbol="h", help="to the right")
    heat: Scalar = live(default=0.1, span=(0.1, 10), symbol="T", help="of the bath", log=True)

    def init(self, key):
        return Nothing(jnp.zeros(()))

    def observables(self, state):
        return {"place": state.x}

    def frame(self, state):
        return {}

    def theory(self):
        return {"place": jnp.asarray(self.pull)}

    def branches(self):
        pull = jnp.asarray(self.pull)
        there = pull > -0.5
        return {
            "right": Branch({"place": jnp.where(there, 1 + pull, jnp.nan)}, pull > 0, -pull),
            "left": Branch(
                {"place": pull - 1}, True, pull, residual=jnp.where(pull < 0.9, 0.0, 1e-3)
            ),
        }

    def boundaries(self):
        return {
            "along": Boundary({"heat": 1.0 + jnp.asarray(self.pull) ** 2}, kind="guide"),
            "both": Boundary({"pull": 0.5 * jnp.ones(()), "heat": jnp.asarray(jnp.nan)}),
            "elsewhere": Boundary({"n": jnp.asarray(3.0)}),
        }


class Named(Fold):
    """The same, with names of its own."""


FOLD = Fold()
X, Y = Axis("pull", -1, 1, 21), Axis("heat", 0.1, 10, 12, log=True)


def test_theory_lies_over_the_map():
    found = predicted(FOLD, X, Y, "place")
    np.testing.assert_allclose(found, np.broadcast_to(X.values, (12, 21)), atol=1e-6)
    assert np.isnan(predicted(FOLD, X, Y, "elsewhere")).all()


def test_every_phase_has_a_branch_of_its_own_on_the_whole_grid():
    found = branch_maps(FOLD, X, Y)
    right, left = found["right"], found["left"]
    assert right.values["place"].shape == right.stable.shape == left.stable.shape == (12, 21)
    np.testing.assert_array_equal(np.isnan(right.values["place"][0]), X.values < -0.499)
    np.testing.assert_array_equal(right.stable[3], X.values > 1e-6)
    assert left.stable.all()
    np.testing.assert_array_equal(left.doubtful[5], X.values > 0.899)
    assert not right.doubtful.any()
    np.testing.assert_allclose(left.free_energy[2], X.values, atol=1e-6)


def test_branches_along_a_cut_tell_where_they_are_stable():
    values = np.linspace(-1, 1, 9)
    cut = branch_curves(FOLD, "pull", values)
    np.testing.assert_allclose(cut["left"].values["place"], values - 1, atol=1e-6)
    np.testing.assert_array_equal(cut["right"].stable, values > 0)


def test_the_lowest_free_energy_names_a_region_where_it_has_most_room():
    places = region_names(FOLD, X, Y)
    assert set(places) == {"right", "left"}
    assert 0.2 < places["right"][0] < 0.8
    assert -0.8 < places["left"][0] < -0.2
    assert 0.3 < places["left"][1] < 3  # the middle of a logarithmic axis


def test_a_region_without_room_has_no_name():
    narrow = region_names(FOLD, Axis("pull", -0.02, 1, 8), Y)
    assert set(narrow) == {"right"}


def test_critical_values_lie_where_boundaries_cross_the_present_values():
    assert critical_values(FOLD) == {"heat": [1.0], "pull": [0.5], "n": [3.0]}


def test_lines_run_along_either_axis_and_leave_out_what_is_not_on_the_map():
    drawn = lines(FOLD, X, Y)
    assert set(drawn) == {"along", "both"}
    np.testing.assert_allclose(drawn["along"].y, 1 + drawn["along"].x ** 2, rtol=1e-5)
    assert drawn["along"].kind == "guide"
    np.testing.assert_allclose(drawn["both"].x, 0.5)
    np.testing.assert_allclose(drawn["both"].y[[0, -1]], [0.1, 10], rtol=1e-6)


def test_a_theory_curve_compiles_once():
    values = np.linspace(-1, 1, 11)
    np.testing.assert_allclose(theory_curve(FOLD, "pull", values)["place"], values, atol=1e-6)
    compiled = sweeps._on_grid._cache_size()
    theory_curve(FOLD.replace(heat=0.7), "pull", 2 * values)
    assert sweeps._on_grid._cache_size() == compiled


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(TypeError, match="Did you mean 'pull'"):
        theory_curve(FOLD, "pul", np.zeros(2))
