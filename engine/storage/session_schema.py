"""The JSON of a session, version by version.

A version is never changed once it was released: a new one is added, with what turns the one before
into it in `MIGRATIONS`, and a file of each version stays among the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from engine.core.timeline import Branch, Event, Grow, Poke, Restart, Set, Stroke


SCHEMA = 1
MOST_STEPS = 2**53

Count = Annotated[int, Meta(ge=0, le=MOST_STEPS)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class SessionError(ValueError):
    """One sentence: what is wrong with a session, and what to do."""


class ArrayName(Struct, frozen=True, forbid_unknown_fields=True):
    """An array that lies beside the JSON."""

    array: str


Value = int | float | str | list[str] | None | ArrayName


class SetRecord(Struct, frozen=True, tag="set", array_like=True, forbid_unknown_fields=True):
    step: Count
    values: dict[str, Value]


class RestartRecord(
    Struct, frozen=True, tag="restart", array_like=True, forbid_unknown_fields=True
):
    step: Count
    seed: Seed
    values: dict[str, Value]


class StrokeRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    position: list[float]
    drag: list[float]
    radius: float
    sign: float


class PokeRecord(Struct, frozen=True, tag="poke", array_like=True, forbid_unknown_fields=True):
    step: Count
    name: str
    stroke: StrokeRecord | None
    order: Count


class GrowRecord(Struct, frozen=True, tag="grow", array_like=True, forbid_unknown_fields=True):
    step: Count
    sizes: dict[str, int]


EventRecord = SetRecord | RestartRecord | PokeRecord | GrowRecord


class BranchRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What happened on a branch since it left its parent."""

    parent: Count | None
    step: Count
    first: Count
    end: Count
    events: list[EventRecord]


class StateRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The state at the place that was saved: its arrays lie beside the JSON, in JAX's order."""

    folder: str
    leaves: Count
    time: float  # from when time goes at the present pace, ...
    tick: Count  # ... and the tick of that


class RunRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A run: its system as it was opened, all branches, and where it is."""

    seed: Seed
    values: dict[str, Value]
    branches: list[BranchRecord]
    position: tuple[Count, Count, Count]  # branch, step, events
    replays: bool = True  # whether what was recorded behind it happens again
    state: StateRecord | None = None


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """A session, schema 1."""

    manyscope: int  # the version of the schema
    release: str
    system: str
    physics: str  # SHA-256 of the system's file
    made_with: dict[str, str]  # JAX and the device: bits are the same where these are
    run: RunRecord
    other: RunRecord | None = None  # the run beside it
    window: dict[str, Any] = {}
    arrays: dict[str, str] = {}  # in a text: small ones, packed


class _Head(Struct):
    manyscope: int


Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}  # from a version to the next one
_DECODER = msgspec.json.Decoder(Document)
_HEAD = msgspec.json.Decoder(_Head)


def encode(document: Document) -> bytes:
    return msgspec.json.encode(document)


def decode(data: bytes | str) -> Document:
    """The document in a piece of JSON of any version, checked; or a `SessionError`."""
    try:
        version = _HEAD.decode(data).manyscope
        if version > SCHEMA:
            raise SessionError(
                f"It was written by a newer Manyscope (schema {version}; this one reads up to "
                f"{SCHEMA}): update Manyscope."
            )
        if version == SCHEMA:
            document = _DECODER.decode(data)
        else:
            document = msgspec.convert(migrated(msgspec.json.decode(data)), Document)
    except msgspec.ValidationError as error:
        raise SessionError(f"It is not as a session should be: {_first(error)}.") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise SessionError(f"It holds no readable JSON: {_first(error)}.") from error
    for run in (document.run, document.other):
        if run is not None:
            _check_branches(run)
    return document


def migrated(raw: dict[str, Any]) -> dict[str, Any]:
    """A document of an older version in the words of the present one."""
    while (version := raw["manyscope"]) < SCHEMA:
        if version not in MIGRATIONS:
            raise SessionError(f"Its schema {version} was never used: the file is damaged.")
        raw = MIGRATIONS[version](raw) | {"manyscope": version + 1}
    return raw


def record_of(event: Event, pack: Callable[[Any], Value]) -> EventRecord:
    """An event as it is written; `pack` says how a value is."""
    match event:
        case Set(step, values):
            return SetRecord(step, {name: pack(value) for name, value in values.items()})
        case Restart(step, seed, values):
            return RestartRecord(step, seed, {n: pack(value) for n, value in values.items()})
        case Poke(step, name, stroke, order):
            drawn = stroke and StrokeRecord(
                list(stroke.position), list(stroke.drag), stroke.radius, stroke.sign
            )
            return PokeRecord(step, name, drawn, order)
        case Grow(step, sizes):
            return GrowRecord(step, dict(sizes))


def event_of(record: EventRecord, unpack: Callable[[str, Value], Any]) -> Event:
    """An event as it was read; `unpack` checks the value of a parameter and returns it."""
    match record:
        case SetRecord():
            return Set(record.step, {n: unpack(n, v) for n, v in record.values.items()})
        case RestartRecord():
            values = {n: unpack(n, v) for n, v in record.values.items()}
            return Restart(record.step, record.seed, values)
        case PokeRecord():
            s = record.stroke
            stroke = s and Stroke(tuple(s.position), tuple(s.drag), s.radius, s.sign)
            return Poke(record.step, record.name, stroke, record.order)
        case GrowRecord():
            return Grow(record.step, {n: unpack(n, v) for n, v in record.sizes.items()})


def branch_record(branch: Branch, pack: Callable[[Any], Value]) -> BranchRecord:
    events = [record_of(event, pack) for event in tuple(branch.events)]
    return BranchRecord(branch.parent, branch.step, branch.first, branch.end, events)


def _check_branches(run: RunRecord) -> None:
    """Whether the branches are a tree whose events are in order."""
    branches = run.branches
    if not branches or branches[0].parent is not None or branches[0].step or branches[0].first:
        raise SessionError("Its timeline has no beginning: the file is damaged.")
    for number, part in enumerate(branches):
        steps = [part.step, *(event.step for event in part.events), part.end]
        if any(after < before for before, after in pairwise(steps)):
            raise SessionError(f"The events of its branch {number} are in no order: it is damaged.")
        if part.parent is None and number == 0:
            continue
        if part.parent is None or part.parent >= number:
            raise SessionError(f"Its branch {number} grows from nowhere: the file is damaged.")
        stem = branches[part.parent]
        own = part.first - stem.first
        if (
            not (stem.step <= part.step <= stem.end and 0 <= own <= len(stem.events))
            or (own and stem.events[own - 1].step > part.step)
            or (own < len(stem.events) and stem.events[own].step < part.step)
        ):
            raise SessionError(
                f"Its branch {number} leaves at a place that never was: the file is damaged."
            )
    if run.position[0] >= len(branches):
        raise SessionError("It was saved on a branch that it does not have: it is damaged.")


def _first(error: Exception) -> str:
    words = str(error).partition("\n")[0].rstrip(".")
    return words if len(words) <= 200 else f"{words[:197]}..."
