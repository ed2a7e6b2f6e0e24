"""What passes between the window and the thread that steps the run: wishes in, moments out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple


if TYPE_CHECKING:
    import numpy as np

    from app.views.view import Hand
    from engine.core.layers import Frame
    from engine.core.measurement import Estimate
    from engine.core.simulation import Simulation, Snapshot
    from engine.core.system import System
    from engine.core.timeline import Past, Position
    from engine.storage.sessions import Session


class DensityWish(NamedTuple):
    """A swarm that is to be splatted into a picture of density on the device."""

    view: str
    matrix: np.ndarray  # 4 × 4, to clip space
    height: int
    width: int
    colouring: str
    table: np.ndarray  # 256 × 3
    keeps: bool = False  # whether the points are wanted as well


class Other(NamedTuple):
    """What the window shows of the run beside the first one."""

    system: System[Any]
    seed: int
    tick: int
    time: float
    frame: Frame
    views: dict[str, tuple[str, ...]]
    densities: dict[str, np.ndarray]
    observables: dict[str, float]
    limit: dict[str, float]
    estimates: dict[str, Estimate]
    theory: dict[str, float]
    caveats: list[str]
    past: Past
    parted: int | None  # the step at which the two runs parted
    distance: float  # share of the numbers of their states that differ


class Moment(NamedTuple):
    """All that the window shows of one instant, as NumPy arrays and plain numbers."""

    build: int  # counts the systems and sizes that were built: shapes may differ between two
    system: System[Any]
    seed: int
    tick: int
    time: float
    frame: Frame  # without the views that nobody sees; the first one of a build has all
    views: dict[str, tuple[str, ...]]  # all there are, and the kinds of their layers
    densities: dict[str, np.ndarray]
    observables: dict[str, float]
    limit: dict[str, float]
    estimates: dict[str, Estimate]
    theory: dict[str, float]
    caveats: list[str]
    done: bool
    running: bool
    steps_per_frame: int  # taken; fewer than asked where they do not fit
    steps_per_second: float
    past: Past
    other: Other | None = None  # the run beside this one


class Trouble(NamedTuple):
    """Why the run was paused, and the state it can go back to."""

    title: str
    words: str
    last_good: Snapshot | None


class Goal(NamedTuple):
    """A place on the timeline that is asked for: a step of a line, the tip of one, or exactly."""

    branch: int | None = None
    step: int | None = None  # None is the tip
    position: Position | None = None
    replays: bool = True  # whether what was recorded from there on happens again
    beside: Position | None = None  # of the run beside, on its own timeline, to go on from anew


class Touched(NamedTuple):
    """A poke by its name, where the hand was, and the rows that it acts on."""

    name: str
    hand: Hand | None = None  # None for a button
    rows: tuple[int, ...] = (0, 1)


class Beside(NamedTuple):
    """A second run that is to be beside the first, or to be left: under this number it is kept."""

    on: bool
    number: int = 0


@dataclass
class Wishes:
    """What the window wants next; a later wish replaces an earlier one."""

    system: tuple[System[Any], int] | None = None  # to open afresh, with its seed
    session: Session | None = None  # to open where it was saved
    earlier: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)  # ...
    # ... values that were asked for before the place to go to was: they belong to where it was.
    goal: Goal | None = None
    branch: bool = False
    compare: Beside | None = None
    memory: int | None = None  # bytes for checkpoints
    values: tuple[dict[str, Any], dict[str, Any]] = field(default_factory=lambda: ({}, {}))
    seed: int | None = None
    restart: bool = False
    running: bool | None = None
    pace: int | None = None  # steps per frame
    steps: int = 0  # single ones, while paused
    hand: Touched | None = None
    densities: tuple[DensityWish, ...] | None = None
    whole: bool | None = None  # whether somebody sees the views beside the large one
    back: bool = False  # to the last good state
    look: bool = False  # draw the same state again
    questions: tuple[tuple[Callable[[Simulation[Any]], Any], Future[Any]], ...] = ()

    def __bool__(self) -> bool:
        return self != Wishes()

    def put_off(self, new: Wishes) -> None:
        """Take what acts on the run from other wishes, for later."""
        for kept, values in zip(self.values, new.values, strict=True):
            kept.update(values)
        self.restart |= new.restart
        self.branch |= new.branch
        for name in ("seed", "compare", "hand"):
            value = getattr(new, name)
            if value is not None:
                setattr(self, name, value)


class Plan(NamedTuple):
    """What is to be compiled beside the run, and the parameter values that made it necessary."""

    system: System[Any]
    seed: int
    values: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    row: int = 0
    afresh: bool = False  # opened, rather than changed
    session: Session | None = None  # opened where it was saved
