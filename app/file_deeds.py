"""What the window does with files: sessions, figures that carry one, point clouds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMenu

from app.widgets.recent_menu import RecentRow, add_row


if TYPE_CHECKING:
    from app.documents import Documents
    from app.point_files import PointExporter
    from app.session import Session
    from app.stage import Stage
    from app.theme.theme import Theme
    from app.widgets.gallery_panel import GalleryPanel

FIRST = "vicsek"  # what opens when nothing is asked for
LAYOUT = 1  # version of the saved state of the docks: another one is dropped


class FileDeeds(QMainWindow):
    """Mixed into the window: one method for each action, by its name."""

    theme: Theme
    session: Session
    stage: Stage
    gallery: GalleryPanel
    documents: Documents
    points: PointExporter

    def _refuse(self, sentence: str) -> None:
        raise NotImplementedError

    def new_session(self) -> None:
        self.documents.new()

    def open_system(self, name: str) -> None:
        """Run a system of the gallery; what was not saved is kept."""
        self.documents.leave()
        if not self.session.open(name):
            self.documents.stay()

    def open_session(self) -> None:
        self.documents.open()

    def save_session(self) -> None:
        self.documents.save()

    def save_session_as(self) -> None:
        self.documents.save_as()

    def open_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a point cloud", "", "Point clouds (*.ply *.off *.obj *.xyz *.npy *.csv)"
        )
        if path:
            self.open_cloud(Path(path))

    def export_points(self) -> None:
        """The swarm as it is, or where it goes, as a file."""
        self.points.ask()

    def open_cloud(self, path: Path) -> None:
        """Let the user's cloud condense."""
        import jax.numpy as jnp

        from engine.storage.clouds import load_cloud

        try:
            cloud = load_cloud(path)
        except (OSError, ValueError) as error:
            self._refuse(str(error))
        else:
            self.documents.leave()
            if self.session.open("exact-score-cloud", own=jnp.asarray(cloud.points)):
                self.stage.say("cube", path.name, cloud.thinned or f"{cloud.held} points")
            else:
                self.documents.stay()
        self.show_something()

    def show_something(self) -> None:
        """A window that was started on a file that does not open shows something."""
        if self.session.system is None:
            self.session.open(FIRST)

    def fill_recent(self, menu: QMenu) -> None:
        """The files that were open before, with their pictures."""
        menu.clear()
        files = self.documents.recent.files()
        for past in files:
            row = RecentRow(self.theme, past.title, past.path, past.picture)
            action = add_row(menu, row)
            action.triggered.connect(lambda _=False, path=past.path: self.documents.open_path(path))
        if not files:
            menu.addAction("No file was open yet").setEnabled(False)

    def show_title(self) -> None:
        """The file and the system, with a mark while something is not saved."""
        title = self.title_of(self.session.id)
        name = self.documents.name
        words = [f"{name}[*]", title] if name else [f"{title}[*]"]
        self.setWindowTitle(" – ".join([*words, "Manyscope"]))
        self.setWindowModified(self.documents.modified)

    def title_of(self, name: str) -> str:
        """How the gallery calls a system."""
        return next((e.title for e in self.gallery.entries if e.id == name), name)

    def layout_words(self) -> str:
        """The places of the docks, as text."""
        return bytes(self.saveState(LAYOUT).toBase64().data()).decode("ascii")

    def show_layout(self, told: dict[str, Any]) -> None:
        """Put the docks where a session has them; what does not fit is left."""
        words = told.get("layout")
        if isinstance(words, str):
            self.restoreState(QByteArray.fromBase64(words.encode("ascii", "ignore")), LAYOUT)
