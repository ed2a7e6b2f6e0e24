"""The critical point of a system, found from runs of several sizes, with an error.

Runs of all parameter values and seeds are one batch. Twice: over the whole span that the system
names, then near what was found. If a run remembers its past for longer than it can be measured,
no number is given, but the reason.
"""

import math
from collections.abc import Iterator
from functools import partial
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
from engine.core.turning import SizeRuns, located


POINTS = 11  # parameter values of a round
SEEDS = 12  # runs at each
SAMPLES = 64  # of each run in a piece; their observables leave the device together
PIECES = 8  # of a run; the first quarter of them is forgotten
BRIEF = 2  # pieces of a run that begins in order and may lose it: longer ones escape by chance
MORE = 2  # times as many of these: each says yes or no
WAVERING = 0.15  # share of these that may change within the time they are looked at
STEPS = 512  # of a run, at first
LONGEST = 65_536  # steps of a run; what remembers its past for longer is refused
MEMORIES = 12  # that a run must be long: a quarter of it is forgotten, as its start has to be
LONGER = 8  # times that the second round runs: where the curves lie close, errors must be small
NARROW = 0.5  # of the first span is looked at again: five of its points,
UNSURE = 3  # or so many errors to either side, if that is more
ONSET = (0.15, 0.45)  # of it where order begins: without order, and with it, but not yet saturated


class TooSlow(ValueError):  # noqa: N818 (it is a sentence)
    """Runs that can be afforded are too short for what they remember."""


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
    how = criticality_of(system)
    system = system.replace(**dict(how.given))
    how = _centred(system, how)
    low, high = how.span
    steps = STEPS
    if how.method == "loss":
        seeds *= MORE
    for turn in (0, 1):
        values = np.linspace(low, high, POINTS)
        runs, reached = None, 0.0
        for runs in run_sizes(system, how, values, seeds=seeds, longest=longest, steps=steps):
            if isinstance(runs, Stage):
                reached = max(reached, runs.share)  # runs that were too short begin again
                yield runs._replace(share=(turn + reached) / 2)
        assert isinstance(runs, SizeRuns)
        steps = min(LONGER * runs.steps, longest)
        value, error, curves = located(how, runs, roughly=not turn)
        whole_span = how.span[1] - how.span[0]
        below = above = max(NARROW / 2, UNSURE * error / whole_span)
        if how.method == "onset":
            below, above = ONSET if runs.mean[-1, 0] < runs.mean[-1, -1] else ONSET[::-1]
        low = max(how.span[0], value - below * whole_span)
        high = min(how.span[1], value + above * whole_span)
        if turn:
            yield CriticalPoint(
                how.parameter, value, error, _expected(system, how, value), how.method, runs, curves
            )


def _centred(system: System[Any], how: Criticality) -> Criticality:
    """Other parameters move the critical point: the window in which it is looked for follows.

    The window alone comes from theory; what is found in it comes from runs.
    """
    low, high = how.span
    if how.method == "loss":
        return how  # it asks no more of its window than that something is lost within
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
    sizes, found, pieces = sorted(how.sizes), [], PIECES
    if how.method == "loss":
        pieces, steps = BRIEF, BRIEF * SAMPLES
    # The largest is the slowest: it says how long all run.
    for count, size in enumerate(reversed(sizes)):
        sized = system.replace(**{name: size})
        while True:
            series = None
            for series in _series(sized, how.parameter, values, seeds, steps, pieces):
                if isinstance(series, float):
                    yield Stage(f"{name} = {size}", (count + series) / len(sizes))
            assert isinstance(series, dict)
            kept = {k: row[..., row.shape[-1] // 4 :] for k, row in series.items()}
            every = steps / (SAMPLES * pieces)
            memory = every * np.array([_memory(rows) for rows in kept[order]])
            worst = float(np.max(memory))
            if how.method == "loss":
                _check_settled(kept[observed] > how.level, f"{name} = {size}", steps)
                break
            if worst * MEMORIES <= 0.75 * steps:
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


def _check_settled(holds: np.ndarray, where: str, steps: int) -> None:
    """Refuse runs [point, seed, sample] that have yet to lose what they will lose."""
    third = holds.shape[-1] // 3
    early, late = (part.mean(axis=-1) > 0.5 for part in (holds[..., :third], holds[..., -third:]))
    change = float(np.mean(early != late))
    if change > WAVERING:
        raise TooSlow(
            f"At {where}, {change:.0%} of the runs still lose or regain their order within "
            f"{steps} steps: they relax too slowly to tell what they hold; choose values at which "
            "they settle."
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
    system: System[Any], parameter: str, values: np.ndarray, seeds: int, steps: int, pieces: int
) -> Iterator[float | dict[str, np.ndarray]]:
    """Every observable of every run, [point, seed, sample]; shares of the work before."""
    declared(system, parameter)
    keys, together = jax.random.split(jax.random.key(1), seeds), side_by_side(system)
    points = jnp.asarray(values, float)
    every = max(1, steps // (SAMPLES * pieces))
    states, shared = _begun(system, parameter, points, keys)
    parts = []
    for piece in range(pieces):
        yield piece / pieces
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
        yield from _series(roomy, parameter, values, seeds, steps, pieces)
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


def _expected(system: System[Any], how: Criticality, value: float) -> float | None:
    """What theory says, at the present values of the other parameters."""
    if how.boundary:
        boundary = system.replace(**{how.parameter: value}).boundaries().get(how.boundary)
        at = None if boundary is None else float(boundary.at.get(how.parameter, math.nan))
        return at if at is not None and math.isfinite(at) else None
    known = critical_values(system).get(how.parameter, [])
    return min(known, key=lambda other: abs(other - value)) if known else None
