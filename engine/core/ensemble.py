"""Replicas of a run: the same parameters at every moment, each under noise of its own."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Key

from engine.core.cells import side_by_side
from engine.core.maps import measurable
from engine.core.stepping import advanced, begin, enlarged, grown
from engine.core.system import System


class Ensemble:
    """So many runs of a system, steered together.

    >>> ghosts = Ensemble(system, replicas=32)
    >>> ghosts.set(coupling=2.0).run(100)
    >>> ghosts.values  # the order parameter of each
    """

    def __init__(
        self, system: System[Any], replicas: int, *, seed: int = 0, observable: str | None = None
    ) -> None:
        self.system, self.time = system, 0.0
        self.observable = measurable(system, observable)
        # Far from the seeds that runs are given: no ghost is the run itself.
        self._keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 2**31), replicas)
        self._together = side_by_side(system)
        self._runs = _begun(system, self._keys)

    @property
    def replicas(self) -> int:
        return len(self._keys)

    @property
    def values(self) -> np.ndarray:
        """The observable in each replica; what derives from averages has no value at an instant."""
        return np.asarray(_observed(self.system, self._runs)[self.observable])

    def set(self, **values: Any) -> "Ensemble":
        """Change live parameters of all."""
        self.system = self.system.replace(**values)
        return self

    def run(self, steps: int) -> "Ensemble":
        """Take steps in every replica."""
        before = jax.tree.map(jnp.copy, self._runs) if _grows(self.system) else None
        self._runs = _advanced(self.system, self._runs, self._keys, steps, self._together)
        need = jax.device_get(_demanded(self.system, self._runs))
        roomy = enlarged(self.system, {name: np.max(room) for name, room in need.items()})
        if roomy is not self.system and before is not None:
            like = jax.eval_shape(_begun, roomy, self._keys)
            self.system, self._runs = roomy, grown(before, like)
            return self.run(steps)
        self.time += steps * float(self.system.tick)
        return self


def _grows(system: System[Any]) -> bool:
    return type(system).demand is not System.demand


@jax.jit
def _begun(system: System[Any], keys: Key[Array, " replicas"]) -> Any:
    return jax.vmap(partial(begin, system))(keys)


@partial(jax.jit, static_argnames="together", donate_argnames="runs")
def _advanced(
    system: System[Any], runs: Any, keys: Key[Array, " replicas"], steps: Any, together: bool
) -> Any:
    def one(row: tuple[Any, Key[Array, ""]]) -> Any:
        return advanced(system, row[0], row[1], steps)

    return (
        jax.vmap(lambda run, key: one((run, key)))(runs, keys)
        if together
        else lax.map(one, (runs, keys))
    )


@jax.jit
def _observed(system: System[Any], runs: Any) -> dict[str, Array]:
    return jax.vmap(lambda run: system.observables(run.state))(runs)


@jax.jit
def _demanded(system: System[Any], runs: Any) -> dict[str, Array]:
    return jax.vmap(lambda run: system.demand(run.state))(runs)
