"""The files that were open before, newest first, with a picture of each."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QSettings


MOST = 20
UNSAVED = 5  # runs that were never saved, which are kept


class Past(NamedTuple):
    """A file that was open."""

    path: Path
    title: str
    picture: Path  # a PNG, which may be missing


class Recent:
    """Kept in the settings; pictures lie beside them."""

    def __init__(self, settings: QSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder

    def files(self) -> list[Past]:
        """Those that are still there."""
        try:
            told = json.loads(str(self._settings.value("recent", "[]")))
            known = [(Path(path), str(title)) for path, title in told]
        except (ValueError, TypeError):
            return []
        return [Past(p, title, self._picture(p)) for p, title in known if p.is_file()]

    def add(self, path: Path, title: str, picture: bytes = b"") -> None:
        """A file was opened or saved."""
        path = path.absolute()
        others = [(str(p), t) for p, t, _ in self.files() if p != path]
        kept = [(str(path), title), *others][:MOST]
        self._settings.setValue("recent", json.dumps(kept))
        if picture:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._picture(path).write_bytes(picture)
        self._forget_old()

    def unsaved_path(self) -> Path:
        """Where a run goes that nobody saved."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{time.time_ns()}.manyscope"

    def _picture(self, path: Path) -> Path:
        return self._folder / f"{hashlib.sha256(str(path).encode()).hexdigest()[:24]}.png"

    def _forget_old(self) -> None:
        """Of the runs that nobody saved, the oldest; and pictures of files that are not listed."""
        for file in sorted(self._folder.glob("*.manyscope"))[:-UNSAVED]:
            file.unlink(missing_ok=True)
        listed = {past.picture for past in self.files()}
        for file in self._folder.glob("*.png"):
            if file not in listed:
                file.unlink(missing_ok=True)
