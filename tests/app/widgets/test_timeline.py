"""The timeline as a hand uses it: branches beside each other, the scrubber, snapshots, the wipe."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QWidget

from app.widgets.branches import Branch, Mark, arranged, path
from app.widgets.divider import Divided
from app.widgets.scrubber import Pin, Scrubber
from app.widgets.snapshot_strip import SnapshotStrip
from app.widgets.transport_bar import TransportBar, memory


LEFT = Qt.MouseButton.LeftButton
TREE = (
    Branch(0, None, 0, 1000),
    Branch(1, 0, 400, 900),
    Branch(2, 1, 600, 1400),
    Branch(3, 0, 100, 300),
)


@pytest.fixture
def scrubber(theme, shown):
    made = shown(Scrubber(theme), 800)
    made.show_past(TREE, 2, (Mark(0, 50, "set", "K 1 → 2"), Mark(1, 400, "set", "K 3")), 1200)
    return made


def at(scrubber, step, lane=0):
    return QPoint(round(scrubber._place(step)), round(scrubber._level(lane)))


def test_the_branch_that_is_followed_is_straight_and_others_take_free_lanes():
    known = {branch.id: branch for branch in TREE}
    assert [branch.id for branch in path(known, 2)] == [0, 1, 2]
    strokes = {stroke.branch.id: stroke for stroke in arranged(TREE, 2)}
    assert strokes[2].lane == 0
    assert strokes[0].branch.fork == 400  # what branch 1 has left of it
    assert strokes[1].branch.fork == 600
    assert 0 not in (strokes[0].lane, strokes[1].lane)
    assert strokes[3].lane != 0
    assert strokes[3].leaves == 0
    crossing = [Branch(0, None, 0, 100), *(Branch(k, 0, 10, 90) for k in range(1, 6))]
    lanes = [stroke.lane for stroke in arranged(crossing, 0)][1:]
    assert len(set(lanes)) == len(lanes)


def test_a_drag_goes_back_and_forth_along_the_branch_that_is_followed(scrubber, qtbot):
    heard, ended = [], []
    scrubber.sought.connect(lambda *place: heard.append(place))
    scrubber.released.connect(lambda: ended.append(True))
    qtbot.mousePress(scrubber, LEFT, pos=at(scrubber, 500))
    qtbot.mouseMove(scrubber, at(scrubber, 200))
    qtbot.mouseMove(scrubber, at(scrubber, 1300))
    qtbot.mouseRelease(scrubber, LEFT, pos=at(scrubber, 1300))
    assert [branch for branch, _ in heard] == [2, 2, 2]
    # A pixel of this scrubber is about two steps.
    assert [step for _, step in heard] == pytest.approx([500, 200, 1300], abs=4)
    assert ended == [True]


def test_pressing_the_end_of_another_branch_goes_to_its_tip(scrubber, qtbot):
    lane = next(s.lane for s in scrubber.strokes if s.branch.id == 3)
    with qtbot.waitSignal(scrubber.sought) as sought:
        qtbot.mousePress(scrubber, LEFT, pos=at(scrubber, 299, lane))
    assert sought.args == [3, 300]
    assert "300" in scrubber._under(QPointF(at(scrubber, 299, lane))).words


def test_marks_and_pins_say_what_they_are(scrubber):
    scrubber.set_pins((Pin(4, 1, 700),))
    assert scrubber._under(QPointF(at(scrubber, 50))).words.startswith("K 1 → 2")
    place = scrubber._under(QPointF(at(scrubber, 700)) - QPointF(0, 12))
    assert (place.branch, place.step) == (1, 700)
    assert "snapshot 4" in place.words
    assert not scrubber.grab().isNull()


def test_a_live_run_is_at_the_right_end_and_a_late_report_does_not_cut_it(scrubber):
    scrubber.clear()
    for step in (10_000, 10_100):
        scrubber.set_now(step)
        assert scrubber._place(step) == scrubber._place(scrubber._end)
        assert scrubber._tip() == step


def test_the_arrows_step_the_timeline(scrubber, qtbot):
    with qtbot.waitSignal(scrubber.sought) as sought:
        qtbot.keyClick(scrubber, Qt.Key.Key_Left)
    assert sought.args == [2, 1199]


def test_a_place_keeps_or_recalls_a_snapshot(theme, shown, qtbot):
    strip = shown(SnapshotStrip(theme), 260)
    strip.show_slots({2: "t = 12"})

    def middle(slot):
        return strip._area(slot).center().toPoint()

    with qtbot.waitSignal(strip.recalled) as recalled:
        qtbot.mouseClick(strip, LEFT, pos=middle(2))
    assert recalled.args == [2]
    with qtbot.waitSignal(strip.stored) as stored:
        qtbot.mouseClick(strip, LEFT, pos=middle(9))
    assert stored.args == [9]
    with qtbot.waitSignal(strip.stored) as stored:
        qtbot.mouseClick(strip, LEFT, Qt.KeyboardModifier.ControlModifier, middle(2))
    assert stored.args == [2]


def test_two_pictures_share_the_stage_or_lie_under_a_wipe(theme, shown):
    stage = shown(Divided(theme), 800, 400)
    one, two = QWidget(), QWidget()
    stage.put(one)
    assert one.width() == 800
    stage.put(one, two)
    assert (one.width(), two.width()) == (400, 400)
    stage.set_wipes(True)
    stage.set_share(0.25)
    assert (one.width(), two.width()) == (800, 800)
    assert two.x() == -200  # its own left quarter lies under the first
    assert stage.border == 200
    stage.set_share(2.0)
    assert stage.border < 800
    stage.put(one)
    assert one.width() == 800


def test_the_transport_tells_what_the_past_takes(theme, shown, qtbot):
    bar = shown(TransportBar(theme), 1280)
    bar.show_past(TREE, 2, (), 1200, 12 * 2**20, 2**30)
    assert "12 MB of 1 GB" in bar.past.toolTip()
    assert "3 other branches" in bar.past.toolTip()
    with qtbot.waitSignal(bar.compare_asked):
        qtbot.mouseClick(bar.compare, LEFT)
    assert memory(3000) == "3 kB"
