"""Figures for print: panels drawn again by matplotlib, vector axes around rasterised particles.

Nothing here needs Qt or a display. Equal panels give equal bytes, so that figures can stand in
version control.
"""

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from app.figures.arrangement import arranged
from app.figures.metadata import ATTACHMENT, version, written_out
from app.figures.panels import Panel
from app.figures.settings import settings_of
from app.figures.style import FigureStyle
from engine.storage.atomic import written


FORMATS = ("pdf", "svg", "png", "tiff")
DRAWING = threading.Lock()  # matplotlib's settings belong to the process


def export_figure(
    panels: Sequence[Panel],
    path: str | Path,
    style: FigureStyle | None = None,
    metadata: dict[str, Any] | None = None,
) -> Path:
    """Draw panels into a file, whole or not at all; its suffix says the format.

    `metadata` is embedded; without it the file says nothing of where it comes from.
    """
    path = Path(path)
    kind = format_of(path)
    data = figure_bytes(panels, style or FigureStyle(), kind, metadata)
    with written(path) as draft:
        draft.write_bytes(data)
    return path


def format_of(path: Path) -> str:
    kind = path.suffix.lower().lstrip(".")
    kind = "tiff" if kind == "tif" else kind
    if kind not in FORMATS:
        allowed = ", ".join(f".{name}" for name in FORMATS)
        raise ValueError(f"{path.name} names no format of a figure: end it in {allowed}.")
    return kind


def figure_bytes(
    panels: Sequence[Panel],
    style: FigureStyle | None = None,
    format: str = "png",
    metadata: dict[str, Any] | None = None,
) -> bytes:
    """The file that `export_figure` writes: for the clipboard and for previews."""
    if not panels:
        raise ValueError("A figure needs a panel: choose a view.")
    style = style or FigureStyle()
    import matplotlib

    with DRAWING, matplotlib.rc_context(cast(Any, settings_of(style))):
        page = arranged(list(panels), style)
        out = io.BytesIO()
        page.figure.savefig(
            out,
            format=format,
            dpi=style.dpi,
            transparent=style.background == "transparent",
            facecolor="none" if style.background == "transparent" else page.paper,
            **_embedded(format, metadata),
        )
    data = out.getvalue()
    if format == "pdf" and metadata:
        return _attached(data, written_out(metadata))
    return data


def _attached(pdf: bytes, text: str) -> bytes:
    """The page with its metadata as a file, which outlives a change of its keywords."""
    from pypdf import PdfReader, PdfWriter

    page = PdfReader(io.BytesIO(pdf))
    writer = PdfWriter(clone_from=page)
    writer.pdf_header = page.pdf_header
    writer.add_attachment(ATTACHMENT, text.encode("ascii"))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _embedded(format: str, metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Metadata where each format keeps it; no dates, for equal figures are equal bytes."""
    text = written_out(metadata) if metadata else None
    program = f"Manyscope {version()}" if metadata else None
    match format:
        case "png":
            return {"metadata": {"Software": program} | ({"manyscope": text} if text else {})}
        case "pdf":
            said = {"Creator": program, "Producer": None, "CreationDate": None}
            return {"metadata": said | ({"Keywords": text} if text else {})}
        case "svg":
            said = {"Date": None, "Creator": program}
            return {"metadata": said | ({"Description": text} if text else {})}
        case _:
            tags = {270: text} if text else {}
            return {"pil_kwargs": {"compression": "tiff_lzw", "tiffinfo": tags}}
