"""The thread that steps the run: wishes come in through a mailbox, the newest moment goes out.

Nothing queues. A wish replaces the wish of the same name that was not yet read, and a moment is
made only when the last one was taken, so a slow window costs frames and never delay. The engine
(and with it JAX) is imported here, while the window is already on the screen.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.builder import Builder
from app.mailbox import Mailbox
from app.observer import Observer
from app.pacing import Pacing
from app.priority import MAPS, RUN, give_way, take_turns
from app.structure import declared, differing, structure
from app.wishes import Beside, Goal, Moment, Other, Plan, Trouble, Wishes
from app.wishes import DensityWish as DensityWish


if TYPE_CHECKING:
    from engine.core.pair import Pair
    from engine.core.simulation import Simulation, Snapshot
    from engine.core.timeline import Position
    from engine.storage.sessions import Session

FRAME = 1 / 60  # s: no more moments than a screen shows
SOFTWARE_FRAME = 1 / 32  # s: where the processor draws too, it is shared
CHUNK = 0.010  # s of stepping between two looks into the mailbox
BUDGET = 0.024  # s of stepping in a frame; more steps than fit are not taken
WAKE = 0.25  # s after which a resting thread looks around
MEMORY = 2**30  # bytes of states that can be gone back to
LEFT = 8  # runs that were beside this one and may come back


class Runner(Mailbox):
    """Steps one simulation at a time, or two alike, as fast as pace and machine allow."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stopping = False
        self._builder = Builder(self._lock, self.progress.emit)
        self._thread = threading.Thread(target=self._live, name="runner", daemon=True)
        self._importer: threading.Thread | None = None
        # Read and written by the runner's thread alone.
        self._simulation: Simulation[Any] | None = None
        self._pair: Pair[Any] | None = None  # the simulation, with another one beside it
        self._left: dict[int, Simulation[Any]] = {}  # that were beside it, by their numbers
        self._observers = Observer(), Observer()
        self._build = 0
        self._structure: Any = None  # of the system that was built
        self._running = True
        self._frame = FRAME
        self._pace = 4
        self._memory = MEMORY
        self._densities: tuple[DensityWish, ...] = ()
        self._whole = True  # whether all views are wanted
        self._pacing = Pacing()
        self._rate = 0.0
        self._last_good: Snapshot | None = None
        self._held: dict[str, Any] = {}  # values for the system that is being opened
        self._goal: Position | None = None  # where the run is on its way to
        self._replays = True  # whether it goes on from there as it did
        self._goal_beside: Position | None = None  # of the run beside, where that is told
        self._later = Wishes()  # what is to be done there
        self._counted = time.perf_counter()
        self._taken = 0

    # From the window's thread.

    def start(self) -> None:
        take_turns()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        for thread in (self._thread, self._importer):
            if thread is not None and thread.is_alive():
                thread.join(timeout=120)
        self._builder.stop()

    def document(self, window: dict[str, Any] | None = None) -> Future[Session]:
        """All there is to save of the run, with what the window wants to find again."""

        def question(simulation: Simulation[Any]) -> Session:
            from engine.storage.sessions import Session

            other = None if self._pair is None else self._pair.other
            return Session.of(simulation, window=window or {}, other=other)

        return self.ask(question)

    def set_software(self, software: bool) -> None:
        """Whether the processor has to draw what it computes."""
        self._frame = SOFTWARE_FRAME if software else FRAME

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
                if self._goal is not None:
                    fresh |= self._travel()
                elif self._moving():
                    fresh |= self._advance_a_frame()
                if fresh and self._simulation is not None and self._newest is None:
                    self._publish()
                    fresh = False
            except Exception as error:
                self._pause_for(error)
                fresh = False
            # A frame that came late is made up for by the next one, so that the rate is kept.
            due = max(due + self._frame, time.perf_counter() - self._frame / 2)
            self._rest(due - time.perf_counter())

    def _moving(self) -> bool:
        simulation = self._simulation
        if simulation is None:
            return False
        return self._goal is not None or (self._running and not simulation.ended)

    def _read(self, *, rest: bool) -> Wishes | None:
        """All wishes at once; None when the program ends. With `rest`, wait for one."""
        with self._lock:
            while rest and not (self._wishes or self._builder.built or self._stopping):
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
        for name in ("running", "pace", "densities", "whole", "memory"):
            value = getattr(wishes, name)
            if value is not None:
                setattr(self, f"_{name}", value)
        if wishes.memory is not None:
            self._share_memory()
        self._plan_to_open(wishes)
        changed = self._take_what_was_built()
        for values in wishes.earlier:
            self._change_rows(values)
        if wishes.goal is not None and self._simulation is not None:
            self._begin_travel(self._simulation, wishes.goal)
        if self._goal is not None:
            self._put_off(wishes)
        else:
            self._do(wishes)
        self._builder.begin()
        self._answer(wishes)
        return changed or (bool(wishes) and self._simulation is not None)

    def _answer(self, wishes: Wishes) -> None:
        for question, answer in wishes.questions:
            try:
                if self._simulation is None:
                    raise RuntimeError("Nothing is open yet: open a system first.")
                answer.set_result(question(self._simulation))
            except Exception as error:  # belongs to whoever asked
                answer.set_exception(error)

    def _do(self, wishes: Wishes) -> None:
        """What acts on the run where it is."""
        self._change_rows(wishes.values)
        simulation = self._simulation
        if simulation is None:
            return
        if wishes.compare is not None:
            self._compare(simulation, wishes.compare)
        stepped = self._pair or simulation
        if wishes.branch:
            simulation.branch()
        if wishes.restart:
            stepped.restart(wishes.seed)
        if wishes.back and self._last_good is not None:
            self._return_to(self._last_good)
        if wishes.hand is not None:
            from engine.core.system import Touch

            name, hand, rows = wishes.hand
            drawn: tuple[Any, ...] = () if hand is None else hand[:4]
            touch = Touch(*drawn) if drawn else None
            if self._pair is not None:
                self._pair.poke(name, touch, rows)
            else:
                simulation.poke(name, touch)
        if wishes.steps and not self._running:
            stepped.run(wishes.steps)

    # Parameters, and what has to be compiled.

    def _plan_to_open(self, wishes: Wishes) -> None:
        if wishes.session is not None:
            from engine.replaying import system_of

            self._held = {}
            try:
                system, seed = system_of(wishes.session), wishes.session.seed
            except ValueError as error:
                self.refused.emit(str(error), self._still())
                return
            self._builder.next = Plan(system, seed, afresh=True, session=wishes.session)
        elif wishes.system is not None:
            self._held = {}
            self._builder.next = Plan(*wishes.system, afresh=True)

    def _change_rows(self, values: tuple[dict[str, Any], dict[str, Any]]) -> None:
        for row, new in enumerate(values):
            if new:
                self._change(new, row)

    def _change(self, values: dict[str, Any], row: int) -> None:
        """Set parameters: at once where nothing has to be compiled, else once it is."""
        coming = self._builder.coming
        if coming is not None and coming.afresh:
            self._held |= {} if row else values
            return
        simulation = self._row(row)
        if simulation is None:
            return
        known = declared(simulation.system)
        plain = {n: v for n, v in values.items() if known[n].traced and known[n].span}
        if plain:
            self._set(row, plain)
        structural = {n: v for n, v in values.items() if n not in plain}
        if coming is not None and coming.row == row:
            structural = (coming.values | structural) if structural else {}
        elif not differing(simulation.system, structural):
            return
        if structural:
            system = simulation.system.replace(**structural)
            self._builder.next = Plan(system, simulation.seed, structural, row)

    def _set(self, row: int, values: dict[str, Any]) -> None:
        if self._pair is not None:
            self._pair.set(row, **values)
        elif self._simulation is not None:
            self._simulation.set(**values)

    def _row(self, row: int) -> Simulation[Any] | None:
        if row == 0:
            return self._simulation
        return None if self._pair is None else self._pair.other

    def _take_what_was_built(self) -> bool:
        built = self._builder.take()
        if built is None:
            return False
        (plan, made), coming = built, self._builder.next
        overtaken = coming is not None and (coming.afresh or coming.row == plan.row)
        if overtaken:
            return False
        if isinstance(made, Exception):
            self.refused.emit(str(made), self._still())
            return False
        if plan.afresh:
            self._simulation, other = made
            self._left = {}
            self._beside(other)
            self._goal, self._later = None, Wishes()
            self._share_memory()
            values, self._held = self._held, {}
            if values:
                self._change(values, 0)
        else:
            row = self._row(plan.row)
            new = {} if row is None else differing(row.system, plan.values)
            if not new:
                return False
            self._set(plan.row, new)
        self._begin_build()
        self._last_good = None
        return True

    def _begin_build(self) -> None:
        assert self._simulation is not None
        self._build += 1
        self._pacing = Pacing()
        self._structure = structure(self._simulation.system)

    def _still(self) -> Any:
        return None if self._simulation is None else self._simulation.system

    # The timeline, and the run beside.

    def _begin_travel(self, simulation: Simulation[Any], goal: Goal) -> None:
        """Go to the nearest known state before a place; the rest of the way is run again."""
        here = simulation.position.branch if goal.branch is None else goal.branch
        try:
            if goal.position is not None:
                place = simulation.goal(goal.position)
            else:
                tip = simulation.timeline.tip(here)
                step = tip.step if goal.step is None else min(max(0, goal.step), tip.step)
                place = tip if step == tip.step else simulation.timeline.at(step, here)
            if goal.beside is not None and self._pair is not None:
                self._pair.other.goal(goal.beside)
        except ValueError:  # a place of a timeline that is not open any more
            return
        simulation.jump(place)
        self._goal, self._replays, self._goal_beside = place, goal.replays, goal.beside
        self._travel()

    def _travel(self) -> bool:
        """Go on to the place that is asked for, for a frame."""
        simulation, pair = self._simulation, self._pair
        assert simulation is not None
        assert self._goal is not None
        began = time.perf_counter()
        while self._goal is not None and time.perf_counter() - began < BUDGET:
            there = simulation.approach(self._goal, CHUNK)
            if there and (pair is None or pair.follow(CHUNK, self._goal_beside)):
                self._goal = None
                if not self._replays:
                    simulation.let_go()
                if pair is not None and self._goal_beside is not None:
                    pair.other.let_go()
                later, self._later = self._later, Wishes()
                self._do(later)
            if self._wishes:
                break
        return True

    def _put_off(self, wishes: Wishes) -> None:
        """What is asked for on the way is done at the end of it."""
        self._later.put_off(wishes)
        if wishes.compare is not None and not wishes.compare.on:  # it need not come along
            assert self._simulation is not None
            self._compare(self._simulation, wishes.compare)
        if wishes.back:
            self._goal, self._later = None, Wishes()
            self._do(wishes)

    def _compare(self, simulation: Simulation[Any], wish: Beside) -> None:
        """A second run from here on, or one that was left: it follows to where the first is."""
        if wish.on == (self._pair is not None):
            return
        known = self._left.pop(wish.number, None)
        if self._pair is not None:
            other = self._pair.other
            other.checkpoints.clear()
            self._left = dict([*self._left.items(), (wish.number, other)][-LEFT:])
            self._beside(None)
        elif known is None:
            self._beside(simulation.twin())
        else:
            self._beside(known)
            self._goal, self._replays, self._goal_beside = simulation.position, True, None

    def _beside(self, other: Simulation[Any] | None) -> None:
        """Step this one beside the simulation; None ends that."""
        from engine.core.pair import Pair

        assert self._simulation is not None
        self._pair = None if other is None else Pair(self._simulation, other)
        self._observers = self._observers[0], Observer()
        self._share_memory()

    def _share_memory(self) -> None:
        if self._simulation is None:
            return
        rows = (self._simulation,) if self._pair is None else self._pair.rows
        for row in rows:
            row.checkpoints.budget = self._memory // len(rows)
            row.checkpoints.trim()

    def _return_to(self, good: Snapshot) -> None:
        """Go back to a sound state; the sliders stay where the hand put them."""
        simulation, pair = self._simulation, self._pair
        assert simulation is not None
        beside = pair is not None and good.timeline is pair.other.timeline
        row = pair.other if pair is not None and beside else simulation
        now = row.system
        row.restore(good)
        known = declared(now)
        row.set(**{n: getattr(now, n) for n, p in known.items() if p.kind == "live" and p.span})
        if pair is not None and beside:
            simulation.back_to(min(row.step, simulation.step))
        if pair is not None:
            pair.follow()

    # Steps, and what is shown of them.

    def _advance_a_frame(self) -> bool:
        """Take the steps of a frame, or as many as fit; a wish that comes in ends it early."""
        simulation = self._simulation
        assert simulation is not None
        stepped = self._pair or simulation
        began, first = time.perf_counter(), simulation.step
        while (left := self._pace - (simulation.step - first)) > 0:
            steps = min(left, self._pacing.steps(CHUNK, BUDGET))
            start = time.perf_counter()
            stepped.run(steps)
            now = time.perf_counter()
            self._pacing.learn(steps, now - start)
            over = now - began + self._pacing.expected(min(left, steps)) > BUDGET
            if self._wishes or over or simulation.ended:
                break
        self._count(simulation.step - first)
        return True

    def _count(self, steps: int) -> None:
        now = time.perf_counter()
        elapsed = max(now - self._counted, 1e-6)
        self._counted = now
        share = min(1.0, elapsed / 0.5)  # a running mean over about half a second
        self._rate += share * (steps / elapsed - self._rate)
        self._taken = steps

    def _publish(self) -> None:
        simulation, travels = self._simulation, self._goal is not None
        assert simulation is not None
        if structure(simulation.system) != self._structure:
            self._begin_build()  # the past has other shapes
        wanted, whole, build = self._densities, self._whole, self._build
        first, second = self._observers
        seen = first.see(simulation, wanted, whole, build=build, samples=not travels)
        other, kept = None, seen["past"].kept
        if self._pair is not None:
            beside = second.see(self._pair.other, wanted, whole, build=build, samples=not travels)
            parted = self._pair.parted()
            other = Other(**beside, parted=parted.step, distance=parted.share)
            kept += beside["past"].kept
        seen["past"] = seen["past"]._replace(kept=kept, budget=self._memory, seeking=travels)
        moment = Moment(
            **seen,
            build=self._build,
            done=simulation.ended,
            running=self._running,
            steps_per_frame=self._taken,
            steps_per_second=self._rate if self._moving() else 0.0,
            other=other,
        )
        with self._lock:
            self._newest = moment
        self.arrived.emit()
        self._import_the_others()

    def _pause_for(self, error: Exception) -> None:
        """Stop, and say in words what is wrong and what can be gone back to."""
        self._running = False
        self._goal, self._later = None, Wishes()
        self._last_good = getattr(error, "last_good", None)
        title = "The run left the numbers" if self._last_good is not None else "The run stopped"
        words = str(error) or type(error).__name__
        self.troubled.emit(Trouble(title, words, self._last_good))

    def _import_the_others(self) -> None:
        """Once something runs: what may be opened next is imported meanwhile."""
        if self._importer is not None:
            return

        def look_through() -> None:
            from engine.systems import gallery

            give_way(MAPS)
            for name in gallery():
                if self._stopping:
                    return
                try:
                    gallery()[name]
                except Exception:  # it is told of when that system is opened
                    continue

        self._importer = threading.Thread(target=look_through, name="importer", daemon=True)
        self._importer.start()
