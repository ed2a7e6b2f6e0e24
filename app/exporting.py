"""From what is on the window to a file: figures and the clipboard, made beside the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QMimeData, QObject, QStandardPaths
from PySide6.QtGui import QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QFileDialog

from app.filming import Filmer
from app.jobs import Deed, Jobs
from app.stills import capture, table, titles
from app.views.view import titled
from app.widgets.composer import Composer


if TYPE_CHECKING:
    from app.figures.recipe import Recipe
    from app.figures.still import Still
    from app.window import Window

PREVIEW = 1400  # pixels of the longer side of the page in the composer


class Exporter(QObject):
    """Takes what is shown as data, and draws it anew at the asked size in a thread of its own."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._jobs = Jobs("exporter", self)
        self._jobs.progressed.connect(self._on_progress)
        self._jobs.failed.connect(partial(self._complain, "Not exported"))
        self.failed = self._jobs.failed
        self.films = Filmer(window)
        self.look: Callable[[], dict[str, Any]] = dict  # what a session keeps of the window
        self._composer: Composer | None = None
        self._page: _Page | None = None  # kept: Qt holds its methods weakly

    def names(self) -> dict[str, str]:
        """The views of the window in words, by name; the large one first."""
        return titles(self._window)

    # Figures.

    def show_dialog(self, chosen: tuple[str, ...] = ()) -> None:
        """Compose a figure; the run goes on. Of a figure that was opened, its page is shown."""
        names = self.names()
        moment = self._window.moment
        if moment is None or not names:
            return
        from app.figures.style import presets

        figure = None if chosen else self._window.documents.figure
        panels = [(name, None) for name in chosen if name in names]
        if figure is not None:
            panels = figure.panels()
            names |= {name: titled(name) for name, _ in panels if name not in names}
        timed = [name for name in names if name in moment.views]
        dialog = Composer(
            self._window.theme,
            names,
            timed,
            presets(),
            steps=moment.past.position.step,
            panels=panels,
            parent=self._window,
        )
        self._composer, self._page = dialog, _Page(self, dialog)
        if figure is None:
            self._page.take()
        else:  # as it was drawn
            dialog.page.setStyleAsked(asdict(figure.recipe.style))
            dialog.set_format(figure.format)
            # The very instant, as long as the run stands there.
            here = moment.past.position == figure.session.position
            self._page.show(figure.still if here else self.captured("Not drawn"))
        dialog.open()

    def export(
        self, names: tuple[str, ...], path: Path, style: dict[str, Any] | None = None
    ) -> None:
        """Draw these views into a file, in the background."""
        wish = {"panels": [(name, None) for name in names], "style": style or {}}
        make = self.captured("Not exported")
        if make is not None:
            self.save(make, wish | {"embedded": True}, path)

    def captured(self, title: str) -> Callable[[], Still] | None:
        """The present instant, or None after a word to the user."""
        try:
            return capture(self._window, self.look())
        except ValueError as error:
            self._complain(title, str(error))
            return None

    def save(self, make: Callable[[], Still], wish: dict[str, Any], path: Path) -> None:
        """Draw a figure into a file, and what stands beside it, in the background."""
        look = self.look()

        def draw() -> Deed:
            from app.figures.companions import write_beside
            from app.figures.still import export

            still = make()
            recipe = recipe_for(still, wish)
            made = export(still, recipe, path, embedded=wish.get("embedded", True))
            files = write_beside(
                still,
                recipe,
                path,
                data=wish.get("data"),
                script=wish.get("script", False),
                sidecar=wish.get("sidecar", False),
                window=look,
            )
            more = f" and {len(files)} beside it" if files else ""
            return lambda: self._window.stage.say("export", "Exported", f"{made}{more}")

        self._jobs.begin(f"Drawing {path.name}", draw)

    def sketch(self, make: Callable[[], Deed]) -> None:
        self._jobs.sketch(make)

    # The clipboard.

    def copy_view(self) -> None:
        """The view under the focus as picture, drawing and words together."""
        name = self._focused()
        make = self.captured("Not copied")
        if make is None:
            return

        def draw() -> Deed:
            from app.figures.still import draw, shown_by

            still = make()
            recipe = recipe_for(still, {"panels": [(name, None)], "style": {"dpi": 300.0}})
            bitmap, drawing = (draw(still, recipe, kind) for kind in ("png", "svg"))
            words = still.caption(shown_by(recipe))

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

        self._jobs.begin("Copying", draw)

    def copy_data(self) -> None:
        """The arrays of the view under the focus, as a table that a spreadsheet takes."""
        name = self._focused()
        columns = self._view(name).data()
        if not columns:
            self._complain("Not copied", "this view holds no data yet")
            return
        QGuiApplication.clipboard().setText(table(columns))
        self._window.stage.say("copy", "Data copied", f"{name}: {', '.join(columns)}")

    def copy_caption(self) -> None:
        """A sentence for the paper."""
        from app.figures.prose import caption

        moment = self._window.moment
        if moment is None:
            return
        words = caption(moment.system, seed=moment.seed, tick=moment.tick, time=moment.time)
        QGuiApplication.clipboard().setText(words)
        self._window.stage.say("copy", "Caption copied", words)

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
        """Ask for a film of the run."""
        self.films.show_dialog(self.look())

    # The threads.

    @property
    def busy(self) -> bool:
        return self._jobs.busy or self.films.busy

    def stop(self) -> None:
        """Give up what is under way; no half file stays."""
        self._jobs.stop()
        self.films.stop()

    def begin(self, words: str, make: Callable[[], Deed]) -> None:
        """Do something in the exporter's thread."""
        self._jobs.begin(words, make)

    def _complain(self, title: str, words: str) -> None:
        self._window.stage.say("warning", title, words, kind="warning")

    def _on_progress(self, words: str, share: float) -> None:
        self._window.stage.say("hourglass-medium", words, progress=share, stays=True)


class _Page:
    """A composer and the instant that its page shows."""

    def __init__(self, exporter: Exporter, dialog: Composer) -> None:
        self._exporter, self._dialog = exporter, dialog
        self._make: Callable[[], Still] | None = None
        self._still: Still | None = None  # of the exporter's thread
        self._at: Any = None
        dialog.preview_wanted.connect(self._preview)
        dialog.asked.connect(self._save)
        dialog.refresh_asked.connect(self.take)
        exporter.failed.connect(dialog.show_trouble)

    def take(self) -> None:
        """The run as it is now."""
        self.show(self._exporter.captured("Not drawn"))

    def show(self, make: Callable[[], Still] | None) -> None:
        """This instant."""
        self._make, self._still = make, None
        self._dialog.refresh()

    def _preview(self, wish: dict[str, Any]) -> None:
        dialog = self._dialog

        def draw() -> Deed:
            from app.figures import prose
            from app.figures.still import draw, shown_by

            try:
                still = self._kept()
                recipe = recipe_for(still, wish, preview=True)
                data = draw(still, recipe, "png", embedded=False, at=self._at)
                texts = {
                    "Caption": still.caption(shown_by(recipe)),
                    "Methods": still.methods(),
                    "BibTeX": prose.bibtex(still.system),
                }
            except ValueError as error:
                return partial(dialog.show_trouble, str(error))

            def show() -> None:
                picture = QPixmap()
                picture.loadFromData(data)
                style = wish["style"]
                tall = style["width"] * picture.height() / max(1, picture.width())
                size = f"{style['width']:g} × {tall:.0f} mm"
                if wish["format"] in ("png", "tiff"):
                    pixels = [round(side / 25.4 * style["dpi"]) for side in (style["width"], tall)]
                    size += f",  {pixels[0]} × {pixels[1]} pixels"
                dialog.show_preview(picture, f"{size}  ·  step {still.step}", texts)

            return show

        self._exporter.sketch(draw)

    def _kept(self) -> Still:
        from app.figures.still import instants

        if self._still is None:
            if self._make is None:
                raise ValueError("There is nothing to draw: open a system first.")
            self._still = self._make()
            self._at = instants(self._still)
        return self._still

    def _save(self, wish: dict[str, Any]) -> None:
        kind = wish["format"]
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        start = str(Path(folder) / f"{self._exporter._window.session.id}.{kind}")
        path, _ = QFileDialog.getSaveFileName(
            self._dialog, "Save figure", start, f"{kind.upper()} (*.{kind})"
        )
        if path:
            file = Path(path)
            self._dialog.accept()
            self._exporter.save(
                self._kept, wish, file if file.suffix else file.with_suffix(f".{kind}")
            )


def recipe_for(still: Still, wish: dict[str, Any], *, preview: bool = False) -> Recipe:
    """The figure that is asked for, drawn from this instant."""
    from app.figures.recipe import Recipe
    from app.figures.style import FigureStyle

    style = dict(wish["style"])
    if preview:
        longer = max(style["width"], style["height"] or style["width"])
        style["dpi"] = min(style["dpi"], max(30.0, PREVIEW / longer * 25.4))
    parts = []
    for name, step in wish["panels"]:
        if name == "trace" and "trace" not in still.measured:
            raise ValueError("Nothing was measured yet: let the run take some steps first.")
        if name == "map" and "map" not in still.measured:
            raise ValueError("The map has no cells yet: wait until it is being filled.")
        parts.append(still.part(name, step))
    if not parts:
        raise ValueError("A figure needs a panel: choose a view.")
    return Recipe(tuple(parts), FigureStyle(**style))
