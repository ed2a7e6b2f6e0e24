"""What matplotlib is told before it draws: type, lines and ticks of a style."""

from functools import cache
from typing import Any

from app.figures.style import FigureStyle
from app.theme.tokens import colour
from engine.resources import resource


def settings_of(style: FigureStyle) -> dict[str, Any]:
    _bring_inter()
    ink = colour("text", style.theme)
    line = style.line
    return {
        "backend": "agg",
        "font.family": ["Inter", "DejaVu Sans"],
        "mathtext.fontset": "stix",
        "font.size": style.font,
        "axes.labelsize": style.font,
        "axes.linewidth": line,
        "axes.edgecolor": ink,
        "axes.facecolor": "none",
        "axes.labelcolor": ink,
        "axes.unicode_minus": True,
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "xtick.labelsize": 0.93 * style.font,
        "ytick.labelsize": 0.93 * style.font,
        "xtick.direction": "in",
        "ytick.direction": "in",
        "xtick.major.width": line,
        "ytick.major.width": line,
        "xtick.minor.width": 0.7 * line,
        "ytick.minor.width": 0.7 * line,
        "xtick.major.size": 0.4 * style.font,
        "ytick.major.size": 0.4 * style.font,
        "xtick.minor.size": 0.2 * style.font,
        "ytick.minor.size": 0.2 * style.font,
        "xtick.major.pad": 0.35 * style.font,
        "ytick.major.pad": 0.35 * style.font,
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "manyscope",
        "path.simplify": True,
    }


@cache
def _bring_inter() -> None:
    from matplotlib import font_manager

    for file in sorted(resource("fonts").glob("Inter-*.ttf")):
        font_manager.fontManager.addfont(str(file))
