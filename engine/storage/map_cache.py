"""The cache of phase diagrams: each finished cell is on disk before the next one runs.

A map is one HDF5 file. It is made whole, so that later writes change numbers in their place and
nothing of its structure: a program that is killed leaves a file that can be gone on with.
"""

import hashlib
import inspect
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import platformdirs

from engine.core.axes import Axis
from engine.core.cells import Effort
from engine.core.maps import PhaseMap, Picture, measurable
from engine.core.parameters import parameters
from engine.core.system import System, identity
from engine.storage.atomic import written
from engine.storage.plain import plain


class MapCache:
    """Maps by everything they depend on, half-filled ones too; a map holds all observables.

    >>> known = cache.load(system, x, y, effort)
    >>> with cache.keeper(system, x, y, effort) as keep:
    ...     for found in fill(system, x, y, known=known, **effort._asdict()):
    ...         keep(found)
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is None:
            named = os.environ.get("MANYSCOPE_CACHE")
            folder = (Path(named) if named else platformdirs.user_cache_path("manyscope")) / "maps"
        self.folder = Path(folder)

    def load(
        self, system: System[Any], x: Axis, y: Axis, effort: Effort, observable: str | None = None
    ) -> PhaseMap | None:
        """What is known of this map, or None; a file that cannot be read is as good as none."""
        observable = observable or measurable(system)
        depends = _depends(system, x, y, effort)
        try:
            with h5py.File(self._path(system, depends), "r") as file:
                if file.attrs["depends"] != depends:
                    return None
                names = json.loads(str(file.attrs["names"]))
                mean, error = np.asarray(file["mean"]), np.asarray(file["error"])
                measured = np.asarray(file["measured"]) == 1
                level = int(np.asarray(file["level"])[()])
        except (OSError, KeyError, ValueError, TypeError, RuntimeError):
            return None
        shape = (len(names), y.count, x.count)
        if not (mean.shape == error.shape == shape and measured.shape == shape[1:]):
            return None
        values = {name: (mean[k], error[k]) for k, name in enumerate(names)}
        if observable not in values:
            return None
        return PhaseMap(
            identity(system),
            {name: getattr(system, name) for name in parameters(system)},
            x,
            y,
            observable,
            *values[observable],
            measured,
            level,
            values,
        )

    @contextmanager
    def keeper(self, system: System[Any], x: Axis, y: Axis, effort: Effort) -> Iterator[Any]:
        """A function that keeps what a map knows so far, at once.

        Where nothing can be written, or another program fills the same map, it keeps nothing, and
        the map is measured anew next time.
        """
        depends = _depends(system, x, y, effort)
        path = self._path(system, depends)
        try:
            if self.load(system, x, y, effort) is None:
                self._make(path, depends, Picture(system, x, y, measurable(system), None).map())
            file = h5py.File(path, "r+")
        except OSError:
            yield lambda found: None
            return
        kept = int(np.asarray(file["measured"]).sum())

        def keep(found: PhaseMap) -> None:
            nonlocal kept
            if int(found.measured.sum()) <= kept:
                return
            _dataset(file, "mean")[...] = np.stack([mean for mean, _ in found.values.values()])
            _dataset(file, "error")[...] = np.stack([error for _, error in found.values.values()])
            file.flush()  # the numbers are there before it is said that they are
            _dataset(file, "level")[...] = found.level
            _dataset(file, "measured")[...] = found.measured
            file.flush()
            kept = int(found.measured.sum())

        with file:
            yield keep

    def forget(self, system: System[Any], x: Axis, y: Axis, effort: Effort) -> None:
        """Let a map begin again."""
        self._path(system, _depends(system, x, y, effort)).unlink(missing_ok=True)

    def _make(self, path: Path, depends: str, empty: PhaseMap) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        room = np.full((len(empty.values), *empty.measured.shape), np.nan)
        with written(path) as draft, h5py.File(draft, "w") as file:
            file.attrs["depends"] = depends
            file.attrs["names"] = json.dumps(list(empty.values))
            for name in ("mean", "error"):
                file.create_dataset(name, data=room)
            file.create_dataset("measured", data=empty.measured.astype(np.uint8))
            file.create_dataset("level", data=0)

    def _path(self, system: System[Any], depends: str) -> Path:
        digest = hashlib.sha256(depends.encode()).hexdigest()
        return self.folder / f"{identity(system)}-{digest[:32]}.h5"


def _dataset(file: h5py.File, name: str) -> Any:
    return file[name]


def _depends(system: System[Any], x: Axis, y: Axis, effort: Effort) -> str:
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
        effort,
    ]
    return json.dumps(about)
