"""Zip files that anyone may have written: read into memory, never unpacked, never believed.

Only members of known names are read, each up to a limit, so that no path climbs out of the archive
and nothing swells in memory. Arrays lie in them as .npy, which `np.load` reads too; what is wrong
with a file is said in one sentence, as an `ArchiveError`.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.storage.atomic import written


MOST_MEMBERS = 4096
MOST_BYTES = 2**31  # of a file, and of all that is in it
EPOCH = (1980, 1, 1, 0, 0, 0)  # a date that zip can tell: the same content is the same file
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that is not known
    RuntimeError,  # encrypted
    ValueError,
    OverflowError,
    IndexError,
    KeyError,
)


class ArchiveError(ValueError):
    """What is wrong with an archive, to be read after its name."""


def read_archive(content: bytes, limits: Mapping[str, int]) -> dict[str, bytes]:
    """The members of a zip file whose names match a pattern, each of at most so many bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if len(infos) > MOST_MEMBERS:
                raise ArchiveError(f"holds {len(infos)} files, more than {MOST_MEMBERS}")
            found: dict[str, bytes] = {}
            left = MOST_BYTES
            for info in infos:
                limit = min(left, _limit(info.filename, limits))
                if info.filename in found:
                    raise ArchiveError(f"holds {_short(info.filename)} twice")
                if info.file_size > limit:
                    raise ArchiveError(
                        f"has {info.file_size} bytes in {_short(info.filename)}, more than are read"
                    )
                with archive.open(info) as member:
                    data = member.read(limit + 1)
                if len(data) > limit:
                    raise ArchiveError(f"has more in {_short(info.filename)} than is read")
                found[info.filename] = data
                left -= len(data)
            return found
    except ArchiveError:
        raise
    except BROKEN as error:
        raise ArchiveError("is damaged, or no zip file at all") from error


def write_archive(path: str | Path, members: Mapping[str, bytes]) -> None:
    """Write all members, or leave what was there before."""
    with written(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, EPOCH)
            # Numbers of a simulation hardly shrink: they are stored as they are, at once.
            packed = name.endswith(".json")
            info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(info, data)


def array_bytes(array: np.ndarray) -> bytes:
    """An array as .npy."""
    file = io.BytesIO()
    # Not by `ascontiguousarray`, which makes a row of a single number.
    np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)
    return file.getvalue()


def array_of(data: bytes, name: str) -> np.ndarray:
    """An array from .npy: plain numbers only, exactly as many as its header says."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ArchiveError(f"has an array of an unknown kind, {_short(name)}")
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, kind = read(file)
        rest = data[file.tell() :]
        if kind.kind not in "biufc" or kind.hasobject or fortran:
            raise ArchiveError(f"has an array that is not of plain numbers, {_short(name)}")
        if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != len(rest):
            raise ArchiveError(f"has an array of another size than it says, {_short(name)}")
        return np.frombuffer(rest, kind).reshape(shape)
    except ArchiveError:
        raise
    except (*BROKEN, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ArchiveError(f"has a damaged array, {_short(name)}") from error


def _limit(name: str, limits: Mapping[str, int]) -> int:
    for pattern, limit in limits.items():
        if re.fullmatch(pattern, name):
            return limit
    raise ArchiveError(f"holds {_short(name)}, which does not belong there")


def _short(words: str) -> str:
    words = repr(words)
    return words if len(words) <= 60 else f"{words[:57]}..."
