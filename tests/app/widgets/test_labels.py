"""Words that change with every frame."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from app.widgets.boxes import Column, Row
from app.widgets.labels import Label, SteadyLabel


class Requests(QObject):
    """Counts how often a widget is asked to lay out anew."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _, event) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


def shown(theme, qtbot, kind):
    label = kind("t = 0.123", "strong")
    around = Column(theme, Row(theme, label, None))
    qtbot.addWidget(around)
    around.resize(400, 60)
    with qtbot.waitExposed(around):
        around.show()
    qtbot.wait(20)
    return label, around, Requests(around)


def test_a_new_digit_of_a_steady_label_lays_out_nothing_anew(theme, qtbot):
    label, _, plain = shown(theme, qtbot, Label)
    label.setText("t = 0.124")
    qtbot.waitUntil(lambda: plain.count > 0)

    label, _, requests = shown(theme, qtbot, SteadyLabel)
    label.setText("t = 0.124")
    qtbot.wait(50)
    assert requests.count == 0
    assert label.text() == "t = 0.124"


def test_longer_words_have_room_and_shorter_ones_give_it_back(theme, qtbot):
    label, _, requests = shown(theme, qtbot, SteadyLabel)
    before = label.width()
    label.setText("t = 12 345 678.9")
    qtbot.waitUntil(lambda: label.width() > before)
    qtbot.waitUntil(lambda: requests.count > 0)
    assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()
    label.setText("t = 0.125")
    qtbot.waitUntil(lambda: label.width() == before)


def test_room_for_the_widest_words_stays(theme, qtbot):
    label, _, requests = shown(theme, qtbot, SteadyLabel)
    label.set_least(200)
    qtbot.waitUntil(lambda: label.width() == 200)
    qtbot.waitUntil(lambda: requests.count > 0)
    qtbot.wait(50)
    seen = requests.count
    for words in ("t = 1", "t = 123 456.7", ""):
        label.setText(words)
    qtbot.wait(50)
    assert requests.count == seen
    assert label.width() == 200
