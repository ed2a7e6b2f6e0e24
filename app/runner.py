"""The thread that steps the run: wishes come in through a mailbox, the newest moment goes out.

Nothing queues. A wish replaces the wish of the same name that was not yet read, and a moment is
made only when the last one was taken, so a slow window costs frames and never delay. The engine
(and with it JAX) is imported here, while the window is already on the screen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from PySide6.QtCore import QObject, Signal

from app.priority import BUILD, RUN, give_way


if TYPE_CHECKING:
    import numpy as np

    from app.views.view import Hand
    from engine.core.layers import Frame
    from engine.core.measurement import Estimate
    from engine.core.simulation import Simulation, Snapshot
    from engine.core.system import System, Touch

FRAME = 1 / 60  # s: no more moments than a screen shows
SOFTWARE_FRAME = 1 / 32  # s: where the processor draws too, it is shared
CHUNK = 0.010  # s of stepping between two looks into the mailbox
BUDGET = 0.024  # s of stepping in a frame; more steps than fit are not taken
READ = 0.1  # s between two readings of the averages
WAKE = 0.25  # s after which a resting thread looks around


class DensityWish(NamedTuple):
    """A swarm that is to be splatted into a picture of density on the device."""

    view: str
    matrix: np.ndarray  # 4 × 4, to clip space
    height: int
    width: int
    colouring: str
    table: np.ndarray  # 256 × 3


class Moment(NamedTuple):
    """All that the window shows of one instant, as NumPy arrays and plain numbers."""

    build: int  # counts the systems and sizes that were built: shapes may differ between two
    system: System[Any]
    seed: int
    tick: int
    time: float
    frame: Frame
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


class Trouble(NamedTuple):
    """Why the run was paused, and the state it can go back to."""

    title: str
    words: str
    last_good: Snapshot | None


@dataclass
class Wishes:
    """What the window wants next; a later wish replaces an earlier one."""

    system: tuple[System[Any], int] | None = None  # to open afresh, with its seed
    values: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    restart: bool = False
    running: bool | None = None
    pace: int | None = None  # steps per frame
    steps: int = 0  # single ones, while paused
    hand: tuple[str, Hand | None] | None = None
    densities: tuple[DensityWish, ...] | None = None
    back: bool = False  # to the last good state
    look: bool = False  # draw the same state again
    questions: tuple[tuple[Callable[[Simulation[Any]], Any], Future[Any]], ...] = ()

    def __bool__(self) -> bool:
        return self != Wishes()


class Plan(NamedTuple):
    """A system to be compiled beside the run, and the parameter values that made it necessary."""

    system: System[Any]
    seed: int
    values: dict[str, Any]
    afresh: bool  # opened, rather than changed


class Runner(QObject):
    """Steps one simulation at a time, as fast as its pace asks and the machine allows."""

    ready = Signal(object)  # the gallery: id -> system class
    progress = Signal(str)  # what is being prepared, in words; empty when done
    arrived = Signal()  # a moment is there: call `take`
    troubled = Signal(object)  # Trouble
    refused = Signal(str, object)  # why a plan could not be built; the system that still runs

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._wishes = Wishes()
        self._newest: Moment | None = None
        self._stopping = False
        self._building: threading.Thread | None = None
        self._built: tuple[Plan, Any] | None = None  # what the builder made, or its error
        self._thread = threading.Thread(target=self._live, name="runner", daemon=True)
        # Read and written by the runner's thread alone.
        self._simulation: Simulation[Any] | None = None
        self._build = 0
        self._running = True
        self._frame = FRAME
        self._pace = 4
        self._densities: tuple[DensityWish, ...] = ()
        self._theory: dict[str, float] = {}
        self._step_seconds = 0.0
        self._rate = 0.0
        self._last_good: Snapshot | None = None
        self._plan: Plan | None = None  # to be built next
        self._begun: Plan | None = None  # being built now
        self._held: dict[str, Any] = {}  # values for the system that is being opened
        self._sampled = -1  # tick of the last sample
        self._counted = time.perf_counter()
        self._taken = 0
        self._kinds: dict[str, tuple[str, ...]] = {}  # of the layers of each view
        self._kinds_of = -1  # the build they were asked of
        self._estimates: dict[str, Estimate] = {}
        self._estimated_at, self._estimates_of = 0.0, 0

    # From the window's thread.

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        for thread in (self._thread, self._building):
            if thread is not None and thread.is_alive():
                thread.join(timeout=120)

    def take(self) -> Moment | None:
        """The newest moment, once."""
        with self._lock:
            moment, self._newest = self._newest, None
            self._lock.notify_all()
        return moment

    def open(self, system: System[Any], seed: int) -> None:
        """Run this system from its beginning; it is built while the old run goes on."""
        with self._lock:
            self._wishes.system = (system, seed)
            self._wishes.values.clear()
            self._lock.notify_all()

    def set(self, **values: Any) -> None:
        """Change parameters: live ones act on the next step."""
        with self._lock:
            self._wishes.values.update(values)
            self._lock.notify_all()

    def restart(self, seed: int | None = None) -> None:
        self._wish(restart=True, seed=seed)

    def play(self, running: bool) -> None:
        self._wish(running=running)

    def step(self, steps: int = 1) -> None:
        with self._lock:
            self._wishes.steps += steps
            self._lock.notify_all()

    def set_pace(self, steps_per_frame: int) -> None:
        self._wish(pace=max(1, steps_per_frame))

    def poke(self, name: str, hand: Hand | None = None) -> None:
        self._wish(hand=(name, hand))

    def want_densities(self, wishes: tuple[DensityWish, ...]) -> None:
        self._wish(densities=wishes, look=True)

    def go_back(self) -> None:
        """Return to the last state that was sound, paused."""
        self._wish(back=True, running=False)

    def ask(self, question: Callable[[Simulation[Any]], Any]) -> Future[Any]:
        """What the simulation answers between two frames: a whole frame, a snapshot.

        The window's thread must not wait for the answer; a thread that exports may.
        """
        answer: Future[Any] = Future()
        with self._lock:
            self._wishes.questions = (*self._wishes.questions, (question, answer))
            self._lock.notify_all()
        return answer

    def set_software(self, software: bool) -> None:
        """Whether the processor has to draw what it computes."""
        self._frame = SOFTWARE_FRAME if software else FRAME

    def look_again(self) -> None:
        self._wish(look=True)

    def _wish(self, **wishes: Any) -> None:
        with self._lock:
            for name, value in wishes.items():
                setattr(self._wishes, name, value)
            self._lock.notify_all()

    # In the runner's thread.

    def _live(self) -> None:
        give_way(RUN)
        self.progress.emit("Loading the engine")
        try:
            from engine.core.compilation import keep_compilations
            from engine.systems import gallery

            keep_compilations()
            systems = gallery()
        except Exception as error:  # the window stays, and says why nothing runs
            self.troubled.emit(Trouble("The engine did not start", str(error), None))
            return
        self.progress.emit("")
        self.ready.emit(systems)
        due = time.perf_counter()
        fresh = False  # whether there is something that was not yet shown
        while (wishes := self._read(rest=not fresh and not self._moving())) is not None:
            try:
                fresh |= self._grant(wishes)
                if self._moving():
                    fresh |= self._advance_a_frame()
                if fresh and self._simulation is not None and self._newest is None:
                    self._publish()
                    fresh = False
            except Exception as error:
                self._pause_for(error)
                fresh = False
            due = max(due + self._frame, time.perf_counter())
            self._rest(due - time.perf_counter())

    def _moving(self) -> bool:
        return self._running and self._simulation is not None and not self._simulation.done

    def _read(self, *, rest: bool) -> Wishes | None:
        """All wishes at once; None when the program ends. With `rest`, wait for one."""
        with self._lock:
            while rest and not (self._wishes or self._built or self._stopping):
                self._lock.wait(WAKE)
            wishes, self._wishes = self._wishes, Wishes()
            return None if self._stopping else wishes

    def _rest(self, seconds: float) -> None:
        with self._lock:
            # A moving run reads its wishes at the next frame; a resting one answers at once.
            self._lock.wait_for(
                lambda: self._stopping or (self._wishes and not self._moving()), max(seconds, 0)
            )

    def _grant(self, wishes: Wishes) -> bool:
        """Do what was asked; whether there is something new to see."""
        if wishes.running is not None:
            self._running = wishes.running
        if wishes.pace is not None:
            self._pace = wishes.pace
        if wishes.densities is not None:
            self._densities = wishes.densities
        if wishes.system is not None:
            self._held = {}
            self._plan = Plan(*wishes.system, {}, afresh=True)
        changed = self._take_what_was_built()
        if wishes.values:
            self._change(wishes.values)
        self._build_what_is_planned()
        simulation = self._simulation
        if simulation is None:
            for _, answer in wishes.questions:
                answer.set_exception(RuntimeError("Nothing is open yet: open a system first."))
            return False
        for question, answer in wishes.questions:
            try:
                answer.set_result(question(simulation))
            except Exception as error:  # belongs to whoever asked
                answer.set_exception(error)
        if wishes.restart:
            simulation.restart(wishes.seed)
            self._sampled = -1
        if wishes.back and self._last_good is not None:
            now = simulation.system  # the state goes back, the sliders stay where the hand put them
            simulation.restore(self._last_good)
            known = _declared(now)
            simulation.set(
                **{n: getattr(now, n) for n, p in known.items() if p.kind == "live" and p.span}
            )
        if wishes.hand is not None:
            name, hand = wishes.hand
            simulation.poke(name, None if hand is None else _touch(hand))
        if wishes.steps and not self._running:
            simulation.run(wishes.steps)
        return changed or bool(wishes)

    def _change(self, values: dict[str, Any]) -> None:
        """Set parameters: at once where nothing has to be compiled, else once it is."""
        coming = self._plan or self._begun
        if coming is not None and coming.afresh:
            self._held |= values
            return
        simulation = self._simulation
        if simulation is None:
            return
        known = _declared(simulation.system)
        plain = {n: v for n, v in values.items() if known[n].traced and known[n].span}
        if plain:
            simulation.set(**plain)
            self._theory = simulation.theory()
        structural = {n: v for n, v in values.items() if n not in plain}
        if structural:
            structural = (coming.values if coming else {}) | structural
            system = simulation.system.replace(**structural)
            self._plan = Plan(system, simulation.seed, structural, afresh=False)

    def _build_what_is_planned(self) -> None:
        """Compile in a thread of its own, while the old run goes on; the last plan wins."""
        if self._plan is None or self._begun is not None:
            return
        plan, self._plan = self._plan, None
        self._begun = plan
        words = ", ".join(f"{name} = {value}" for name, value in plan.values.items())
        self.progress.emit(words or type(plan.system).__name__)

        def build() -> None:
            give_way(BUILD)
            try:
                from engine.core.simulation import Simulation

                made: Any = Simulation(plan.system, seed=plan.seed)
                made.run(1).look()
                made.theory()
                made.restart()
            except Exception as error:  # shown in words, by the runner
                made = error
            with self._lock:
                self._built = (plan, made)
                self._lock.notify_all()

        self._building = threading.Thread(target=build, name="builder", daemon=True)
        self._building.start()

    def _take_what_was_built(self) -> bool:
        with self._lock:
            built, self._built = self._built, None
        if built is None:
            return False
        plan, made = built
        self._begun = None
        if self._plan is None:
            self.progress.emit("")
        if isinstance(made, Exception):
            still = None if self._simulation is None else self._simulation.system
            self.refused.emit(str(made), still)
            return False
        if self._plan is not None and self._plan.afresh:
            return False  # overtaken: something else is to be opened
        if plan.afresh:
            self._simulation = made
            if self._held:
                values, self._held = self._held, {}
                self._change(values)
        elif self._simulation is not None:
            known = _declared(plan.system)
            if any(known[name].restarts for name in plan.values):
                now = self._simulation.system  # live values may have moved meanwhile
                made.set(
                    **{n: getattr(now, n) for n, p in known.items() if p.kind == "live" and p.span}
                )
                self._simulation = made.restart(self._simulation.seed)
            else:
                self._simulation.set(**plan.values)  # a mode goes on from the same state
        assert self._simulation is not None
        self._build += 1
        self._step_seconds = 0.0
        self._last_good = None
        self._sampled = -1
        self._theory = self._simulation.theory()
        return True

    def _advance_a_frame(self) -> bool:
        """Take the steps of a frame, or as many as fit; a wish that comes in ends it early."""
        simulation = self._simulation
        assert simulation is not None
        began, first = time.perf_counter(), simulation.tick
        while (left := self._pace - (simulation.tick - first)) > 0:
            fit = int(CHUNK / self._step_seconds) if self._step_seconds else 1
            steps = min(left, max(1, fit))
            start = time.perf_counter()
            simulation.run(steps)
            took = (time.perf_counter() - start) / steps
            known = self._step_seconds
            self._step_seconds = 0.8 * known + 0.2 * took if known else took
            over = time.perf_counter() - began + took > BUDGET
            if self._wishes or over or simulation.done:
                break
        self._count(simulation.tick - first)
        return simulation.tick > first

    def _count(self, steps: int) -> None:
        now = time.perf_counter()
        elapsed = max(now - self._counted, 1e-6)
        self._counted = now
        share = min(1.0, elapsed / 0.5)  # a running mean over about half a second
        self._rate += share * (steps / elapsed - self._rate)
        self._taken = steps

    def _splats(self) -> tuple[Any, ...]:
        """The density pictures that are wanted, of views that this system has."""
        from engine.core.density import Splat

        assert self._simulation is not None
        if self._densities and self._kinds_of != self._build:
            # Once for a build: to know a frame's views, it is traced.
            self._kinds, self._kinds_of = self._simulation.views(), self._build
        return tuple(
            Splat(
                cast(Any, wish.matrix),
                cast(Any, wish.table),
                view=wish.view,
                colouring=wish.colouring,
                height=wish.height,
                width=wish.width,
            )
            for wish in self._densities
            if "Points" in self._kinds.get(wish.view, ())
        )

    def _publish(self) -> None:
        simulation = self._simulation
        assert simulation is not None
        look = simulation.look(splats=self._splats())
        if simulation.tick > self._sampled:
            self._sampled = simulation.tick
            simulation.measurement.add(look.observables)
        moment = Moment(
            build=self._build,
            system=simulation.system,
            seed=simulation.seed,
            tick=simulation.tick,
            time=simulation.time,
            frame=look.frame,
            densities=look.splats,
            observables=look.observables,
            limit=look.limit,
            estimates=self._estimated(simulation),
            theory=self._theory,
            caveats=look.caveats,
            done=simulation.done,
            running=self._running,
            steps_per_frame=self._taken,
            steps_per_second=self._rate if self._moving() else 0.0,
        )
        with self._lock:
            self._newest = moment
        self.arrived.emit()

    def _estimated(self, simulation: Simulation[Any]) -> dict[str, Estimate]:
        """Averages with errors, worked out ten times a second: nobody reads faster."""
        now, samples = time.perf_counter(), simulation.measurement.samples
        if now - self._estimated_at > READ or samples < self._estimates_of or samples < 2:
            self._estimates = simulation.estimates
            self._estimated_at, self._estimates_of = now, samples
        return self._estimates

    def _pause_for(self, error: Exception) -> None:
        """Stop, and say in words what is wrong and what can be gone back to."""
        self._running = False
        self._last_good = getattr(error, "last_good", None)
        title = "The run left the numbers" if self._last_good is not None else "The run stopped"
        words = str(error) or type(error).__name__
        self.troubled.emit(Trouble(title, words, self._last_good))


def _declared(system: System[Any]) -> dict[str, Any]:
    from engine.core.parameters import parameters

    return parameters(system)


def _touch(hand: Hand) -> Touch:
    """A hand as the engine takes it: arrays of one type, so that nothing compiles twice."""
    import numpy as np

    from engine.core.system import Touch

    touched: Any = tuple(
        np.asarray(v, np.float32) for v in (hand.position, hand.drag, hand.radius, hand.sign)
    )
    return Touch(*touched)
