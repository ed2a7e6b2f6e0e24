"""Looking for a critical point: what was given up says nothing any more."""

from app.critical_worker import CriticalWorker
from engine.systems import gallery


def test_what_a_search_that_is_given_up_had_still_to_say_is_not_said(qtbot, monkeypatch):
    from engine.core import criticality

    point = criticality.CriticalPoint._make([None] * len(criticality.CriticalPoint._fields))
    monkeypatch.setattr(criticality, "find_critical_point", lambda system: iter([point]))
    worker, found = CriticalWorker(), []
    worker.found.connect(found.append)
    for given_up in (True, False):
        worker.find(gallery()["kuramoto"]())
        worker._thread.join()  # it has told; this thread has not listened yet
        if given_up:
            worker.cancel()
        qtbot.wait(50)
        assert found == ([] if given_up else [point])
