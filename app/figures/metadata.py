"""What a file says about how it was made: written as JSON into figures and videos, and read back.

Files come from anywhere, so reading trusts nothing: sizes are bounded, entities of XML are
refused, and what is not Manyscope's is None.
"""

import json
import math
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from xml.parsers import expat


MOST = 4 << 20  # characters of metadata
LARGEST = 1 << 28  # bytes of a file
KEY = "manyscope"  # of the text chunk in PNG
READABLE = (".png", ".pdf", ".svg", ".tif", ".tiff", ".mp4", ".webm", ".gif")
ATTACHMENT = "manyscope.json"  # in a PDF


def version() -> str:
    try:
        return installed("manyscope")
    except PackageNotFoundError:
        return "0"


def metadata_of(
    system: Any,
    *,
    seed: int,
    tick: int,
    time: float,
    views: tuple[str, ...],
    session: str | None = None,
) -> dict[str, Any]:
    """All that it takes to draw a figure again: in words, and as the text of a session."""
    from engine.core.system import identity

    return {
        "program": "manyscope",
        "version": version(),
        "id": identity(system),
        "parameters": values_of(system),
        "seed": int(seed),
        "tick": int(tick),
        "time": float(time),
        "views": list(views),
    } | ({"session": json.loads(session)} if session else {})


def values_of(system: Any) -> dict[str, Any]:
    """The parameters as plain numbers, words and lists; of a user's array only its shape."""
    from engine.core.parameters import parameters

    return {name: _plain(getattr(system, name)) for name in parameters(system)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if getattr(value, "ndim", 0):
        return {"shape": list(value.shape)}
    # Parameters are single precision: 0.1 shall read 0.1.
    return float(f"{float(value):.8g}")


def written_out(metadata: dict[str, Any]) -> str:
    """Metadata as one line of JSON in ASCII, with keys in order and no number that is not one."""
    return json.dumps(finite(metadata), sort_keys=True, separators=(",", ":"))


def finite(value: Any) -> Any:
    """The same with None in place of infinity and not-a-number, for JSON knows neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value


def read_metadata(path: str | Path) -> dict[str, Any] | None:
    """What a figure or video of Manyscope says of itself; None if it says nothing.

    Raises ValueError with one sentence if the file is not what its name says.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise ValueError(f"{path.name} is no figure: choose one of {', '.join(READABLE)}.")
    if not path.is_file():
        raise ValueError(f"{path} is not there.")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} is larger than 256 MiB: it is no figure of Manyscope.")
    read = {
        ".pdf": _in_pdf, ".svg": _in_svg, ".mp4": _in_film, ".webm": _in_film, ".gif": _in_gif,
    }.get(suffix, _in_raster)  # fmt: skip
    try:
        text = read(path)
    except Exception as error:  # of four libraries, on bytes that may be anything
        raise ValueError(f"{path.name} cannot be read as {suffix[1:].upper()}.") from error
    return _parsed(text)


def session_of(path: str | Path) -> str | None:
    """The session in a figure or a film, for `engine.storage.sessions.from_text`.

    None where the file says nothing, or was made before there were sessions. Raises ValueError
    with one sentence if the file is not what its name says.
    """
    found = read_metadata(path)
    session = found.get("session") if found else None
    return json.dumps(session) if isinstance(session, dict) else None


def _parsed(text: str | None) -> dict[str, Any] | None:
    if not isinstance(text, str) or len(text) > MOST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ours = isinstance(found, dict) and found.get("program") == "manyscope"
    return found if ours else None


def _in_raster(path: Path) -> str | None:
    from PIL import Image

    with Image.open(path, formats=("PNG", "TIFF")) as image:
        if KEY in image.info:
            return image.info[KEY]
        tags = getattr(image, "tag_v2", {})
        return tags.get(270)  # ImageDescription


def _in_pdf(path: Path) -> str | None:
    from pypdf import PdfReader

    with path.open("rb") as file:
        reader = PdfReader(file)
        info = reader.metadata
        said = info.get("/Keywords") if info else None
        if isinstance(said, str) and said.startswith("{"):
            return said
        # Publishers rewrite keywords, and leave attachments.
        return next(
            (one.content.decode() for one in reader.attachment_list if one.name == ATTACHMENT), None
        )


def _in_svg(path: Path) -> str | None:
    """The first `dc:description`, without a tree: a figure may hold megabytes of pictures."""
    inside = 0
    parts: list[str] = []

    def start(name: str, _: Any) -> None:
        nonlocal inside
        inside += name == "dc:description"

    def end(name: str) -> None:
        nonlocal inside
        inside -= name == "dc:description"

    def word(text: str) -> None:
        if inside and sum(map(len, parts)) <= MOST:
            parts.append(text)

    def entity(*_: Any) -> None:
        raise ValueError("entities are refused")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = word
    parser.EntityDeclHandler = entity
    with path.open("rb") as file:
        parser.ParseFile(file)
    return "".join(parts).strip() or None


def _in_film(path: Path) -> str | None:
    import av

    with av.open(str(path), format="mp4" if path.suffix.lower() == ".mp4" else "webm") as film:
        said = {name.lower(): value for name, value in film.metadata.items()}
        return said.get("comment")


def _in_gif(path: Path) -> str | None:
    from PIL import Image

    with Image.open(path, formats=("GIF",)) as image:
        said = image.info.get("comment", b"")
        return said.decode("ascii", "replace") if isinstance(said, bytes) else None
