"""The look as data: colours, sizes, fonts and icons of one theme at one interface scale."""

import re
from functools import cache
from typing import Literal

from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from app.theme.icons import icon_of
from app.theme.tokens import tokens
from engine.resources import resource


Name = Literal["dark", "light", "contrast"]
PALETTE = {
    "Window": "window",
    "WindowText": "text",
    "Base": "raised",
    "AlternateBase": "panel",
    "Text": "text",
    "Button": "panel",
    "ButtonText": "text",
    "ToolTipBase": "raised",
    "ToolTipText": "text",
    "Highlight": "accent_fill",
    "HighlightedText": "on_accent",
    "PlaceholderText": "text3",
    "Link": "accent",
    "Mid": "line",
    "Dark": "window",
}


class Theme:
    """Colours, sizes, fonts and icons; immutable: a change of look is another `Theme`."""

    def __init__(self, name: Name = "dark", scale: float = 1.0) -> None:
        self.name: Name = name
        self.scale = scale
        self.colours: dict[str, str] = tokens()["themes"][name]
        self.type: dict[str, float] = tokens()["type"]
        self.sizes: dict[str, int] = tokens()["size"]
        self.motion: dict[str, int] = tokens()["motion"]
        self._icons: dict[tuple[str, str, str], QIcon] = {}

    @property
    def dark(self) -> bool:
        return self.name != "light"

    def hex(self, name: str) -> str:
        return self.colours[name]

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        colour = QColor(self.colours[name])
        colour.setAlphaF(alpha)
        return colour

    def px(self, pixels: float) -> int:
        """Pixels of scale 1 at this scale."""
        return max(1, round(pixels * self.scale))

    def font(self, role: str = "body", weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        font = QFont(QApplication.font())
        font.setPointSizeF(self.type[role] * self.scale)
        font.setWeight(weight)
        return font

    def icon(self, name: str, colour: str = "text2", active: str = "accent") -> QIcon:
        """A Phosphor icon by its name, such as `play-fill`."""
        key = name, colour, active
        if key not in self._icons:
            colours = (self.hex(token) for token in (colour, active, "line_strong"))
            self._icons[key] = icon_of(name, *colours)
        return self._icons[key]

    def sheet(self) -> str:
        """The style sheet of the application."""
        text = resource("theme.qss").read_text("utf-8")
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        text = re.sub(r"@@(\d+)", lambda m: f"{self.px(int(m[1]))}px", text)
        text = re.sub(r"@pt\.(\w+)", lambda m: f"{self.type[m[1]] * self.scale:g}pt", text)
        text = text.replace("@icons", (resource("icons") / self.name).as_posix())
        return re.sub(r"@(\w+)", lambda m: self.colours[m[1]], text)

    def palette(self) -> QPalette:
        palette = QPalette()
        for role, name in PALETTE.items():
            palette.setColor(getattr(QPalette.ColorRole, role), self.colour(name))
        return palette

    def apply(self, application: QApplication) -> None:
        """Dress the whole application."""
        # Without the old sheet, widgets are polished once instead of once for each change below.
        application.setStyleSheet("")
        if application.style().objectName() != "fusion":
            application.setStyle("Fusion")
        application.setPalette(self.palette())
        _bring_inter()
        font = QFont()
        font.setFamilies(tokens()["family"])
        font.setPointSizeF(self.type["body"] * self.scale)
        font.setFeature(QFont.Tag("tnum"), 1)  # digits of one width: numbers do not dance
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        application.setFont(font)
        application.setStyleSheet(self.sheet())


@cache
def _bring_inter() -> None:
    """Inter in three weights, brought along: the same face on every machine."""
    for file in sorted(resource("fonts").glob("Inter-*.ttf")):
        QFontDatabase.addApplicationFont(str(file))
