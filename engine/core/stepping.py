"""What is compiled of a run: begin, step, touch, look at it. Pure functions, on the device."""

from collections import OrderedDict
from functools import cache, partial
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.density import Splat, density, without_swarm
from engine.core.layers import Frame
from engine.core.parameters import parameters
from engine.core.system import System, Touch
from engine.core.theory import Flags, Scalars


State = TypeVar("State")
AnySystem = TypeVar("AnySystem", bound=System[Any])

ROOM = 512  # samples that leave the device at once


class Run(NamedTuple, Generic[State]):
    """Where a trajectory has got to."""

    state: State
    tick: Int[Array, ""]


class Report(NamedTuple):
    """Whether a state can be trusted, and how far it has got."""

    finite: Bool[Array, " fields"]
    demand: dict[str, Int[Array, ""]]
    done: Bool[Array, ""]
    tick: Int[Array, ""]


class Sight(NamedTuple):
    """What there is to see of a state, on the device; in the order of the system's file."""

    frame: Frame
    observables: Scalars
    limit: Scalars
    caveats: Flags
    splats: dict[str, Array]


class Look(NamedTuple):
    """A state as a person sees it: NumPy arrays and plain numbers, the reader's own."""

    frame: Frame
    observables: dict[str, float]
    limit: dict[str, float]
    caveats: list[str]  # the sentences that are true now
    splats: dict[str, np.ndarray]  # pictures of density, by the name of their view


@jax.jit
def begin(system: System[State], key: Key[Array, ""]) -> Run[State]:
    """Draw the initial state."""
    return Run(_plain(system.init(jax.random.fold_in(key, 0))), jnp.int32(0))


@partial(jax.jit, donate_argnames="run")
def advance(
    system: System[State], run: Run[State], key: Key[Array, ""], steps: int | Int[Array, ""]
) -> Run[State]:
    """Take `steps` steps in place, or fewer to the end: the memory of `run` is reused."""
    return advanced(system, run, key, steps)


@partial(jax.jit, donate_argnames="runs")
def advance_each(
    systems: System[State], runs: Run[State], key: Key[Array, ""], steps: int | Int[Array, ""]
) -> Run[State]:
    """Advance a `stack` of systems under the same noise, each exactly as it would alone.

    One after the other: under `vmap` a system that decides at run time (rebuilds a list, bounds a
    loop) would do the work of every choice.
    """
    return lax.map(lambda row: advanced(row[0], row[1], key, steps), (systems, runs))


@jax.jit
def inspect(system: System[State], run: Run[State]) -> Report:
    """Look for what must not go unnoticed."""
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(run.state) if inexact(leaf)]
    return Report(
        jnp.array(finite, bool), system.demand(run.state), system.done(run.state), run.tick
    )


@partial(jax.jit, static_argnames="views")
def look(
    system: System[State],
    run: Run[State],
    views: tuple[str, ...] | None = None,
    splats: tuple[Splat, ...] = (),
    whole: bool | Bool[Array, ""] = True,
) -> Sight:
    """What to draw, and what was measured, now; views that are not asked for are not computed.

    Nor are, unless it is to be `whole`, the views beside the large one and those of the `splats`:
    they are blank then. That may change from look to look without compiling.
    """
    state = run.state
    frame = system.frame(state)
    shown = {name: frame[name] for name in (frame if views is None else views)}
    pictures = {wish.view: density(frame, wish) for wish in splats}
    others = () if views is not None else beside(frame, splats)
    if others:

        def drawn(state: State) -> Frame:
            again = system.frame(state)
            return {name: again[name] for name in others}

        blank = jax.tree.map(jnp.zeros_like, {name: frame[name] for name in others})
        shown |= lax.cond(whole, drawn, lambda _: blank, state)
    for wish in splats:
        if wish.view in shown and not wish.keeps:
            shown = without_swarm(shown, wish.view)
    # JAX sorts the keys of a dict; the first view and the first observable have a meaning.
    return Sight(
        OrderedDict((name, shown[name]) for name in (frame if views is None else views)),
        OrderedDict(system.observables(state)),
        OrderedDict(system.limit(state)),
        OrderedDict(system.caveats(state)),
        OrderedDict(pictures),
    )


def beside(frame: Frame, splats: tuple[Splat, ...]) -> tuple[str, ...]:
    """The views that only a `whole` look has."""
    splatted = {wish.view for wish in splats}
    return tuple(name for name in list(frame)[1:] if name not in splatted)


@partial(jax.jit, static_argnames="name")
def touched(
    system: System[State],
    run: Run[State],
    key: Key[Array, ""],
    name: str,
    touch: Touch | None,
    order: int | Int[Array, ""] = 0,
) -> Run[State]:
    """Let a hand do what the poke of this name does, as the so-many-th poke at this tick."""
    # Far from the keys of `_tick`: fold_in(key, 0) is also the first half of split(key).
    key = jax.random.fold_in(jax.random.fold_in(key, 2**32 - 1), run.tick)
    key = jax.random.fold_in(key, order)
    extra = () if touch is None else (touch,)
    return run._replace(state=_plain(getattr(system, name)(run.state, key, *extra)))


@partial(jax.jit, static_argnames=("steps", "every"))
def record(
    system: System[State], run: Run[State], key: Key[Array, ""], *, steps: int, every: int = 1
) -> tuple[Run[State], Scalars]:
    """Take `steps` steps, keeping the observables of each `every`-th along a leading axis."""

    def stride(run: Run[State], _: None) -> tuple[Run[State], Scalars]:
        run = advanced(system, run, key, every)
        return run, system.observables(run.state)

    return lax.scan(stride, run, length=steps // every)


@partial(jax.jit, donate_argnames="run")
def sampled(
    system: System[State],
    run: Run[State],
    key: Key[Array, ""],
    samples: int | Int[Array, ""],
    every: int | Int[Array, ""],
) -> tuple[Run[State], tuple[Scalars, Int[Array, ""]]]:
    """Like `record`, in place and for up to `ROOM` samples, of which some may stay untaken."""
    shapes = jax.eval_shape(lambda state: OrderedDict(system.observables(state)), run.state)
    empty = jax.tree.map(lambda leaf: jnp.zeros(ROOM, leaf.dtype), shapes)

    def unfinished(carry: tuple[Run[State], tuple[Any, Array]]) -> Array:
        run, (_, taken) = carry
        return (taken < samples) & ~system.done(run.state)

    def stride(carry: tuple[Run[State], tuple[Any, Array]]) -> tuple[Run[State], tuple[Any, Array]]:
        run, (series, taken) = carry
        run = advanced(system, run, key, every)
        new = OrderedDict(system.observables(run.state))
        series = jax.tree.map(lambda row, value: row.at[taken].set(value), series, new)
        return run, (series, taken + 1)

    return lax.while_loop(unfinished, stride, (run, (empty, jnp.int32(0))))


@jax.jit
def predict(system: System[Any]) -> Scalars:
    """What theory says at these parameters."""
    return OrderedDict(system.theory())


@jax.jit
def derive(system: System[Any], means: dict[str, Float[Array, " k"]]) -> dict[str, Array]:
    """What follows from each of several sets of averages."""
    return OrderedDict(jax.vmap(system.derived)(means))


def stack(*systems: AnySystem) -> AnySystem:
    """Systems that differ in numbers only, as one batch of them."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *systems)


@jax.jit
def copied(run: Run[State]) -> Run[State]:
    """The same run in memory of its own, which no step consumes."""
    return jax.tree.map(jnp.copy, run)


def advanced(
    system: System[State], run: Run[State], key: Key[Array, ""], steps: int | Int[Array, ""]
) -> Run[State]:
    last = run.tick + steps
    return lax.while_loop(
        lambda run: (run.tick < last) & ~system.done(run.state),
        lambda run: _tick(system, run, key),
        run,
    )


def _tick(system: System[State], run: Run[State], key: Key[Array, ""]) -> Run[State]:
    # Noise depends on the seed and the tick alone, so a trajectory does not depend on how many
    # steps are taken per frame.
    tick = run.tick + 1
    key = jax.random.fold_in(key, tick)
    state = system.step(run.state, key)
    if type(system).counted is not System.counted:
        state = system.counted(state, jax.random.fold_in(key, 2**32 - 1))  # as in `touched`
    return Run(_plain(state), tick)


def _plain(state: State) -> State:
    # `jnp.where(up, 1.0, -1.0)` has a type that yields to others; a state of such a type and one
    # without would compile twice.
    return jax.tree.map(lambda leaf: lax.convert_element_type(leaf, jnp.result_type(leaf)), state)


def inexact(leaf: Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def enlarged(system: AnySystem, demand: dict[str, Array]) -> AnySystem:
    """The system with room for what is asked, or the very same one if it has it."""
    short = {name: int(need) for name, need in demand.items() if need > getattr(system, name)}
    if not short:
        return system
    return system.replace(**{name: 2 ** (need - 1).bit_length() for name, need in short.items()})


def without_room(system: AnySystem) -> AnySystem:
    """The system with as much room as it is declared with: theory and maps are the same for all."""
    declared = {name: parameters(system)[name].default for name in _rooms(type(system))}
    return system.replace(**declared) if declared else system


def rooms(system: System[Any]) -> dict[str, int]:
    """How much room it has, by the names of the sizes that are nothing else."""
    return {name: getattr(system, name) for name in _rooms(type(system))}


@cache
def _rooms(kind: type[System[Any]]) -> tuple[str, ...]:
    """The sizes that are only room."""
    if kind.demand is System.demand:
        return ()
    system = kind()
    state = jax.eval_shape(system.init, jax.random.key(0))
    return tuple(jax.eval_shape(system.demand, state))


def grown(run: Run[State], like: Run[State]) -> Run[State]:
    """`run` in the larger shapes of `like`; what is new is empty."""

    def fit(leaf: Array, larger: Any) -> Array:
        widths = [(0, new - old) for old, new in zip(leaf.shape, larger.shape, strict=True)]
        if not any(after for _, after in widths):
            return leaf
        empty = -1 if jnp.issubdtype(leaf.dtype, jnp.integer) else 0
        return jnp.pad(leaf, widths, constant_values=empty)

    return jax.tree.map(fit, run, like)
