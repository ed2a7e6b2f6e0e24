import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.theme.theme import Theme
from app.widgets.parameter_row import ParameterRow
from app.widgets.parameters_panel import ParametersPanel
from app.widgets.structure_rows import AssetRow, ChoiceRow, NumberRow, SeveralRow, SizeRow
from engine.core.parameters import Parameter


LEFT = Qt.MouseButton.LeftButton
LAWS = ("Lorentzian", "Gaussian", "uniform", "identical")
SHAPES = ("torus", "trefoil", "sphere", "helix")


def declared(name, kind, default, **more):
    return Parameter(name, kind, default, more.pop("symbol", ""), more.pop("help", name), **more)


PARAMETERS = {
    p.name: p
    for p in (
        declared("coupling", "live", 3.0, span=(0, 6), symbol="K"),
        declared("noise", "live", 0.25, span=(0, 2), symbol="D"),
        declared("rule", "mode", "scalar", choices=("scalar", "vectorial")),
        declared("coherence", "start", 0.0, span=(0, 1), symbol="r₀"),
        declared("law", "start", "Lorentzian", choices=LAWS),
        declared("shapes", "start", ("torus", "helix"), choices=SHAPES),
        declared("own", "start", None),
        declared("n", "size", 4096, span=(16, 65536), symbol="N", log=True, help="oscillators"),
    )
}
VALUES = {name: p.default for name, p in PARAMETERS.items()}


@pytest.fixture
def panel(theme, shown):
    made = ParametersPanel(theme)
    made.heard = []
    made.changed.connect(lambda name, value: made.heard.append((name, value)))
    made.show_system(PARAMETERS, VALUES, ["chimera"])
    return shown(made, 300, 700)


def test_every_kind_of_parameter_has_its_control(panel):
    kinds = {
        "coupling": ParameterRow,
        "rule": ChoiceRow,
        "coherence": NumberRow,
        "law": ChoiceRow,
        "shapes": SeveralRow,
        "own": AssetRow,
        "n": SizeRow,
    }
    assert {name: type(panel.row(name)) for name in kinds} == kinds


def test_values_come_in_silently(panel):
    cloud = np.zeros((5, 3))
    panel.set_values(
        {"coupling": 1.5, "rule": "vectorial", "n": 128, "shapes": ("sphere",), "own": cloud}
    )
    assert panel.row("coupling").value() == 1.5
    assert panel.row("rule").value() == "vectorial"
    assert panel.row("n").value() == 128
    assert panel.row("shapes").value() == ("sphere",)
    assert panel.row("own").value() is cloud
    assert panel.heard == []


def test_sizes_double_and_halve_within_their_span(panel, qtbot):
    row = panel.row("n")
    row._go(row.value() * 2)
    row._go(row.value() * 1000)
    row._go(0)
    assert panel.heard == [("n", 8192), ("n", 65536), ("n", 16)]


def test_sizes_can_be_typed(panel, qtbot):
    field = panel.row("n").field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "2**10")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert panel.heard == [("n", 1024)]
    assert type(panel.heard[0][1]) is int


def test_words_are_chosen_by_a_click(panel, qtbot):
    segments = panel.row("rule").control
    qtbot.mouseClick(segments._buttons["vectorial"], LEFT)
    assert panel.heard == [("rule", "vectorial")]


def test_of_several_words_one_always_stays(panel, qtbot):
    chips = panel.row("shapes")._chips
    qtbot.mouseClick(chips["torus"], LEFT)
    qtbot.mouseClick(chips["helix"], LEFT)
    assert panel.heard == [("shapes", ("helix",))]
    assert panel.row("shapes").value() == ("helix",)


def test_a_structural_change_is_a_gesture_of_its_own(panel, qtbot):
    with qtbot.waitSignal(panel.released) as ended:
        panel.row("n")._go(8192)
    assert ended.args == ["n"]


def test_presets_are_told_by_name_and_the_usual_values_by_none(panel, qtbot):
    with qtbot.waitSignal(panel.preset_chosen) as chosen:
        panel._preset.chosen.emit("chimera")
    assert chosen.args == ["chimera"]
    with qtbot.waitSignal(panel.preset_chosen) as chosen:
        panel._preset.chosen.emit(panel._preset.itemText(0))
    assert chosen.args == [""]


def test_an_expression_may_name_other_parameters(panel, qtbot):
    number = panel.row("coupling")._number
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "4*noise + D")
    qtbot.keyClick(number, Qt.Key.Key_Return)
    assert panel.heard == [("coupling", 1.25)]


def test_the_filter_hides_what_is_not_meant(panel, qtbot):
    qtbot.keyClicks(panel.filter_field, "nois")
    assert panel.row("noise").isVisible()
    assert not panel.row("coupling").isVisible()
    assert not panel._built_head.isVisible()
    qtbot.keyClick(panel.filter_field, Qt.Key.Key_Escape)
    assert panel.row("coupling").isVisible()


def test_locked_rows_are_known(panel):
    panel.row("noise").set_locked(True)
    assert panel.locked() == {"noise"}


def test_a_new_system_leaves_nothing_of_the_old_one(panel, qtbot):
    old = panel.row("coupling")
    panel.show_system({"noise": PARAMETERS["noise"]}, {"noise": 0.5}, [])
    with qtbot.waitSignal(old.destroyed):
        pass
    assert panel.row("noise").value() == 0.5
    assert not panel._built_head.isVisible()


def test_pokes_are_buttons(panel, qtbot):
    from typing import NamedTuple

    class Poke(NamedTuple):
        name: str
        help: str
        view: str

    panel.set_pokes([Poke("scatter", "All phases anew.", "")])
    button = panel._pokes.findChildren(type(panel.row("own")._open))[0]
    with qtbot.waitSignal(panel.poke_asked) as asked:
        qtbot.mouseClick(button, LEFT)
    assert asked.args == ["scatter"]


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.7])
@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
def test_nothing_is_cut_off_at_the_smallest_width(theme, qapp, shown, qtbot, name, scale):
    look = Theme(name, scale)
    look.apply(qapp)
    panel = ParametersPanel(look)
    panel.show_system(PARAMETERS, VALUES, [])
    shown(panel, 10, 600)
    inside = panel._scroll.widget()
    qtbot.waitUntil(lambda: inside.width() >= inside.minimumSizeHint().width())
    assert panel.width() <= look.px(300)  # beside the stage at 1280 × 800 there are 280
    assert panel._scroll.viewport().width() >= inside.width()


def test_a_change_of_look_keeps_values_and_is_silent(panel, theme, qapp):
    panel.set_values({"coupling": 1.5})
    for other in (Theme("light", 1.3), Theme("contrast", 0.9), theme):
        other.apply(qapp)
        panel.restyle(other)
    assert panel.row("coupling").value() == 1.5
    assert panel.heard == []
