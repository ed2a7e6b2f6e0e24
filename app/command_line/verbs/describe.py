"""`manyscope describe`: what a system is and what it takes."""

import argparse
from collections.abc import Callable
from typing import Any

from app.command_line.reply import reply, table
from app.command_line.systems import system_of
from app.command_line.verbs.catalogue import source


HELP = "say what a system is and what it takes"


def take(made: argparse.ArgumentParser) -> None:
    made.add_argument("id", metavar="ID|FILE")
    made.set_defaults(set=[], preset=None)


def act(wish: Any) -> None:
    import inspect

    import jax

    from app.figures.metadata import values_of
    from engine.core.parameters import parameters
    from engine.systems import family, gallery, title

    name = wish.id
    cls = gallery()[name]
    system = system_of(wish)
    values = values_of(system)
    state = jax.eval_shape(system.init, jax.random.key(0))
    measured = _ordered(system.observables, state)
    derived = _ordered(system.derived, jax.eval_shape(system.observables, state))
    told = {quantity.name: quantity for quantity in cls.quantities}
    found = {
        "id": name,
        "title": title(cls),
        "family": family(cls),
        "text": (inspect.getdoc(cls) or "").partition("\n")[2].strip(),
        "parameters": [
            {
                "name": p.name,
                "kind": p.kind,
                "value": values[p.name],
                "default": list(p.default) if p.several else p.default,
                "span": None if p.span is None else list(p.span),
                "limits": None if p.limits is None else list(p.limits),
                "choices": None if p.choices is None else list(p.choices),
                "log": p.log,
                "symbol": p.symbol,
                "unit": p.unit,
                "help": p.help,
            }
            for p in parameters(cls).values()
        ],
        "observables": [
            {
                "name": observable,
                "symbol": told[observable].symbol if observable in told else "",
                "derived": observable not in measured,
            }
            for observable in (*measured, *(d for d in derived if d not in measured))
        ],
        "theory": list(_ordered(system.theory)),
        "presets": [
            {
                "name": preset.name,
                "values": {k: values_of(system.preset(preset.name))[k] for k in preset.values},
            }
            for preset in cls.presets
        ],
        "views": list(_ordered(system.frame, state)),
        "source": source(cls),
    }

    def words() -> str:
        rows = [["", "kind", "default", "span or choices", ""]]
        for p in found["parameters"]:
            span = p["span"] and f"{p['span'][0]:g} to {p['span'][1]:g}"
            choices = ", ".join(p["choices"] or ())
            default = ",".join(p["default"]) if isinstance(p["default"], list) else p["default"]
            words = f"{p['help']} ({p['unit']})" if p["unit"] else p["help"]
            rows.append([p["name"], p["kind"], str(default), span or choices, words])
        return "\n".join(
            [
                f"{found['title']}  ({found['id']}, {found['family']})",
                "",
                found["text"],
                "",
                "Parameters",
                table(rows, "  "),
                "",
                "Observables: " + ", ".join(one["name"] for one in found["observables"]),
                "Theory of:   " + (", ".join(found["theory"]) or "–"),
                "Presets:     " + (", ".join(one["name"] for one in found["presets"]) or "–"),
                "Views:       " + ", ".join(found["views"]),
                "Source:      " + found["source"],
            ]
        )

    reply(wish, found, words)


def _ordered(method: Callable[..., dict[str, Any]], *shapes: Any) -> tuple[str, ...]:
    """The names that a method answers with, in the order of its file, without running it."""
    import jax

    names: list[str] = []

    def traced(*arguments: Any) -> Any:
        names.extend(method(*arguments))
        return 0

    jax.eval_shape(traced, *shapes)
    return tuple(names)
