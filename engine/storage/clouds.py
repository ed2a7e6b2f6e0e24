"""Point clouds from files that anyone may have written.

Read are .ply (text, or binary of either byte order), .off, .obj, .xyz, .csv and .npy: the points of
a mesh, its faces left aside. A file is data, never a program: nothing in it is run or unpickled.
What is wrong with one is said in one sentence, as a `ValueError`.
"""

import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np


MOST_BYTES = 512 * 2**20  # a file that is larger is not even opened
TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "float64": "f8",
}  # the names of PLY, old and new


class Cloud(NamedTuple):
    """Points of a file, and how many it held."""

    points: np.ndarray  # [m, 2 or 3], float32
    held: int

    @property
    def thinned(self) -> str:
        """What a person should know, or nothing."""
        m = len(self.points)
        return f"{m} of its {self.held} points are used, drawn evenly" if m < self.held else ""


def read_cloud(path: str | Path, most: int = 20_000) -> np.ndarray:
    """The points of a file, as `[m, 2 or 3]` numbers; of more than `most` a random subset."""
    return load_cloud(path, most).points


def load_cloud(path: str | Path, most: int = 20_000) -> Cloud:
    """The points of a file, and how many there were; the same file gives the same points."""
    path = Path(path)
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise ValueError(
            f"{path.name} is of no kind that points are read from: give {', '.join(READERS)}."
        )
    try:
        large = path.stat().st_size
        if large > MOST_BYTES:
            raise ValueError(
                f"{path.name} has {large >> 20} MiB: give at most {MOST_BYTES >> 20} MiB."
            )
        content = path.read_bytes()
    except OSError as problem:
        why = (problem.strerror or "it is not there").lower()
        raise ValueError(f"{path.name} cannot be read: {why}.") from None
    try:
        points = read(content)
    except WrongError as wrong:
        raise ValueError(f"{path.name} {wrong}.") from None
    return Cloud(*_checked(points, path.name, most))


class WrongError(Exception):
    """What a reader found wrong, to be put behind the name of the file."""


def _checked(points: np.ndarray, name: str, most: int) -> tuple[np.ndarray, int]:
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(
            f"{name} holds an array of shape {points.shape}: give rows of 2 or 3 numbers."
        )
    held = len(points)
    if held < 2:
        raise ValueError(f"{name} holds {held} points: give at least two.")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"{name} has a point {row + 1} that is not finite: leave it out.")
    if held > most:
        points = points[np.sort(np.random.default_rng(0).choice(held, most, replace=False))]
    # About its middle and by its size in double precision: a scan may lie far from the origin.
    points = points.astype(np.float64)
    reach = float(np.max(np.abs(points)))
    if np.ptp(points / (reach or 1.0), axis=0).max() < 1e-12:
        raise ValueError(f"{name} holds one point many times: give a cloud of different ones.")
    if reach > 1e30:
        raise ValueError(f"{name} has coordinates up to {reach:.3g}: give at most 1e30.")
    if reach > 0 and np.ptp(points, axis=0).max() < 1e-3 * reach:
        points = points - points.mean(axis=0)
    points = points.astype(np.float32)
    if np.ptp(points, axis=0).max() < 1e-30:
        raise ValueError(f"{name} spans less than 1e-30: give it in larger units.")
    return points, held


def _read_npy(content: bytes) -> np.ndarray:
    try:
        # Objects would be unpickled, that is run: they are refused.
        points = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError, KeyError, TypeError, SyntaxError, MemoryError) as why:
        raise WrongError(f"is no array of numbers ({_first_line(why)})") from None
    except Exception as why:  # the header is parsed as Python: garbage in it raises anything
        raise WrongError(f"is no array of numbers ({type(why).__name__})") from None
    if not isinstance(points, np.ndarray) or points.dtype.kind not in "fiub":
        raise WrongError("holds no plain numbers: save an array of floats")
    return points


def _read_table(content: bytes) -> np.ndarray:
    """Rows of numbers between spaces, commas, semicolons or tabs: the first two or three of each.

    Of an .xyz file of chemistry, the count, the comment and the names of elements are passed over.
    """
    rows: list[list[float]] = []
    lines = _text(content).splitlines()
    if lines and re.fullmatch(r"\s*\d+\s*", lines[0]) and len(lines) > 2:
        lines = lines[2:]
    for number, line in enumerate(lines):
        words = [word for word in re.split(r"[\s,;]+", line.split("#")[0].strip()) if word]
        if words and not _is_number(words[0]) and len(words) > 2:
            words = words[1:]  # the element of an atom, or the head of a row
        if not words:
            continue
        values = [float(word) for word in words[:3] if _is_number(word)]
        if len(values) < min(2, len(words[:3])) or len(values) < len(words[:3]):
            if not rows:
                continue  # a heading
            raise WrongError(f"has no numbers in row {number + 1}: {_short(line)!r}")
        rows.append(values)
    return _rectangle(rows)


def _read_obj(content: bytes) -> np.ndarray:
    rows = []
    for number, line in enumerate(_text(content).splitlines()):
        words = line.split()
        if words and words[0] == "v":
            values = [float(word) for word in words[1:4] if _is_number(word)]
            if len(values) != 3:
                raise WrongError(f"has no vertex in line {number + 1}: {_short(line)!r}")
            rows.append(values)
    return _rectangle(rows)


def _read_off(content: bytes) -> np.ndarray:
    lines = (line.split("#")[0].split() for line in _text(content).splitlines())
    words = [word for line in lines for word in line]
    if not words or not re.fullmatch(r"(ST)?C?N?OFF", words[0]):
        raise WrongError("does not begin with OFF")
    kind, words = words[0], words[1:]
    if len(words) < 3 or not all(word.isdecimal() for word in words[:3]):
        raise WrongError("does not say how many vertices it has")
    count = int(words[0])
    more = 3 * ("N" in kind) + 4 * kind.startswith(("C", "STC")) + 2 * kind.startswith("ST")
    width = 3 + more
    numbers = words[3 : 3 + count * width]
    if len(numbers) < count * width:
        raise WrongError(f"ends before its {count} vertices do")
    if not all(map(_is_number, numbers)):
        raise WrongError("has a vertex that is no number")
    return np.array(numbers, dtype=np.float64).reshape(count, width)[:, :3]


def _read_ply(content: bytes) -> np.ndarray:
    head, found, body = content.partition(b"end_header")
    lines = [line.split() for line in _text(head).splitlines() if line.strip()]
    if not found or not lines or lines[0] != ["ply"]:
        raise WrongError("does not begin with a PLY header")
    body = body[2:] if body[:2] == b"\r\n" else body[1:]
    kind, count, properties, first, inside = "", -1, [], "", False
    for words in lines[1:]:
        match words:
            case ["format", kind, *_]:
                pass
            case ["element", name, many]:
                first = first or name
                if name == "vertex" and first != "vertex":
                    raise WrongError("has other elements before its vertices, which is not read")
                inside = name == "vertex"
                if inside:
                    if not many.isdecimal():
                        raise WrongError("does not say how many vertices it has")
                    count = int(many)
            case ["property", "list", *_] if count >= 0 and inside:
                raise WrongError("has lists in its vertices, which are not read")
            case ["property", form, name] if count >= 0 and inside:
                if form not in TYPES:
                    raise WrongError(f"has a property of the unknown type {_short(form)!r}")
                properties.append((name, TYPES[form]))
            case _:
                pass
    names = [name for name, _ in properties]
    if count < 0 or not {"x", "y", "z"} <= set(names) or len(set(names)) < len(names):
        raise WrongError("has no vertices with x, y and z")

    if kind == "ascii":
        words = _text(body).split()
        numbers = words[: count * len(names)]
        if len(numbers) < count * len(names):
            raise WrongError(f"ends before its {count} vertices do")
        if not all(map(_is_number, numbers)):
            raise WrongError("has a vertex that is no number")
        table = np.array(numbers, dtype=np.float64).reshape(count, len(names))
        return table[:, [names.index(axis) for axis in "xyz"]]

    order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(kind)
    if order is None:
        raise WrongError(f"has the unknown format {_short(kind)!r}")
    form = np.dtype([(name, order + code) for name, code in properties])
    if count * form.itemsize > len(body):
        raise WrongError(f"ends before its {count} vertices do")
    table = np.frombuffer(body, form, count)
    return np.stack([table[axis].astype(np.float64) for axis in "xyz"], axis=1)


READERS = {
    ".ply": _read_ply,
    ".off": _read_off,
    ".obj": _read_obj,
    ".xyz": _read_table,
    ".csv": _read_table,
    ".npy": _read_npy,
}


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _rectangle(rows: list[list[float]]) -> np.ndarray:
    if not rows:
        raise WrongError("holds no points")
    width = len(rows[0])
    odd = next((number for number, row in enumerate(rows) if len(row) != width), None)
    if odd is not None:
        raise WrongError(
            f"has {len(rows[odd])} numbers in point {odd + 1} and {width} in the first"
        )
    return np.array(rows, dtype=np.float64)


def _first_line(why: Exception) -> str:
    return _short(str(why).partition("\n")[0]).rstrip(".")


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:57] + "..."
