"""A picture that says things: in one line at its foot, or in words in its middle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.widgets.notice import Banner, Notice


if TYPE_CHECKING:
    from app.theme.theme import Theme
    from app.widgets.notice import Deed

EDGE = 12  # pixels between what floats and the edge
SAID = 5000  # ms that a sentence stays


class Speaking(QWidget):
    """Whoever shows the picture calls `_place_words` from `_place`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._notice: Notice | None = None
        self._banner = Banner(theme, parent=self)
        self._banner.hide()
        self._saying = QTimer(self, singleShot=True, interval=SAID)
        self._saying.timeout.connect(self._banner.hide)

    def _place(self) -> None:
        raise NotImplementedError

    def say(
        self,
        icon: str,
        title: str,
        text: str = "",
        deed: Deed | None = None,
        *,
        kind: Any = "plain",
        progress: float | None = None,
        stays: bool = False,
    ) -> None:
        """One line at the foot; it goes after a while unless it `stays`."""
        self._saying.stop()
        self._banner.say(icon, title, text, deed, kind=kind, progress=progress)
        self._banner.setMaximumWidth(
            max(self.theme.px(200), self.width() - 2 * self.theme.px(EDGE))
        )
        self._banner.adjustSize()
        self._banner.show()
        self._banner.raise_()
        self._place()
        if not stays:
            self._saying.start()

    def hush(self) -> None:
        self._saying.stop()
        self._banner.hide()

    def show_notice(
        self, icon: str, title: str, text: str, deeds: tuple[Deed, ...], kind: Any = "plain"
    ) -> None:
        """Words in the middle that ask for an answer."""
        self.hide_notice()
        self._notice = Notice(self.theme, icon, title, text, deeds, kind=kind, parent=self)
        self._notice.show()
        self._notice.raise_()
        self._place()

    def hide_notice(self) -> None:
        if self._notice is not None:
            self._notice.hide()
            self._notice.deleteLater()
            self._notice = None

    @property
    def notice(self) -> Notice | None:
        return self._notice

    def _place_words(self, width: int, height: int, avoid: Iterable[QWidget]) -> None:
        """The line stands above what it would cover."""
        edge, banner = self.theme.px(EDGE), self._banner
        left, foot = (width - banner.width()) // 2, height - banner.height() - edge
        for chip in avoid:
            apart = chip.x() > left + banner.width() or chip.x() + chip.width() < left
            if chip.isVisible() and not apart:
                foot = min(foot, chip.y() - banner.height() - edge // 2)
        banner.move(left, foot)
        if self._notice is not None:
            notice = self._notice
            notice.adjustSize()
            notice.move((width - notice.width()) // 2, (height - notice.height()) // 2)
