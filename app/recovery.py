"""What is saved by itself while one works, and what programs that ended badly have left."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QLockFile


class Recovery:
    """One file of this process, locked while it lives; files without a living owner are left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: QLockFile | None = None
        self._number = 0
        self._taken: list[Path] = []  # of other processes, opened here

    @property
    def path(self) -> Path:
        """Where this process saves by itself."""
        if self._lock is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            while True:  # several windows of one process have a file each
                name = f"{os.getpid()}-{self._number}"
                lock = QLockFile(str(self._folder / f"{name}.lock"))
                lock.setStaleLockTime(0)  # alive as long as its process is
                if lock.tryLock(0):
                    break
                self._number += 1
            self._lock = lock
        return self._folder / f"{os.getpid()}-{self._number}.manyscope"

    def holds(self, path: Path) -> bool:
        """Whether a file lies here, rather than where a person put it."""
        return path.parent == self._folder

    def found(self) -> Path | None:
        """The newest file whose process is gone."""
        files = sorted(self._folder.glob("*.manyscope"), key=_age) if self._folder.is_dir() else []
        for file in files:
            lock = QLockFile(str(file.with_suffix(".lock")))
            lock.setStaleLockTime(0)
            if lock.tryLock(0):
                lock.unlock()
                return file
        return None

    def take_over(self, path: Path) -> None:
        """What another process left is open here: it goes when this one has saved."""
        self._taken.append(path)

    def forget(self) -> None:
        """All is saved: leave nothing to recover."""
        for path in self._taken:
            path.unlink(missing_ok=True)
        self._taken = []
        if self._lock is not None:
            self.path.unlink(missing_ok=True)
            self._lock.unlock()
            self._lock = None


def _age(file: Path) -> float:
    return -file.stat().st_mtime
