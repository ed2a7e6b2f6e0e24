"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to, which takes its place when all went well.

    >>> with written("order.csv") as draft:
    ...     draft.write_text("t,r")
    """
    path = Path(path)
    try:
        # With the same ending, for many a writer chooses its format by it.
        handle, name = tempfile.mkstemp(
            suffix=path.suffix, prefix=f".{path.stem[:100]}-", dir=path.parent
        )
    except OSError as error:
        raise OSError(
            f"{path} cannot be written ({error.strerror}): name a folder that is there and yours."
        ) from error
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        if path.is_dir():
            raise OSError(f"{path} cannot be written (it is a folder): add a file name.")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    # It can only be read by setting it; `mkstemp` made the file for its owner alone.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
