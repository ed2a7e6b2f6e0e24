"""Sessions on disk and in the metadata of figures: a run, its branches, and what a window shows.

A .manyscope file is a zip: `session.json` (see `session_schema`), the user's own arrays and the
state at the place that was saved as .npy, and a thumbnail. The timeline in it is the run; the state
only saves the time to replay it. Files are untrusted: whatever is wrong with one is said in one
sentence as a `SessionError`; nothing in it is run, unpickled or unpacked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import inspect
import zlib
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from engine.core.parameters import parameters
from engine.core.system import System, identity
from engine.core.threads import threads
from engine.core.timeline import Position
from engine.storage.archives import (
    ArchiveError,
    array_bytes,
    array_of,
    read_archive,
    write_archive,
)
from engine.storage.session_schema import (
    SCHEMA,
    ArrayName,
    Document,
    RunRecord,
    SessionError,
    StateRecord,
    Value,
    branch_record,
    decode,
    encode,
)


if TYPE_CHECKING:
    from engine.core.simulation import Simulation

ENDING = ".manyscope"
LIMITS = {
    r"session\.json": 2**26,
    r"thumbnail\.png": 2**22,
    r"(asset|state|other)/\d{1,4}\.npy": 2**30,
}
MOST_TEXT = 2**26  # characters of a text
MOST_PACKED = 2**19  # bytes of arrays that travel in a text
MOST_UNPACKED = 2**26
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Session:
    """All there is to save of a run.

    >>> Session.of(simulation).save("chimera.manyscope")
    >>> simulation = replay(Session.load("chimera.manyscope"))
    """

    document: Document
    arrays: dict[str, np.ndarray] = field(default_factory=dict)  # by the name in the zip
    thumbnail: bytes = b""  # PNG

    @classmethod
    def of(
        cls,
        simulation: Simulation[Any],
        *,
        window: dict[str, Any] | None = None,
        thumbnail: bytes = b"",
        other: Simulation[Any] | None = None,
        state: bool = True,
    ) -> Session:
        """A simulation as it is now, and the `other` one beside it.

        `window` is for whoever shows it: plain words, numbers, lists and dicts. Without `state` it
        is replayed from its beginning when it is opened.
        """
        assets = _Assets()
        arrays: dict[str, np.ndarray] = {}
        run = _recorded(simulation, "state", assets, arrays if state else None)
        beside = other and _recorded(other, "other", assets, arrays if state else None)
        system = simulation.system
        document = Document(
            SCHEMA,
            release(),
            identity(system),
            physics(type(system)),
            made_with(),
            run,
            beside,
            _plain(window or {}),
        )
        return cls(document, arrays | assets.arrays, thumbnail)

    @classmethod
    def load(cls, path: str | Path) -> Session:
        """Read a file, whoever wrote it."""
        path = Path(path)
        try:
            if path.stat().st_size > 2**31:
                raise SessionError(f"{path} is larger than any session: is it one of Manyscope's?")
            content = path.read_bytes()
        except OSError as error:
            raise SessionError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            return cls.parse(content)
        except SessionError as error:
            raise SessionError(f"{path.name} cannot be opened. {error}") from error

    @classmethod
    def parse(cls, content: bytes) -> Session:
        """The session in the bytes of a file."""
        try:
            members = read_archive(content, LIMITS)
            if "session.json" not in members:
                raise ArchiveError("is a zip file without a session in it")
            document = decode(members.pop("session.json"))
            thumbnail = members.pop("thumbnail.png", b"")
            arrays = {name: array_of(data, name) for name, data in members.items()}
        except ArchiveError as error:
            raise SessionError(f"It {error}: choose a file that Manyscope saved.") from error
        return cls(document, arrays, thumbnail if thumbnail.startswith(PNG) else b"")

    def save(self, path: str | Path) -> None:
        """Write a file, whole or not at all: what was there before stays until it is written."""
        members = {"session.json": encode(self.document)}
        if self.thumbnail:
            members["thumbnail.png"] = self.thumbnail
        members |= {name: array_bytes(array) for name, array in self.arrays.items()}
        write_archive(path, members)

    def with_window(self, window: dict[str, Any], thumbnail: bytes = b"") -> Session:
        """The same run with other things for the window to find again."""
        document = msgspec.structs.replace(self.document, window=_plain(window))
        return replace(self, document=document, thumbnail=thumbnail or self.thumbnail)

    @property
    def system(self) -> str:
        """The id of the system in the gallery."""
        return self.document.system

    @property
    def seed(self) -> int:
        """Of the beginning."""
        return self.document.run.seed

    @property
    def position(self) -> Position:
        """The place that was saved."""
        return Position(*self.document.run.position)

    @property
    def window(self) -> dict[str, Any]:
        """What the window wants to find again."""
        return self.document.window


def to_text(session: Session) -> str:
    """A session as JSON, for the metadata of a figure: without the state, which is replayed.

    Arrays of the user's travel along where they are small; else their places stay empty, and
    whoever opens the text is told so.
    """
    packed, left = {}, MOST_PACKED
    for name, array in session.arrays.items():
        if name.startswith("asset/"):
            data = base64.b85encode(zlib.compress(array_bytes(array), 9)).decode("ascii")
            left -= len(data)
            if left >= 0:
                packed[name] = data
    document = session.document
    other = document.other and msgspec.structs.replace(document.other, state=None)
    plain = msgspec.structs.replace(
        document,
        run=msgspec.structs.replace(document.run, state=None),
        other=other,
        arrays=packed,
    )
    return encode(plain).decode("utf-8")


def from_text(text: str) -> Session:
    """The session in such a text, whoever wrote it."""
    if len(text) > MOST_TEXT:
        raise SessionError("It is longer than any session: the metadata is damaged.")
    document = decode(text)
    arrays = {}
    for name, data in document.arrays.items():
        try:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(base64.b85decode(data), MOST_UNPACKED)
            arrays[name] = array_of(content, name)
        except (ArchiveError, zlib.error, binascii.Error, ValueError) as error:
            raise SessionError("It carries a damaged array: open the session file.") from error
    return Session(msgspec.structs.replace(document, arrays={}), arrays)


def release() -> str:
    """The version of this program."""
    try:
        return version("manyscope")
    except PackageNotFoundError:
        return "a checkout"


def physics(system: type[System[Any]]) -> str:
    """A digest of a system's file: a release number does not change while one develops."""
    return hashlib.sha256(Path(inspect.getfile(system)).read_bytes()).hexdigest()


def made_with() -> dict[str, str]:
    """What the last bits of a run depend on, beside the program."""
    import jax

    device = jax.devices()[0]
    kind = f"{device.platform}: {device.device_kind}"
    if device.platform == "cpu":
        kind += f", threads: {threads()}"  # long sums have as many pieces
    return {"jax": jax.__version__, "device": kind}


class _Assets:
    """Arrays among the values of parameters: each is written once."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._names: dict[int, str] = {}
        self._seen: list[Any] = []  # kept, so that no other takes its `id`

    def pack(self, value: Any) -> Value:
        if isinstance(value, tuple):
            return list(value)
        if not hasattr(value, "shape"):
            return value
        if id(value) not in self._names:
            name = f"asset/{len(self.arrays)}.npy"
            self.arrays[name], self._names[id(value)] = np.asarray(value), name
            self._seen.append(value)
        return ArrayName(self._names[id(value)])


def _recorded(
    simulation: Simulation[Any],
    folder: str,
    assets: _Assets,
    arrays: dict[str, np.ndarray] | None,
) -> RunRecord:
    import jax

    timeline, state = simulation.timeline, None
    if arrays is not None:
        snapshot = simulation.snapshot()
        leaves = jax.device_get(jax.tree.leaves(snapshot.run))
        arrays |= {f"{folder}/{k}.npy": np.asarray(leaf) for k, leaf in enumerate(leaves)}
        state = StateRecord(folder, len(leaves), *snapshot.clock)
    values = {n: assets.pack(getattr(timeline.system, n)) for n in parameters(timeline.system)}
    branches = [branch_record(branch, assets.pack) for branch in timeline.branches]
    branch, step, events = simulation.position
    place = branch, step, events
    return RunRecord(timeline.seed, values, branches, place, simulation.replays, state)


def _plain(window: dict[str, Any]) -> dict[str, Any]:
    """The same words and numbers as JSON brings them back."""
    try:
        return msgspec.json.decode(msgspec.json.encode(window))
    except (TypeError, msgspec.MsgspecError) as error:
        raise TypeError(f"The window's part of a session must be plain words: {error}.") from error
