"""The words of a film: none on top of another, none cut, at any of the usual sizes."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from app.figures.film_page import Canvas, Moment, facts_of
from app.figures.lettering import extent_of, shortened, width_of, write, write_symbol
from engine.systems import gallery


@pytest.fixture
def inked(monkeypatch):
    """Where words and symbols are put: left, top, right, bottom of their ink."""
    boxes, paste = [], Image.Image.paste

    def spy(page, tone, place=None, cover=None):
        if isinstance(tone, str) and (ink := cover.point(lambda v: 255 * (v > 60)).getbbox()):
            boxes.append(tuple(end + place[k % 2] for k, end in enumerate(ink)))
        return paste(page, tone, place, cover)

    monkeypatch.setattr(Image.Image, "paste", spy)
    return boxes


def overlap(a, b):
    return all(min(a[k + 2], b[k + 2]) > max(a[k], b[k]) for k in (0, 1))


CAVEAT = "the score was learnt from fewer steps than it takes to know it, so what it says is noise"


@pytest.mark.parametrize("caveat", ["", CAVEAT])
@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (720, 720), (720, 1280)])
@pytest.mark.parametrize("name", gallery())
def test_no_words_of_a_film_lie_on_others_or_are_cut(name, size, caveat, inked):
    canvas = Canvas(gallery()[name](), "", *size)
    page = Image.new("RGB", size)
    canvas._tell(page, Moment((), 12.34, [0, 1], [-0.12345] * 2, [-0.2] * 2, caveat))
    assert len(inked) > 5
    left, top, right, bottom = canvas.panel
    for a, b in combinations(inked, 2):
        assert not overlap(a, b), (a, b)
    for box in inked:
        assert left <= box[0] < box[2] <= right, box
        assert top <= box[1] < box[3] <= bottom, box


def test_a_symbol_takes_the_room_that_it_says(inked):
    page = Image.new("RGB", (200, 100))
    for symbol in ("t_end", "SW₂", "φ", "∫", "flow"):
        said = extent_of(symbol, 20.0)
        inked.clear()
        end = write_symbol(page, symbol, 50.0, 50.0, 20.0, "#ffffff")
        (box,) = inked
        assert end == pytest.approx(50 + said.width)
        assert box[2] <= end + 1
        assert 50 - said.above - 1 <= box[1]
        assert box[3] <= 50 + said.below + 1


def test_words_stand_between_pixels_too():
    page = Image.new("L", (60, 20))
    left = []
    for x in (5.0, 5.5):
        page.paste(0, (0, 0, 60, 20))
        write(page, "l", (x, 15.0), 12.0, "#ffffff")
        cover = np.asarray(page, float)
        left.append((cover.sum(axis=0) * np.arange(60)).sum() / cover.sum())
    assert left[1] - left[0] == pytest.approx(0.5, abs=0.05)


def test_words_without_room_say_that_they_go_on():
    whole = "optimiser steps in a step"
    assert shortened(whole, 1e3, 12.0) == whole
    short = shortened(whole, 60.0, 12.0)
    assert short.endswith("…")
    assert whole.startswith(short[:-1])
    assert width_of(short, 12.0) <= 60


def test_a_film_tells_how_many_there_are_and_nothing_twice():
    for name, count in (("active-matter", "discs"), ("vicsek", "particles")):
        facts = facts_of(gallery()[name]())
        assert ("N", count) in [fact[:2] for fact in facts]
        assert len(facts) <= 7
    epidemic = [fact[:2] for fact in facts_of(gallery()["spatial-epidemic"]())]
    assert ("β", "rate of infection") in epidemic
    assert not any("room" in name for _, name in epidemic)
