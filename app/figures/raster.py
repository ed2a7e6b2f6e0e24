"""Points as light or as ink: one software rasteriser for figures, videos and thumbnails.

Every point adds (w·colour, w) to the pixels around it; a kernel spreads the sums; `light` and
`ink` turn them into a picture. Light is 1 − exp(−Σ w·colour) on a dark stage, so that crowds grow
bright without clipping to white. Ink is the mean colour covering 1 − exp(−Σ w) of the paper, so
that crowds grow dense and keep their hue. The same rule as the window's, without OpenGL.

Pictures are `[height, width, 3]` in 0 to 1 with row 0 at the top; pixel coordinates count from
the lower left corner, as the axes do.
"""

import numpy as np


def projected(
    position: np.ndarray, matrix: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where points come to lie, in pixels, and how deep (−1 near to 1 far); hidden ones are NaN."""
    position = np.asarray(position, np.float64)
    whole = np.zeros((len(position), 4))
    whole[:, : position.shape[1]] = position
    whole[:, 3] = 1
    clip = whole @ np.asarray(matrix, np.float64).T
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.where(clip[:, 3:] > 0, clip[:, :3] / clip[:, 3:], np.nan)
    pixels = (seen[:, :2] + 1) / 2 * (width, height)
    return pixels, seen[:, 2]


def deposited(
    pixels: np.ndarray, colour: np.ndarray, weight: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Sums of (w·colour, w) per pixel, each point shared bilinearly by the four nearest."""
    # Comparisons with not-a-number are false.
    inside = ((pixels > -1) & (pixels < (width + 1, height + 1))).all(axis=1)
    x, y = pixels[inside].T - 0.5
    colour, weight = colour[inside], weight[inside]
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, up = x - column, y - row
    # A margin all round takes what falls outside.
    wide = width + 4
    corners = [(dx, dy) for dx in (0, 1) for dy in (0, 1)]
    place = np.concatenate([(row + dy + 2) * wide + column + dx + 2 for dx, dy in corners])
    shares = [(right if dx else 1 - right) * (up if dy else 1 - up) for dx, dy in corners]
    share = np.concatenate([weight * part for part in shares])
    sums = np.empty((height + 4, wide, 4), np.float32)
    for channel in range(4):
        part = share if channel == 3 else share * np.tile(colour[:, channel], 4)
        sums[..., channel] = np.bincount(place, part, sums[..., 0].size).reshape(sums.shape[:2])
    return sums[2:-2, 2:-2][::-1]


def grain(radius: float) -> np.ndarray:
    """A soft round spot of light, 1 in its middle: its profile, whose product with itself it is."""
    half = max(int(np.ceil(radius * 1.7)), 1)
    side = np.arange(-half, half + 1, dtype=np.float32)
    return np.exp(-2.2 * (side / max(radius, 0.5)) ** 2)


def disc(radius: float) -> np.ndarray:
    """A disc with a smooth edge, 1 inside; one of a few pixels keeps its area."""
    shown = max(radius, 0.6)
    kernel = np.clip(shown - _away(shown + 1) + 0.5, 0, 1)
    return kernel if radius > 2 else kernel * np.float32(np.pi * radius**2 / kernel.sum())


def spread(sums: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Every pixel's sum as a spot of the shape of `kernel`; one axis of it means a product."""
    height, width, _ = sums.shape
    if kernel.ndim == 1:
        return _smeared(_smeared(sums, kernel, 0), kernel, 1)
    reach = kernel.shape[0] // 2
    shape = [_smooth(side + 2 * reach) for side in (height, width)]
    placed = np.zeros(shape, np.float32)
    placed[: kernel.shape[0], : kernel.shape[1]] = kernel
    wave = np.fft.rfft2(placed)
    out = np.empty_like(sums)
    for channel in range(sums.shape[2]):
        whole = np.fft.irfft2(np.fft.rfft2(sums[..., channel], shape) * wave, shape)
        out[..., channel] = whole[reach : reach + height, reach : reach + width]
    return np.maximum(out, 0)


def bloom(sums: np.ndarray, size: float) -> np.ndarray:
    """A wide halo around all light, made at a quarter of the size, as the window makes it."""
    height, width, channels = sums.shape
    pad = [(0, -height % 4), (0, -width % 4), (0, 0)]
    small = np.pad(sums, pad).reshape((height + 3) // 4, 4, (width + 3) // 4, 4, channels)
    small = spread(small.mean(axis=(1, 3)), _gaussian(size / 4))
    return enlarged(small, width, height)


def enlarged(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A small picture, four times as large, smooth between its pixels."""
    from PIL import Image

    rows, columns, channels = picture.shape
    out = np.empty((height, width, channels), np.float32)
    for channel in range(channels):
        small = Image.fromarray(np.ascontiguousarray(picture[..., channel]))
        large = small.resize((4 * columns, 4 * rows), Image.Resampling.BILINEAR)
        out[..., channel] = np.asarray(large)[:height, :width]
    return out


def light(sums: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """The sums as light on a dark stage."""
    glow = -np.expm1(-sums[..., :3])
    return ground + (1 - ground) * glow


def ink(sums: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """The sums as ink on paper."""
    cover = -np.expm1(-sums[..., 3:])
    return paper * (1 - cover) + mean_colour(sums) * cover


def solid(sums: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """The sums as flat discs: the weight is the share of a pixel that they cover."""
    cover = np.minimum(sums[..., 3:], 1)
    return ground * (1 - cover) + mean_colour(sums) * cover


def mean_colour(sums: np.ndarray) -> np.ndarray:
    return sums[..., :3] / np.maximum(sums[..., 3:], 1e-6)


def stage(width: int, height: int, middle: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The ground of a dark stage: a faint glow in its middle."""
    y, x = np.ogrid[0.5 / height : 1 : height * 1j, 0.5 / width : 1 : width * 1j]
    away = np.clip(np.hypot(x - 0.5, y - 0.5) * 1.35 / 0.75, 0, 1)
    share = (away**2 * (3 - 2 * away))[..., None].astype(np.float32)
    return middle * (1 - share) + edge * share


def bytes_of(picture: np.ndarray, *, dither: bool = False) -> np.ndarray:
    """A picture in 8 bits a channel; with a dither, dark glows have no rings.

    The dither is a fixed pattern: equal pictures stay equal bytes.
    """
    if not dither:
        return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    height, width, _ = picture.shape
    y, x = np.mgrid[:height, :width]
    noise = (52.9829189 * ((0.06711056 * x + 0.00583715 * y) % 1)) % 1 - 0.5
    return np.clip(picture * 255 + 0.5 + 0.9 * noise[..., None], 0, 255).astype(np.uint8)


def _away(reach: float) -> np.ndarray:
    """Distance from the middle of a square of pixels."""
    half = max(int(np.ceil(reach)), 1)
    side = np.arange(-half, half + 1, dtype=np.float32)
    return np.hypot(side[:, None], side)


def _gaussian(width: float) -> np.ndarray:
    half = int(np.ceil(2.5 * width))
    kernel = np.exp(-((np.arange(-half, half + 1, dtype=np.float32) / width) ** 2) / 2)
    return kernel / kernel.sum()


def _smeared(sums: np.ndarray, profile: np.ndarray, axis: int) -> np.ndarray:
    """Sums spread along one axis."""
    half = len(profile) // 2
    out = profile[half] * sums
    there, here = [slice(None)] * 3, [slice(None)] * 3
    for step in range(1, min(half, sums.shape[axis] - 1) + 1):
        here[axis], there[axis] = slice(step, None), slice(None, -step)
        out[tuple(here)] += profile[half + step] * sums[tuple(there)]
        out[tuple(there)] += profile[half - step] * sums[tuple(here)]
    return out


def _smooth(least: int) -> int:
    """The next size that a fast Fourier transform likes: 2, 3 and 5 are its only factors."""
    size = least
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 1
