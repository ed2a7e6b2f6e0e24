"""Draws the pictures that the associative memories remember, `resources/glyphs.txt`.

Each is a letter on a ground of large light and dark fields, with the colours exchanged inside the
letter. So any two of them agree in about half of their pixels, as random patterns do: plain
letters would share most of their ground, and a Hebbian memory would mix them up.
"""

from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont


RESOURCES = Path(__file__).parent.parent / "resources"
LETTERS = "MANYSO?πΩ2&C"
SIDE = 32  # pixels
FIELDS = 4  # of the ground, along a side


def letter(word: str) -> np.ndarray:
    """1 inside the letter, 0 outside, centred and as tall as the picture allows."""
    font = ImageFont.truetype(str(RESOURCES / "fonts" / "Inter-SemiBold.ttf"), 8 * 34)
    page = Image.new("L", (8 * 64, 8 * 64))
    ImageDraw.Draw(page).text((256, 256), word, fill=255, font=font, anchor="mm")
    page = page.crop(page.getbbox())
    scale = min((SIDE - 4) / page.width, (SIDE - 4) / page.height)
    size = (round(page.width * scale), round(page.height * scale))
    picture = Image.new("L", (SIDE, SIDE))
    picture.paste(page.resize(size), ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(picture) > 127


def grounds() -> list[np.ndarray]:
    """Walsh's functions on a few large fields: +1 and −1, each orthogonal to all others."""
    rows = np.array([[1]])
    for _ in range(int(np.log2(FIELDS))):
        rows = np.block([[rows, rows], [rows, -rows]])
    each = [np.kron(row, np.ones(SIDE // FIELDS)) for row in rows]
    return [np.outer(a, b) for a, b in product(each, each)]


def pictures() -> list[np.ndarray]:
    """The letters in order, each on the ground on which it is least like those before it."""
    made: list[np.ndarray] = []
    for word in LETTERS:
        ways = [np.where(letter(word), -ground, ground) for ground in grounds()]

        def likeness(way: np.ndarray) -> float:
            return float(sum(np.mean(way * other) ** 2 for other in [np.ones_like(way), *made]))

        made.append(min(ways, key=likeness))
    return made


if __name__ == "__main__":
    made = pictures()
    overlaps = np.array([[np.mean(a * b) for a in made] for b in made]) - np.eye(len(made))
    print(f"{len(made)} pictures; two of them overlap by at most {np.abs(overlaps).max():.2f}")
    rows = ["\n".join("".join(".#"[int(x > 0)] for x in row) for row in one) for one in made]
    (RESOURCES / "glyphs.txt").write_text("\n\n".join(rows) + "\n")
