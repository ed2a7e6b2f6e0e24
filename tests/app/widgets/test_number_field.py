"""A number that can be typed."""

from app.widgets.number_field import NumberField


def test_a_number_that_stays_is_not_written_anew(theme, qtbot):
    written = []

    def show(value):
        written.append(value)
        return f"{value:g}"

    field = NumberField(theme, show)
    qtbot.addWidget(field)
    for value in (0.0, 0.0, 2.5, 2.5, 0.0):
        field.setValue(value)
        assert field.text() == f"{value:g}"
    assert written == [0.0, 2.5, 0.0]


def test_what_was_typed_and_left_behind_gives_way_to_the_value_in_force(theme, qtbot):
    field = NumberField(theme, str)
    qtbot.addWidget(field)
    field.setValue(1.5)
    field.setText("7")
    field.setModified(True)
    field.setValue(1.5)
    assert field.text() == "1.5"
