"""Fields of numbers with a unit, for dialogs: they never steal the wheel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from app.theme.theme import Theme


class _Field:
    """What both fields do."""

    def restyle(self, theme: Theme) -> None:
        """Keep the words off the edge, as in other fields."""
        assert isinstance(self, QWidget)
        line = self.findChild(QLineEdit)
        if line is not None:
            line.setTextMargins(theme.px(6), 0, 0, 0)

    def wheelEvent(self, event) -> None:
        assert isinstance(self, QWidget)
        if self.hasFocus():
            super().wheelEvent(event)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            event.ignore()


class Amount(_Field, QDoubleSpinBox):
    """A length, a size or a time."""

    def __init__(
        self, low: float, high: float, value: float, unit: str = "", *, digits: int = 1,
        step: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(minimum=low, maximum=high, decimals=digits, suffix=unit, singleStep=step)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setValue(value)


class Count(_Field, QSpinBox):
    """A whole number."""

    def __init__(
        self, low: int, high: int, value: int, unit: str = "", *, prefix: str = "", step: int = 1
    ) -> None:
        super().__init__(minimum=low, maximum=high, suffix=unit, prefix=prefix, singleStep=step)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setValue(value)
