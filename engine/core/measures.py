"""Measures of any swarm as it is drawn, averaged from frame to frame, with errors from blocks.

Definitions are those of freud (Ramasubramani et al. 2020): `density.RDF` with the normalisation
"finite_size", `diffraction.StaticStructureFactorDirect`, `msd.MSD`, `cluster.Cluster` with its
sizes, and `density.LocalDensity` of points without extent.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import bdtr

from engine.core.measurement import Measurement
from engine.numerics.neighbours import listed, sorted_into_cells, summed
from engine.numerics.pair_measures import cluster_sizes, clusters, radial_distribution
from engine.numerics.structure_factor import structure_factor


CENTRES = 1024  # particles around which g(r) looks for others
BINS = 60  # of r
FAR = 6.0  # mean spacings that g(r) reaches
WAVES = 3.0  # waves to a mean spacing that S(k) reaches
NEAR = 0.75  # of a mean spacing: far less than joins a gas to one cluster, 1.2 of them
AROUND = 2.0  # mean spacings within which an ideal gas has some 13 others
SINGLE = 24  # counts that have a class of their own; larger ones share ever wider ones
WIDER = 1.25
ROOM = 1 << 25  # entries of the largest list of neighbours
TRACERS = 512
KEPT = 600  # earlier places of the tracers, the farther back the fewer
A_DECADE = 8  # lags


class Swarm(NamedTuple):
    """What a view draws of a swarm at one time."""

    position: np.ndarray  # [n, dim]
    time: float
    low: np.ndarray | None = None  # [dim], the corners of its box
    high: np.ndarray | None = None
    periodic: bool = False
    radius: float | None = None  # of discs that are drawn true to size
    identity: np.ndarray | None = None  # [n], who stands where; None where that never changes

    @property
    def spacing(self) -> float:
        """The side of the square (or cube) that each has for itself, on average."""
        assert self.low is not None
        assert self.high is not None
        room = float(np.prod(self.high - self.low))
        return (room / len(self.position)) ** (1 / self.position.shape[1])


class Reading(NamedTuple):
    """One measure of one frame."""

    x: np.ndarray  # [m]
    y: np.ndarray
    edges: np.ndarray | None = None  # [m + 1], of a histogram
    ideal: np.ndarray | None = None  # what it is in an ideal gas of as many in the same box
    used: int = 0  # particles
    words: str = ""  # how it was measured


class Average(NamedTuple):
    """A measure over all frames since it began; errors are not-a-number until they are known."""

    name: str
    x: np.ndarray
    mean: np.ndarray
    error: np.ndarray  # standard errors, from blocks of frames
    frames: int
    used: int
    particles: int
    edges: np.ndarray | None = None
    ideal: np.ndarray | None = None
    words: str = ""  # how it was measured, or why it was not


class Measure(NamedTuple):
    """How a measure is told."""

    x: str
    y: str
    log: str  # its logarithmic axes
    definition: str


MEASURES: Mapping[str, Measure] = {
    "g(r)": Measure(
        "r",
        "g",
        "",
        "How many others stand at a distance r, over how many would in an ideal gas. "
        "Periodic images are counted to half the box.",
    ),
    "S(k)": Measure(
        "k",
        "S",
        "xy",
        "|Σ exp(ik·x)|²/N over waves that fit into the box, averaged over directions.",
    ),
    "displacement": Measure(
        "lag",
        "mean square displacement",
        "xy",
        "How far particles are from where they were, squared, over particles and over all "
        "windows of a lag. What leaves a periodic box goes on.",
    ),
    "clusters": Measure(
        "particles in a cluster",
        "share of particles",
        "x",
        "Who is near whom hangs together; classes are 1, 2 to 3, 4 to 7 and so on.",
    ),
    "local density": Measure(
        "local density",
        "probability density",
        "",
        "Others within a disc around each particle, over the area of the disc.",
    ),
}


def refusal(name: str, swarm: Swarm) -> str:
    """Why this cannot be measured of such a swarm, in one sentence; empty where it can."""
    dim = swarm.position.shape[1]
    sides = None if swarm.low is None or swarm.high is None else swarm.high - swarm.low
    square = sides is not None and np.ptp(sides) <= 1e-5 * np.max(sides)
    if name == "displacement":
        return ""
    if dim != 2:
        return f"{name} is measured of swarms in the plane; this one lives in {dim} dimensions."
    if name in ("g(r)", "S(k)") and not (swarm.periodic and square):
        return f"{name} is measured in a periodic square; the boundary of this swarm is open."
    if sides is None or not np.all(sides > 0):
        return f"{name} needs a box, for the mean spacing in it; this view has none."
    return ""


class Gathering:
    """One measure of a run, frame after frame, since its parameters last changed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._blocks = Measurement()
        self._last: Reading | None = None
        self._particles = 0
        self._time = math.nan  # of the last frame
        self._words = ""
        self._way = Displacements() if name == "displacement" else None

    def add(self, swarm: Swarm) -> None:
        """One more frame, if it is another one; what cannot be measured is said by `average`."""
        if swarm.time == self._time:
            return
        self._time, self._particles = swarm.time, len(swarm.position)
        self._words = refusal(self.name, swarm)
        if self._words:
            return
        if self._way is not None:
            self._way.add(swarm)
            return
        reading = READERS[self.name](swarm)
        if not len(reading.x):
            self._words = reading.words
            return
        if self._last is not None and len(self._last.x) != len(reading.x):
            self._blocks.reset()
        self._last = reading
        self._blocks.add({str(k): value for k, value in enumerate(reading.y)})

    def average(self) -> Average:
        """All frames so far."""
        if self._way is not None and not self._words:
            return self._way.average(self._particles)
        last, none = self._last, np.empty(0)
        if last is None or self._words:
            return Average(self.name, none, none, none, 0, 0, self._particles, words=self._words)
        found = list(self._blocks.estimates.values())
        return Average(
            self.name,
            last.x,
            np.array([estimate.mean for estimate in found]),
            np.array([estimate.error for estimate in found]),
            self._blocks.samples,
            last.used,
            self._particles,
            last.edges,
            last.ideal,
            last.words,
        )


class Displacements:
    """Mean square displacements over lags that grow by a third, from frames at any times.

    Each frame is one window of each lag: with the earlier one whose distance in time is nearest.
    """

    def __init__(self) -> None:
        self._lags: dict[int, Measurement] = {}
        self.words = ""
        self._begin()

    def _begin(self) -> None:
        self._lags.clear()
        self._frames = 0
        self._times: list[float] = []
        self._places: list[np.ndarray] = []  # [tracers, dim], not wrapped
        self._last: np.ndarray | None = None  # as it was drawn

    def add(self, swarm: Swarm) -> None:
        """The next frame; one that is not later is passed over."""
        if self._times and swarm.time <= self._times[-1]:
            return
        here = _tracers(swarm)
        if self._last is None or self._last.shape != here.shape:
            self._begin()
            place = here
        else:
            step = here - self._last
            if swarm.periodic and swarm.low is not None and swarm.high is not None:
                side = swarm.high - swarm.low
                step = step - side * np.round(step / side)
                if np.any(np.abs(step) > side / 4):
                    # Farther than that, and it could as well have gone the other way around. What
                    # was measured stays, but no window reaches across the gap.
                    self._times.clear()
                    self._places.clear()
                    self.words = (
                        "Some cross a quarter of the box between two frames, too far to be "
                        "followed: take fewer steps a frame."
                    )
                    step = 0 * step
            place = self._places[-1] + step if self._places else here
        self._last = here
        self._measure(swarm.time, place)
        self._times.append(swarm.time)
        self._places.append(place)
        self._frames += 1
        if len(self._times) > KEPT:
            half = KEPT // 2
            self._times[:half] = self._times[:half:2]
            self._places[:half] = self._places[:half:2]

    def _measure(self, time: float, place: np.ndarray) -> None:
        if not self._times:
            return
        gone = time - np.array(self._times)
        of = np.log10(gone) * A_DECADE
        for lag in range(math.floor(of.min() + 0.5), math.floor(of.max() + 0.5) + 1):
            at = int(np.argmin(np.abs(of - lag)))
            if abs(of[at] - lag) <= 0.5:
                square = float(np.mean(np.sum((place - self._places[at]) ** 2, axis=1)))
                self._lags.setdefault(lag, Measurement()).add(
                    {"lag": float(gone[at]), "square": square}
                )

    def average(self, particles: int) -> Average:
        found = [self._lags[lag].estimates for lag in sorted(self._lags)]
        used = min(particles, TRACERS)
        if len(found) > 2:
            self.words = ""
        return Average(
            "displacement",
            np.array([both["lag"].mean for both in found]),
            np.array([both["square"].mean for both in found]),
            np.array([both["square"].error for both in found]),
            self._frames,
            used,
            particles,
            words=self.words,
        )


def _tracers(swarm: Swarm) -> np.ndarray:
    """Where the same few are, spread evenly over all; in double precision, to be added up."""
    n = len(swarm.position)
    some = np.arange(min(n, TRACERS)) * n // min(n, TRACERS)
    if swarm.identity is not None:
        where = np.empty(n, int)
        where[swarm.identity] = np.arange(n)
        some = where[some]
    return np.asarray(swarm.position[some], float)


# What is read off one frame.


def _pairs(swarm: Swarm) -> Reading:
    position, length = _in_square(swarm)
    most = min(FAR * swarm.spacing, 0.5 * length * (1 - 1e-5))
    r, g = jax.device_get(_g(position, length, most))
    used = min(len(position), CENTRES)
    return Reading(r, g, ideal=np.ones_like(r), used=used, words=f"to r = {most:.3g}")


def _waves(swarm: Swarm) -> Reading:
    position, length = _in_square(swarm)
    k, s = jax.device_get(_s(position, length, 2 * np.pi * WAVES / swarm.spacing))
    return Reading(k, s, ideal=np.ones_like(k), used=len(position))


def _clusters(swarm: Swarm) -> Reading:
    touch = 0.0 if swarm.radius is None else 2 * swarm.radius
    discs = touch >= swarm.spacing / 2
    reach = touch if discs else NEAR * swarm.spacing
    position, length = _in_square(swarm, reach)
    n, slots, none = len(position), 16, np.empty(0)
    while True:
        most, (edges, share) = jax.device_get(_joined(position, length, reach, slots))
        if most <= slots:
            break
        slots = 2 ** (int(most) - 1).bit_length()
        if slots * n > ROOM:
            words = f"Up to {most} others are within {reach:.3g} of one: too many to list them all."
            return Reading(none, none, words=words)
    classes = max(n.bit_length(), 2)
    edges, share = edges[: classes + 1], share[:classes]
    how = "as they touch" if discs else "¾ of the mean spacing"
    middle = np.sqrt(edges[1:] * edges[:-1])
    return Reading(middle, share, edges, used=n, words=f"joined within {reach:.3g}, {how}")


def _crowding(swarm: Swarm) -> Reading:
    reach = AROUND * swarm.spacing
    if swarm.periodic and swarm.low is not None and swarm.high is not None:
        reach = min(reach, 0.5 * float(np.min(swarm.high - swarm.low)) * (1 - 1e-5))
    position, length = _in_square(swarm, reach)
    n, disc = len(position), np.pi * reach**2
    count = np.asarray(_others(position, length, reach)).astype(int)
    ends = _classes(n)
    share = np.histogram(count, ends)[0] / n
    width = np.diff(ends)
    edges = (ends - 0.5) / disc
    ideal = None
    if swarm.periodic:
        # Each of the others is in the disc with the same probability: binomial.
        below = bdtr(ends - 1.0, n - 1, min(1.0, disc / length**2))
        ideal = np.diff(np.where(ends > n - 1, 1.0, np.where(ends > 0, below, 0.0)))
        ideal = ideal / width * disc
    middle = (edges[1:] + edges[:-1]) / 2
    words = f"within {reach:.3g}, twice the mean spacing"
    return Reading(middle, share / width * disc, edges, ideal, n, words)


READERS: Mapping[str, Callable[[Swarm], Reading]] = {
    "g(r)": _pairs,
    "S(k)": _waves,
    "clusters": _clusters,
    "local density": _crowding,
}


def _classes(n: int) -> np.ndarray:
    """Where classes of counts from 0 to n begin, and the end of the last."""
    ends = list(range(min(SINGLE, n) + 1))
    while ends[-1] <= n:
        ends.append(max(ends[-1] + 1, round(ends[-1] * WIDER)))
    return np.array(ends)


def _in_square(swarm: Swarm, reach: float = 0.0) -> tuple[np.ndarray, float]:
    """Positions in [0, L]²; an open world in a square so wide that no one meets an image."""
    position = np.asarray(swarm.position, np.float32)
    if swarm.periodic and swarm.low is not None and swarm.high is not None:
        return position - np.float32(swarm.low), float(np.max(swarm.high - swarm.low))
    low, high = position.min(axis=0), position.max(axis=0)
    return position - low, float(np.max(high - low)) + 3 * reach


@jax.jit
def _g(position: Array, length: Array, most: Array) -> tuple[Array, Array]:
    return radial_distribution(position, length, most=most, bins=BINS, centres=CENTRES)


@jax.jit
def _s(position: Array, length: Array, most: Array) -> tuple[Array, Array]:
    return structure_factor(position, length, most=most)


@partial(jax.jit, static_argnames="slots")
def _joined(position: Array, length: Array, reach: Array, slots: int) -> tuple[Array, Any]:
    near = listed(position[:, 0], position[:, 1], length, reach=reach, slots=slots)
    return near.most, cluster_sizes(clusters(near.other, near.other >= 0))


@jax.jit
def _others(position: Float[Array, "n 2"], length: Array, reach: Array) -> Float[Array, " n"]:
    """How many others are within reach of each, in any order."""
    cells = sorted_into_cells(position[:, 0], position[:, 1], length, reach)
    x, y = position[cells.order].T
    (count,) = summed(cells, x, y, (jnp.ones(len(position)),), length, reach)
    return count - 1
