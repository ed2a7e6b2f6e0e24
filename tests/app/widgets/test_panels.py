import math
from typing import NamedTuple

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.theme.theme import Theme
from app.widgets.about_panel import AboutPanel, Card, SourceRow, raised
from app.widgets.command_palette import Command, CommandPalette, match
from app.widgets.gallery_panel import Entry, GalleryPanel
from app.widgets.header import Header
from app.widgets.history_panel import HistoryPanel, Past
from app.widgets.key_list import KeyList
from app.widgets.notice import Banner, Notice
from app.widgets.panel_frame import PanelFrame
from app.widgets.readout import Readout
from app.widgets.stage_chips import LegendChip, ScaleBar, TitleChip, ToolsChip, end_words
from app.widgets.status_strip import StatusStrip, pace
from app.widgets.transport_bar import TransportBar
from engine.core.about import Equation, Source
from engine.core.measurement import Estimate


LEFT = Qt.MouseButton.LeftButton
ENTRIES = [
    Entry("kuramoto", "Kuramoto oscillators", "swarms", "phases"),
    Entry("vicsek", "Vicsek flocking", "swarms", "2D"),
    Entry("active-matter", "Active matter", "swarms", "2D"),
    Entry("ising", "Ising model", "spins", "lattice"),
]
PAPER = Source(
    "kuramoto1975",
    ("Y. Kuramoto",),
    ("Kuramoto",),
    "1975",
    "Self-entrainment",
    "LNP 39",
    "",
    "",
    "@x",
)


class Legend(NamedTuple):
    kind: str
    label: str
    table: np.ndarray
    low: float = 0.0
    high: float = 1.0
    angle: float = 0.0
    length: float = 0.0


# Gallery.


@pytest.fixture
def gallery(theme, shown):
    made = GalleryPanel(theme)
    made.show_systems(ENTRIES)
    return shown(made, 280, 600)


def test_a_card_is_chosen_by_a_click(gallery, qtbot):
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.mouseClick(gallery._cards["vicsek"], LEFT)
    assert chosen.args == ["vicsek"]
    assert gallery.current() == "vicsek"


def test_marking_the_open_system_is_silent(gallery, qtbot):
    with qtbot.assertNotEmitted(gallery.chosen):
        gallery.set_current("ising")
    assert gallery._cards["ising"].isChecked()


def test_arrows_walk_over_cards_and_enter_chooses(gallery, qtbot):
    first = gallery._cards["kuramoto"]
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert gallery._cards["vicsek"].hasFocus()
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.keyClick(gallery._cards["vicsek"], Qt.Key.Key_Return)
    assert chosen.args == ["vicsek"]


def test_the_filter_of_the_gallery_hides_families_without_a_hit(gallery, qtbot):
    qtbot.keyClicks(gallery.filter_field, "ising")
    assert [c for c, card in gallery._cards.items() if card.isVisible()] == ["ising"]
    assert [head.isVisible() for head, _, _ in gallery._families] == [False, True]
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.keyClick(gallery.filter_field, Qt.Key.Key_Return)
    assert chosen.args == ["ising"]


def test_a_picture_is_shown_where_there_is_one_and_grains_where_there_is_none(gallery, tmp_path):
    picture = QPixmap(40, 30)
    picture.fill(Qt.GlobalColor.red)
    picture.save(str(tmp_path / "red.png"))
    card = gallery._cards["kuramoto"]
    before = card.grab().toImage()
    gallery.set_thumbnail("kuramoto", tmp_path / "red.png")
    after = card.grab().toImage()
    middle = card.width() // 2, card.width() // 3
    assert after.pixelColor(*middle).red() > 200
    assert before.pixelColor(*middle).red() < 200
    gallery.set_thumbnail("kuramoto", tmp_path / "missing.png")
    assert card.grab().toImage() == before


# Card of the system.


def test_the_card_says_what_theory_assumes_and_copies_bibtex(theme, shown, qtbot):
    panel = AboutPanel(theme)
    equations = (Equation(r"\dot\theta_i=\omega_i+K r\sin(\psi-\theta_i)", "pull"),)
    panel.show_card(
        Card("Kuramoto", "Oscillators.", equations, "N → ∞.", (PAPER,), True, ("order",))
    )
    shown(panel, 280, 500)
    words = [label.text() for label in panel.findChildren(QLabel)]
    assert "Theory: order" in words
    assert "N → ∞." in words
    assert any(text.startswith("after Kuramoto") for text in words)
    with qtbot.waitSignal(panel.copied):
        panel.findChild(SourceRow).copy()
    assert QApplication.clipboard().text() == "@x"


def test_indices_of_docstrings_are_raised_and_lowered():
    assert raised("order N^{-1/2}") == "order N<sup>\u22121/2</sup>"
    assert raised("K_c = 2 and a < b") == "K<sub>c</sub> = 2 and a &lt; b"
    assert raised("snake_case stays") == "snake_case stays"


# Transport, status, readout.


def test_the_transport_follows_silently_and_tells_wishes(theme, shown, qtbot):
    bar = shown(TransportBar(theme), 1200)
    heard = []
    for signal in (bar.play_toggled, bar.restart_asked, bar.step_asked, bar.speed_asked):
        signal.connect(heard.append)
    bar.seed_changed.connect(heard.append)
    bar.set_state(True, 2400, 2400.0, 4, 7)
    assert heard == []
    qtbot.mouseClick(bar.play, LEFT)
    qtbot.mouseClick(bar.forward, LEFT)
    assert heard == [False, 1]
    assert bar._time.text() == "t = 2\u202f400"


def test_a_seed_is_typed_and_entered(theme, shown, qtbot):
    bar = shown(TransportBar(theme), 1200)
    bar.set_state(True, 0, 0.0, 4, 7)
    bar._seed.setFocus()
    bar._seed.selectAll()
    qtbot.keyClicks(bar._seed, "42")
    with qtbot.waitSignal(bar.seed_changed) as changed:
        qtbot.keyClick(bar._seed, Qt.Key.Key_Return)
    assert changed.args == [42]


def test_digits_of_the_time_do_not_move_what_stands_beside_them(theme, shown):
    bar = shown(TransportBar(theme), 1200)
    bar.set_state(True, 1, 0.05, 4, 7)
    before = bar.scrubber.geometry()
    bar.set_state(True, 20000, 1000.0, 64, 7)
    QApplication.processEvents()
    assert bar.scrubber.geometry() == before


def test_the_readout_marks_what_is_only_roughly_known(theme, shown):
    readout = shown(Readout(theme, "φ"), 600)
    readout.show_estimate(Estimate(0.5423, 0.0061, 400, 0.5), 0.8001)
    assert readout.words[:3] == ("φ = 0.542", "± 0.006", "theory 0.800")
    assert not readout.few
    readout.show_estimate(Estimate(0.63, 0.09, 12, 0.5), math.nan)
    assert readout.words == ("φ ≈ 0.63", "± 0.09", "", "12 samples since the last change")
    assert readout.few
    readout.show_estimate(Estimate(0.63, math.nan, 2, 0.5))
    assert readout.words[:2] == ("φ ≈ 0.63", "")
    readout.show_estimate(None)
    assert readout.words == ("φ = –", "", "", "")


def test_a_narrow_readout_drops_samples_first_and_never_the_measurement(theme, shown):
    readout = shown(Readout(theme, "φ"), 600)
    readout.show_estimate(Estimate(0.5423, 0.0061, 400, 0.5), 0.8001)
    value, error, theory, samples = readout._reach
    assert 0 < value < error < theory < samples
    assert readout.minimumSizeHint().width() >= error
    readout.resize(theory, readout.height())
    assert not readout.grab().isNull()


def test_the_status_shows_only_what_is_known(theme, shown):
    strip = shown(StatusStrip(theme), 1400)
    strip.set_facts(60.0, 412.3, 20000, "CPU, 2 cores", 7)
    assert strip._facts["n"].text() == "N 20\u202f000"
    assert strip._facts["seed"].isVisible()
    strip.set_facts(60.0, None, None, "", None)
    assert not strip._facts["steps"].isVisible()
    strip.set_order("φ", Estimate(0.5423, 0.0061, 400, 0.5), None)
    assert strip._value.text() == "φ  0.542"
    assert strip._theory.text() == ""


def test_paces_have_three_digits():
    assert (pace(412.3), pace(23100), pace(1.05e6)) == ("412", "23.1 k", "1.05 M")


# History, palette, keys.


def test_history_tells_how_many_steps_are_done_there(theme, shown, qtbot):
    panel = shown(HistoryPanel(theme), 280, 200)
    panel.show_steps([Past("K 1 → 2"), Past("K 2 → 3"), Past("D 0 → 1")], 2)
    assert panel.current() == 1
    with qtbot.waitSignal(panel.chosen) as chosen:
        panel._list.itemClicked.emit(panel._list.item(0))
    assert chosen.args == [3]
    with qtbot.waitSignal(panel.chosen) as chosen:
        panel._list.itemClicked.emit(panel._list.item(3))
    assert chosen.args == [0]


@pytest.fixture
def palette(theme, shown):
    parent = shown(QWidget(), 800, 600)
    parent.edit = QWidget(parent)
    made = CommandPalette(theme, parent)
    made.ran = []
    made.set_commands(
        [
            Command("Restart, same seed", "Run", "R", lambda: made.ran.append("restart")),
            Command("Reset the camera", "View", "Home", lambda: made.ran.append("camera")),
            Command("coupling", "Parameter", "", lambda: made.ran.append("coupling")),
        ]
    )
    made.keep = parent
    return made


def test_a_few_letters_find_a_command_and_enter_runs_it(palette, qtbot):
    palette.open()
    qtbot.keyClicks(palette.field, "rcam")
    assert palette.titles() == ["Reset the camera"]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.ran == ["camera"]
    assert not palette.isVisible()


def test_escape_closes_the_palette_and_arrows_move_in_it(palette, qtbot):
    palette.open()
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.ran == ["camera"]
    palette.open()
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert palette.ran == ["camera"]


def test_what_does_not_fit_runs_nothing(palette, qtbot):
    palette.open()
    qtbot.keyClicks(palette.field, "zzz")
    assert palette.titles() == ["Nothing is called that."]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.ran == []


def test_beginnings_of_words_fit_best():
    assert match("re", "Restart") > match("re", "Square")
    assert match("xyz", "Restart") is None


def test_the_list_of_keys_opens_and_any_key_closes_it(theme, shown, qtbot):
    parent = shown(QWidget(), 900, 600)
    keys = KeyList(theme, [("Run", [("Space", "Play or pause"), ("R", "Restart")])], parent)
    keys.open()
    assert keys.isVisible()
    assert parent.rect().contains(keys.geometry())
    qtbot.keyClick(keys, Qt.Key.Key_Escape)
    assert not keys.isVisible()


# What floats on the stage.


def test_a_notice_names_the_deeds(theme, shown, qtbot):
    done = []
    notice = Notice(
        theme, "warning-octagon", "φ became NaN", "Why.", (("Go back", lambda: done.append(1)),)
    )
    shown(notice)
    from app.widgets.buttons import WordButton

    qtbot.mouseClick(notice.findChild(WordButton), LEFT)
    assert done == [1]


def test_a_banner_says_something_else_without_being_made_anew(theme, shown):
    parent = shown(QWidget(), 600, 400)
    banner = Banner(
        theme, "hourglass-medium", "Building", "N = 65 536", progress=0.5, parent=parent
    )
    banner.show()
    QApplication.processEvents()
    assert banner._bar.isVisible()
    wide = banner.width()
    banner.say("pause-fill", "Paused", "t = 1")
    QApplication.processEvents()
    assert not banner._bar.isVisible()
    assert banner.width() < wide


@pytest.mark.parametrize("kind", ["phase", "level", "signed", "category"])
def test_every_kind_of_colour_has_its_legend(theme, shown, kind):
    parent = shown(QWidget(), 600, 400)
    chip = LegendChip(theme, parent)
    table = np.random.default_rng(0).random((256, 3))
    chip.show_legend(Legend(kind, "heading θ", table), ["one", "two"])
    assert chip.isVisible()
    assert chip._wheel.isVisible() == (kind == "phase")
    assert chip._ramp.isVisible() == (kind in ("level", "signed"))
    assert chip._kinds.isVisible() == (kind == "category")
    chip.show_legend(None)
    assert not chip.isVisible()


def test_the_needle_follows_without_work_for_the_rest(theme, shown):
    parent = shown(QWidget(), 600, 400)
    chip = LegendChip(theme, parent)
    table = np.zeros((256, 3))
    chip.show_legend(Legend("phase", "θ", table, angle=0.0, length=0.2))
    was = chip._was
    chip.show_legend(Legend("phase", "θ", table, angle=1.0, length=0.9))
    assert chip._was == was
    assert chip._wheel._angle == 1.0


@pytest.mark.parametrize("zoom", [0.001, 0.37, 5.3, 80.0, 4e5])
def test_the_scale_bar_is_round_and_fits(theme, qtbot, zoom):
    bar = ScaleBar(theme)
    qtbot.addWidget(bar)
    bar.set_scale(zoom, "R")
    number = float(bar._text.removesuffix(" R").replace("\u2212", "-"))
    assert number * zoom == pytest.approx(bar._length)
    assert 40 < bar._length <= 120  # between 1, 2 and 5 there is a factor of 2.5 at most
    assert f"{number:.0e}"[0] in "125"


def test_ends_of_a_ramp_are_short():
    assert end_words(0, 1) == ("0", "1")
    assert end_words(0, 2.5) == ("0.0", "2.5")
    assert end_words(-1, 1) == ("\u22121", "1")
    assert end_words(math.nan, 1) == ("", "")


def test_tools_are_told_by_name(theme, shown, qtbot):
    chip = shown(ToolsChip(theme, (("theory", "eye", "Theory  T", True),)))
    with qtbot.assertNotEmitted(chip.pressed):
        chip.set_on("theory", True)
    with qtbot.waitSignal(chip.pressed) as pressed:
        qtbot.mouseClick(chip.buttons["theory"], LEFT)
    assert pressed.args == ["theory", False]


# All of them.


def _all(theme):
    gallery = GalleryPanel(theme)
    gallery.show_systems(ENTRIES)
    about = AboutPanel(theme)
    about.show_card(Card("T", "Text.", (Equation(r"a=b"),), "A.", (PAPER,), False, ("order",)))
    status = StatusStrip(theme)
    status.set_facts(60, 400, 100, "CPU", 1)
    frame = PanelFrame(theme, "Order", Readout(theme, "φ"))
    title = TitleChip(theme)
    title.show_title("Kuramoto", "chimera", edited=True)
    return [
        gallery,
        about,
        status,
        frame,
        title,
        Header(theme),
        TransportBar(theme),
        HistoryPanel(theme),
        Notice(theme, "info", "Title", "Text.", (("Do", lambda: None),)),
        Banner(theme, "info", "Title", "Text"),
    ]


@pytest.mark.parametrize("scale", [0.9, 1.7])
@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
def test_everything_changes_its_look_live(theme, qapp, qtbot, name, scale):
    made = _all(theme)
    other = Theme(name, scale)
    other.apply(qapp)
    for widget in made:
        qtbot.addWidget(widget)
        widget.show()
        widget.restyle(other)
        assert not widget.grab().isNull()


def test_the_header_fits_a_small_window(theme, shown):
    header = shown(Header(theme), 1280)
    for name in ("File", "Edit", "View", "Run", "Map", "Help"):
        header.menu_bar.addMenu(name)
    assert header.minimumSizeHint().width() <= 1280
    assert header.export.text() == "Export"
    header.resize(1920, header.height())
    assert header.export.text() == "Export figure"


def test_no_timer_runs_where_nobody_acts(theme, qtbot):
    made = _all(theme)
    for widget in made:
        qtbot.addWidget(widget)
    running = [t for w in made for t in w.findChildren(QTimer) if t.isActive()]
    assert running == []


def test_what_is_closed_is_gone(theme, qtbot):
    made = _all(theme)
    gone: list[int] = []
    for place, widget in enumerate(made):
        widget.destroyed.connect(lambda *_, place=place: gone.append(place))
        widget.deleteLater()
    qtbot.waitUntil(lambda: len(gone) == len(made))


def test_everything_that_can_be_pressed_has_a_name(theme, qtbot):
    from PySide6.QtWidgets import QAbstractButton

    for widget in _all(theme):
        qtbot.addWidget(widget)
        for button in widget.findChildren(QAbstractButton):
            hidden = not (button.text() or button.accessibleName() or button.toolTip())
            ours = not button.objectName().startswith("qt_")
            assert not (hidden and ours and button.isVisibleTo(widget)), (widget, button)
