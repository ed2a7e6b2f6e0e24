"""A run on two devices is the run on one."""

import json
import os
import subprocess
import sys
import textwrap

import jax
import numpy as np

from engine.core.sharding import spread
from engine.core.stepping import begin
from engine.systems.swarms.kuramoto import Kuramoto


SCRIPT = """
    import json, jax, numpy as np
    from engine import Simulation
    from engine.core.stepping import advance
    from engine.systems.spins.ising_2d import Ising2D
    from engine.systems.swarms.kuramoto import Kuramoto
    from engine.systems.swarms.vicsek import Vicsek

    def held(simulation):
        leaves = jax.tree.leaves(simulation.present.state)
        return [len(leaf.sharding.device_set) * (not leaf.is_fully_replicated) for leaf in leaves]

    said = {}
    oscillators = Simulation(Kuramoto(n=65_536, coupling=2.0), seed=1).run(20)
    before = oscillators.set(coupling=3.0).run(10).observables["order"]
    said["phase"] = np.asarray(oscillators.present.state.phase)[::997].tolist()
    said["held"] = held(oscillators)
    oscillators.run(5).back_to(30)
    said["order"] = [before, oscillators.observables["order"]]
    said["held again"] = held(oscillators)
    said["programs"] = advance._cache_size()
    board = Simulation(Ising2D(length=1024), seed=1).run(6)
    said["spins"] = held(board)
    said["up"] = int(np.bitwise_count(np.asarray(jax.tree.leaves(board.present.state)[0])).sum())
    said["magnetisation"] = board.observables["magnetisation"]
    said["flock"] = held(Simulation(Vicsek(n=65_536), seed=1))
    print(json.dumps(said))
"""


def run_on(devices):
    flags = f"--xla_force_host_platform_device_count={devices}"
    words = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        env=os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return json.loads(words)


def test_particles_and_grids_share_two_devices_and_change_nothing():
    one, two = run_on(1), run_on(2)
    assert not any(one["held"] + one["spins"])
    assert two["held"] == two["held again"] == [2, 2, 0]  # the third is a number
    assert max(two["spins"]) == 2
    assert not any(two["flock"])  # who loops over neighbours stays whole
    assert two["programs"] <= one["programs"] + 1  # the first one finds the run where it was put
    # Sums over halves differ by rounding: 1e-7 of the mean field, which 30 steps hardly amplify.
    np.testing.assert_allclose(two["phase"], one["phase"], atol=1e-4)
    np.testing.assert_allclose(two["order"], one["order"], rtol=1e-5)
    assert two["order"][0] == two["order"][1]  # back to where it was, bit for bit
    # Spins are whole numbers, and so are their decisions: equal.
    assert two["up"] == one["up"]
    assert two["magnetisation"] == one["magnetisation"]


def test_one_device_holds_a_run_as_it_is():
    system = Kuramoto(n=65_536)
    run = begin(system, jax.random.key(0))
    assert len(jax.local_devices()) > 1 or spread(system, run) is run
