"""Finite-size scaling: curves of several sizes that fall onto one, and the exponents that do it."""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize

from engine.core.criticality import SizeRuns


DRAWS = 16  # of the bootstrap


class Exponents(NamedTuple):
    """m(λ, N) = N^{−β/ν} f((λ − λ_c) N^{1/ν}); for a lattice N is its side."""

    critical: float
    inverse_nu: float
    beta_over_nu: float


class Fit(NamedTuple):
    """The exponents that make curves fall onto one, their errors, and how well they do."""

    exponents: Exponents
    errors: Exponents
    quality: float  # squared distance from the master curve in errors: about 1 where it is one


def collapsed(runs: SizeRuns, by: Exponents) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scaled parameter, the scaled order parameter and its error, each [size, point]."""
    size = np.array(runs.sizes, float)[:, None]
    lift = size**by.beta_over_nu
    return (runs.values - by.critical) * size**by.inverse_nu, lift * runs.mean, lift * runs.error


def quality(runs: SizeRuns, by: Exponents) -> float:
    """The mean squared distance of points from the curves of other sizes, in errors of both.

    After Houdayer and Hartmann 2004, with a cubic between the points of a curve; infinite where
    curves do not overlap.
    """
    x, y, error = collapsed(runs, by)
    error = np.maximum(error, 1e-6 * np.abs(y).max() + 1e-30)
    total, count = 0.0, 0
    for k in range(len(x)):
        line = CubicSpline(x[k], y[k])
        for other in range(len(x)):
            inside = (x[other] >= x[k][0]) & (x[other] <= x[k][-1])
            if other == k or not inside.any():
                continue
            at = x[other][inside]
            doubt = error[other][inside] ** 2 + np.interp(at, x[k], error[k]) ** 2
            total += float(np.sum((y[other][inside] - line(at)) ** 2 / doubt))
            count += int(inside.sum())
    return total / count if count >= x.size / 2 else np.inf


def best_fit(runs: SizeRuns, start: Exponents) -> Fit:
    """The exponents of the best collapse, with errors from runs drawn again within theirs."""
    found, value = _fitted(runs, start)
    draw = np.random.default_rng(0)
    seeds = runs.order.shape[2]
    again = []
    for _ in range(DRAWS):
        chosen = draw.integers(seeds, size=seeds)
        other = runs._replace(order=runs.order[:, :, chosen])
        # The same seed twice has no spread: the errors stay those of all seeds.
        again.append(_fitted(_Held(other, runs.error), found, 0.2)[0])
    return Fit(found, Exponents(*np.std(np.array(again), axis=0, ddof=1)), value)


class _Held:
    """Runs drawn again, with the errors of the first ones."""

    def __init__(self, runs: SizeRuns, error: np.ndarray) -> None:
        self.sizes, self.values, self.mean, self.error = runs.sizes, runs.values, runs.mean, error


def _fitted(
    runs: "SizeRuns | _Held", start: Exponents, step: float = 1.0
) -> tuple[Exponents, float]:
    """Down the hill of `quality`, in steps that suit each exponent."""
    scale = np.array([np.ptp(runs.values) / 8, 0.15, 0.08])

    def cost(place: np.ndarray) -> float:
        by = Exponents(*(np.array(start) + scale * place))
        worth = quality(runs, by)  # type: ignore[arg-type]
        return worth if np.isfinite(worth) else 1e9

    simplex = step * np.concatenate([np.zeros((1, 3)), np.eye(3)])
    options = {"initial_simplex": simplex, "xatol": 3e-3, "fatol": 1e-3, "maxiter": 150}
    result = minimize(cost, np.zeros(3), method="Nelder-Mead", options=options)
    return Exponents(*(np.array(start) + scale * result.x)), float(result.fun)
