"""The Curie–Weiss magnet: every spin sees the mean of all, so that all of it is known exactly."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.core.layers import Curve
from engine.core.parameters import Scalar, live, size
from engine.core.system import System
from engine.core.theory import Boundary, Branch, Criticality


class Spins(NamedTuple):
    up: jax.Array  # ±1


class CurieWeiss(System[Spins]):
    """N spins in their own mean field; in a tick each looks around once, with probability `rate`.

    m = tanh((m + h) / T): a first-order line h = 0 that ends at T_c = 1.
    """

    temperature: Scalar = live(default=0.8, span=(0.4, 1.6), symbol="T", help="of the bath")
    field: Scalar = live(default=0.0, span=(-0.6, 0.6), symbol="h", help="along the spins")
    rate: Scalar = live(default=0.25, span=(1e-4, 0.5), symbol="a", help="of a look", log=True)
    n: int = size(default=1024, span=(16, 65536), symbol="N", help="spins")

    critical = Criticality(
        "temperature", sizes=(64, 256, 1024), span=(0.8, 1.25), boundary="critical point"
    )

    def init(self, key):
        return Spins(jnp.ones(self.n))

    def step(self, state, key):
        for_turn, for_spin = jax.random.split(key)
        chance = jax.nn.sigmoid(2 * (jnp.mean(state.up) + self.field) / self.temperature)
        turns = jax.random.bernoulli(for_turn, self.rate, (self.n,))
        new = jnp.where(jax.random.bernoulli(for_spin, chance, (self.n,)), 1.0, -1.0)
        return Spins(jnp.where(turns, new, state.up))

    def observables(self, state):
        m = jnp.mean(state.up)
        return {"order": jnp.abs(m), "magnetisation": m}

    def branches(self):
        def settled(m):
            def closer(_, m):
                return jnp.tanh((m + self.field) / self.temperature)

            return jax.lax.fori_loop(0, 400, closer, m)

        up, down = settled(jnp.ones(())), settled(-jnp.ones(()))
        return {
            "up": Branch({"magnetisation": up, "order": jnp.abs(up)}),
            "down": Branch({"magnetisation": down, "order": jnp.abs(down)}),
        }

    def boundaries(self):
        flat = jnp.asarray(self.field) == 0
        return {"critical point": Boundary({"temperature": jnp.where(flat, 1.0, jnp.nan)})}

    def landscape(self):
        m = jnp.linspace(-0.999, 0.999, 101)
        entropy = jax.scipy.special.entr((1 + m) / 2) + jax.scipy.special.entr((1 - m) / 2)
        energy = -(m**2) / 2 - self.field * m
        return {"magnetisation": Curve(m, self.n * (energy / self.temperature - entropy))}

    def frame(self, state):
        return {}
