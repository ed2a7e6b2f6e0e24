"""Where a system turns from order to disorder, told from runs of several sizes."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit

from engine.core.theory import Criticality


ROUNDED = 2  # times N^-1/2: below, the square of an order is what finite size makes of it
SURE = 2.5  # standard errors that sizes must lie apart, on either side of a crossing
DRAWS = 200  # of the bootstrap
NEAR = 4  # points to either side of a crossing that tell where it is
SHIFT = 0.1  # error of a share of runs: by so much a fit may be worse for a b that is less by 1
CROSSING = ("binder", "jump")  # methods that look where the curves of sizes cross


class SizeRuns(NamedTuple):
    """Averages at each size, parameter value and seed: `[size, point, seed]`."""

    parameter: str
    sizes: tuple[int, ...]
    values: np.ndarray  # [point]
    order: np.ndarray  # of the order parameter, without its sign
    square: np.ndarray
    fourth: np.ndarray
    observed: np.ndarray  # of the observable that the method looks at
    memory: np.ndarray  # autocorrelation times in steps, [size, point]
    steps: int

    @property
    def mean(self) -> np.ndarray:
        """[size, point]"""
        return self.order.mean(axis=2)

    @property
    def error(self) -> np.ndarray:
        """[size, point], from the spread over the seeds."""
        return self.order.std(axis=2, ddof=1) / math.sqrt(self.order.shape[2])


Look = Callable[[SizeRuns, np.ndarray], np.ndarray]  # runs and chosen seeds to [size, point]


def located(
    how: Criticality, runs: SizeRuns, *, roughly: bool = False
) -> tuple[float, float, np.ndarray]:
    """The critical value, its error, and the curves that tell it; `roughly` says where to look."""
    methods = {
        "binder": (_cumulants, _crossing),
        "susceptibility": (_susceptibilities, _peak),
        "jump": (partial(helicity, level=how.level), partial(_crossing, left=1.0)),
        "loss": (partial(holding, level=how.level), partial(loss, dimension=how.dimension)),
        "onset": (squares, onset),
    }
    if how.method not in methods:
        raise ValueError(f"{how.method!r} is no method: choose from {', '.join(methods)}.")
    look, locate = methods[how.method]
    seeds = runs.order.shape[2]
    everyone = np.arange(seeds)
    curves = look(runs, everyone)
    value, drift = locate(runs, curves)
    if not math.isfinite(value):
        raise ValueError(
            f"Nothing turns between {how.parameter} = {runs.values[0]:.4g} and "
            f"{runs.values[-1]:.4g}: the other parameters may have moved it elsewhere."
        )
    draw = np.random.default_rng(0)
    drawn = [look(runs, draw.choice(everyone, seeds)) for _ in range(DRAWS)]
    again = [locate(runs, other)[0] for other in drawn]
    again = [other for other in again if math.isfinite(other)]
    clear = how.method not in CROSSING or roughly or _clear(runs, curves, drawn, value)
    if len(again) < DRAWS / 2 or not clear:
        raise ValueError(
            f"Nothing turns clearly between {how.parameter} = {runs.values[0]:.4g} and "
            f"{runs.values[-1]:.4g}: the runs are too noisy to say, or it turns elsewhere."
        )
    spread = float(np.subtract(*np.percentile(again, [84, 16]))) / 2
    return value, math.hypot(spread, drift), curves


def _clear(runs: SizeRuns, curves: np.ndarray, drawn: list[np.ndarray], value: float) -> bool:
    """Whether the two largest sizes lie apart beyond their noise, one way on either side.

    All points of a side together say so, each as loud as it is sure: where there is order,
    cumulants saturate, and no single gap may be clear.
    """
    gap = curves[-1] - curves[-2]
    gaps = np.array([other[-1] - other[-2] for other in drawn])
    loud = 1 / (np.var(gaps, axis=0) + 1e-30)
    before = runs.values < value
    ordered = before if runs.mean[-1, 0] > runs.mean[-1, -1] else ~before
    if not (ordered.any() and (~ordered).any()):
        return False

    def sureness(side: np.ndarray) -> float:
        together = loud * side
        return float(together @ gap / (np.std(gaps @ together) + 1e-30))

    return sureness(ordered) > SURE and -sureness(~ordered) > SURE


def _cumulants(runs: SizeRuns, seeds: np.ndarray) -> np.ndarray:
    fourth, square = runs.fourth[:, :, seeds].mean(axis=2), runs.square[:, :, seeds].mean(axis=2)
    return 1 - fourth / (3 * np.maximum(square, 1e-30) ** 2)


def _susceptibilities(runs: SizeRuns, seeds: np.ndarray) -> np.ndarray:
    spread = runs.square[:, :, seeds].mean(axis=2) - runs.order[:, :, seeds].mean(axis=2) ** 2
    return np.array(runs.sizes)[:, None] * spread


def helicity(runs: SizeRuns, seeds: np.ndarray, level: float) -> np.ndarray:
    """What does not depend on the size at the jump (Weber and Minnhagen 1988).

    There the stiffness exceeds its universal value by 1/2w, with w = l + ½ ln l and l = ln L + C,
    one C for all L (the form of Pelissetto and Vicari 2013): so this is what each size says of the
    excess at the largest. Below the universal value, where that law knows nothing, it is the
    excess itself.
    """
    excess = runs.observed[:, :, seeds].mean(axis=2) / (level * runs.values) - 1
    sizes = np.array(runs.sizes, float)[:, None]
    w = 1 / (2 * np.maximum(excess, 1e-9))
    far = np.maximum(w - 0.5 * np.log(np.maximum(w, 1)), 0.5)
    for _ in range(8):  # Newton's steps towards l + ½ ln l = w
        far = np.maximum(far - (far + 0.5 * np.log(far) - w) / (1 + 0.5 / far), 1e-3)
    far = far + np.log(sizes.max() / sizes)
    return np.where(excess > 0, 1 / (2 * far + np.log(far)), excess)


def holding(runs: SizeRuns, seeds: np.ndarray, level: float) -> np.ndarray:
    """The share of runs whose order is above a level."""
    return (runs.observed[:, :, seeds] > level).mean(axis=2)


def squares(runs: SizeRuns, seeds: np.ndarray) -> np.ndarray:
    return runs.square[:, :, seeds].mean(axis=2)


def _crossing(runs: SizeRuns, curves: np.ndarray, left: float = 0.5) -> tuple[float, float]:
    """Where the curves of the two largest sizes cross, and how far that may still move.

    Of the last move a share is `left`: a half where it falls as a power of the size, all of it
    where corrections are logarithms.
    """
    ordered_first = runs.mean[-1, 0] > runs.mean[-1, -1]
    at = [_turn(runs.values, big - small, ordered_first) for small, big in pairwise(curves)]
    drift = left * abs(at[-1] - at[-2]) if len(at) > 1 and math.isfinite(at[-2]) else 0.0
    return at[-1], drift


def _turn(x: np.ndarray, gap: np.ndarray, ordered_first: bool) -> float:
    """Where the gap between two sizes leaves the ordered side and turns negative.

    On the side without order the larger size lies clearly below, so the search begins where it
    does so most, and goes towards order. The root is that of a cubic through the points near by:
    the gap bends, and a line through four of them errs by as much as the runs do.
    """
    if not ordered_first:
        x, gap = x[::-1], gap[::-1]
    smooth = np.convolve(np.pad(gap, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    for k in range(int(np.argmin(smooth)), 0, -1):
        if smooth[k - 1] >= 0 > smooth[k]:
            near = slice(max(0, k - 1 - NEAR), k + 1 + NEAR)
            step = x[k] - x[k - 1]
            curve = np.polyfit((x[near] - x[k]) / step, gap[near], 3)
            roots = np.roots(curve)
            roots = roots[np.abs(roots.imag) < 1e-9].real
            roots = roots[(np.polyval(np.polyder(curve), roots) < 0) & (np.abs(roots + 0.5) < 2)]
            at = roots[np.argmin(np.abs(roots + 0.5))] if roots.size else -0.5
            return float(x[k] + step * at)
    return math.nan


def _peak(runs: SizeRuns, curves: np.ndarray) -> tuple[float, float]:
    """Where susceptibilities peak, as N grows: in 1/√N, with what that assumes as an error."""
    at = []
    for row in np.log(np.maximum(curves, 1e-30)):
        top = int(np.clip(np.argmax(row), 2, len(row) - 3))
        x, y = runs.values[top - 2 : top + 3], row[top - 2 : top + 3]
        bend, slope, _ = np.polyfit(x - x[2], y, 2)
        at.append(x[2] - slope / (2 * bend) if bend < 0 else math.nan)
    return _without_end(runs.sizes, np.array(at))


def loss(runs: SizeRuns, curves: np.ndarray, dimension: int = 1) -> tuple[float, float]:
    """Where half of the runs lose what they began with, as N grows.

    Runs differ in what they can hold by some N^{-1/2}. So the share that holds, of all sizes
    together, is drawn through 1 / (1 + e^{−u}) with u = (a − x)√N / w + b; b is of the order of 1.
    """
    if curves[-1].max() < 0.5 or curves[-1].min() > 0.5:
        return math.nan, 0.0
    root = np.array(runs.sizes, float)[:, None] ** (dimension / 2)
    x, span = runs.values, float(np.ptp(runs.values))

    def amiss(tried: np.ndarray) -> np.ndarray:
        a, b, log_w = tried
        amount = expit((a - x) * root * np.exp(-log_w) + b) - curves
        return np.append(amount, SHIFT * b)

    middle = float(x[0] + span * np.clip(curves, 0, 1).mean())
    begun = (middle, 0.0, math.log(span / 10 * root[-1, 0]))
    low, high = (x[0] - span, -5.0, begun[2] - 5), (x[-1] + span, 5.0, begun[2] + 5)
    a, b, log_w = least_squares(amiss, begun, bounds=(low, high)).x
    # Half of what the largest size still has to go is taken as an error.
    return float(a), abs(b) * math.exp(log_w) / root[-1, 0] / 2


def onset(runs: SizeRuns, curves: np.ndarray) -> tuple[float, float]:
    """Where the square of the order begins to grow from 0, as N grows.

    A mean field orders as the square root of the distance, so that the square leaves 0 along a
    parabola with a slope. This is drawn through points above the N^{-1/2} within which finite size
    rounds it.
    """
    at = []
    for size, square in zip(runs.sizes, curves, strict=True):
        ordered = np.flatnonzero(square > ROUNDED * size**-0.5)
        if len(ordered) < 4 or len(ordered) == len(square):
            return math.nan, 0.0
        x, y = runs.values[ordered], square[ordered]
        before = square[ordered[0] - 1 if ordered[0] else ordered[-1] + 1]
        if before < 0.1 * y.min() and y.min() > 0.5 * y.max():
            raise ValueError(
                f"The order jumps near {runs.parameter} = {x[np.argmin(y)]:.4g}: this method looks "
                "for where it begins to grow from 0, as it does in a continuous transition."
            )
        middle = float(x.mean())
        roots = np.roots(np.polyfit(x - middle, y, 2)) + middle
        real = roots[np.abs(roots.imag) < 1e-9].real
        edge = x[np.argmin(y)]
        near = real[np.abs(real - edge) < np.ptp(x)]
        if not near.size:
            return math.nan, 0.0
        at.append(near[np.argmin(np.abs(near - edge))])
    return _without_end(runs.sizes, np.array(at))


def _without_end(sizes: tuple[int, ...], at: np.ndarray) -> tuple[float, float]:
    """Values at finite sizes as sizes grow: along 1/√N, and half of that step as its error."""
    if not np.isfinite(at).all():
        return math.nan, 0.0
    if len(at) < 2:
        return float(at[-1]), 0.0
    _, limit = np.polyfit(np.array(sizes, float) ** -0.5, at, 1)
    return float(limit), abs(limit - at[-1]) / 2
