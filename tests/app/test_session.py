"""A session: what is open, what a gesture changes, what can be undone."""

import pytest

from app.session import Session
from engine.core.gallery import Gallery
from engine.core.parameters import parameters
from engine.systems import gallery


class Listener:
    """A runner that only remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.asked.append((name, args, kwargs))

    def last(self, name):
        return next(a for a in reversed(self.asked) if a[0] == name)


@pytest.fixture
def session(qapp):
    session = Session(Listener())
    session.show_gallery(gallery())
    assert session.open("kuramoto", n=64)
    return session


def test_a_system_whose_file_is_broken_is_refused_and_the_open_one_stays(session, tmp_path, qtbot):
    (tmp_path / "broken" / "swarms").mkdir(parents=True)
    (tmp_path / "broken" / "swarms" / "typo.py").write_text("def f(:\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        session.show_gallery(Gallery(tmp_path / "broken", "broken"))
        with qtbot.waitSignal(session.refused) as refused:
            assert not session.open("typo")
    assert "'typo' cannot be loaded; mend it first: invalid syntax" in refused.args[0]
    assert session.id == "kuramoto"


def test_a_drag_is_one_step_of_undo(session):
    session.hold()
    for coupling in (1.0, 2.0, 2.5):
        session.set(coupling=coupling)
    session.commit()
    assert session.undo_stack.count() == 1
    session.undo()
    assert session.system.coupling == parameters(session.system)["coupling"].default
    session.redo()
    assert session.system.coupling == 2.5


def test_the_dot_moves_two_parameters_in_one_step(session):
    first, second = [n for n, p in session.parameters.items() if p.kind == "live"][:2]
    session.hold()
    session.set(**{first: 1.0, second: 1.5})
    session.set(**{first: 3.0, second: 0.75})
    session.commit()
    assert session.undo_stack.count() == 1
    session.undo()
    assert session.values[first] == session.parameters[first].default
    assert session.values[second] == session.parameters[second].default


def test_the_latest_value_reaches_the_runner_as_the_system_stores_it(session):
    session.set(coupling=3)
    _, _, values = session._runner.last("set")
    assert values == {"coupling": 3.0}
    assert isinstance(values["coupling"], float)


def test_what_is_refused_leaves_the_old_value_and_says_why(session, qtbot):
    before = session.values
    with qtbot.waitSignal(session.refused) as refusal:
        assert not session.set(couplng=3.0)
    assert "Did you mean 'coupling'" in refusal.args[0]
    with qtbot.waitSignal(session.refused):
        assert not session.set(n=1.5)
    assert session.values == before
    session.commit()
    assert session.undo_stack.count() == 0


def test_an_unknown_system_is_refused_with_the_nearest_name(session, qtbot):
    with qtbot.waitSignal(session.refused) as refusal:
        assert not session.open("vicsec")
    assert "vicsek" in refusal.args[0]
    assert session.id == "kuramoto"


def test_a_gesture_of_keys_ends_by_itself(session, qtbot):
    session.set(coupling=1.0)
    qtbot.waitUntil(lambda: session.undo_stack.count() == 1, timeout=2000)


def test_a_value_that_comes_back_is_no_step_of_undo(session):
    start = session.system.coupling
    session.set(coupling=1.0)
    session.set(coupling=start)
    session.commit()
    assert session.undo_stack.count() == 0


def test_reset_goes_back_to_the_preset_and_can_be_undone(session):
    session.set(coupling=1.25)
    session.commit()
    session.reset("coupling")
    assert session.system.coupling == session.preset["coupling"]
    session.undo()
    assert session.system.coupling == 1.25


def test_every_preset_of_every_system_opens(session):
    for name, system in gallery().items():
        session.open(name)
        for preset in system.presets:
            session.choose_preset(preset.name)
            for parameter, value in preset.values.items():
                assert session.values[parameter] == value


def test_a_restart_with_a_new_seed_changes_the_seed_and_no_parameter(session):
    before = session.values
    session.restart(new_seed=True)
    assert session.seed == 1
    assert session._runner.last("restart")[1] == (1,)
    assert session.values == before
