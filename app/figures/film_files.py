"""Frames into files: MP4, WebM, GIF, or a folder of PNG. Equal frames give equal bytes."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, PngImagePlugin

from engine.storage.atomic import written


FILES = (".mp4", ".webm", ".gif", ".png")
GIF_COLOURS = 255
# Near to what the eye cannot tell from the frames.
CODECS = {
    ".mp4": ("mp4", "libx264", {"crf": "18", "preset": "medium"}),
    ".webm": (
        "webm",
        "libvpx-vp9",
        {"crf": "24", "b": "0", "row-mt": "1", "deadline": "good", "cpu-used": "4"},
    ),
}
BT709 = 1  # the colours that players take a film of this size to be in

Frames = Iterator[np.ndarray]


def write_film(path: Path, frames: Frames, fps: float, said: str) -> Path:
    """Write a film, whole or not at all; its suffix says the format. `said` is embedded.

    A `.png` is a folder of that name without the suffix, with a picture for each frame.
    """
    kind = path.suffix.lower()
    if kind == ".png":
        folder = path.with_suffix("")
        with _folder(folder) as draft:
            _write_pictures(draft, frames, said)
        return folder
    if kind not in FILES:
        raise ValueError(f"{path.name} names no format of a film: end it in {', '.join(FILES)}.")
    write: Callable[[Path, Frames, float, str], None] = (
        _write_gif if kind == ".gif" else _write_stream
    )
    with written(path) as draft:
        write(draft, frames, fps, said)
    return path


def even(picture: np.ndarray) -> np.ndarray:
    """The picture with even sides, its last row and column twice where they were odd."""
    height, width, _ = picture.shape
    if not (height % 2 or width % 2):
        return picture
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _write_stream(draft: Path, frames: Frames, fps: float, said: str) -> None:
    """H.264 or VP9 in 4:2:0, which every player plays; the index in front: it starts at once."""
    import av
    from av.video.reformatter import Colorspace

    container, codec, quality = CODECS[draft.suffix.lower()]
    rate = Fraction(fps).limit_denominator(1001)
    options = {"fflags": "+bitexact"} | ({"movflags": "faststart"} if container == "mp4" else {})
    with av.open(str(draft), "w", format=container, options=options) as film:
        if said:
            film.metadata["comment"] = said
        stream = cast(av.VideoStream, film.add_stream(codec, rate=rate, options=quality))
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        for k, picture in enumerate(map(even, frames)):
            if k == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
            frame.pts = k
            frame.time_base = 1 / rate
            film.mux(stream.encode(frame))
        film.mux(stream.encode())


def _write_gif(draft: Path, frames: Frames, fps: float, said: str) -> None:
    def pictures() -> Iterator[Image.Image]:
        for picture in frames:
            image = Image.fromarray(picture)
            yield image.quantize(GIF_COLOURS, dither=Image.Dither.NONE)

    every = pictures()
    first = next(every)
    first.save(
        draft,
        format="GIF",
        save_all=True,
        append_images=every,
        duration=max(20, 10 * round(100 / fps)),
        loop=0,
        optimize=False,
        **({"comment": said.encode()} if said else {}),
    )


def _write_pictures(folder: Path, frames: Frames, said: str) -> None:
    text = PngImagePlugin.PngInfo()
    if said:
        text.add_text("manyscope", said)
    for k, picture in enumerate(frames):
        Image.fromarray(picture).save(folder / f"{k:06}.png", pnginfo=text if said else None)


@contextmanager
def _folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes its place when all went well."""
    if folder.exists():
        raise ValueError(f"{folder} is there already: name a folder that is not.")
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}-", dir=folder.parent))
    except OSError as error:
        raise OSError(
            f"{folder} cannot be made ({error.strerror}): name a place that is there and yours."
        ) from error
    try:
        yield draft
        draft.chmod(0o755)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
