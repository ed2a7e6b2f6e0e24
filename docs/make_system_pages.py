"""Writes docs/systems/: a page for every system of the gallery, from its own file.

The pages are committed; `make pages` writes them again after a change to a system.
"""

import inspect
import textwrap
from collections import OrderedDict
from pathlib import Path
from typing import Any

import jax

from engine import gallery
from engine.core.about import references
from engine.core.parameters import Parameter, parameters
from engine.resources import resource
from engine.systems import family, title


PAGES = Path(__file__).parent / "systems"
FAMILIES = {
    "swarms": "Swarms",
    "diffusion": "Diffusion",
    "spins": "Spins",
    "neural": "Neural networks",
    "fields": "Fields",
}
WHAT = {
    "live": "live: drag it while it runs",
    "mode": "mode: keeps the state, compiles anew",
    "start": "start: restarts",
    "size": "size: restarts, compiles anew",
}


def pages() -> dict[str, str]:
    """The text of every page by its file name."""
    systems = gallery()
    texts = {f"{name}.md": page(name) for name in systems}
    index = ["# The systems", ""]
    for kind, words in FAMILIES.items():
        members = [name for name, system in systems.items() if family(system) == kind]
        if members:
            index += [f"## {words}", ""]
            index += [f"- [{title(systems[name])}]({name}.md) (`{name}`)" for name in members]
            index += [""]
    texts["README.md"] = "\n".join(index)
    return texts


def page(name: str) -> str:
    """One system: what one sees, equations, parameters, observables, theory, sources."""
    system = gallery()[name]
    doc = inspect.getdoc(system) or ""
    lines = [f"# {title(system)}", ""]
    picture = thumbnail(name)
    if picture:
        lines += [f'<img src="{picture}" alt="{title(system)}" width="320">', ""]
    lines += [f"`manyscope open {name}` · `engine/systems/{family(system)}/{stem(name)}.py`", ""]
    lines += [*prose(doc.partition("\n")[2].strip()), ""]

    if system.equations:
        lines += ["## Equations", ""]
        for latex, words in system.equations:
            lines += [f"{words}:" if words else "", "", "```math", latex, "```", ""]

    lines += ["## Parameters", ""]
    lines += table(
        ("parameter", "symbol", "default", "slider", "meaning", "a change"),
        [
            (f"`{p.name}`", p.symbol, shown(p), offered(p), p.help + unit(p), WHAT[p.kind])
            for p in parameters(system).values()
        ],
    )
    if system.presets:
        lines += ["", "Presets:", ""]
        lines += [f"- **{p.name}**: {settings(p.values)}" for p in system.presets]

    lines += ["", "## Observables and theory", ""]
    known = {quantity.name: quantity for quantity in system.quantities}
    measured, predicted, drawn = names(small(system))
    measured += [name for name in known if name not in measured]
    lines += table(
        ("observable", "symbol", "meaning", "theory"),
        [
            (
                f"`{each}`" + (" (order parameter)" if place == 0 else ""),
                known[each].symbol if each in known else "",
                known[each].help if each in known else "",
                "yes" if each in predicted else "",
            )
            for place, each in enumerate(measured)
        ],
    )
    if system.assumptions:
        lines += ["", f"Theory assumes: {system.assumptions}"]
    views = ", ".join(f"`{view}`" for view in drawn)
    lines += ["", f"Views: {views}"]

    if system.sources:
        after = "after (the equations are reconstructed from the text)" if system.after else ""
        lines += ["", "## Sources", "", *([f"{after}:", ""] if after else [])]
        for key in system.sources:
            source = references()[key]
            where = ", ".join(part for part in (source.venue, source.year) if part)
            link = f"[doi:{source.doi}](https://doi.org/{source.doi})" if source.doi else ""
            link = link or (
                f"[arXiv:{source.arxiv}](https://arxiv.org/abs/{source.arxiv})"
                if source.arxiv
                else ""
            )
            who = ", ".join(source.authors)
            lines += [f"- {who}. *{source.title}.* " + ". ".join(p for p in (where, link) if p)]
    return "\n".join(lines).rstrip() + "\n"


def names(system: Any) -> tuple[list[str], list[str], list[str]]:
    """Of observables, of what theory predicts and of views: traced, so that nothing is compiled."""
    state = jax.eval_shape(system.init, jax.random.key(0))
    return (
        list(jax.eval_shape(lambda state: OrderedDict(system.observables(state)), state)),
        list(jax.eval_shape(lambda: OrderedDict(system.theory()))),
        list(jax.eval_shape(lambda state: OrderedDict(system.frame(state)), state)),
    )


def small(system: type) -> object:
    """The system with its smallest arrays: names are wanted here, not physics."""
    sizes = {
        p.name: min(p.default, max(int(p.span[0]), 128))
        for p in parameters(system).values()
        if p.kind == "size" and p.span
    }
    try:
        return system().replace(**sizes)
    except (TypeError, ValueError):
        return system()


def thumbnail(name: str) -> str:
    """Where the gallery's picture lies, seen from the page; empty where there is none."""
    try:
        path = resource(f"thumbnails/{name}.png")
    except FileNotFoundError:
        return ""
    return f"../../resources/thumbnails/{path.name}"


def prose(doc: str) -> list[str]:
    """A docstring as Markdown: its indented formulas become blocks of their own."""
    lines: list[str] = []
    for part in doc.split("\n\n"):
        formula = part.startswith("    ")
        shown = ["```text", textwrap.dedent(part), "```"] if formula else [part]
        lines += [*shown, ""]
    return "\n".join(lines).replace("```\n\n```text\n", "\n").rstrip().splitlines()


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in escaped),
    ]


def stem(name: str) -> str:
    return name.replace("-", "_")


def unit(parameter: Parameter) -> str:
    return f" ({parameter.unit})" if parameter.unit else ""


def number(value: float) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"


def shown(parameter: Parameter) -> str:
    value = parameter.default
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return number(value) if isinstance(value, int | float) else str(value)


def offered(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(parameter.choices)
    if parameter.span is None:
        return ""
    low, high = parameter.span
    return f"{number(low)} to {number(high)}" + (", log" if parameter.log else "")


def settings(values: dict[str, object]) -> str:
    words = (f"{k} = {number(v) if isinstance(v, int | float) else v}" for k, v in values.items())
    return ", ".join(words)


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    texts = pages()
    for old in PAGES.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (PAGES / name).write_text(text, "utf-8")
    print(f"wrote {len(texts)} pages into {PAGES.relative_to(Path.cwd())}/")
