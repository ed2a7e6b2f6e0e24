"""Settings of the tests that make windows."""

import gc

import pytest


@pytest.fixture(autouse=True)
def _widgets_end_in_the_window_s_thread():
    """As `app.garbage` sees to it in the program: no other thread may free a Qt object."""
    gc.disable()
    yield
    gc.enable()
