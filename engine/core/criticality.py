"""The critical point of a system, found from runs of several sizes, with an error.

Runs of all parameter values and seeds are one batch. Twice: over the whole span that the system
names, then near what was found. If a run remembers its past for longer than it can be measured,
no number is given, but the reason.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Key

from engine.core.cells import parted, side_by_side, whole
from engine.core.maps import measurable
from engine.core.parameters import declared, parameters
from engine.core.stepping import begin, enlarged
from engine.core.system import System
from engine.core.theory import Criticality
from engine.core.theory_maps import critical_values


POINTS = 11  # parameter values of a round
SEEDS = 12  # runs at each
SAMPLES = 64  # of each run in a piece; their observables leave the device together
PIECES = 8  # of a run; the first quarter of them is forgotten
STEPS = 512  # of a run, at first
LONGEST = 65_536  # steps of a run; what remembers its past for longer is refused
MEMORIES = 12  # that a run must be long: a quarter of it is forgotten, as its start has to be
LONGER = 4  # times that the second round runs: where the curves lie close, errors must be small
NARROW = 0.35  # of the first span is looked at again
SURE = 2.5  # standard errors that sizes must lie apart, on either side of a crossing
DRAWS = 200  # of the bootstrap


class TooSlow(ValueError):  # noqa: N818 (it is a sentence)
    """Runs that can be afforded are too short for what they remember."""


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


class CriticalPoint(NamedTuple):
    """Where a system turns, as runs of finite size tell."""

    parameter: str
    value: float
    error: float  # of the runs, and of what larger sizes would change
    theory: float | None
    method: str
    runs: SizeRuns
    curves: np.ndarray  # what was looked at, [size, point]: cumulants, susceptibilities, ...

    @property
    def words(self) -> str:
        """The result in a line."""
        digits = max(0, 1 - math.floor(math.log10(self.error))) if self.error > 0 else 4
        beside = "" if self.theory is None else f"; theory {self.theory:.{digits}f}"
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}{beside}"


class Stage(NamedTuple):
    """How far the search is."""

    words: str
    share: float


def criticality_of(system: System[Any]) -> Criticality:
    """How the critical point of this system is found, or a sentence why it is not."""
    how = type(system).critical
    if how is None:
        raise ValueError(
            f"{type(system).__name__} does not say how its critical point is found: "
            "choose a system that does."
        )
    return how


def find_critical_point(
    system: System[Any], *, seeds: int = SEEDS, longest: int = LONGEST
) -> Iterator[Stage | CriticalPoint]:
    """Look for the critical point; stages on the way, the point at last.

    Raises TooSlow where the runs remember their past for longer than a twelfth of `longest`
    steps, ValueError where nothing turns within the span.
    """
    how = _centred(system, criticality_of(system))
    low, high = how.span
    steps = STEPS
    for turn in (0, 1):
        values = np.linspace(low, high, POINTS)
        runs, reached = None, 0.0
        for runs in run_sizes(system, how, values, seeds=seeds, longest=longest, steps=steps):
            if isinstance(runs, Stage):
                reached = max(reached, runs.share)  # runs that were too short begin again
                yield runs._replace(share=(turn + reached) / 2)
        assert isinstance(runs, SizeRuns)
        steps = min(LONGER * runs.steps, longest)
        value, error, curves = _located(system, how, runs)
        half = NARROW * (how.span[1] - how.span[0]) / 2
        low, high = max(how.span[0], value - half), min(how.span[1], value + half)
        if turn:
            yield CriticalPoint(
                how.parameter, value, error, _expected(system, how, value), how.method, runs, curves
            )


def _centred(system: System[Any], how: Criticality) -> Criticality:
    """Other parameters move the critical point: the window in which it is looked for follows.

    The window alone comes from theory; what is found in it comes from runs.
    """
    low, high = how.span
    expected = _expected(system, how, (low + high) / 2)
    if expected is None or low + 0.2 * (high - low) < expected < high - 0.2 * (high - low):
        return how
    share = abs(expected) / max(abs(low + high) / 2, 1e-12)
    half = max(share, 0.1) * (high - low) / 2
    return how._replace(span=(expected - half, expected + half))


def run_sizes(
    system: System[Any],
    how: Criticality,
    values: np.ndarray,
    *,
    seeds: int = SEEDS,
    longest: int = LONGEST,
    steps: int = STEPS,
) -> Iterator[Stage | SizeRuns]:
    """Runs of every size at each value; all are as long as the slowest of them demands."""
    name, order = size_of(system), measurable(system)
    observed = measurable(system, how.observable or None)
    sizes, found = sorted(how.sizes), []
    # The largest is the slowest: it says how long all run.
    for count, size in enumerate(reversed(sizes)):
        sized = system.replace(**{name: size})
        while True:
            series = None
            for series in _series(sized, how.parameter, values, seeds, steps):
                if isinstance(series, float):
                    yield Stage(f"{name} = {size}", (count + series) / len(sizes))
            assert isinstance(series, dict)
            kept = {k: row[..., row.shape[-1] // 4 :] for k, row in series.items()}
            every = steps / (SAMPLES * PIECES)
            memory = every * np.array([_memory(rows) for rows in kept[order]])
            worst = float(np.max(memory))
            if how.method == "loss" or worst * MEMORIES <= 0.75 * steps:
                break
            if 2 * steps > longest:
                raise TooSlow(
                    f"At {name} = {size} a run remembers its past for about {worst:.0f} steps, "
                    f"and {longest} are too few for that: take smaller sizes or longer runs."
                )
            steps *= 2
        found.append((kept, memory))
    found.reverse()
    m = [np.abs(kept[order]) for kept, _ in found]
    yield SizeRuns(
        how.parameter,
        tuple(sizes),
        values,
        np.stack([np.mean(x, axis=-1) for x in m]),
        np.stack([np.mean(x**2, axis=-1) for x in m]),
        np.stack([np.mean(x**4, axis=-1) for x in m]),
        np.stack(
            [
                _observed(system.replace(**{name: size}), how.parameter, values, kept, observed)
                for size, (kept, _) in zip(sizes, found, strict=True)
            ]
        ),
        np.stack([memory for _, memory in found]),
        steps,
    )


def size_of(system: System[Any]) -> str:
    """The parameter that says how large a system is: its first `size`."""
    for parameter in parameters(system).values():
        if parameter.kind == "size":
            return parameter.name
    raise ValueError(f"{type(system).__name__} has no size: nothing can be told from its growth.")


def _observed(
    system: System[Any], parameter: str, values: np.ndarray, kept: dict[str, np.ndarray], name: str
) -> np.ndarray:
    """Averages of an observable, also of one that derives from others: [point, seed]."""
    means = {k: row.mean(axis=-1) for k, row in kept.items()}
    if name in means:
        return means[name]

    def derived(value: Array, mean: dict[str, Array]) -> Array:
        return system.replace(**{parameter: value}).derived(mean)[name]

    each = jax.vmap(jax.vmap(derived, in_axes=(None, 0)))
    return np.asarray(
        each(jnp.asarray(values, float), {k: jnp.asarray(m) for k, m in means.items()})
    )


def _series(
    system: System[Any], parameter: str, values: np.ndarray, seeds: int, steps: int
) -> Iterator[float | dict[str, np.ndarray]]:
    """Every observable of every run, [point, seed, sample]; shares of the work before."""
    declared(system, parameter)
    keys, together = jax.random.split(jax.random.key(1), seeds), side_by_side(system)
    points = jnp.asarray(values, float)
    every = max(1, steps // (SAMPLES * PIECES))
    states, shared = _begun(system, parameter, points, keys)
    parts = []
    for piece in range(PIECES):
        yield piece / PIECES
        states, part = _sampled(
            system,
            parameter,
            points,
            keys,
            states,
            shared,
            piece * SAMPLES * every,
            every,
            together,
        )
        parts.append(jax.device_get(part))
    need = jax.device_get(_demanded(system, states, shared))
    roomy = enlarged(system, {name: np.max(room) for name, room in need.items()})
    if roomy is not system:
        yield from _series(roomy, parameter, values, seeds, steps)
        return
    yield {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


@partial(jax.jit, static_argnames="parameter")
def _begun(system: System[Any], parameter: str, points: Array, keys: Key[Array, " seeds"]) -> Any:
    def first(point: Array, key: Array) -> Any:
        return begin(system.replace(**{parameter: point}), key).state

    states = jax.vmap(jax.vmap(first, in_axes=(None, 0)), in_axes=(0, None))(points, keys)
    own, shared = parted(system, states)
    return own, {name: jax.tree.map(lambda leaf: leaf[0], part) for name, part in shared.items()}


@jax.jit
def _demanded(system: System[Any], states: Any, shared: dict[str, Any]) -> dict[str, Array]:
    def one(own: Any, shared: dict[str, Any]) -> dict[str, Array]:
        return system.demand(whole(own, shared))

    return jax.vmap(jax.vmap(one), in_axes=(0, None))(states, shared)


@partial(jax.jit, static_argnames=("parameter", "together"), donate_argnames="states")
def _sampled(
    system: System[Any],
    parameter: str,
    points: Array,
    keys: Key[Array, " seeds"],
    states: Any,
    shared: dict[str, Any],  # what is quenched, [seed, ...]
    tick: Any,
    every: Any,
    together: bool,
) -> tuple[Any, dict[str, Array]]:
    """`SAMPLES` more samples of each run, `every` steps apart: [point, seed, sample]."""

    def run(
        point: Array, key: Array, own: Any, shared: dict[str, Any]
    ) -> tuple[Any, dict[str, Array]]:
        here = system.replace(**{parameter: point})

        def step(_: Array, carry: tuple[Any, Array]) -> tuple[Any, Array]:
            own, tick = carry
            state = whole(own, shared)
            new = here.step(state, jax.random.fold_in(key, tick + 1))
            new = jax.tree.map(lambda a, b: a.astype(b.dtype), new, state)
            return parted(system, new)[0], tick + 1

        def sample(carry: tuple[Any, Array], _: None) -> tuple[tuple[Any, Array], Any]:
            carry = lax.fori_loop(0, every, step, carry)
            return carry, here.observables(whole(carry[0], shared))

        (own, _), series = lax.scan(sample, (own, jnp.int32(tick)), length=SAMPLES)
        return own, series

    if together:
        each = jax.vmap(jax.vmap(run, in_axes=(None, 0, 0, 0)), in_axes=(0, None, 0, None))
        return each(points, keys, states, shared)
    return lax.map(
        lambda row: lax.map(lambda one: run(row[0], *one), (keys, row[1], shared)),
        (points, states),
    )


def _memory(runs: np.ndarray) -> float:
    """The integrated autocorrelation time of runs [seed, sample], in samples.

    Summed up to where the window is five times the time itself (Sokal 1997).
    """
    away = runs - runs.mean()
    count = away.shape[1]
    spectrum = np.abs(np.fft.rfft(away, 2 * count, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum, axis=1)[:, :count].mean(axis=0) / np.arange(count, 0, -1)
    if not covariance[0] > 1e-14 * max(1.0, float(np.mean(runs**2))):
        return 0.0  # it does not move
    time = 0.5 + np.cumsum(covariance[1:] / covariance[0])
    window = np.arange(1, count)
    enough = np.flatnonzero(window >= 5 * time)
    return float(max(time[enough[0]] if len(enough) else time[-1], 0.5))


Look = Callable[[SizeRuns, np.ndarray], np.ndarray]  # runs and chosen seeds to [size, point]


def _located(
    system: System[Any], how: Criticality, runs: SizeRuns
) -> tuple[float, float, np.ndarray]:
    """The critical value, its error, and the curves that tell it."""
    methods = {
        "binder": (_cumulants, _crossing),
        "susceptibility": (_susceptibilities, _peak),
        "jump": (partial(_helicity, level=how.level), _crossing),
        "loss": (_orders, partial(_loss, level=how.level)),
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
    if len(again) < DRAWS / 2 or (locate is _crossing and not _clear(runs, curves, drawn, value)):
        raise ValueError(
            f"Nothing turns clearly between {how.parameter} = {runs.values[0]:.4g} and "
            f"{runs.values[-1]:.4g}: the runs are too noisy to say, or it turns elsewhere."
        )
    spread = float(np.subtract(*np.percentile(again, [84, 16]))) / 2
    return value, math.hypot(spread, drift), curves


def _clear(runs: SizeRuns, curves: np.ndarray, drawn: list[np.ndarray], value: float) -> bool:
    """Whether the two largest sizes lie apart beyond their noise, one way on either side."""
    gap = curves[-1] - curves[-2]
    noise = np.std([other[-1] - other[-2] for other in drawn], axis=0) + 1e-30
    before = runs.values < value
    ordered = before if runs.mean[-1, 0] > runs.mean[-1, -1] else ~before
    if not (ordered.any() and (~ordered).any()):
        return False
    sure = gap / noise
    return bool(sure[ordered].max() > SURE and -sure[~ordered].min() > SURE)


def _cumulants(runs: SizeRuns, seeds: np.ndarray) -> np.ndarray:
    fourth, square = runs.fourth[:, :, seeds].mean(axis=2), runs.square[:, :, seeds].mean(axis=2)
    return 1 - fourth / (3 * np.maximum(square, 1e-30) ** 2)


def _susceptibilities(runs: SizeRuns, seeds: np.ndarray) -> np.ndarray:
    spread = runs.square[:, :, seeds].mean(axis=2) - runs.order[:, :, seeds].mean(axis=2) ** 2
    return np.array(runs.sizes)[:, None] * spread


def _helicity(runs: SizeRuns, seeds: np.ndarray, level: float) -> np.ndarray:
    """What does not depend on the size at the jump (Weber and Minnhagen 1988).

    There the stiffness exceeds its universal value by 1 / (2 ln L + C), with one C for all L.
    """
    stiff = runs.observed[:, :, seeds].mean(axis=2) / (level * runs.values)
    excess = np.maximum(stiff - 1, 0.02)
    return -(1 / excess - 2 * np.log(np.array(runs.sizes))[:, None])


def _orders(runs: SizeRuns, seeds: np.ndarray) -> np.ndarray:
    return runs.observed[:, :, seeds].mean(axis=2)


def _crossing(runs: SizeRuns, curves: np.ndarray) -> tuple[float, float]:
    """Where the curves of the two largest sizes cross, and how far that moved from the last two."""
    ordered_first = runs.mean[-1, 0] > runs.mean[-1, -1]
    at = [_turn(runs.values, big - small, ordered_first) for small, big in pairwise(curves)]
    drift = abs(at[-1] - at[-2]) / 2 if len(at) > 1 and math.isfinite(at[-2]) else 0.0
    return at[-1], drift


def _turn(x: np.ndarray, gap: np.ndarray, ordered_first: bool) -> float:
    """Where the gap between two sizes leaves the ordered side and turns negative.

    On the side without order the larger size lies clearly below, so the search begins where it
    does so most, and goes towards order; a line through four points levels their noise.
    """
    if not ordered_first:
        x, gap = x[::-1], gap[::-1]
    smooth = np.convolve(np.pad(gap, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    for k in range(int(np.argmin(smooth)), 0, -1):
        if smooth[k - 1] >= 0 > smooth[k]:
            near = slice(max(0, k - 2), k + 2)
            slope, offset = np.polyfit(x[near] - x[k], gap[near], 1)
            root = x[k] - offset / slope if slope else math.nan
            return float(np.clip(root, *sorted((x[near][0], x[near][-1]))))
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


def _loss(runs: SizeRuns, curves: np.ndarray, level: float) -> tuple[float, float]:
    """Where an order falls below a level, as N grows."""
    at = []
    for row in curves:
        below = np.flatnonzero((row[:-1] >= level) & (row[1:] < level))
        if not below.size:
            return math.nan, 0.0
        k = below[0]
        share = (row[k] - level) / (row[k] - row[k + 1])
        at.append(runs.values[k] + share * (runs.values[k + 1] - runs.values[k]))
    return _without_end(runs.sizes, np.array(at))


def _without_end(sizes: tuple[int, ...], at: np.ndarray) -> tuple[float, float]:
    """Values at finite sizes as sizes grow: along 1/√N, and half of that step as its error."""
    if not np.isfinite(at).all():
        return math.nan, 0.0
    if len(at) < 2:
        return float(at[-1]), 0.0
    _, limit = np.polyfit(np.array(sizes, float) ** -0.5, at, 1)
    return float(limit), abs(limit - at[-1]) / 2


def _expected(system: System[Any], how: Criticality, value: float) -> float | None:
    """What theory says, at the present values of the other parameters."""
    if how.boundary:
        boundary = system.replace(**{how.parameter: value}).boundaries().get(how.boundary)
        at = None if boundary is None else float(boundary.at.get(how.parameter, math.nan))
        return at if at is not None and math.isfinite(at) else None
    known = critical_values(system).get(how.parameter, [])
    return min(known, key=lambda other: abs(other - value)) if known else None
