"""An instant of a run with all that figures are drawn from, and figures of it.

The window and the command line make one, and from then on do the same: what a file says of itself
and what it shows come from the same place.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.figures import prose
from app.figures.figure import figure_bytes, format_of
from app.figures.metadata import MOST, metadata_of, written_out
from app.figures.recipe import Instant, Part, Recipe, ViewPart, panels_from, recipe_of
from engine.storage.atomic import written


@dataclass(frozen=True, eq=False)
class Still:
    """A run at one step: its frame, and what was measured on the way there."""

    simulation: Any  # the still's own: it goes back and forth to draw other steps
    system: Any
    seed: int
    tick: int
    time: float
    position: Any  # on the timeline
    frame: Mapping[str, tuple[Any, ...]]
    session: str  # the text of the session that leads here
    measured: Mapping[str, Part] = field(default_factory=dict)  # "trace", "map", "curve"
    seen: Mapping[str, ViewPart] = field(default_factory=dict)  # views with their cameras
    drawn: tuple[Part, ...] = ()  # panels of a figure that was reopened, as they were

    @classmethod
    def of(
        cls,
        simulation: Any,
        measured: Mapping[str, Part] | None = None,
        seen: Mapping[str, ViewPart] | None = None,
        session: str = "",
    ) -> "Still":
        """The run where it is now; `session` where its text is known."""
        return cls(
            simulation,
            simulation.system,
            simulation.seed,
            simulation.tick,
            simulation.time,
            simulation.position,
            simulation.look().frame,
            session or session_text(simulation),
            measured or {},
            seen or {},
        )

    @classmethod
    def again(cls, simulation: Any, session: Any, recipe: Recipe) -> "Still":
        """The run of a figure's session, with all that the figure was drawn from."""
        from engine.storage.sessions import to_text

        views = [part for part in recipe.panels if isinstance(part, ViewPart)]
        others = [part for part in recipe.panels if not isinstance(part, ViewPart)]
        return replace(
            cls.of(
                simulation,
                {name_of(part): part for part in others},
                {v.view: ViewPart(v.view, None, v.camera, v.colouring) for v in reversed(views)},
                to_text(session),
            ),
            drawn=recipe.panels,
        )

    @property
    def step(self) -> int:
        """Steps since the session began."""
        return self.position.step

    @property
    def run(self) -> Any:
        """The simulation, at this step."""
        if self.simulation.position != self.position:
            self.simulation.back_to(self.position)
        return self.simulation

    def part(self, name: str, step: int | None = None) -> Part:
        """A panel by its name: what was measured, or a view, as it is seen or at another step."""
        for part in self.drawn:
            if (name_of(part), step_of(part)) == (name, step):
                return part
        if name in self.measured:
            return self.measured[name]
        part = self.seen.get(name, ViewPart(name))
        if step is None or step == self.step:
            return part
        return ViewPart(name, step, part.camera, part.colouring)

    def metadata(self, views: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
        """What makes it again, and the program that made it."""
        about = metadata_of(
            self.system, seed=self.seed, tick=self.tick, time=self.time, views=views,
            session=self.session,
        )  # fmt: skip
        return about | more

    def caption(self, views: tuple[str, ...] = ()) -> str:
        """A sentence for the paper."""
        return prose.caption(self.system, views, seed=self.seed, tick=self.tick, time=self.time)

    def methods(self) -> str:
        """A paragraph for the paper, in LaTeX."""
        changes = prose.changes_of(self.simulation.timeline, self.position)
        return prose.methods(
            self.system, seed=self.seed, tick=self.tick, time=self.time, changes=changes
        )


def session_text(simulation: Any, window: dict[str, Any] | None = None) -> str:
    """The session that leads to where a simulation is; `window` for whoever shows it."""
    from engine.storage.sessions import Session, to_text

    return to_text(Session.of(simulation, window=window, state=False))


def instants(still: Still) -> Callable[[int | None], Instant]:
    """The run at any step of its session; what was before happens again, once for each step."""
    known: dict[int | None, Instant] = {None: Instant(still.system, still.frame)}
    known[still.step] = known[None]

    def at(step: int | None) -> Instant:
        if step not in known:
            run = still.simulation.back_to(step)
            known[step] = Instant(run.system, run.look().frame)
        return known[step]

    return at


def name_of(part: Part) -> str:
    """What a panel shows."""
    return part.view if isinstance(part, ViewPart) else str(part.__struct_config__.tag)


def step_of(part: Part) -> int | None:
    """The step of the session that a panel shows; None is where the session stands."""
    return part.step if isinstance(part, ViewPart) else None


def names_of(recipe: Recipe) -> tuple[str, ...]:
    """What the panels show, in words for the metadata."""
    return tuple(map(name_of, recipe.panels))


def shown_by(recipe: Recipe) -> tuple[str, ...]:
    """What the panels show, in words for a caption."""
    shown = [(name_of(part), step_of(part)) for part in recipe.panels]
    return tuple(name if step is None else f"{name} at step {step}" for name, step in shown)


def draw(
    still: Still,
    recipe: Recipe,
    format: str,
    *,
    embedded: bool = True,
    about: dict[str, Any] | None = None,
    at: Callable[[int | None], Instant] | None = None,
) -> bytes:
    """A figure as the bytes of its file; embedded are its recipe, its session and `about`."""
    recipe = recipe_of(recipe.plain())  # as it will be read
    panels = panels_from(recipe, still.system, at or instants(still))
    if not embedded:
        return figure_bytes(panels, recipe.style, format)
    said = still.metadata(names_of(recipe), figure=recipe.plain()) | (about or {})
    said |= {"session": json.loads(still.session)}
    if len(written_out(said)) > MOST:
        raise ValueError(
            "The session is too large for the figure: save it beside the figure, and leave it out "
            "of the file."
        )
    return figure_bytes(panels, recipe.style, format, said)


def export(still: Still, recipe: Recipe, path: str | Path, **how: Any) -> Path:
    """Draw a figure into a file, whole or not at all; its suffix says the format."""
    path = Path(path)
    data = draw(still, recipe, format_of(path), **how)
    with written(path) as draft:
        draft.write_bytes(data)
    return path
