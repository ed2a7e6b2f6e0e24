"""Replicas: independent of each other, steered together, and given the room they need."""

import numpy as np
import pytest

from engine.core.ensemble import Ensemble

from .libraries import Library
from .magnets import CurieWeiss


def test_replicas_scatter_as_independent_runs_do():
    # Far above T_c, ⟨m²⟩ = 1 / (N (1 − 1/T)) for the mean field of all others.
    ghosts = Ensemble(
        CurieWeiss(temperature=4.0, rate=0.5, n=1024), 256, observable="magnetisation"
    )
    ghosts.run(100)
    expected = 1 / (1024 * (1 - 1 / 4.0))
    # Many spins look at once, which adds rate/2 of correlation in time, and 1/N: a few percent;
    # a variance from 256 replicas is known to 9 %.
    assert np.var(ghosts.values) == pytest.approx(expected, rel=0.35)
    assert len(set(ghosts.values)) > 64


def test_they_are_steered_together_and_keep_time():
    ghosts = Ensemble(CurieWeiss(temperature=0.5, rate=0.5, n=4096), 16)
    ghosts.run(50)
    assert (ghosts.values > 0.9).all()
    ghosts.set(temperature=3.0).run(50)
    assert (ghosts.values < 0.2).all()
    assert ghosts.time == 100


def test_they_get_the_room_they_need():
    ghosts = Ensemble(Library(), 3).run(1).run(6)
    np.testing.assert_array_equal(ghosts.values, 7.0)
    assert ghosts.system.room == 8
    assert ghosts.time == 7
