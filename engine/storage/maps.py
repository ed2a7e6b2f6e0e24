"""Phase diagrams as files for other programs: NumPy, HDF5 and comma-separated values."""

import csv
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import h5py
import numpy as np

from engine.core.maps import PhaseMap
from engine.core.theory_maps import Line
from engine.storage.atomic import written
from engine.storage.plain import plain


FORMATS = (".npz", ".h5", ".csv")


class MapFile(NamedTuple):
    """A map as the command line writes it."""

    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray  # [y, x]
    error: np.ndarray  # [y, x]
    theory: np.ndarray | None  # [y, x], where there is one
    metadata: dict[str, Any]
    values: dict[str, tuple[np.ndarray, np.ndarray]]  # mean and error of every observable


def write_map(
    path: str | Path,
    found: PhaseMap,
    theory: np.ndarray | None,
    metadata: dict[str, Any],
    lines: Mapping[str, Line] | None = None,
) -> None:
    """Write a map with all its observables; the suffix of the path says how.

    Besides the cells it holds theory where theory speaks, the lines of theory, and as JSON the
    metadata. In a table each cell is a row, and the lines are left out.
    """
    path = Path(path)
    if theory is not None and not np.isfinite(theory).any():
        theory = None
    about = {
        "system": found.system,
        "observable": found.observable,
        "observables": list(found.values) or [found.observable],
        "x": found.x._asdict(),
        "y": found.y._asdict(),
        "parameters": {name: plain(value) for name, value in found.parameters.items()},
    } | metadata
    match path.suffix.lower():
        case ".npz":
            with written(path) as draft, draft.open("wb") as file:
                arrays = _arrays(found, theory, lines or {})
                arrays["metadata"] = np.array(json.dumps(about))
                np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
        case ".h5":
            with written(path) as draft, h5py.File(draft, "w") as file:
                for name, array in _arrays(found, theory, lines or {}).items():
                    file.create_dataset(name, data=array, track_times=False)
                for name, line in (lines or {}).items():
                    file[f"lines/{name}"].attrs["kind"] = line.kind
                file.attrs["metadata"] = json.dumps(about)
        case ".csv":
            with written(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
                file.write(f"# {json.dumps(about)}\n")
                csv.writer(file).writerows(_rows(found, theory))
        case suffix:
            raise ValueError(f"{suffix!r} names no format of a map: give {', '.join(FORMATS)}.")


def read_map(path: str | Path) -> MapFile:
    """Read such a NumPy or HDF5 file, whoever wrote it; what is wrong with it is said."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".h5":
            with h5py.File(path, "r") as file:
                arrays = {n: np.asarray(v) for n, v in file.items() if isinstance(v, h5py.Dataset)}
                text = file.attrs["metadata"]
        else:
            with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
                text = arrays["metadata"]
        metadata = json.loads(str(text))
        x, y, mean, error = (arrays[name] for name in ("x", "y", "mean", "error"))
        theory = arrays.get("theory")
        means, errors = arrays.get("means", mean[None]), arrays.get("errors", error[None])
        names = metadata.get("observables", ["value"])
    except (
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        AttributeError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as wrong:
        raise ValueError(
            f"{path} is not a map of Manyscope: write one with `manyscope map`."
        ) from wrong
    except OSError as wrong:
        if not path.exists():
            raise
        raise ValueError(
            f"{path} is not a map of Manyscope: write one with `manyscope map`."
        ) from wrong
    shape = (*y.shape, *x.shape)
    fits = len(shape) == 2 and all(
        a.shape == shape for a in (mean, error, theory, *means, *errors) if a is not None
    )
    if not (fits and len(names) == len(means) == len(errors)):
        raise ValueError(f"{path} is damaged: its arrays do not fit each other; write it anew.")
    values = {name: (means[k], errors[k]) for k, name in enumerate(names)}
    return MapFile(x, y, mean, error, theory, cast(dict[str, Any], metadata), values)


def _arrays(
    found: PhaseMap, theory: np.ndarray | None, lines: Mapping[str, Line]
) -> dict[str, np.ndarray]:
    values = found.values or {found.observable: (found.mean, found.error)}
    arrays = {
        "x": found.x.values,
        "y": found.y.values,
        "mean": found.mean,
        "error": found.error,
        "means": np.stack([mean for mean, _ in values.values()]),
        "errors": np.stack([error for _, error in values.values()]),
    }
    if theory is not None:
        arrays["theory"] = np.asarray(theory)
    for name, line in lines.items():
        arrays[f"lines/{name}"] = np.stack([line.x, line.y]).astype(float)
    return arrays


def _rows(found: PhaseMap, theory: np.ndarray | None) -> list[list[Any]]:
    """The head of a table, and a row for each cell."""
    values = found.values or {found.observable: (found.mean, found.error)}
    columns = {found.x.name: np.broadcast_to(found.x.values, found.mean.shape)}
    columns[found.y.name] = np.broadcast_to(found.y.values[:, None], found.mean.shape)
    for name, (mean, error) in values.items():
        columns |= {name: mean, f"error of {name}": error}
    if theory is not None:
        columns[f"theory of {found.observable}"] = theory
    return [list(columns), *np.stack([c.ravel() for c in columns.values()], axis=1).tolist()]
