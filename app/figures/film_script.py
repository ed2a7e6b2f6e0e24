"""What happens in a film, frame by frame: steps, held frames, paths of parameters and cameras."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


MOST_FRAMES = 200_000
LARGEST = (7680, 4320)


class CameraKey(NamedTuple):
    """Where the camera stands at a share of the film."""

    share: float  # 0 at the first frame, 1 at the last
    camera: dict[str, Any]  # as `camera.described` says it


@dataclass(frozen=True)
class Script:
    """A film of `steps` steps with a frame each `every`; `hold` seconds stand at either end."""

    steps: int
    every: int = 1
    fps: float = 30.0
    size: tuple[int, int] = (1280, 720)
    view: str = ""  # the large one where empty
    theme: str = "dark"
    hold: tuple[float, float] = (0.0, 0.0)  # s that the first and the last frame stand
    paths: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # evenly spaced in time
    keys: tuple[CameraKey, ...] = ()
    turns: float = 0.0  # of the camera around what lies in space
    colouring: str | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("steps", 0, 10**9), ("every", 1, 10**6), ("fps", 1, 240)):
            value = getattr(self, name)
            if not low <= value <= high:  # also refuses not-a-number
                raise ValueError(f"{name} = {value:g} is impossible: give {low} to {high}.")
        width, height = self.size
        if not (16 <= width <= LARGEST[0] and 16 <= height <= LARGEST[1]):
            raise ValueError(
                f"A film of {width} × {height} is impossible: give 16 × 16 to "
                f"{LARGEST[0]} × {LARGEST[1]}."
            )
        if not all(0 <= seconds <= 3600 for seconds in self.hold):
            raise ValueError("A frame is held for 0 to 3600 s.")
        if not -1000 <= self.turns <= 1000:
            raise ValueError(f"{self.turns:g} turns are impossible: give at most 1000.")
        for name, stops in self.paths.items():
            if len(stops) < 2 or not all(map(math.isfinite, stops)):
                raise ValueError(f"The path of {name} needs two numbers or more.")
        shares = [key.share for key in self.keys]
        if shares != sorted(shares) or not all(0 <= share <= 1 for share in shares):
            raise ValueError("The keys of a camera lie at shares from 0 to 1, in order.")
        if self.theme not in ("dark", "light"):
            raise ValueError(f"{self.theme!r} is no ground of a film: choose dark or light.")
        if self.frames > MOST_FRAMES:
            raise ValueError(
                f"A film of {self.frames} frames is too long: take at most {MOST_FRAMES}, with "
                "more steps a frame."
            )

    @property
    def moving(self) -> int:
        """Frames that are drawn anew."""
        return self.steps // self.every + 1

    @property
    def held(self) -> tuple[int, int]:
        """Frames that stand at the beginning and at the end."""
        first, last = (round(seconds * self.fps) for seconds in self.hold)
        return first, last

    @property
    def frames(self) -> int:
        return self.moving + sum(self.held)

    def share(self, frame: int) -> float:
        """How far the film is at a moving frame."""
        return frame / max(1, self.moving - 1)

    def values(self, system: Any, share: float) -> dict[str, float]:
        """The parameters on their paths; those that are logarithmic go by ratios."""
        from engine.core.parameters import parameters

        known = parameters(system)
        out = {}
        for name, stops in self.paths.items():
            ratio = known[name].log and min(stops) > 0
            places = np.log(stops) if ratio else np.asarray(stops, float)
            at = np.interp(share, np.linspace(0, 1, len(stops)), places)
            out[name] = float(np.exp(at) if ratio else at)
        return out

    def check(self, system: Any) -> None:
        """Refuse paths that this system cannot go."""
        from engine.core.parameters import declared

        for name, stops in self.paths.items():
            parameter = declared(system, name)
            if parameter.kind != "live" or parameter.span is None:
                raise ValueError(f"{name} cannot move while a run goes on: choose a live one.")
            for stop in stops:
                parameter.check(stop)


def script_in(said: Any) -> Script:
    """The script in a film's metadata; ValueError with a sentence where it is none."""
    import msgspec

    try:
        return msgspec.convert(said, Script)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(f"This film says nothing that it can be made from: {error}.") from error


def camera_at(keys: tuple[CameraKey, ...], share: float) -> dict[str, Any]:
    """The camera between its keys, slow where it leaves one and where it arrives."""
    if share <= keys[0].share:
        return keys[0].camera
    for before, after in itertools.pairwise(keys):
        if share <= after.share:
            way = (share - before.share) / max(after.share - before.share, 1e-9)
            return _between(before.camera, after.camera, way * way * (3 - 2 * way))
    return keys[-1].camera


def _between(start: dict[str, Any], end: dict[str, Any], way: float) -> dict[str, Any]:
    if start["dim"] != end["dim"]:
        return end
    out: dict[str, Any] = {}
    for name, value in start.items():
        a, b = np.asarray(value, float), np.asarray(end[name], float)
        if name == "zoom":  # a zoom goes by factors
            out[name] = float(a * (b / a) ** way)
        else:
            out[name] = (a + way * (b - a)).tolist()
    out["dim"] = start["dim"]
    return out
