"""The game on a sparse graph: crowds do as theory says, the better if it knows the periphery."""

import numpy as np
import pytest

from engine.core.simulation import Simulation
from engine.core.system import Touch
from engine.systems.swarms.graphex_game import HORIZON, GraphexGame


SMALL = GraphexGame(candidates=16_384)


def averaged(system, turns, seed=1):
    """Shares by class of degree at the end of an episode: of the crowd, hybrid, dense."""
    running = Simulation(system, seed=seed).run(turns * HORIZON - 1)
    _, dense, hybrid, seen = running.frame["degrees"]
    return running, np.asarray(seen.y), np.asarray(hybrid.y), np.asarray(dense.y)


def test_free_protection_ends_the_infection():
    system = SMALL.replace(protection_cost=0.0, temperature=0.02, begins=0.5)
    running = Simulation(system, seed=1).run(4 * HORIZON)  # three episodes of learning
    start = running.observables["prevalence"]
    after = running.run(20).observables["prevalence"]
    agents = running.observables["vertices"]
    # (1 − r)^t of those who were ill, within four errors of that many recoveries.
    expected = start * 0.9**20
    assert after == pytest.approx(expected, abs=4 * np.sqrt(expected / agents) + 0.01)


def test_the_crowd_does_as_the_theory_that_knows_the_periphery_says():
    prevalences, hybrids, denses = [], [], []
    for seed in range(3):
        running, *_ = averaged(SMALL, 5, seed)
        state = running.present.state
        prevalences.append(running.observables["prevalence"])
        hybrids.append(float(state.crowd.share @ state.hybrid))
        denses.append(float(state.crowd.share @ state.dense))
    seen, hybrid, dense = (np.mean(x) for x in (prevalences, hybrids, denses))
    assert abs(hybrid - seen) < abs(dense - seen)
    assert hybrid == pytest.approx(seen, abs=0.1)


def test_learning_lowers_what_could_be_gained():
    running = Simulation(SMALL, seed=2).run(5)
    first = running.observables["gain"]
    assert running.run(200).observables["gain"] < 0.3 * first


def test_an_episode_begins_anew_at_its_end():
    running = Simulation(SMALL.replace(begins=1.0, protection_cost=-1.0, recovery=1.0))
    assert running.observables["prevalence"] == 1
    assert running.run(HORIZON - 1).observables["prevalence"] < 0.2
    assert running.run(1).observables["prevalence"] == 1
    assert running.present.state.time == 0


def test_thresholds_are_those_of_either_exposure():
    assert SMALL.boundaries()["spreads unprotected"].at["infection"] == pytest.approx(0.1)
    number = SMALL.replace(exposure="number").boundaries()["spreads unprotected"]
    assert number.at["infection"] == pytest.approx(0.1 / (1 + 60 / 3))


def test_a_hand_infects_those_under_it():
    running = Simulation(SMALL.replace(begins=0.01))
    before = running.observables["prevalence"]
    touch = Touch(np.zeros(2, np.float32), np.zeros(2, np.float32), 2.0, 1.0)
    assert running.poke("infect", touch).observables["prevalence"] > before
