"""The interface that every system implements."""

import abc
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, cast, dataclass_transform

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Pair, Preset, Quantity
from engine.core.layers import Curve, Frame
from engine.core.parameters import (
    Scalar,
    asset,
    declared,
    live,
    mode,
    parameters,
    similar,
    size,
    start,
)
from engine.core.theory import Boundary, Branch, Criticality, Flags, Scalars


State = TypeVar("State")
Method = TypeVar("Method", bound=Callable[..., Any])


class Touch(NamedTuple):
    """A hand in a view, in the coordinates of the system."""

    position: Float[Array, " dim"]
    drag: Float[Array, " dim"]  # how far it moved since the last frame
    radius: Scalar
    sign: Scalar = 1.0  # −1 with the other button


class Poke(NamedTuple):
    """What a person may do to a running state; a tool of the mouse if it has a view."""

    name: str
    help: str
    view: str


def poke(view: str = "") -> Callable[[Method], Method]:
    """Let a person call a method on the running state.

    With a view it is a tool of the mouse there, called with a `Touch` once a frame while the
    button is down: `(state, key, touch) -> state`. Without one it is a button: `(state, key)`.
    The view "clock" is the scrubber of noise time that a layer `Clock` shows.
    """

    def mark(method: Method) -> Method:
        cast(Any, method).poke_view = view
        return method

    return mark


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(live, mode, start, asset, size)
)
class System(abc.ABC, Generic[State]):
    """A many-body system: its parameters are its fields, its physics are its methods.

    A system is an immutable pytree. Its numbers (`live`, `start`, `asset`) are leaves: inside a
    transformation they are traced, and `vmap` may batch them. Its words and sizes (`mode`, `size`,
    `start` with choices) belong to its type: shapes and branches may depend on them, and changing
    one recompiles.

    A class is either abstract or final. The first line of the docstring of a final one is its
    title in the gallery, the rest its page. The first observable is its order parameter, the first
    two live parameters span its phase diagram unless it names others.
    """

    sources: ClassVar[tuple[str, ...]]  # keys of the bibliography, the paper it comes from first
    after: ClassVar[bool] = False  # the equations are reconstructed: shown as "after ..."
    equations: ClassVar[tuple[Equation, ...]] = ()  # as the paper writes them, for the card
    theory_name: ClassVar[str] = "theory"  # what its lines are called: "mean field", "exact"
    assumptions: ClassVar[str] = ""  # under which `theory` holds, in one sentence
    cell: ClassVar[Mapping[str, int]] = {}  # sizes that are enough for a cell of its map
    spanned: ClassVar[tuple[str, ...]] = ()  # axes its map opens with, where not the first two live
    mapped: ClassVar[str] = ""  # the observable its map opens with, where not the first one
    quenched: ClassVar[tuple[str, ...]] = ()  # fields of the state that the seed alone decides
    hints: ClassVar[Mapping[str, Hint]] = {}  # by the name of a view
    presets: ClassVar[tuple[Preset, ...]] = ()
    pairs: ClassVar[tuple[Pair, ...]] = ()  # what to compare side by side, the first at once
    quantities: ClassVar[tuple[Quantity, ...]] = ()
    critical: ClassVar[Criticality | None] = None  # how its critical point is found from runs
    clock: ClassVar[str] = "t"  # on time axes: "sweeps", "layers", "steps"

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        if not inspect.isabstract(cls):
            _register(cls)

    def __post_init__(self) -> None:
        for name, parameter in parameters(self).items():
            value = parameter.check(getattr(self, name))
            object.__setattr__(self, name, value)

    @property
    def tick(self) -> Scalar:
        """Time that a step advances: `dt` where there is one, else 1 (a map, a sweep, a layer)."""
        return getattr(self, "dt", 1.0)

    # What a system must have.

    @abc.abstractmethod
    def init(self, key: Key[Array, ""]) -> State:
        """Draw a fresh state."""

    @abc.abstractmethod
    def step(self, state: State, key: Key[Array, ""]) -> State:
        """Advance by one `tick`. Pure: the same arguments give the same state."""

    @abc.abstractmethod
    def observables(self, state: State) -> Scalars:
        """Measure a state."""

    @abc.abstractmethod
    def frame(self, state: State) -> Frame:
        """What to draw, by the name of the view to draw it in."""

    # What it may measure and know. All speak the names of the observables.

    def derived(self, mean: Scalars) -> Scalars:
        """What follows from time averages of the observables: susceptibilities, cumulants."""
        return {}

    def lasts(self) -> Scalar:
        """Steps from beginning to end, where what its map opens with is known at the end alone."""
        return 0

    def theory(self) -> Scalars:
        """What averages settle to as N → ∞, in the phase that the run is meant to be in."""
        return {}

    def branches(self) -> dict[str, Branch]:
        """All phases that theory knows, where there are several."""
        return {}

    def guides(self) -> dict[str, Scalars]:
        """Lines to read an observable against, by name: where theory has no say, but a law does.

        `{"2T/π": {"stiffness": 2 * self.temperature / jnp.pi}}` lies beside the curve of theory.
        """
        return {}

    def boundaries(self) -> dict[str, Boundary]:
        """The lines of the phase diagram, by name."""
        return {}

    def regions(self) -> Flags:
        """The phases by name, and whether the present parameters lie in each.

        Without it, the branch of lowest free energy names a region.
        """
        return {}

    def limit(self, state: State) -> Scalars:
        """What the observables would be now if N were infinite.

        Where theory moves in time, its own variables are part of the state: `step` advances them
        beside the particles, so they start, rewind and answer the sliders as the particles do.
        """
        return {}

    def landscape(self) -> dict[str, Curve]:
        """−ln P of an observable in the stationary state, up to a constant, along its values."""
        return {}

    def marks(self) -> dict[str, dict[str, Scalar]]:
        """Places on the axis of a measure of the swarm, by its name and by theirs.

        `{"g(r)": {"R": self.radius}}` draws a line at R where g(r) is measured; see
        `engine.core.measures`.
        """
        return {}

    # What the run should know about a state.

    def done(self, state: State) -> Bool[Array, ""]:
        """Whether the run has come to its end; it then takes no more steps."""
        return jnp.bool_(False)

    def demand(self, state: State) -> dict[str, Int[Array, ""]]:
        """How large a `size` must be for this state to be right, where it is only room.

        If one is too small, the run goes back to before the last chunk, doubles it as often as
        needed, and repeats: arrays grow at the end by −1 (integers), 0 (floats) or False.
        """
        return {}

    def caveats(self, state: State) -> Flags:
        """Sentences a person should read while they are true: a step too long, a limit left."""
        return {}

    def counted(self, state: State, key: Key[Array, ""]) -> State:
        """What a state keeps for its pictures alone (tallies, histograms), brought up to date.

        It follows each step of a run. The cells of a map, which have no pictures, leave it out: no
        observable may read it.
        """
        return state

    def backend(self) -> str:
        """By which method it sums over neighbours, in a word or two; said beside the device."""
        return ""

    def replace(self, **values: Any) -> Self:
        """A copy with other parameter values."""
        for name in values:
            declared(self, name)
        return dataclasses.replace(cast(Any, self), **values)

    def preset(self, name: str) -> Self:
        """A copy with the values of a preset."""
        known = {preset.name: preset for preset in self.presets}
        if name not in known:
            raise ValueError(
                f"{type(self).__name__} has no preset {name!r}: "
                f"it has {', '.join(known) or 'none'}.{similar(name, known)}"
            )
        return self.replace(**known[name].values)


class Scene(System[State]):
    """A system in which nothing moves by itself: it is drawn anew when a parameter moves."""

    def step(self, state: State, key: Key[Array, ""]) -> State:
        return state

    def done(self, state: State) -> Bool[Array, ""]:
        return jnp.bool_(True)


def pokes(system: System[Any] | type[System[Any]]) -> dict[str, Poke]:
    """What a person may do to a running system."""
    cls = system if isinstance(system, type) else type(system)
    return {
        name: Poke(name, inspect.getdoc(method) or "", method.poke_view)
        for name, method in vars(cls).items()
        if hasattr(method, "poke_view")
    }


def identity(system: System[Any] | type[System[Any]]) -> str:
    """The id of a system in the gallery: the name of its file."""
    cls = system if isinstance(system, type) else type(system)
    return cls.__module__.rpartition(".")[2].replace("_", "-")


def _register(cls: type[System[Any]]) -> None:
    """Teach JAX that a system is a pytree of its traced parameters."""
    traced = [p.name for p in parameters(cls).values() if p.traced]
    static = [p.name for p in parameters(cls).values() if not p.traced]

    def flatten(system: System[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        leaves = [(jax.tree_util.GetAttrKey(name), getattr(system, name)) for name in traced]
        return leaves, tuple(getattr(system, name) for name in static)

    def unflatten(values: tuple[Any, ...], leaves: Iterable[Any]) -> System[Any]:
        # Past `__init__`: JAX also rebuilds systems of batches and of placeholders.
        system = object.__new__(cls)
        for name, value in zip(static + traced, (*values, *leaves), strict=True):
            object.__setattr__(system, name, value)
        return system

    jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)
