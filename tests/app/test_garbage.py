"""Cycles are freed by the window's thread alone."""

import gc
import threading
import weakref

import pytest

from app.garbage import YOUNG, Collector


class Knot:
    """A cycle, as widgets and their closures make them."""

    def __init__(self):
        self.itself = self
        weakref.finalize(self, lambda: freed.append(threading.current_thread()))


freed = []


@pytest.fixture
def collector(qapp):
    gc.collect()  # what the test before has left
    freed.clear()
    as_tests_do = gc.get_threshold()
    gc.enable()
    gc.set_threshold(700, 10, 10)  # as Python does, not as tests do
    collector = Collector()
    yield collector
    collector.stop()
    gc.set_threshold(*as_tests_do)


def allocate():
    for _ in range(200):
        [[] for _ in range(YOUNG)]
    keep.extend([] for _ in range(4 * YOUNG))


keep = []


def test_another_thread_that_allocates_frees_no_cycle(collector):
    Knot()
    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert not freed


def test_the_window_s_thread_frees_it_soon(collector, qtbot):
    Knot()
    allocate()
    qtbot.waitUntil(lambda: bool(freed), timeout=5000)
    assert freed == [threading.main_thread()]


def test_what_is_set_aside_is_not_walked_again(collector):
    collector.set_aside()
    assert gc.get_freeze_count() > 0
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_python_collects_by_itself_afterwards(qapp):
    Collector().stop()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
