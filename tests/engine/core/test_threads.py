"""A core is left to the window, and XLA is told so before it is imported."""

import os
import subprocess
import sys

import pytest

from engine.core.threads import cores, leave_a_core, threads


def test_one_core_is_left_and_what_was_set_by_hand_stays(monkeypatch):
    for name in ("NPROC", "JAX_CPU_ENABLE_ASYNC_DISPATCH"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    assert threads() == cores()
    leave_a_core()
    assert threads() == max(1, cores() - 1)
    monkeypatch.setenv("NPROC", "3")
    leave_a_core()
    assert threads() == 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_xla_has_as_many_threads_as_it_is_told():
    count = (
        "import jax; jax.numpy.ones(3).block_until_ready(); from pathlib import Path;"
        "print([p.read_text().strip() for p in Path('/proc/self/task').glob('*/comm')])"
    )
    found = []
    for told in (1, 5):
        environment = os.environ | {"NPROC": str(told), "JAX_PLATFORMS": "cpu"}
        answer = subprocess.run(
            [sys.executable, "-c", count],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(answer.stdout.count("XLA"))
    # Each of its pools has so many: that there are four more of each is all that is asked.
    more = found[1] - found[0]
    assert more > 0
    assert more % 4 == 0
