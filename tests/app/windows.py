"""What tests do with a window, as a person would: wait, pause, look."""

import numpy as np


PATIENCE = 90_000  # ms: a machine that compiles several systems at once is slow


def wait_for(qtbot, claim):
    qtbot.waitUntil(lambda: bool(claim()), timeout=PATIENCE)


def step(window):
    return window.moment.past.position.step


def branch(window):
    return window.moment.past.position.branch


def rest(window, qtbot):
    """Let it stand where it is."""
    window.session.play(False)
    wait_for(qtbot, lambda: not window.moment.running and not window.moment.past.seeking)


def there(window, qtbot, where, line=None):
    """Wait until it has gone to a step."""
    wait_for(
        qtbot,
        lambda: (
            not window.moment.past.seeking
            and step(window) == where
            and line in (None, branch(window))
        ),
    )


def places(window, seen=None):
    """What the large view shows, of the run or of another `seen`."""
    layers = (seen or window.moment).frame[window.stage.name]
    return next(np.asarray(la.position) for la in layers if type(la).__name__ == "Points")
