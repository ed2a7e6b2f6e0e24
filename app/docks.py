"""The panels at the sides: below each other where there is room, else behind tabs."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QTabBar,
    QTabWidget,
    QWidget,
)

from app.theme.theme import Theme
from app.widgets.boxes import Row
from app.widgets.buttons import IconButton
from app.widgets.labels import Label


LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
REST = 300  # ms after which Qt has laid the docks out


class DockTitle(QWidget):
    """Shrinks to nothing while a tab says the name already."""

    def __init__(self, theme: Theme, name: str, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dockTitle")
        float_button = IconButton(theme, "arrow-square-out", f"Float {name}", size=14)
        close = IconButton(theme, "x", f"Close {name}", size=14)
        float_button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        close.clicked.connect(dock.close)
        self._row = Row(
            theme, Label(name, "strong"), None, float_button, close, margins=(12, 0, 6, 0), gap=2
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._row)
        self._shown = True
        self.restyle(theme)

    def set_shown(self, shown: bool) -> None:
        self._shown = shown
        self.restyle(self.theme)

    def restyle(self, theme: Theme) -> None:
        self.theme = theme
        self._row.restyle(theme)
        self._row.setVisible(self._shown)
        self.setFixedHeight(theme.px(theme.sizes["title"]) if self._shown else 0)


class Docks(QObject):
    """Two panels to a side; each can float and close."""

    changed = Signal()  # a hand has closed, opened or moved one, or they were laid out anew

    def __init__(
        self,
        window: QMainWindow,
        theme: Theme,
        left: dict[str, QWidget],
        right: dict[str, QWidget],
    ) -> None:
        super().__init__(window)
        self._window = window
        self.by_name: dict[str, QDockWidget] = {}
        self._pairs: list[tuple[QDockWidget, ...]] = []
        for area, panels in ((LEFT, left), (RIGHT, right)):
            window.setTabPosition(area, QTabWidget.TabPosition.North)
            for name, panel in panels.items():
                dock = QDockWidget(name, window)
                dock.setObjectName(name)
                dock.setWidget(panel)
                dock.setTitleBarWidget(DockTitle(theme, name, dock))
                self.by_name[name] = dock
                window.addDockWidget(area, dock)
                for told in (dock.visibilityChanged, dock.topLevelChanged):
                    told.connect(lambda _: self.changed.emit())
                dock.dockLocationChanged.connect(lambda _: self.changed.emit())
            self._pairs.append(tuple(self.by_name[name] for name in panels))

    def read(self) -> dict[str, tuple[bool, bool, bool]]:
        """Of each by its name: whether it is closed, whether it floats, whether it is left."""
        area = self._window.dockWidgetArea
        return {
            name: (dock.isHidden(), dock.isFloating(), area(dock) == LEFT)
            for name, dock in self.by_name.items()
        }

    def show(self, places: dict[str, tuple[bool, bool, bool]]) -> None:
        """Put them where they were."""
        now = self.read()
        for name, (closed, floats, left) in places.items():
            dock = self.by_name[name]
            if now[name] != (closed, floats, left):
                if not floats:
                    self._window.addDockWidget(LEFT if left else RIGHT, dock)
                dock.setFloating(floats)
                dock.setHidden(closed)

    def fit(self, theme: Theme, compact: bool) -> None:
        """Lay them out anew, behind tabs where it is `compact`."""
        window, px = self._window, theme.px
        for pair in self._pairs:
            if any(dock.isFloating() for dock in pair):
                continue
            # Qt splits no tabs and keeps the tab bar of docks that are tabbed twice: begin anew.
            hidden = {dock: dock.isHidden() for dock in pair}
            for dock in pair:
                area = window.dockWidgetArea(dock)
                window.removeDockWidget(dock)
                window.addDockWidget(area, dock)
            if compact:
                window.tabifyDockWidget(*pair)
            for dock in pair:
                dock.setHidden(hidden[dock] and not window.isHidden())
            pair[0].raise_()
        for dock in self.by_name.values():
            dock.titleBarWidget().set_shown(not compact)  # type: ignore[attr-defined]
        wide = (px(228), px(272)) if compact else (px(280), px(316))
        firsts = [pair[0] for pair in self._pairs]
        window.resizeDocks(firsts, list(wide), Qt.Orientation.Horizontal)
        if not compact:
            tall = [px(v) for v in (560, 380, 690, 240)]
            window.resizeDocks(list(self.by_name.values()), tall, Qt.Orientation.Vertical)
        self.settle()

    def settle(self) -> None:
        """Look after the tab bars once Qt has laid the docks out."""
        QTimer.singleShot(REST, self, self._mend_tabs)

    def _mend_tabs(self) -> None:
        """Qt leaves tab bars of former layouts standing, and takes up hidden ones again."""
        only = Qt.FindChildOption.FindDirectChildrenOnly
        for bar in self._window.findChildren(QTabBar, options=only):
            docks = [self.by_name.get(bar.tabText(k)) for k in range(bar.count())]
            sits = any(
                dock is not None and (dock.x(), dock.width()) == (bar.x(), bar.width())
                for dock in docks
            )
            first = docks[0] if docks else None
            tabbed = first is not None and bool(self._window.tabifiedDockWidgets(first))
            wanted = sits and tabbed
            if bar.isVisible() != wanted:
                bar.setVisible(wanted)
