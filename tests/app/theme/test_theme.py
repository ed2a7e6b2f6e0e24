import re

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon

from app.theme.icons import Kept
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


def test_an_icon_is_drawn_once_for_each_size_and_state(qapp, monkeypatch):
    drawn = []
    paint = Kept.paint
    monkeypatch.setattr(Kept, "paint", lambda *given: (drawn.append(given), paint(*given)))
    icon = Theme("dark").icon("play-fill")
    pictures = [icon.pixmap(QSize(20, 20)).toImage() for _ in range(3)]
    icon.pixmap(QSize(24, 24))
    icon.pixmap(QSize(20, 20), QIcon.Mode.Disabled)
    assert len(drawn) == 3
    assert pictures[0] == pictures[2]
    assert not pictures[0].allGray()  # it is there, in the theme's colour


def test_an_icon_is_made_once(qapp):
    theme = Theme("dark")
    assert theme.icon("play-fill") is theme.icon("play-fill")


def test_the_mark_is_sharp_at_every_pixel_ratio(qapp):
    assert logo(24, 2.0).size() == QSize(48, 48)
    assert logo(24, 2.0).deviceIndependentSize().toSize() == QSize(24, 24)
