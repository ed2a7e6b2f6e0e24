"""Work beside the window: in turn, the newest sketch, given up, and failed in words."""

import threading

import pytest

from app.jobs import Jobs


@pytest.fixture
def jobs(qtbot):
    made = Jobs("exporter test")
    yield made
    made.stop()


def test_jobs_are_done_in_turn_and_of_sketches_the_newest(jobs, qtbot):
    gate, seen = threading.Event(), []

    def job(name):
        def make():
            gate.wait(5)
            return lambda: seen.append(name)

        return make

    jobs.begin("", job("first"))
    jobs.begin("", job("second"))
    for name in ("a", "b", "c"):
        jobs.sketch(job(name))
    gate.set()
    qtbot.waitUntil(lambda: not jobs.busy and len(seen) == 3)
    assert seen == ["first", "second", "c"]


def test_a_job_that_is_cancelled_makes_nothing_and_the_next_one_is_done(jobs, qtbot):
    started, seen = threading.Event(), []

    def endless():
        started.set()
        while not jobs.cancelled:
            pass
        raise InterruptedError

    jobs.begin("", endless)
    jobs.begin("", lambda: lambda: seen.append("next"))
    assert started.wait(5)
    jobs.cancel()
    qtbot.waitUntil(lambda: seen == ["next"])


def test_what_goes_wrong_is_said_and_the_thread_goes_on(jobs, qtbot):
    seen = []

    def wrong():
        raise ValueError("This cannot be: do something else.")

    with qtbot.waitSignal(jobs.failed) as failed:
        jobs.begin("", wrong)
    assert failed.args == ["This cannot be: do something else."]
    jobs.begin("", lambda: lambda: seen.append(1))
    qtbot.waitUntil(lambda: seen == [1])


def test_a_stop_ends_what_is_under_way(qtbot):
    jobs = Jobs("exporter stop")
    started = threading.Event()

    def endless():
        started.set()
        while not jobs.cancelled:
            pass
        raise InterruptedError

    jobs.begin("", endless)
    assert started.wait(5)
    jobs.stop()
    assert not jobs.busy
    jobs.begin("", endless)
    assert not jobs.busy
