"""Files of a time series, with what made it: arrays, text, or a table of HDF5."""

from pathlib import Path
from typing import Any


FILES = (".npz", ".csv", ".h5")


def write(path: Path, columns: dict[str, Any], about: dict[str, Any]) -> None:
    import numpy as np

    from app.figures.metadata import written_out
    from engine.storage.atomic import written

    said = written_out(about)
    with written(path) as draft:
        match path.suffix.lower():
            case ".npz":
                with draft.open("wb") as file:
                    np.savez_compressed(file, **columns, metadata=np.array(said))
            case ".csv":
                import csv

                with draft.open("w", newline="", encoding="utf-8") as file:
                    file.write(f"# {said}\n")
                    lines = csv.writer(file)
                    lines.writerow(columns)
                    lines.writerows(zip(*(c.tolist() for c in columns.values()), strict=True))
            case _:
                import h5py

                with h5py.File(draft, "w") as file:
                    file.attrs["metadata"] = said
                    for name, values in columns.items():
                        file.create_dataset(name.replace("/", "∕"), data=values)
