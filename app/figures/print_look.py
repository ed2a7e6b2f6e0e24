"""How points and lines of a scene are drawn for paper."""

from app.figures import scene
from app.figures.style import MM, PT, FigureStyle


def look_in_print(style: FigureStyle) -> scene.Look:
    pixels = style.dpi * MM  # a mm
    dark = style.theme == "dark"
    return scene.Look(
        dark=dark,
        smallest=0.055 * pixels,
        largest=(0.4 if dark else 0.17) * pixels,
        line=max(1.0, 1.3 * style.line * PT * pixels),
        halo=0.3,
    )
