"""From the run to a film: asked for in a dialog, rendered by step in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QStandardPaths
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFileDialog

from app.jobs import Deed, Jobs
from app.stills import titles
from app.widgets.parameter_row import words
from app.widgets.video_dialog import Guide, VideoDialog


if TYPE_CHECKING:
    from app.figures.film_script import Script
    from app.window import Window

PREVIEW = 960  # pixels of the width of the frame in the dialog
TOLD = 0.15  # s between two words on how far a film is


class Filmer(QObject):
    """Renders films beside the run; one at a time, with a bar and a way to give up."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._jobs = Jobs("exporter films", self)
        self._jobs.progressed.connect(self._on_progress)
        self._jobs.failed.connect(
            lambda sentence: window.stage.say("warning", "No film", sentence, kind="warning")
        )
        self._dialog: VideoDialog | None = None
        self._keys: list[dict[str, Any]] = []

    @property
    def busy(self) -> bool:
        return self._jobs.busy

    def stop(self) -> None:
        """Give up what is under way; no half file stays."""
        self._jobs.stop()

    def show_dialog(self, look: dict[str, Any]) -> None:
        """Ask what, how large and where; the run goes on."""
        window = self._window
        moment = window.moment
        if moment is None:
            return
        views = {n: title for n, title in titles(window).items() if n in moment.views}
        guides = [
            Guide(p.name, words(p), float(window.session.values[p.name]), p.span)
            for p in window.session.parameters.values()
            if p.kind == "live" and p.span
        ]
        dialog = VideoDialog(
            window.theme,
            views,
            guides,
            every=window.session.pace,
            past=moment.past.position.step,
            in_space=getattr(getattr(window.stage.view, "camera", None), "dim", 2) == 3,
            parent=window,
        )
        self._keys = []
        dialog.key_asked.connect(lambda: self._keys.append(self._camera() or {}))
        dialog.keys_dropped.connect(self._keys.clear)
        dialog.preview_wanted.connect(partial(self._preview, dialog))
        self._jobs.failed.connect(dialog.show_trouble)
        dialog.asked.connect(lambda wish: self._ask_path(dialog, wish, look))
        self._dialog = dialog
        # Not modal: a camera is turned in the window, and taken as a key.
        dialog.show()

    def render(
        self,
        path: Path,
        script: Script,
        *,
        past: bool = False,
        look: dict[str, Any] | None = None,
        embedded: bool = True,
    ) -> None:
        """Render the run's future into a film, or (`past`) what led here, in the background."""
        window = self._window
        twin = window.runner.ask(lambda run: run.twin())

        def draw() -> Deed:
            from app.figures.still import session_text
            from app.figures.video import render_video

            run = twin.result(timeout=60)
            if past:
                run.back_to(max(0, run.step - script.steps))
            told = 0.0

            def progress(done: int) -> None:
                nonlocal told
                if time.monotonic() - told > TOLD:
                    told = time.monotonic()
                    self._jobs.progressed.emit(path.name, done / script.frames)

            made = render_video(
                run,
                path,
                script,
                session=session_text(run, look) if embedded else None,
                progress=progress,
                stop=lambda: self._jobs.cancelled,
            )
            text = f"{made.path}, {made.frames} frames"
            return lambda: window.stage.say("film-strip", "Rendered", text)

        self._jobs.begin(path.name, draw)

    # The dialog.

    def _camera(self) -> dict[str, Any] | None:
        """The camera of the stage, in plain numbers."""
        from app.views.camera import described

        camera = getattr(self._window.stage.view, "camera", None)
        return None if camera is None else described(camera)

    def _script(self, wish: dict[str, Any], steps: int) -> Script:
        from app.figures.film_script import CameraKey, Script

        cameras: list[dict[str, Any]] = []
        camera = self._camera() if wish["view"] == self._window.stage.name else None
        if wish["camera"] == "through keys":
            cameras = [key for key in self._keys if key]
        elif wish["camera"] != "all of it" and camera is not None:
            cameras = [camera]
        last = max(1, len(cameras) - 1)
        keys = tuple(CameraKey(k / last, said) for k, said in enumerate(cameras))
        colouring = getattr(self._window.stage.view, "colouring", "") or None
        return Script(
            steps,
            wish["every"],
            wish["fps"],
            tuple(wish["size"]),
            wish["view"],
            wish["theme"],
            (wish["hold"], wish["hold"]),
            {wish["path"][0]: wish["path"][1:]} if wish["path"] and not wish["past"] else {},
            keys,
            wish["turns"],
            colouring,
        )

    def _preview(self, dialog: VideoDialog, wish: dict[str, Any]) -> None:
        """The frame at a share of the film: as it was, or of the run as it is now."""
        moment = self._window.moment
        if moment is None:
            return
        width, height = wish["size"]
        scale = min(1.0, PREVIEW / max(width, height))
        small = wish | {"size": (max(64, round(width * scale)), max(64, round(height * scale)))}
        try:
            script = self._script(small, (dialog.frames - 1) * wish["every"])
        except ValueError as error:
            dialog.show_trouble(str(error))
            return
        snapshot = self._window.runner.ask(lambda run: run.twin())

        def draw() -> Deed:
            from app.figures.video import frame_at

            run = snapshot.result(timeout=60)
            if wish["past"]:
                frame = round(wish["share"] * (script.moving - 1))
                run.back_to(max(0, run.step - script.steps) + frame * script.every)
            try:
                picture = frame_at(run, script, wish["share"])
            except ValueError as error:
                return partial(dialog.show_trouble, str(error))
            height, width, _ = picture.shape
            data = picture.tobytes()

            def show() -> None:
                image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
                dialog.show_preview(QPixmap.fromImage(image))

            return show

        self._jobs.sketch(draw)

    def _ask_path(self, dialog: VideoDialog, wish: dict[str, Any], look: dict[str, Any]) -> None:
        try:
            script = self._script(wish, (dialog.frames - 1) * wish["every"])
        except ValueError as error:
            dialog.show_trouble(str(error))
            return
        kind = wish["format"]
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        start = str(Path(folder) / f"{self._window.session.id}.{kind}")
        path, _ = QFileDialog.getSaveFileName(
            dialog, "Save film", start, f"{kind.upper()} (*.{kind})"
        )
        if path:
            file = Path(path)
            dialog.accept()
            self.render(
                file if file.suffix else file.with_suffix(f".{kind}"),
                script,
                past=wish["past"],
                look=look,
                embedded=wish["embedded"],
            )

    def _on_progress(self, name: str, share: float) -> None:
        give_up: tuple[str, Callable[[], object]] = ("Cancel", self._jobs.cancel)
        told = f"{100 * share:.0f} %" if share >= 0 else ""
        self._window.stage.say(
            "film-strip", f"Rendering {name}", told, give_up, progress=share, stays=True
        )
