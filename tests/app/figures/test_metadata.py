"""Metadata: out into a file and back, from files that may be anything."""

import copy
import json
import random
import shutil

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.figures.figure import export_figure
from app.figures.film_files import write_film
from app.figures.film_script import Script, script_in
from app.figures.metadata import READABLE, finite, read_metadata, session_of, written_out
from app.figures.panels import Trace
from app.figures.recipe import (
    AxisPart,
    Instant,
    LinePart,
    MapPart,
    Numbers,
    Recipe,
    ViewPart,
    curve_part,
    panels_from,
    recipe_of,
    trace_part,
)
from app.figures.style import FigureStyle
from app.views.camera import Camera2D, described
from engine.core.simulation import Simulation
from engine.storage.sessions import Session, from_text, to_text
from engine.systems.swarms.kuramoto import Kuramoto


MUTANTS = 400  # of a file of each kind
WORDS = 6000
SYSTEM = Kuramoto(n=16)
INSTANT = Instant(SYSTEM, Simulation(SYSTEM).look().frame)
STYLE = FigureStyle(width=20, dpi=40)
PANEL = Trace(np.arange(3.0), np.arange(3.0))
FIGURES = [".png", ".pdf", ".svg", ".tif"]

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
values = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), words,
    st.booleans(), st.none(), st.lists(words, max_size=3),
)  # fmt: skip


@pytest.mark.parametrize("suffix", FIGURES)
@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parameters=st.dictionaries(words, values, max_size=5), seed=st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_back(suffix, tmp_path, parameters, seed):
    said = {"program": "manyscope", "parameters": parameters, "seed": seed}
    path = export_figure([PANEL], tmp_path / f"figure{suffix}", STYLE, said)
    assert read_metadata(path) == said


@pytest.mark.parametrize("suffix", FIGURES)
def test_a_figure_that_says_nothing_reads_as_nothing(suffix, tmp_path):
    path = export_figure([PANEL], tmp_path / f"figure{suffix}", STYLE)
    assert read_metadata(path) is None


@pytest.mark.parametrize("suffix", FIGURES)
def test_what_others_wrote_reads_as_nothing(suffix, tmp_path):
    path = export_figure([PANEL], tmp_path / f"figure{suffix}", STYLE, {"program": "other"})
    assert read_metadata(path) is None


@pytest.mark.parametrize("suffix", READABLE)
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=300))
def test_bytes_that_are_no_figure_are_refused_in_a_sentence(suffix, tmp_path, data):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cannot be read"):
        read_metadata(path)


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_a_figure_cut_short_never_crashes(suffix, tmp_path):
    path = export_figure([PANEL], tmp_path / f"whole{suffix}", STYLE, {"program": "manyscope"})
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        cut = tmp_path / f"cut{suffix}"
        cut.write_bytes(whole[: int(share * len(whole))])
        try:
            found = read_metadata(cut)
        except ValueError:
            continue
        assert found in (None, {"program": "manyscope"})


def test_entities_of_xml_are_refused(tmp_path):
    path = tmp_path / "bomb.svg"
    path.write_text('<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>', "utf-8")
    with pytest.raises(ValueError, match="cannot be read as SVG"):
        read_metadata(path)


def test_a_file_that_is_not_there_and_one_of_another_kind_are_refused(tmp_path):
    with pytest.raises(ValueError, match="not there"):
        read_metadata(tmp_path / "figure.png")
    with pytest.raises(ValueError, match="no figure"):
        read_metadata(tmp_path / "figure.docx")


def test_json_knows_no_infinity():
    text = written_out({"a": float("nan"), "b": [float("inf"), 1.5], "c": (1, {"d": -0.0})})
    assert json.loads(text) == {"a": None, "b": [None, 1.5], "c": [1, {"d": -0.0}]}
    assert finite("word") == "word"


def test_a_pdf_whose_keywords_were_rewritten_still_says_it(tmp_path):
    from pypdf import PdfWriter

    said = {"program": "manyscope", "session": {"manyscope": 1}}
    path = export_figure([PANEL], tmp_path / "figure.pdf", STYLE, said)
    writer = PdfWriter(clone_from=path)
    writer.metadata = {"/Keywords": "physics, swarms"}
    writer.write(tmp_path / "published.pdf")
    assert read_metadata(tmp_path / "published.pdf") == said
    assert json.loads(session_of(tmp_path / "published.pdf")) == {"manyscope": 1}


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".png"])
@settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parameters=st.dictionaries(words, values, max_size=5))
def test_a_film_says_what_made_it(suffix, tmp_path, parameters):
    said = {"program": "manyscope", "parameters": parameters, "session": {"x": 1}}
    frames = iter(np.zeros((3, 16, 32, 3), np.uint8))
    film = tmp_path / f"film{suffix}"
    shutil.rmtree(film.with_suffix(""), ignore_errors=True)
    made = write_film(film, frames, 30, written_out(said))
    path = made / "000001.png" if suffix == ".png" else made
    assert read_metadata(path) == said
    assert json.loads(session_of(path)) == {"x": 1}


def test_a_film_without_a_word_says_nothing(tmp_path):
    frames = iter(np.zeros((3, 16, 32, 3), np.uint8))
    made = write_film(tmp_path / "film.gif", frames, 30, "")
    assert read_metadata(made) is None
    assert session_of(made) is None


# Files that somebody has tampered with.


@pytest.fixture(scope="module")
def told():
    """All that a figure and a film may say of themselves."""
    running = Simulation(SYSTEM, seed=1).run(3).set(coupling=4.0).run(3)
    camera = described(Camera2D())
    view = ViewPart("circle", 3, camera, "phase")
    x, y = AxisPart("coupling", 0, 4, 3), AxisPart("noise", 0.1, 1, 2, log=True)
    line = LinePart(Numbers.of([0, 1]), Numbers.of([1, 2]), "first order")
    parts = (
        view,
        trace_part("order", [0, 1], [0.1, 0.2], [0.5, 0.5]),
        curve_part(
            "order", "coupling", [0, 1, 2], {"theory": [0, 0, 1]}, [[1], [0], [0.1]], [1, 0, 0.1]
        ),
        MapPart("order", x, y, Numbers.of(np.ones((2, 3))), {"onset": line}, (1, 0.5)),
    )
    recipe = Recipe(parts, STYLE)
    return {
        "program": "manyscope",
        "session": json.loads(to_text(Session.of(running, state=False))),
        "figure": recipe.plain(),
        "film": msgspec.to_builtins(Script(4, paths={"coupling": (1.0, 2.0)})),
    }


def mutants(data, count, seed):
    """Bytes turned, cut, left out, doubled, moved."""
    chance = random.Random(seed)
    for _ in range(count):
        bad, (a, b) = bytearray(data), sorted(chance.choices(range(len(data)), k=2))
        match chance.randrange(5):
            case 0:
                for _ in range(chance.randrange(1, 8)):
                    bad[chance.randrange(len(bad))] = chance.randrange(256)
            case 1:
                del bad[a:]
            case 2:
                del bad[a : min(b, a + 40)]
            case 3:
                bad[a:a] = bad[a : min(b, a + 40)]
            case 4:
                bad[a : a + 8] = bad[b : b + 8]
        yield bytes(bad)


def all_of_it(said):
    """Whether all that is said of a run, a figure and a film is understood; else one sentence."""
    reads = {"session": from_said, "figure": drawn_from, "film": script_in}
    found = [read_or_refused(lambda name=name: reads[name](said.get(name))) for name in reads]
    return all(found)


def from_said(said):
    return from_text(json.dumps(said))


def drawn_from(said):
    """All that a recipe is turned into before it is drawn."""
    panels_from(recipe_of(said), INSTANT.system, lambda step: INSTANT)


def read_or_refused(read):
    """What is read, or None where that is refused in a sentence; all else is an error."""
    try:
        return read() or True
    except ValueError as error:
        words = str(error)
    assert words.endswith((".", "?")), words
    assert "\n" not in words
    assert len(words) < 600
    return None


@pytest.mark.parametrize("suffix", READABLE)
def test_a_mutated_file_is_read_or_refused_in_a_sentence(suffix, told, tmp_path):
    path = tmp_path / f"whole{suffix}"
    if suffix in (".mp4", ".webm", ".gif"):
        write_film(path, iter(np.zeros((3, 16, 32, 3), np.uint8)), 30, written_out(told))
    else:
        export_figure([PANEL], path, STYLE, told)
    assert all_of_it(read_metadata(path))
    bad, whole = tmp_path / f"bad{suffix}", 0
    for data in mutants(path.read_bytes(), MUTANTS, seed=1):
        bad.write_bytes(data)
        said = read_or_refused(lambda: read_metadata(bad))
        whole += isinstance(said, dict) and all_of_it(said)
    assert whole < MUTANTS


def test_mutated_words_are_understood_or_refused_in_a_sentence(told):
    text = written_out(told).encode()
    found = []
    for data in mutants(text, WORDS, seed=2):
        try:
            said = json.loads(data)
        except ValueError:
            continue
        if isinstance(said, dict):
            found.append(all_of_it(said))
    assert 0 < sum(found) < len(found)


@settings(deadline=None, max_examples=300)
@given(said=st.data())
def test_values_of_other_types_are_understood_or_refused_in_a_sentence(told, said):
    chosen = copy.deepcopy(told)
    place, names = chosen, []
    while isinstance(place, dict | list) and place and (not names or said.draw(st.booleans())):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        names.append((place, said.draw(st.sampled_from(keys))))
        place = names[-1][0][names[-1][1]]
    holder, key = names[-1]
    holder[key] = said.draw(st.one_of(values, st.just({}), st.just([[]]), st.just(1e300)))
    all_of_it(chosen)
