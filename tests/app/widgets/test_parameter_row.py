import time

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.widgets.parameter_row import ParameterRow
from app.widgets.parameter_slider import GROUPED
from engine.core.parameters import Parameter


LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


def coupling(**changes):
    declared = {
        "name": "coupling",
        "kind": "live",
        "default": 3.0,
        "symbol": "K",
        "help": "pull of the mean field",
        "span": (0.0, 6.0),
        "limits": (0.0, 50.0),
    }
    return Parameter(**(declared | changes))


@pytest.fixture
def row(theme, shown):
    made = shown(ParameterRow(coupling(), theme), 300)
    made.heard = []
    made.ended = []
    made.changed.connect(lambda name, value: made.heard.append((name, value)))
    made.released.connect(made.ended.append)
    return made


def place(slider, share):
    return QPoint(round(slider._place(share)), slider.height() // 2)


def move(slider, to, modifiers=NONE):
    where = QPointF(to)
    event = QMouseEvent(
        QEvent.Type.MouseMove, where, slider.mapToGlobal(where), LEFT, LEFT, modifiers
    )
    QApplication.sendEvent(slider, event)


def wheel(widget, turns):
    where = QPointF(widget.rect().center())
    event = QWheelEvent(
        where,
        widget.mapToGlobal(where),
        QPoint(),
        QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event


def drag(qtbot, slider, start, end, modifiers=NONE, steps=5):
    qtbot.mousePress(slider, LEFT, modifiers, place(slider, start))
    for step in range(1, steps + 1):
        share = start + (end - start) * step / steps
        move(slider, place(slider, share), modifiers)
    qtbot.mouseRelease(slider, LEFT, modifiers, place(slider, end))


def test_a_drag_is_heard_live_and_ends_once(row, qtbot):
    drag(qtbot, row.slider, 0.5, 0.75)
    assert len(row.heard) == 5
    assert row.heard[-1][0] == "coupling"
    assert row.value() == row.heard[-1][1] == pytest.approx(4.5, abs=0.03)  # a pixel is 0.024
    assert row.ended == ["coupling"]


def test_shift_drags_ten_times_finer(row, qtbot):
    drag(qtbot, row.slider, 0.5, 0.75, SHIFT)
    assert row.value() == pytest.approx(3.15, abs=0.005)


def test_ctrl_takes_round_values(row, qtbot):
    drag(qtbot, row.slider, 0.5, 0.77, CTRL)
    assert all(value / 0.2 == pytest.approx(round(value / 0.2)) for _, value in row.heard)


def test_the_handle_snaps_to_the_preset_and_to_theory_unless_alt_is_held(row, qtbot):
    row.set_critical([1.5])
    near = 1.5 / 6 + 3 / row.slider._length()  # three pixels beside the mark
    drag(qtbot, row.slider, 0.5, near)
    assert row.value() == 1.5
    drag(qtbot, row.slider, 0.25, 0.5 + 3 / row.slider._length())
    assert row.value() == 3.0
    drag(qtbot, row.slider, 0.5, near, ALT)
    assert row.value() != 1.5
    assert row.value() == pytest.approx(1.5, abs=0.12)


def test_a_press_on_the_groove_brings_the_handle(row, qtbot):
    qtbot.mouseClick(row.slider, LEFT, NONE, place(row.slider, 0.2))
    assert row.value() == pytest.approx(1.2, abs=0.03)
    assert row.ended == ["coupling"]


def test_a_press_on_the_handle_alone_moves_nothing(row, qtbot):
    qtbot.mouseClick(row.slider, LEFT, NONE, place(row.slider, 0.5) + QPoint(4, 0))
    assert row.value() == 3.0
    assert row.heard == []


def test_a_double_click_on_handle_or_name_is_the_preset(row, qtbot):
    row.setValue(5.0)
    qtbot.mouseDClick(row.slider, LEFT, NONE, place(row.slider, 5 / 6))
    assert row.value() == 3.0
    row.setValue(5.0)
    qtbot.mouseDClick(row, LEFT, NONE, QPoint(40, 10))
    assert row.value() == 3.0
    assert row.heard == [("coupling", 3.0)] * 2


def test_the_wheel_scrolls_past_a_slider_without_focus(theme, shown, qtbot):
    row = ParameterRow(coupling(), theme)
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.addWidget(row)
    column.addSpacing(2000)
    area = QScrollArea()
    area.setWidget(inside)
    shown(area, 320, 200)
    row.slider.clearFocus()
    assert not wheel(row.slider, 1).isAccepted()
    assert row.value() == 3.0
    row.slider.setFocus()
    qtbot.waitUntil(row.slider.hasFocus)
    assert wheel(row.slider, 1).isAccepted()
    assert row.value() == pytest.approx(3.06)


def test_keys_step_by_a_hundredth_and_a_tenth(row, qtbot):
    row.slider.setFocus()
    qtbot.waitUntil(row.slider.hasFocus)
    for key, value in (
        (Qt.Key.Key_Right, 3.06),
        (Qt.Key.Key_Left, 3.0),
        (Qt.Key.Key_PageUp, 3.6),
        (Qt.Key.Key_PageDown, 3.0),
    ):
        qtbot.keyClick(row.slider, key)
        assert row.value() == pytest.approx(value)


def test_wheel_and_keys_are_one_gesture_until_they_rest(row, qtbot):
    row.slider.setFocus()
    qtbot.waitUntil(row.slider.hasFocus)
    for _ in range(4):
        qtbot.keyClick(row.slider, Qt.Key.Key_Right)
    assert row.ended == []
    with qtbot.waitSignal(row.released, timeout=5 * GROUPED):
        wheel(row.slider, 1)
    assert row.ended == ["coupling"]
    assert len(row.heard) == 5


def type_in(qtbot, row, text):
    row._number.setFocus()
    row._number.selectAll()
    qtbot.keyClicks(row._number, text)
    qtbot.keyClick(row._number, Qt.Key.Key_Return)


def test_typing_takes_expressions(row, qtbot):
    row.names = lambda: {"noise": 0.25}
    row.set_critical([1.5])
    for text, value in (("2*pi/4", 1.5707963), ("1e-1", 0.1), ("Kc*2", 3.0), ("noise*8", 2.0)):
        type_in(qtbot, row, text)
        assert row.value() == pytest.approx(value)
    assert row.ended == ["coupling"] * 4


def test_what_lies_beyond_the_slider_widens_it(row, qtbot):
    type_in(qtbot, row, "20")
    assert row.value() == 20
    assert row.slider.scale.high == 20
    assert row.heard == [("coupling", 20.0)]


@pytest.mark.parametrize("text", ["nonsense", "1/0", "99", "-1", "sqrt(-1)"])
def test_bad_input_is_outlined_and_the_old_value_stays(row, qtbot, text):
    type_in(qtbot, row, text)
    assert row._number.property("state") == "invalid"
    assert row._number.toolTip().endswith(".")
    assert "\n" not in row._number.toolTip()
    assert row.value() == 3.0
    assert row.heard == []
    qtbot.keyClick(row._number, Qt.Key.Key_Escape)
    assert row._number.property("state") == ""
    assert row._number.text() == "3.00"


def test_setting_a_value_is_silent(row):
    row.setValue(1.25)
    row.setValue(40.0)
    assert row.value() == 40.0
    assert (row.heard, row.ended) == ([], [])


def test_a_value_from_the_run_does_not_disturb_who_types(row, qtbot):
    row._number.setFocus()
    qtbot.waitUntil(row._number.hasFocus)
    row._number.selectAll()
    qtbot.keyClicks(row._number, "1.2")
    row.setValue(5.0)
    assert row._number.text() == "1.2"


def test_the_way_back_shows_only_where_there_is_one(row, qtbot):
    assert row._reset.isHidden()
    row.setValue(4.0)
    assert not row._reset.isHidden()
    qtbot.mouseClick(row._reset, LEFT)
    assert row._reset.isHidden()
    assert row.value() == 3.0
    row.set_preset(2.0)
    assert not row._reset.isHidden()


def test_a_locked_row_stays_where_it_is(row, qtbot):
    row.set_locked(True)
    drag(qtbot, row.slider, 0.5, 0.9)
    qtbot.mouseDClick(row.slider, LEFT, NONE, place(row.slider, 0.5))
    assert row.value() == 3.0
    assert row.heard == []
    assert row.locked()


def test_the_menu_copies_resets_and_narrows(row):
    row.setValue(4.0)
    texts = {action.text(): action for action in row.make_menu().actions()}
    texts["Copy value"].trigger()
    assert QApplication.clipboard().text() == "4.0"
    texts["End the slider here"].trigger()
    assert row.slider.scale.high == 4.0
    texts["Back to 3.00"].trigger()
    assert row.value() == 3.0


def test_a_logarithmic_row_moves_by_decades(theme, shown, qtbot):
    row = shown(ParameterRow(coupling(span=(0.01, 100.0), default=1.0, log=True), theme), 300)
    drag(qtbot, row.slider, 0.5, 0.75)
    assert row.value() == pytest.approx(10.0, rel=0.05)  # a pixel is 4 %


@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
@pytest.mark.parametrize("scale", [0.9, 1.7])
def test_a_row_changes_its_look_and_keeps_its_value(row, theme, qapp, name, scale):
    row.setValue(4.5)
    other = Theme(name, scale)
    other.apply(qapp)
    row.restyle(other)
    assert row.height() == other.px(48)
    assert row.value() == 4.5
    assert row.heard == []


def test_twenty_rows_are_made_quickly(theme, qtbot):
    ParameterRow(coupling(), theme)  # the typesetter and the icons are loaded
    start = time.perf_counter()
    rows = [ParameterRow(coupling(), theme) for _ in range(20)]
    took = time.perf_counter() - start
    for made in rows:
        qtbot.addWidget(made)
    assert took < 0.25  # 50 ms on an idle core; a shared one may be five times slower


def test_a_value_is_shown_cheaply(row):
    start = time.perf_counter()
    for tick in range(300):
        row.setValue(1 + tick / 100)
    assert (time.perf_counter() - start) / 300 < 1e-3  # of 33 ms that a frame has


def test_a_long_number_is_seen_whole_and_leaves_a_long_name_its_room(theme, shown):
    words = {"name": "persistence", "unit": "diameters", "symbol": "ℓ", "log": True}
    row = shown(ParameterRow(coupling(**words, span=(1.0, 200.0)), theme), 230)
    row.set_unit_room(62)
    row.setValue(3.0)
    whole = row._name.fontMetrics().horizontalAdvance("persistence")
    row.reset()
    assert row._name.width() >= whole
    row.setValue(0.0123456)
    digits = row._number.fontMetrics().horizontalAdvance(row._number.text())
    assert row._number.width() > digits + 8
    assert row._name.geometry().right() < row._number.x()
