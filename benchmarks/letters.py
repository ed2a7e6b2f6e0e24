"""How near meta flow brings letters that it was never trained on: `python benchmarks/letters.py`.

The sliced distance of clouds of few points is mostly noise of sampling, so what a flow has learnt
from 128 points to a letter is asked of clouds of 2048 too.
"""

import sys

import jax
import jax.numpy as jnp

from engine import Simulation
from engine.numerics.distances import sliced_wasserstein
from engine.systems.diffusion.meta_flow import MetaFlow, flowed


STEPS, PACE = 2500, 50
LETTERS = 24  # X and Y in turn, turned at random


def main(seeds: int) -> None:
    for conditioning in ("embedding", "k-NN graph", "none"):
        for seed in range(seeds):
            system = MetaFlow(
                law="letters",
                conditioning=conditioning,
                n=128,
                populations=240,
                features=32,
                rate=1.5e-3,
                pace=PACE,
            )
            run = Simulation(system, seed=seed).run(STEPS // PACE)
            state = run._run.state  # pyright: ignore[reportPrivateUsage]
            network = system.training(state.trained).network(state.learned)
            for n in (128, 2048):
                new = system.replace(n=n).drawn(jax.random.key(7), LETTERS, held=True)
                made = flowed(network, new.first, system.asked(network, new.first, None))[-1]
                before, after = (
                    float(jnp.mean(jax.vmap(sliced_wasserstein)(x, new.last)))
                    for x in (new.first, made)
                )
                words = f"{before:.3f} -> {after:.3f} ({1 - after / before:.0%} nearer)"
                print(f"{conditioning:12} seed {seed}, {n:4} points: {words}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
