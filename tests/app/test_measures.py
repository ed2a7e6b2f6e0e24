"""The tab of measures in a real window: beside the run, with its count, and in a figure."""

import io

import numpy as np
import pytest
from PIL import Image

from engine.core.system import identity
from tests.app.windows import rest, step, wait_for


@pytest.fixture
def flock(run, qtbot):
    """256 birds whose measures are looked at."""
    run.session.open("vicsek", n=256, noise=0.9)
    wait_for(qtbot, lambda: run.moment.frame.get("swarm") and step(run) > 10)
    run.diagrams.show_tab("measures")
    return run


def test_a_measure_is_averaged_since_the_last_change_and_drawn_in_figures(flock, qtbot):
    measures, view = flock.diagrams.measures, flock.diagrams.measures.view
    assert view.isVisible()
    assert flock.diagrams.small_name == "measures"
    wait_for(qtbot, lambda: view.average is not None and view.average.frames > 40)
    average = measures.found.average
    assert average.name == "g(r)"
    assert view.words == (f"n = {average.frames} frames", f"256 particles, {average.words}")
    known = np.isfinite(average.error)
    assert known.any()
    # At so much noise a flock is a gas. Frames follow each other, and so do their errors: wide.
    assert np.nanmean(average.mean) == pytest.approx(1, abs=0.2)
    assert set(view.data()) >= {"r", "g", "error", "ideal gas"}
    assert measures.measurer._thread.name == "measures"

    flock.session.set(noise=0.8)
    wait_for(qtbot, lambda: view.average.frames < 20)  # begun anew
    flock.session.set_pace(1)  # so that also a slow window sees how birds cross the box
    measures.choose("displacement")
    wait_for(qtbot, lambda: view.average and view.average.name == "displacement" and measures.found)
    rest(flock, qtbot)
    assert flock.looks.read()["measure"] == "displacement"

    names = flock.exporter.names()
    assert names["measures"] == "Displacement"
    still = flock.exporter.captured("")()
    from app.exporting import recipe_for
    from app.figures.still import draw

    recipe = recipe_for(still, {"panels": [("measures", None)], "style": {"dpi": 80.0}})
    picture = np.asarray(Image.open(io.BytesIO(draw(still, recipe, "png"))).convert("L"))
    assert picture.min() < 100  # ink on paper
    assert picture.std() > 5


def test_an_open_world_has_displacements_and_says_why_it_has_no_g(run, qtbot):
    view = run.diagrams.measures.view
    run.diagrams.show_tab("measures")
    run.diagrams.measures.choose("g(r)")
    wait_for(qtbot, lambda: "open" in view.words[1])
    assert run.diagrams.measures.found is None
    run.diagrams.measures.choose("displacement")
    wait_for(qtbot, lambda: run.diagrams.measures.found is not None)


def test_where_nobody_chose_it_shows_the_first_measure_that_there_is(run, qtbot):
    run.diagrams.measures._wanted = ""  # as before any test of this window chose one
    view = run.diagrams.measures.view
    for name, first in (("exact-score-cloud", "displacement"), ("vicsek", "g(r)")):
        run.session.open(name, n=256)
        wait_for(qtbot, lambda name=name: identity(run.moment.system) == name and step(run) > 3)
        wait_for(qtbot, lambda first=first: view.value() == first)
    run.diagrams.measures._on_chosen("displacement")
    run.session.open("active-matter", n=256)
    wait_for(qtbot, lambda: view.value() == "displacement")


def test_spins_have_no_swarm_to_measure(run, qtbot):
    run.session.open("ising-2d")
    wait_for(qtbot, lambda: "measures" not in run.diagrams.views)
