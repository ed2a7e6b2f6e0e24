import re

import pytest
from PySide6.QtCore import QSize

from app.theme.logo import logo
from app.theme.theme import Theme
from engine.resources import resource


@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.7])
def test_the_style_sheet_has_a_value_for_every_token(name, scale, qapp):
    sheet = Theme(name, scale).sheet()
    assert "@" not in sheet
    assert sheet.count("{") == sheet.count("}")


def test_the_style_sheet_holds_no_colour_of_its_own():
    sheet = resource("theme.qss").read_text("utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b", sheet)


@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
def test_pictures_that_the_style_sheet_names_are_there(name, qapp):
    for path in re.findall(r'url\("([^"]+)"\)', Theme(name).sheet()):
        from pathlib import Path

        assert Path(path).is_file()


def test_pixels_and_points_grow_with_the_scale(qapp):
    small, large = Theme("dark", 1.0), Theme("dark", 1.7)
    assert (small.px(10), large.px(10)) == (10, 17)
    assert large.font("body").pointSizeF() == pytest.approx(1.7 * small.font("body").pointSizeF())


def test_an_icon_is_made_once(qapp):
    theme = Theme("dark")
    assert theme.icon("play-fill") is theme.icon("play-fill")


def test_the_mark_is_sharp_at_every_pixel_ratio(qapp):
    assert logo(24, 2.0).size() == QSize(48, 48)
    assert logo(24, 2.0).deviceIndependentSize().toSize() == QSize(24, 24)
