"""Ion channel: currents, their fluctuations and the ions inside are what is exact."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.core.simulation import Simulation
from engine.systems.swarms.ion_channel import REACH, IonChannel


ONE = IonChannel(sites=1, voltage=2 * np.log(1.5), left=2.0, right=0.75, well=np.log(1.5), dt=0.25)


def test_one_site_carries_the_current_of_the_specification():
    running = Simulation(ONE.replace(window=10.0), seed=1)
    measured = running.run(100).measure(800).estimates  # t = 200
    # Var Q/t = 0.6: of 2000 channels for 200 the error is √(0.6/4·10⁵) = 0.24 %.
    assert measured["current"].mean == pytest.approx(0.5, rel=0.02)
    assert measured["dissipation"].mean == pytest.approx(0.8959, rel=0.02)
    # (c_L e^{…} + c_R e^{…}) over all rates: 2.5/5.
    assert measured["occupancy"].mean == pytest.approx(0.5, rel=0.01)
    # 20 windows of 2000 channels: √(2/40 000) = 0.7 %; and a boundary term of order 1/t.
    assert running.observables["noise"] == pytest.approx(0.6, rel=0.05)
    predicted = running.theory()
    assert predicted["current"] == pytest.approx(0.5, rel=1e-5)
    assert predicted["noise"] == pytest.approx(0.6, rel=1e-5)


@pytest.mark.parametrize(
    "system",
    [
        IonChannel(voltage=2.0, left=3.0, right=0.5, repulsion=2.0, barrier=1.0),
        IonChannel(voltage=-1.0, left=1.0, right=1.0, repulsion=-1.0, temperature=0.7),
    ],
)
def test_longer_channels_settle_to_what_is_exact(system):
    running = Simulation(system.replace(dt=0.5), seed=2)
    measured = running.run(100).measure(400).estimates
    predicted = running.theory()
    for name in ("current", "occupancy"):
        # One run in two million strays further than five errors.
        assert abs(measured[name].mean - predicted[name]) < 5 * measured[name].error, name


def test_odds_come_to_the_line_as_windows_become_longer():
    off = []
    for window in (1.0, 4.0):
        running = Simulation(ONE.replace(window=window), seed=1).run(1600)
        _, line, *_, whole = running.frame["odds"]
        assert line.y[-1] == pytest.approx(1.7918 * line.x[-1], rel=1e-4)
        off.append(abs(whole.y[0] - 1.7918))  # of ln P(1)/P(−1)
    # What an ion inside adds is gone by e^{−5t}, and 1 in t of it stays; to 3 % of few counts.
    assert off[0] > 0.15
    assert off[1] < 0.1


def test_the_law_of_passing_ions_is_that_of_long_windows():
    running = Simulation(IonChannel(window=16.0, dt=0.5), seed=3).run(32 * 33)
    _, bars, law = running.frame["charge"]
    middle = (bars.edges[1:] + bars.edges[:-1]) / 2
    known = np.isfinite(law.y)
    predicted = np.interp(middle, law.x[known], law.y[known], left=0, right=0)
    assert bars.height.sum() * (bars.edges[1] - bars.edges[0]) == pytest.approx(1, abs=1e-4)
    # 64 000 counts: 0.5 % of the highest bar; the saddle is good to about 1/t, 1 %.
    np.testing.assert_allclose(bars.height, predicted, atol=0.02 * bars.height.max())


def test_at_reversal_nothing_flows_and_neighbours_tell_all():
    system = IonChannel(voltage=-np.log(2.0), left=2.0, right=1.0, repulsion=2.0)
    assert system.theory()["current"] == pytest.approx(0, abs=1e-6)
    assert system.boundaries()["reversal"].at["voltage"] == pytest.approx(-np.log(2.0), rel=1e-5)
    _, bars, *known = Simulation(system.replace(dt=0.5)).run(400).frame["ions"]
    off = [np.abs(curve.y - bars.height).max() for curve in known]
    # Errors of the measured shares: 0.5/√2000 over some 100 independent states, 0.1 %.
    assert off[0] > off[1] > off[3]
    assert off[3] < 0.01


def test_counting_begins_anew_when_a_parameter_moves():
    running = Simulation(IonChannel(window=1.0)).run(60)
    assert running.present.state.tally.counts.sum() > 0
    tally = running.set(voltage=2.0).run(1).present.state.tally
    assert tally.counts.sum() == 0
    assert tally.window == 0
    assert tally.counts.shape[1] == 2 * REACH + 1


def test_a_hand_empties_and_fills_the_channels():
    running = Simulation(IonChannel())
    assert not running.poke("empty").present.state.taken.any()
    assert (running.poke("fill").present.state.taken == 7).all()
    assert jnp.isfinite(running.run(1).observables["current"])
