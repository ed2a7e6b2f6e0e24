"""A hand drags λ, t, R and the smoothing in the words in which they act: from end to end of a span.

For the words that a system opens with `test_every_system.py` asks the same of every parameter.
"""

import numpy as np
import pytest

from engine.core import simulation
from engine.core.parameters import parameters
from engine.core.simulation import Simulation
from engine.systems.diffusion.exact_score_cloud import ExactScoreCloud
from engine.systems.diffusion.mean_field_chaos import MeanFieldChaos


@pytest.mark.parametrize(
    ("system_class", "words", "names"),
    [
        (MeanFieldChaos, {"score": "truncated"}, ("radius", "noise")),
        (MeanFieldChaos, {"flow": "hold"}, ("turn", "noise")),
        (ExactScoreCloud, {"flow": "hold"}, ("moment", "kernel", "mixing")),
        (ExactScoreCloud, {"flow": "weigh"}, ("moment", "kernel")),
    ],
    ids=["R", "t of clouds", "t and smoothing", "t and smoothing, weighed"],
)
def test_a_drag_to_the_ends_compiles_nothing_and_stays_a_number(system_class, words, names):
    known = parameters(system_class)
    sizes = {p.name: p.span[0] for p in known.values() if p.kind == "size"}
    running = Simulation(system_class(**sizes)).run(1).set(**words).run(1)
    running.look()
    compiled = simulation.advance._cache_size(), simulation.look._cache_size()
    for value in known[names[0]].span:
        for name in names[1:]:
            for end in known[name].span:
                running.set(**{names[0]: value, name: end}).run(1)
                seen = running.look()
                _, points, *_ = next(iter(seen.frame.values()))
                assert np.isfinite(points.position).all(), (value, name, end)
                assert np.isfinite(list(seen.observables.values())).all(), (value, name, end)
            running.set(**{name: known[name].default})
    assert (simulation.advance._cache_size(), simulation.look._cache_size()) == compiled
