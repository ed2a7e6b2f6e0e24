"""The composer and the film dialog: what they say is what they show."""

import pytest
from PySide6.QtCore import Qt

from app.figures.style import FigureStyle, presets
from app.theme.theme import Theme
from app.widgets.composer import Composer
from app.widgets.composer_words import PaperWords
from app.widgets.video_dialog import CAMERAS, PARTS, Guide, VideoDialog


LEFT = Qt.MouseButton.LeftButton
TITLES = {"swarm": "Swarm", "trace": "r(t)", "map": "Phase diagram"}


def composer(theme, **how):
    return Composer(theme, TITLES, ["swarm"], presets(), steps=500, **how)


def test_a_wish_is_what_the_composer_shows(theme, shown, qtbot):
    dialog = composer(theme, panels=[("swarm", None)])
    with qtbot.waitSignal(dialog.preview_wanted):
        shown(dialog)
    qtbot.mouseClick(dialog.panels._add, LEFT)
    assert [row.letter.text() for row in dialog.panels._rows] == ["(a)", "(b)"]
    dialog.page._width.setValue(178)
    assert dialog.page._preset.currentText().startswith("APS, two columns")
    with qtbot.waitSignal(dialog.asked) as asked:
        qtbot.mouseClick(dialog._save, LEFT)
    (wish,) = asked.args
    assert wish["panels"] == [("swarm", None), ("trace", None)]
    assert FigureStyle(**wish["style"]).width == 178
    assert (wish["format"], wish["embedded"], wish["data"]) == ("pdf", True, "")


def test_panels_are_moved_removed_and_taken_at_other_steps(theme, shown, qtbot):
    dialog = shown(composer(theme, panels=[("swarm", None), ("map", None), ("trace", None)]))
    first, second, _ = dialog.panels._rows
    qtbot.mouseClick(second.up, LEFT)
    assert [name for name, _ in dialog.panels.panels()] == ["map", "swarm", "trace"]
    first._step.setValue(120)
    assert dialog.panels.panels()[1] == ("swarm", 120)
    assert not second._step.isVisible()  # what was measured on the way has no step
    qtbot.mouseClick(second.gone, LEFT)
    assert dialog.panels.panels() == [("swarm", 120), ("trace", None)]


def test_changes_that_follow_each_other_ask_for_one_preview(theme, shown, qtbot):
    dialog = composer(theme)
    with qtbot.waitSignal(dialog.preview_wanted):
        shown(dialog)
    wanted = []
    dialog.preview_wanted.connect(wanted.append)
    with qtbot.waitSignal(dialog.preview_wanted):
        for width in (90, 100, 110):
            dialog.page._width.setValue(width)
    assert [wish["style"]["width"] for wish in wanted] == [110]


def test_without_a_panel_nothing_can_be_saved(theme, shown, qtbot):
    dialog = shown(composer(theme))
    qtbot.mouseClick(dialog.panels._rows[0].gone, LEFT)
    assert not dialog._save.isEnabled()


@pytest.mark.parametrize("place", range(len(presets())))
def test_every_journal_of_the_table_is_a_page(place, theme, qtbot):
    dialog = composer(theme)
    qtbot.addWidget(dialog)
    dialog.page._preset.setCurrentIndex(place)
    dialog.page._on_preset("")
    assert dialog.page._preset.currentIndex() == place
    style = FigureStyle(**dialog.page.style_asked() | {"dpi": 60.0})
    page = list(presets().values())[place]
    assert (style.width, style.height) == (page["width"], page.get("height"))


def test_words_for_the_paper_are_copied(theme, shown, qtbot, qapp):
    words = shown(PaperWords(theme))
    words.setTexts({"Caption": "A sentence.", "Methods": "A paragraph.", "BibTeX": "@article"})
    words._kind.setValue("Methods")
    words._show()
    qtbot.mouseClick(words._copy, LEFT)
    assert qapp.clipboard().text() == "A paragraph."


def film(theme, past=1000):
    guides = [Guide("coupling", "coupling", 1.0, (0.0, 4.0))]
    return VideoDialog(theme, {"swarm": "Swarm"}, guides, every=4, past=past)


def test_a_film_is_what_its_dialog_shows(theme, shown, qtbot):
    dialog = film(theme)
    with qtbot.waitSignal(dialog.preview_wanted):
        shown(dialog)
    dialog._guide.setCurrentIndex(1)
    dialog._on_guide("")
    dialog._seconds.setValue(2.0)
    with qtbot.waitSignal(dialog.asked) as asked:
        qtbot.mouseClick(dialog._save, LEFT)
    (wish,) = asked.args
    assert wish["path"] == ("coupling", 1.0, 4.0)  # to the farther end of its slider
    assert (wish["size"], wish["format"], wish["fps"]) == ((1920, 1080), "mp4", 30)
    assert dialog.frames == 60


def test_no_more_of_the_past_is_filmed_than_there_is(theme, shown):
    dialog = shown(film(theme, past=100))
    dialog._part.setValue(PARTS[1])
    dialog._on_change()
    assert dialog.frames == 26
    assert "no more" in dialog._told.text()
    assert not dialog._guide.isEnabled()  # what was has its own parameters


def test_a_film_through_keys_needs_a_key(theme, shown, qtbot):
    dialog = shown(film(theme))
    assert [dialog._camera.itemText(k) for k in range(3)] == [
        camera
        for camera in CAMERAS
        if camera != "turntable"  # in a plane there is none
    ]
    dialog._camera.setValue("through keys")
    dialog._on_change()
    assert not dialog._save.isEnabled()
    with qtbot.waitSignal(dialog.key_asked):
        qtbot.mouseClick(dialog._add_key, LEFT)
    assert dialog._save.isEnabled()


@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
def test_both_change_their_look_live(theme, qapp, qtbot, name):
    other = Theme(name, 1.3)
    other.apply(qapp)
    for dialog in (composer(theme), film(theme)):
        qtbot.addWidget(dialog)
        dialog.show()
        dialog.restyle(other)
        assert not dialog.grab().isNull()
