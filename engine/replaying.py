"""A saved session, alive again: its system is found in the gallery, and its run goes on.

Nothing of a session is believed: names, values, sizes and places are checked here against what the
system declares, and every fault is one sentence.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.core.checkpoints import Clock, Snapshot
from engine.core.faults import LeftTheNumbers
from engine.core.parameters import declared, parameters, similar
from engine.core.simulation import Simulation
from engine.core.stepping import Run, begin
from engine.core.system import System, pokes
from engine.core.timeline import Branch, Event, Grow, Poke, Position, Stroke, Timeline
from engine.storage.session_schema import ArrayName, RunRecord, SessionError, Value, event_of
from engine.storage.sessions import Session, made_with, physics, release


ROOM = 16  # times the end of a span: larger sizes are not opened from a file
LARGEST = float(np.finfo(np.float32).max)
PIECE = 0.25  # s of replay between two looks at whether it is still wanted


def replay(
    session: Session,
    *,
    from_start: bool = False,
    stop: Callable[[], bool] = lambda: False,
    systems: Mapping[str, type[System[Any]]] | None = None,
) -> Simulation[Any]:
    """A simulation at the place that was saved, with all its branches to go back to.

    The state that was saved is taken where it fits; `from_start`, or without one, the run is
    replayed from its beginning, which `stop` can end with an `InterruptedError`. A session that
    cannot be replayed raises a `SessionError`.
    """
    return _alive(session, session.document.run, from_start, stop, systems)


def replay_other(
    session: Session, *, systems: Mapping[str, type[System[Any]]] | None = None
) -> Simulation[Any] | None:
    """The run that was beside it, if there was one."""
    other = session.document.other
    return other and _alive(session, other, False, lambda: False, systems)


def system_of(
    session: Session, systems: Mapping[str, type[System[Any]]] | None = None
) -> System[Any]:
    """The system as it was opened."""
    return _opened(session, session.document.run, systems)


def values_of(
    session: Session, systems: Mapping[str, type[System[Any]]] | None = None
) -> System[Any]:
    """The system at the place that was saved."""
    run = session.document.run
    timeline = _timeline(session, run, _opened(session, run, systems))
    return timeline.system_at(timeline.check(session.position))


def doubts(session: Session, systems: Mapping[str, type[System[Any]]] | None = None) -> list[str]:
    """Why a replay here may differ from what was saved, in sentences."""
    document, found = session.document, []
    if document.physics != physics(_system_class(session, systems)):
        found.append(f"{document.system} was written anew since this session was saved.")
    if document.release != release():
        found.append(f"It was saved by Manyscope {document.release}; this is {release()}.")
    now = made_with()
    for name in now:
        if document.made_with.get(name) != now[name]:
            then = document.made_with.get(name, "an unknown one")
            found.append(f"It ran with {name} {then}, and runs now with {now[name]}.")
    return found


def _alive(
    session: Session,
    run: RunRecord,
    from_start: bool,
    stop: Callable[[], bool],
    systems: Mapping[str, type[System[Any]]] | None,
) -> Simulation[Any]:
    system = _opened(session, run, systems)
    try:
        timeline = _timeline(session, run, system)
        place = timeline.check(Position(*run.position))
        _check_memory(system)
        _check_memory(timeline.system_at(place))
        simulation: Simulation[Any] = Simulation(system, run.seed)
        state = None if from_start else _state(session, run, timeline, place)
        simulation.take_up(timeline)
        if state is not None:
            simulation.restore(state)
        else:
            simulation.jump(place)
            while not simulation.approach(place, PIECE):
                if stop():
                    raise InterruptedError("The session is not wanted any more.")
        simulation.replays = run.replays
    except SessionError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError, LeftTheNumbers) as error:
        words = str(error).strip().partition("\n")[0]
        raise SessionError(
            f"The session cannot be replayed ({words}): open it with the Manyscope that saved it."
        ) from error
    return simulation


def _system_class(
    session: Session, systems: Mapping[str, type[System[Any]]] | None
) -> type[System[Any]]:
    if systems is None:
        from engine.systems import gallery

        systems = gallery()
    if session.system not in systems:
        name = session.system if len(session.system) <= 60 else f"{session.system[:57]}..."
        raise SessionError(
            f"The session is of the system {name!r}, which is not here: update Manyscope, or add "
            f"its file.{similar(name, systems)}"
        )
    return systems[session.system]


def _opened(
    session: Session, run: RunRecord, systems: Mapping[str, type[System[Any]]] | None
) -> System[Any]:
    cls = _system_class(session, systems)
    try:
        return cls(**{name: _value(session, cls, name, v) for name, v in run.values.items()})
    except SessionError:
        raise
    except (ValueError, TypeError) as error:
        raise SessionError(f"The session does not fit its system: {error}") from error


def _value(session: Session, cls: type[System[Any]], name: str, value: Value | int) -> Any:
    """The value of a parameter, as it is kept in the system."""
    parameter = declared(cls, name)
    if isinstance(value, ArrayName):
        if parameter.span is not None or parameter.choices is not None:
            raise SessionError(f"The session has an array where {name!r} is one value.")
        if value.array not in session.arrays:
            raise SessionError(
                f"The session needs an array for {name!r} that was too large to travel with it: "
                "open the session file that was saved beside."
            )
        return jnp.asarray(session.arrays[value.array])
    if isinstance(value, list):
        return parameter.check(tuple(value))
    if parameter.span is None and parameter.choices is None and value is not None:
        raise SessionError(f"The session has {value!r} where {name!r} is an array.")
    if parameter.traced and parameter.span is not None and not isinstance(value, int | float):
        raise SessionError(f"The session has {value!r} where {name!r} is a number.")
    if isinstance(value, int | float) and not abs(value) < LARGEST:
        raise SessionError(f"The session has {value:g} for {name!r}: no such number is computed.")
    checked = parameter.check(value)
    if parameter.kind == "size" and parameter.span is not None:
        most = max(ROOM * parameter.span[1], parameter.default)
        if checked > most:
            raise SessionError(
                f"The session has {name} = {checked}: at most {int(most)} is opened from a file."
            )
    return checked


def _timeline(session: Session, run: RunRecord, system: System[Any]) -> Timeline:
    cls, known = type(system), pokes(system)

    def unpack(name: str, value: Value | int) -> Any:
        return _value(session, cls, name, value)

    def checked(event: Event) -> Event:
        if isinstance(event, Poke):
            if event.name not in known:
                raise SessionError(f"The session has an unknown poke, {event.name[:60]!r}.")
            if bool(known[event.name].view) != (event.stroke is not None):
                raise SessionError(f"The session has no hand for its poke {event.name!r}.")
            if event.stroke is not None and not _is_plain(event.stroke):
                raise SessionError(f"The session has a hand out of all bounds at {event.name!r}.")
        if isinstance(event, Grow):
            for name in event.sizes:
                if parameters(system)[name].kind != "size":
                    raise SessionError(f"The session lets {name!r} grow, which is no size.")
        return event

    try:
        branches = [
            Branch(
                part.parent,
                part.step,
                part.first,
                [checked(event_of(record, unpack)) for record in part.events],
                part.end,
            )
            for part in run.branches
        ]
        return Timeline(system, run.seed).rebuilt(branches)
    except SessionError:
        raise
    except (ValueError, TypeError) as error:
        raise SessionError(f"The session does not fit its system: {error}") from error


def _state(
    session: Session, run: RunRecord, timeline: Timeline, place: Position
) -> Snapshot | None:
    """The state that was saved; None where it is not what this system's state is like.

    The timeline is the truth: without a fitting state, it is replayed.
    """
    saved = run.state
    if saved is None:
        return None
    system = timeline.system_at(place)
    birth, _, seed = timeline.birth(place)
    shapes = jax.eval_shape(begin, system, jax.random.key(seed))
    wanted, structure = jax.tree.flatten(shapes)
    names = [f"{saved.folder}/{k}.npy" for k in range(min(saved.leaves, len(wanted) + 1))]
    leaves = [session.arrays.get(name) for name in names]
    if len(leaves) != len(wanted) or not math.isfinite(saved.time):
        return None
    for leaf, like in zip(leaves, wanted, strict=True):
        if leaf is None or leaf.shape != like.shape or leaf.dtype != like.dtype:
            return None
        if np.issubdtype(leaf.dtype, np.inexact) and not np.isfinite(leaf).all():
            return None
    state: Run[Any] = jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in leaves])
    if int(state.tick) != place.step - birth.step or not 0 <= saved.tick <= int(state.tick):
        return None
    return Snapshot(system, state, seed, Clock(saved.time, saved.tick), timeline, place)


def _is_plain(stroke: Stroke) -> bool:
    numbers = (*stroke.position, *stroke.drag, stroke.radius, stroke.sign)
    return all(abs(number) < LARGEST for number in numbers)


def _check_memory(system: System[Any]) -> None:
    """Refuse a state that this machine cannot hold, before anything is made."""
    shapes = jax.eval_shape(begin, system, jax.random.key(0))
    need = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    have = 2**33
    if hasattr(os, "sysconf"):
        have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if need > have / 4:
        raise SessionError(
            f"A state of this session takes {need / 2**30:.1f} GiB, more than a quarter of this "
            "machine's memory: open it on a larger one."
        )
