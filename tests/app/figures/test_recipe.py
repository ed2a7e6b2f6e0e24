"""Recipes: out into JSON and back, and nonsense refused; words for the paper; shared bars."""

import contextlib
import json
import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures import prose
from app.figures.figure import figure_bytes
from app.figures.film_script import Script, script_in
from app.figures.panels import FramePanel
from app.figures.recipe import (
    Numbers,
    Recipe,
    ViewPart,
    curve_part,
    map_part,
    panels_from,
    recipe_of,
    trace_part,
)
from app.figures.shared_bars import with_shared_bars
from app.figures.style import FigureStyle
from engine.core.layers import Colour
from engine.systems import gallery
from tests.app.figures import scenes


KURAMOTO = gallery()["kuramoto"](n=64)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["panels", "style", "type", "view", "t", "values", "shape", "bytes", "x"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(shape=st.lists(st.integers(0, 5), max_size=3), seed=st.integers(0, 99))
def test_numbers_come_back_in_single_precision(shape, seed):
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(Numbers.of(array).array, array)


def test_a_recipe_comes_back_from_json_as_it_was():
    t = np.linspace(0, 9, 12_000)
    recipe = Recipe(
        (
            ViewPart("circle", 7, {"dim": 2}, "phase"),
            trace_part("order", t, np.sin(t), 0.5),
            trace_part("order", t, np.sin(t), np.cos(t)),
            map_part(scenes.phase_map(), scenes.boundary(), (1, 2), {"ordered": (1.0, 0.2)}),
            curve_part("order", "coupling", t[:9], {"theory": t[:9]}, (t[:3], t[:3], t[:3]),
                       (1, 2, float("nan")), (1.5,)),
        ),
        FigureStyle(width=100, dpi=80),
    )  # fmt: skip
    again = recipe_of(json.loads(json.dumps(recipe.plain())))
    assert again == recipe
    drawn = panels_from(replace_view(again), KURAMOTO, None)
    assert len(drawn[0].t) <= 4001  # as few as the eye tells apart
    assert figure_bytes(drawn, FigureStyle(dpi=60)).startswith(b"\x89PNG")


def replace_view(recipe):
    """Without the view, which needs a run."""
    return msgspec.structs.replace(recipe, panels=recipe.panels[1:])


@settings(deadline=None, max_examples=300)
@given(said=json_values)
def test_nonsense_is_no_recipe_and_no_script(said):
    for read in (recipe_of, script_in):
        sentence = ""
        with contextlib.suppress(ValueError):
            try:
                read(said)
            except ValueError as error:
                sentence = str(error)
                raise
        assert "\n" not in sentence


def test_a_script_comes_back_from_json_as_it_was():
    paths = {"coupling": (1.0, 2.0)}
    script = Script(90, 3, 25.0, (320, 200), "circle", "light", (0.5, 1.0), paths)
    assert script_in(json.loads(json.dumps(msgspec.to_builtins(script)))) == script


@pytest.mark.parametrize("name", sorted(gallery()))
def test_every_system_has_words_for_a_paper(name):
    system = gallery()[name]()
    caption = prose.caption(system, ("a", "b"), seed=7, tick=1500, time=30.0)
    assert "(a) a, (b) b" in caption
    assert "seed 7" in caption
    assert "\n" not in caption
    methods = prose.methods(system, seed=7, tick=1500, time=30.0)
    keys = re.search(r"\\cite\{(.*?)\}", methods)[1].split(",")
    entries = prose.bibtex(system)
    assert all(f"{{{key}," in entries for key in keys)
    assert methods.count("$") % 2 == 0
    assert methods.count("{") == methods.count("}")


def level(n, most):
    box, points = scenes.swarm(n)
    colour = Colour(np.linspace(0, most, n).astype(np.float32), scale="level")
    return FramePanel((box, type(points)(points.position, {"speed": colour})))


def test_panels_that_share_a_bar_share_its_ends():
    panels = [level(50, 1.0), level(50, 2.0), FramePanel(scenes.plot())]
    shared, bars = with_shared_bars(panels, FigureStyle(bars="shared"))
    assert [(bar.name, bar.first, bar.last) for bar in bars] == [("speed", 0, 1)]
    spans = [panel.layers[1].colours["speed"].span for panel in shared[:2]]
    assert spans[0] == spans[1] == bars[0].ends
    assert not any(panel.marked for panel in shared[:2])
    assert with_shared_bars(panels, FigureStyle())[1] == []
    alone, none = with_shared_bars(panels[1:], FigureStyle(bars="shared"))
    assert (none, alone[0].marked) == ([], True)


def test_bars_and_scale_are_left_out_where_they_are_not_wanted():
    style = FigureStyle(dpi=60)
    panels = [level(50, 1.0)]
    every = {
        figure_bytes(panels, replace(style, bars=bars, scale_bar=scale))
        for bars in ("each", "none")
        for scale in (True, False)
    }
    assert len(every) == 4
