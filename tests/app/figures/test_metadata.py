"""Metadata: out into a file and back, from files that may be anything."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.figures.figure import export_figure
from app.figures.film_files import write_film
from app.figures.metadata import READABLE, finite, read_metadata, session_of, written_out
from app.figures.panels import Trace
from app.figures.style import FigureStyle


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
