"""Named pairs: two settings side by side under the same noise, as one step of undo."""

import pytest

from app.session import Session
from engine.core.about import Pair
from engine.systems import gallery
from tests.app.test_session import Listener


@pytest.fixture
def session(qapp, monkeypatch):
    session = Session(Listener())
    session.show_gallery(gallery())
    assert session.open("kuramoto", n=64)
    pairs = (Pair("weak | strong", {"coupling": 1.0}, {"coupling": 4.0, "noise": 0.1}),)
    monkeypatch.setattr(type(session.system), "pairs", pairs)
    return session


def test_a_pair_is_two_rows_with_its_values(session):
    session.choose_pair("weak | strong")
    assert session.comparing
    one, other = session.systems
    assert (one.coupling, other.coupling) == (1.0, 4.0)
    assert other.noise == pytest.approx(0.1)
    assert one.noise == session.parameters["noise"].default
    asked = [kwargs for name, _, kwargs in session._runner.asked if name == "set"]
    assert asked[-2] == {"coupling": 1.0}
    assert asked[-1]["row"] == 1


def test_a_pair_is_one_step_of_undo(session):
    before = session.system.coupling
    session.choose_pair("weak | strong")
    assert session.undo_stack.count() == 1
    session.undo()
    assert [row.coupling for row in session.systems] == [before]  # it runs alone again
    session.redo()
    assert [row.coupling for row in session.systems] == [1.0, 4.0]


def test_a_pair_that_nobody_named_is_none(session):
    session.choose_pair("never heard of")
    assert not session.comparing
