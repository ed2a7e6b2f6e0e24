"""Every pair of colours that stand on each other can be read."""

import pytest

from app.theme.tokens import tokens


TEXT, LARGE = 4.5, 3.0  # WCAG 2.1, level AA: running text; large marks and filled buttons
INKS = (
    "text",
    "text2",
    "text3",
    "theory",
    "measured",
    "accent",
    "a",
    "b",
    "error",
    "warning",
    "ok",
)
PAIRS = [(ink, ground, TEXT) for ink in INKS for ground in ("panel", "raised", "stage")]
PAIRS += [
    ("text", "hover", TEXT),
    ("text2", "hover", TEXT),
    ("text3", "hover", TEXT),
    ("accent", "accent_soft", TEXT),
    ("text", "accent_soft", TEXT),
    ("text", "error_soft", TEXT),
    ("on_accent", "accent_fill", TEXT),
    ("on_accent", "accent_hover", TEXT),
    ("warning", "warning_soft", TEXT),
    ("text", "window", TEXT),
    ("text3", "window", TEXT),
    ("accent_fill", "panel", LARGE),
]


def luminance(hexed):
    channels = (int(hexed[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_text_can_be_read_on_every_ground_it_is_used_on(theme):
    colours = tokens()["themes"][theme]
    low = [
        f"{ink} on {ground}: {contrast(colours[ink], colours[ground]):.2f} < {least}"
        for ink, ground, least in PAIRS
        if contrast(colours[ink], colours[ground]) < least
    ]
    assert not low


def test_black_on_white_has_the_contrast_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_themes_have_the_same_colours():
    themes = tokens()["themes"].values()
    assert len({frozenset(colours) for colours in themes}) == 1
