"""What of a system can be changed while it runs, and what has to be compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from engine.core.system import System


def declared(system: System[Any]) -> dict[str, Any]:
    """Its parameters by name."""
    from engine.core.parameters import parameters

    return parameters(system)


def differing(system: System[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that a system does not have already."""
    from engine.core.timeline import same

    return {name: value for name, value in values.items() if not same(getattr(system, name), value)}


def structure(system: System[Any]) -> Any:
    """What shapes may depend on: words and sizes, and the shapes of arrays."""
    import jax

    leaves, tree = jax.tree.flatten(system)
    return tree, tuple(getattr(leaf, "shape", ()) for leaf in leaves)
