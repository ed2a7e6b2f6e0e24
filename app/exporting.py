"""From what is on the window to a file: figures, videos and the clipboard, made beside the run."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QMimeData, QObject, QStandardPaths, Signal
from PySide6.QtGui import QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QFileDialog

from app.diagrams import symbol_of
from app.priority import BUILD, give_way
from app.widgets.export_dialog import ExportDialog


if TYPE_CHECKING:
    from app.figures.panels import Panel
    from app.figures.style import FigureStyle
    from app.window import Window

PREVIEW = 160  # dpi of the page in the dialog


class Exporter(QObject):
    """Takes what is shown as data, and draws it anew at the asked size in a thread of its own."""

    drawn = Signal(object)  # a callable for the window's thread
    progressed = Signal(str, float)  # words, share

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._thread: threading.Thread | None = None
        self._next: tuple[str, Callable[[], Callable[[], None]]] | None = None
        self._stopping = False
        self.drawn.connect(lambda deed: deed())
        self.progressed.connect(self._on_progress)

    # What can be exported.

    def names(self) -> dict[str, str]:
        """The views of the window in words, by name; the large one first."""
        window = self._window
        if window.moment is None:
            return {}
        large, *others = window.moment.frame
        order = symbol_of(window.moment.system, next(iter(window.moment.observables), ""))
        return {
            large: large.capitalize(),
            "trace": window.trace_panel.title(),
            "map": "Phase diagram",
            "curve": f"Theory curve of {order}",
            **{name: name.capitalize() for name in others},
        }

    def _panels(self, names: tuple[str, ...]) -> Callable[[], list[Panel]]:
        """These views as data: what is on the screen now, whatever the run does next.

        Made in the exporting thread, since a swarm that is shown as its density has to be asked
        of the run.
        """
        window, moment = self._window, self._window.moment
        if moment is None:
            raise ValueError("Nothing is open yet: open a system first.")
        system, axes = moment.system, window.diagrams.axes
        order = next(iter(moment.observables), "")
        trace = [np.asarray(column) for column in list(window.trace.data().values())[:3]]
        measured, lines = window.diagrams.measured, dict(window.diagrams.lines)
        curve = window.diagrams.curve_parts()
        values = window.session.values
        view, large = window.stage.view, window.stage.name
        camera = copy.deepcopy(getattr(view, "camera", None))
        colouring = getattr(view, "colouring", "") or None
        whole = window.runner.ask(lambda run: run.look().frame) if moment.densities else None
        if "map" in names and (measured is None or axes is None):
            raise ValueError("The map has no cells yet: wait until it is being filled.")

        def make() -> list[Panel]:
            from app.figures import panels

            frame = moment.frame if whole is None else whole.result(timeout=60)
            label = panels.quantity_label(system, order)
            made: list[Panel] = []
            for name in names:
                if name == "trace":
                    made.append(panels.Trace(*trace, label=label, clock=system.clock))
                elif name == "map" and axes is not None:
                    x, y = (panels.parameter_label(system, axis.name) for axis in axes)
                    dot = (values[axes[0].name], values[axes[1].name])
                    made.append(panels.MapPanel(measured, lines, dot, x, y, label))
                elif name == "curve" and axes is not None:
                    x = panels.parameter_label(system, axes[0].name)
                    made.append(panels.ParameterCurve(**curve, x_label=x, y_label=label))
                elif name in frame:
                    (panel,) = panels.frame_panels(system, frame, (name,))
                    if name == large and camera is not None:
                        panel = dataclasses.replace(panel, camera=camera, colouring=colouring)
                    made.append(panel)
            return made

        return make

    def metadata(self, names: tuple[str, ...] = ()) -> dict[str, Any]:
        """What makes the figure again, and the program that made it."""
        from app.figures.metadata import metadata_of

        moment = self._window.moment
        if moment is None:
            return {}
        return metadata_of(
            moment.system, seed=moment.seed, tick=moment.tick, time=moment.time, views=names
        )

    # Figures.

    def show_dialog(self, chosen: tuple[str, ...] = ()) -> None:
        """Ask what, how large and where; the run goes on."""
        if self._window.moment is None:
            return
        names = self.names()
        dialog = ExportDialog(
            self._window.theme, list(names.items()), chosen or tuple(names)[:1], self._window
        )
        dialog.preview_wanted.connect(lambda wish: self._preview(dialog, wish))
        dialog.asked.connect(lambda wish: self._ask_path(dialog, wish))
        self._dialog = dialog
        dialog.open()

    def export(
        self, names: tuple[str, ...], path: Path, style: dict[str, Any] | None = None
    ) -> None:
        """Draw these views into a file, in the background."""
        wish = style or {}
        try:
            make = self._panels(names)
        except ValueError as error:
            self._window.stage.say("warning", "Not exported", str(error), kind="warning")
            return
        about = self.metadata(names) if wish.get("metadata", True) else None

        def draw() -> Callable[[], None]:
            from app.figures.figure import export_figure

            made = export_figure(make(), path, _style(wish), about)
            return lambda: self._window.stage.say("export", "Exported", str(made))

        self.begin(f"Drawing {path.name}", draw)

    def _ask_path(self, dialog: ExportDialog, wish: dict[str, Any]) -> None:
        kind = wish["format"]
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        start = str(Path(folder) / f"{self._window.session.id}.{kind}")
        path, _ = QFileDialog.getSaveFileName(
            dialog, "Save figure", start, f"{kind.upper()} (*.{kind})"
        )
        if path:
            dialog.accept()
            file = Path(path)
            file = file if file.suffix else file.with_suffix(f".{kind}")
            self.export(tuple(wish["views"]), file, wish)

    def _preview(self, dialog: ExportDialog, wish: dict[str, Any]) -> None:
        try:
            make = self._panels(tuple(wish["views"]))
        except ValueError as error:
            dialog.show_preview(None, str(error))
            return

        def draw() -> Callable[[], None]:
            from app.figures.figure import figure_bytes

            try:
                data = figure_bytes(make(), _style(wish | {"dpi": PREVIEW}), "png", None)
            except ValueError as error:
                words = str(error)
                return lambda: dialog.show_preview(None, words)

            def show() -> None:
                picture = QPixmap()
                picture.loadFromData(data)
                dialog.show_preview(picture)

            return show

        self.begin("", draw)

    # The clipboard.

    def copy_view(self) -> None:
        """The view under the focus as picture, drawing and words together."""
        name = self._focused()
        try:
            make = self._panels((name,))
        except ValueError as error:
            self._window.stage.say("warning", "Not copied", str(error), kind="warning")
            return
        about, words = self.metadata((name,)), self.caption()

        def draw() -> Callable[[], None]:
            from app.figures.figure import figure_bytes

            panels = make()
            bitmap = figure_bytes(panels, _style({"dpi": 300}), "png", about)
            drawing = figure_bytes(panels, _style({"dpi": 300}), "svg", about)

            def put() -> None:
                mime = QMimeData()
                picture = QImage()
                picture.loadFromData(bitmap)
                mime.setImageData(picture)
                mime.setData("image/svg+xml", drawing)
                mime.setText(words)
                QGuiApplication.clipboard().setMimeData(mime)
                self._window.stage.say("camera", "Copied", self.names().get(name, name))

            return put

        self.begin("Copying", draw)

    def copy_data(self) -> None:
        """The arrays of the view under the focus, as a table that a spreadsheet takes."""
        name = self._focused()
        columns = self._view(name).data()
        if not columns:
            self._window.stage.say("warning", "Not copied", "this view holds no data yet")
            return
        QGuiApplication.clipboard().setText(_table(columns))
        self._window.stage.say("copy", "Data copied", f"{name}: {', '.join(columns)}")

    def caption(self) -> str:
        from app.figures.metadata import caption

        return caption(self.metadata())

    def copy_caption(self) -> None:
        if self._window.moment is not None:
            QGuiApplication.clipboard().setText(self.caption())
            self._window.stage.say("copy", "Caption copied", self.caption())

    def _focused(self) -> str:
        """The name of the view under the focus or the pointer; else the large one."""
        window = self._window
        views = {"trace": window.trace, **window.diagrams.views}
        for name, view in views.items():
            if view.isVisible() and (view.underMouse() or view.hasFocus()):
                return name
        return window.stage.name

    def _view(self, name: str) -> Any:
        window = self._window
        views = {
            "trace": window.trace,
            **window.diagrams.views,
            window.stage.name: window.stage.view,
        }
        return views[name]

    # Videos.

    def export_video(self) -> None:
        """Ten seconds from here on, by step: the run on the window does not notice."""
        window = self._window
        if window.moment is None:
            return
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        start = str(Path(folder) / f"{window.session.id}.mp4")
        path, _ = QFileDialog.getSaveFileName(
            window, "Save ten seconds as video", start, "MP4 (*.mp4);;GIF (*.gif)"
        )
        if path:
            file = Path(path)
            self.render(file if file.suffix else file.with_suffix(".mp4"))

    def render(self, path: Path, *, frames: int = 300, fps: int = 30) -> None:
        """Render so many frames of the run's future into a video, in the background."""
        window = self._window
        snapshot = window.runner.ask(lambda run: run.snapshot())
        every = window.session.pace

        def draw() -> Callable[[], None]:
            from app.figures.film_script import Script
            from app.figures.video import render_video
            from engine.core.simulation import Simulation

            kept = snapshot.result(timeout=60)
            run = Simulation(kept.system, kept.seed).restore(kept)
            render_video(
                run,
                path,
                Script(frames * every, every, fps),
                progress=lambda done: self.progressed.emit(path.name, done / frames),
                stop=lambda: self._stopping,
            )
            return lambda: window.stage.say("film-strip", "Rendered", str(path))

        self.begin(f"Rendering {path.name}", draw)

    # The thread.

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Give up what is under way; no half file stays."""
        self._stopping = True
        if self._thread is not None:
            self._thread.join(timeout=60)

    def begin(self, words: str, draw: Callable[[], Callable[[], None]]) -> None:
        """Draw in a thread; of several that wait, the last one is drawn."""
        self._next = (words, draw)
        if not self.busy:
            self._thread = threading.Thread(target=self._work, name="exporter", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        give_way(BUILD)
        while self._next is not None and not self._stopping:
            (words, draw), self._next = self._next, None
            if words:
                self.progressed.emit(words, -1.0)
            try:
                deed = draw()
            except InterruptedError:
                continue
            except Exception as error:  # shown in words; the window goes on
                sentence = str(error) or type(error).__name__
                deed = partial(
                    self._window.stage.say, "warning", "Not exported", sentence, kind="warning"
                )
            self.drawn.emit(deed)

    def _on_progress(self, words: str, share: float) -> None:
        self._window.stage.say("hourglass-medium", words, progress=share, stays=True)


def _style(wish: dict[str, Any]) -> FigureStyle:
    from app.figures.style import FigureStyle

    known = {field.name for field in dataclasses.fields(FigureStyle)}
    return FigureStyle(**{name: value for name, value in wish.items() if name in known})


def _table(columns: dict[str, np.ndarray]) -> str:
    """Columns side by side, tab-separated; what has several components has several columns."""
    flat: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        values = np.asarray(values)
        if values.ndim <= 1:
            flat[name] = np.atleast_1d(values)
        else:
            for k, column in enumerate(values.reshape(-1, values.shape[-1]).T):
                flat[f"{name} {k}"] = column
    rows = max(len(column) for column in flat.values())
    lines = ["\t".join(flat)]
    for row in range(rows):
        lines.append("\t".join(f"{c[row]:.7g}" if row < len(c) else "" for c in flat.values()))
    return "\n".join(lines)
