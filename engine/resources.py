"""Where the data files lie: in `resources/` of a checkout, inside the package once installed."""

from functools import cache
from pathlib import Path


@cache
def resource(name: str) -> Path:
    """The path of a data file, such as `references.bib` or `fonts/Inter-Regular.ttf`."""
    here = Path(__file__).parent
    for folder in (here / "resources", here.parent / "resources"):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"resources/{name} is missing: the installation is incomplete.")
