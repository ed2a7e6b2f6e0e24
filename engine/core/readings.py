"""What can be read off a run: its frame, what is measured, what theory says."""

import abc
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Generic

import jax
import numpy as np

from engine.core.density import Splat
from engine.core.layers import Frame
from engine.core.measurement import Estimate, Measurement
from engine.core.parameters import similar
from engine.core.stepping import (
    Look,
    Run,
    State,
    beside,
    derive,
    look,
    predict,
    without_room,
)
from engine.core.system import System


class Readings(abc.ABC, Generic[State]):
    """A run that is at some state, to be looked at."""

    system: System[State]
    measurement: Measurement

    @property
    @abc.abstractmethod
    def present(self) -> Run[State]:
        """The state on the device: lent, for the next step reuses its memory."""

    @abc.abstractmethod
    def _check_numbers(self, observables: Mapping[str, np.ndarray]) -> None:
        """Raise where one of them is infinite or not-a-number."""

    def look(
        self,
        views: tuple[str, ...] | None = None,
        splats: tuple[Splat, ...] = (),
        *,
        whole: bool = True,
    ) -> Look:
        """All there is to see now, in one transfer; a view with a splat comes without its points.

        Other `views` compile anew. Without the views that only a `whole` look has, the large one
        is left and those of the splats; nothing compiles, and nothing is computed of the others.

        >>> simulation.look(views=("circle",)).frame["circle"]
        """
        try:
            sight = look(self.system, self.present, views, splats, whole)
            if views is None and not whole:
                blank = beside(sight.frame, splats)
                kept = [(n, layers) for n, layers in sight.frame.items() if n not in blank]
                sight = sight._replace(frame=OrderedDict(kept))
            sight = jax.device_get(sight)
        except KeyError:
            self._check_views((*(views or ()), *(wish.view for wish in splats)))
            raise
        self._check_numbers(sight.observables)
        # Some arrays are the state's own memory. A reader who kept them would keep `advance` from
        # reusing it, silently, so readers get copies.
        frame, pictures = jax.tree.map(np.array, (sight.frame, sight.splats))
        return Look(
            dict(frame),
            {name: value.item() for name, value in sight.observables.items()},
            {name: value.item() for name, value in sight.limit.items()},
            [words for words, true in sight.caveats.items() if true],
            dict(pictures),
        )

    def views(self) -> dict[str, tuple[str, ...]]:
        """The views of a frame, the large one first, and the kinds of their layers."""
        frame = jax.eval_shape(lambda run: OrderedDict(self.system.frame(run.state)), self.present)
        return {name: tuple(type(layer).__name__ for layer in frame[name]) for name in frame}

    def theory(self) -> dict[str, float]:
        """What averages settle to as N → ∞; not-a-number where theory is silent."""
        found = jax.device_get(predict(without_room(self.system)))
        return {name: value.item() for name, value in found.items()}

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Averages since the last change, with their errors, and what derives from them."""
        return self.measurement.estimates

    @property
    def frame(self) -> Frame:
        """What to draw now, as NumPy arrays."""
        return self.look().frame

    @property
    def observables(self) -> dict[str, float]:
        """What is measured now."""
        return self.look(views=()).observables

    @property
    def limit(self) -> dict[str, float]:
        """What would be measured now if N were infinite."""
        return self.look(views=()).limit

    @property
    def caveats(self) -> list[str]:
        """What a person should know now."""
        return self.look(views=()).caveats

    @property
    def derives(self) -> bool:
        """Whether anything follows from averages."""
        return type(self.system).derived is not System.derived

    def _check_views(self, names: tuple[str, ...]) -> None:
        known = self.views()
        for name in names:
            if name not in known:
                raise ValueError(
                    f"{type(self.system).__name__} has no view {name!r}: "
                    f"it has {', '.join(known)}.{similar(name, known)}"
                )

    def _derived(self, means: dict[str, Any]) -> Mapping[str, Any]:
        # In 64 bits: a susceptibility is a small difference of large averages.
        with jax.enable_x64(True):
            return jax.device_get(derive(self.system, means))
