"""Phase diagrams on disk: what was measured once is there again at once."""

import hashlib
import inspect
import json
import os
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs

from engine.core.maps import Axis, PhaseMap, measurable
from engine.core.parameters import parameters
from engine.core.system import System, identity
from engine.storage.atomic import written


class MapFile(NamedTuple):
    """A map as the command line writes it."""

    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray  # [y, x]
    error: np.ndarray  # [y, x]
    theory: np.ndarray | None  # [y, x], where there is one
    metadata: dict[str, Any]


class MapCache:
    """Maps by everything they depend on, half-filled ones too.

    >>> known = cache.load(system, x, y, settle=400, measure=400)
    >>> for found in fill(system, x, y, settle=400, measure=400, known=known): ...
    >>> cache.save(system, found, settle=400, measure=400)
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            named = os.environ.get("MANYSCOPE_CACHE")
            folder = (Path(named) if named else platformdirs.user_cache_path("manyscope")) / "maps"
        self.folder = folder

    def load(
        self,
        system: System[Any],
        x: Axis,
        y: Axis,
        observable: str | None = None,
        *,
        settle: int,
        measure: int,
        seeds: int = 1,
    ) -> PhaseMap | None:
        """What is known of this map, or None; a file that cannot be read is as good as none."""
        observable = measurable(system, observable)
        depends = _depends(system, x, y, observable, settle, measure, seeds)
        shape = (y.count, x.count)
        try:
            # Opened here: `np.load` leaves a file open that turns out to be damaged.
            with (
                self._path(system, depends).open("rb") as handle,
                np.load(handle, allow_pickle=False) as file,
            ):
                if str(file["depends"]) != depends:
                    return None
                mean, error, measured = (file[name] for name in ("mean", "error", "measured"))
                level = int(file["level"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        if not (mean.shape == error.shape == measured.shape == shape and measured.dtype == bool):
            return None
        values = {name: getattr(system, name) for name in parameters(system)}
        return PhaseMap(identity(system), values, x, y, observable, mean, error, measured, level)

    def save(
        self, system: System[Any], found: PhaseMap, *, settle: int, measure: int, seeds: int = 1
    ) -> None:
        """Keep a map. Where nothing can be written it is lost, and measured anew next time."""
        depends = _depends(system, found.x, found.y, found.observable, settle, measure, seeds)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with written(self._path(system, depends)) as draft, draft.open("wb") as file:
                np.savez_compressed(
                    file,
                    depends=np.array(depends),
                    mean=found.mean,
                    error=found.error,
                    measured=found.measured,
                    level=np.array(found.level),
                )
        except OSError:
            return

    def _path(self, system: System[Any], depends: str) -> Path:
        digest = hashlib.sha256(depends.encode()).hexdigest()
        return self.folder / f"{identity(system)}-{digest[:32]}.npz"


def write_map(
    path: str | Path, found: PhaseMap, theory: np.ndarray | None, metadata: dict[str, Any]
) -> None:
    """Write a map for other programs: NumPy arrays, and the metadata as JSON."""
    arrays = {"x": found.x.values, "y": found.y.values, "mean": found.mean, "error": found.error}
    if theory is not None and np.isfinite(theory).any():
        arrays["theory"] = np.asarray(theory)
    about = {
        "system": found.system,
        "observable": found.observable,
        "x": found.x._asdict(),
        "y": found.y._asdict(),
        "parameters": {name: plain(value) for name, value in found.parameters.items()},
    } | metadata
    arrays["metadata"] = np.array(json.dumps(about))
    with written(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]


def read_map(path: str | Path) -> MapFile:
    """Read such a file, whoever wrote it; what is wrong with it is said in one sentence."""
    try:
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            x, y, mean, error = (file[name] for name in ("x", "y", "mean", "error"))
            theory = file.get("theory")
            metadata = json.loads(str(file["metadata"]))
    except (ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as wrong:
        raise ValueError(
            f"{path} is not a map of Manyscope: write one with `manyscope map`."
        ) from (wrong)
    shape = (*y.shape, *x.shape)
    if len(shape) != 2 or any(a.shape != shape for a in (mean, error, theory) if a is not None):
        raise ValueError(f"{path} is damaged: its arrays do not fit each other; write it anew.")
    return MapFile(x, y, mean, error, theory, metadata)


def plain(value: Any) -> Any:
    """A parameter's value as JSON holds it; an array by its shape and a digest."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return list(value)
    array = np.ascontiguousarray(value)
    return {"shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}


def _depends(
    system: System[Any], x: Axis, y: Axis, observable: str, settle: int, measure: int, seeds: int
) -> str:
    """All that the numbers of a map follow from."""
    try:
        release = version("manyscope")
    except PackageNotFoundError:
        release = "a checkout"
    physics = Path(inspect.getfile(type(system))).read_bytes()
    others = {
        name: plain(getattr(system, name))
        for name in parameters(system)
        if name not in (x.name, y.name)
    }
    about = [
        identity(system),
        release,
        hashlib.sha256(physics).hexdigest(),  # a release number does not change while one develops
        others,
        x,
        y,
        observable,
        [settle, measure, seeds],
    ]
    return json.dumps(about)
