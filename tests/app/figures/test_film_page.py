"""The words of a film: none on top of another, none cut, at any of the usual sizes."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from app.figures.film_page import TONES, Canvas, Moment, facts_of
from app.figures.film_trace import draw_trace
from app.figures.lettering import extent_of, shortened, width_of, write, write_symbol
from app.figures.panels import Label
from engine.core.layers import Curve
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


@pytest.mark.parametrize("times", [[0.0], [0.0, 0.0], [0.0, 1.0]])
def test_a_trace_shows_theory_from_its_first_frame_on_and_cuts_no_point(times):
    page, tone = Image.new("RGB", (200, 120)), dict.fromkeys(TONES, "#404040")
    tone |= {"panel": "#000000", "theory": "#ff0000", "measured": "#00ff00"}
    count = len(times)
    series = (times, [0.0] * count, [0.5] * count)
    draw_trace(page, (10, 10, 190, 110), Label(span=(0, 1)), series, tone, 1.0)
    red, green, _ = np.moveaxis(np.asarray(page, int), 2, 0)
    assert (red - green > 100)[:, 20:180].any(axis=0).all()
    middle = 15 if times[0] == times[-1] else 185
    point = (green - red > 50)[:, middle - 6 : middle + 6]  # of a radius of 4
    assert point.any(axis=0).sum() >= 7
    assert point[:, 6:].sum() == pytest.approx(point[:, :6].sum(), rel=0.3)


def test_a_plot_in_a_film_keeps_off_its_edges():
    canvas = Canvas(gallery()["kde-regimes"](), "", 320, 180)
    drawn = canvas._plot(Moment((Curve(np.arange(9.0), np.arange(9.0)),), 0, [], [], []), 227, 180)
    assert drawn.shape == (180, 227, 3)
    for edge in (drawn[:4], drawn[-4:], drawn[:, :4], drawn[:, -4:]):
        assert (edge == drawn[0, 0]).all()
