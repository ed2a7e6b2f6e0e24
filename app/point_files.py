"""From the run to a file of its points, or of where they go: asked in a dialog, made beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths
from PySide6.QtWidgets import QFileDialog

from app import points
from app.jobs import Deed, Jobs


if TYPE_CHECKING:
    from app.window import Window

TIMES = 300  # of a trajectory
NOW, WAY = "Points now (*.ply *.npz)", f"The next {TIMES} frames (*.npz)"


class PointExporter(QObject):
    """Writes the swarm of the large view, or of the first view that has one."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._jobs = Jobs("exporter points", self)
        self._jobs.progressed.connect(
            lambda words, share: window.stage.say(
                "hourglass-medium", words, progress=share, stays=True
            )
        )
        self._jobs.failed.connect(
            lambda sentence: window.stage.say("warning", "Not exported", sentence, kind="warning")
        )

    @property
    def busy(self) -> bool:
        return self._jobs.busy

    def stop(self) -> None:
        """Give up what is under way; no half file stays."""
        self._jobs.stop()

    def ask(self) -> None:
        """Where to, and of which kind."""
        window = self._window
        if window.moment is None:
            return
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        start = str(Path(folder) / f"{window.session.id}.ply")
        name, chosen = QFileDialog.getSaveFileName(
            window, "Save points", start, f"{NOW};;{WAY}", NOW
        )
        if not name:
            return
        path = Path(name)
        if chosen == WAY:
            self.record(path if path.suffix else path.with_suffix(".npz"))
        else:
            self.write(path if path.suffix else path.with_suffix(".ply"))

    def write(self, path: Path) -> None:
        """The points of this instant."""
        twin = self._window.runner.ask(lambda run: run.twin())

        def make() -> Deed:
            simulation = twin.result(timeout=60)
            shape = points.write_now(simulation, self._view(simulation), path)
            return self._tell(path, shape)

        self._jobs.begin(f"Writing {path.name}", make)

    def record(self, path: Path, times: int = TIMES) -> None:
        """Where the points go from here on, at the pace of the window; its run does not notice."""
        window = self._window
        twin, every = window.runner.ask(lambda run: run.twin()), window.session.pace

        def make() -> Deed:
            simulation = twin.result(timeout=60)

            def run(keep: Callable[[], None]) -> None:
                for done in range(times):
                    if self._jobs.cancelled:
                        raise InterruptedError
                    simulation.run(every)
                    keep()
                    self._jobs.progressed.emit(f"Following {path.name}", done / times)

            view = self._view(simulation)
            return self._tell(path, points.write_way(simulation, view, path, times=times, run=run))

        self._jobs.begin(f"Following {path.name}", make)

    def _view(self, simulation: object) -> str:
        views = points.views_with_points(simulation)
        if not views:
            raise ValueError("This system draws no points: export its figure or its data.")
        large = self._window.stage.name
        return large if large in views else views[0]

    def _tell(self, path: Path, shape: tuple[int, ...]) -> Deed:
        words = f"{path}, {' × '.join(map(str, shape))} numbers"
        return lambda: self._window.stage.say("export", "Exported", words)
