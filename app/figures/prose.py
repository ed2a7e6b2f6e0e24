"""Sentences for the paper: a caption, the paragraph on methods, and the entries they cite."""

from typing import Any

from app.figures.metadata import version
from app.figures.words import number
from app.theme.symbols import latex


HIDDEN = ("slots", "moments")  # room that a run needs, no physics


def caption(system: Any, views: tuple[str, ...] = (), *, time: float, tick: int, seed: int) -> str:
    """One sentence: what is shown, of which system, at which values."""
    from engine.systems import title

    letters = "abcdefghijklmnop"
    shown = [view.replace("_", " ") for view in views]
    if len(shown) > 1:
        panels = ", ".join(f"({a}) {view}" for a, view in zip(letters, shown, strict=False))
        what = f"{title(system)}: {panels}"
    else:
        what = title(system)
    return f"{what}, at {values(system)}; seed {seed}, {number(tick)} steps (t = {number(time)})."


def values(system: Any) -> str:
    """The parameters that are numbers or words, by their symbols: `K = 3, γ = 0.5`."""
    from engine.core.parameters import parameters

    told = []
    for name, parameter in parameters(system).items():
        value = getattr(system, name)
        if name in HIDDEN or value is None or getattr(value, "ndim", 0):
            continue
        unit = f" {parameter.unit}" if parameter.unit else ""
        told.append(f"{parameter.symbol or name.replace('_', ' ')} = {_said(value)}{unit}")
    return ", ".join(told)


def methods(
    system: Any, *, seed: int, tick: int, time: float, changes: tuple[str, ...] = ()
) -> str:
    """A paragraph in LaTeX: system, parameters with meaning, symbol and unit, seed, sources."""
    from engine.core.parameters import parameters
    from engine.systems import title

    told = []
    for name, parameter in parameters(system).items():
        value = getattr(system, name)
        if name in HIDDEN or value is None or getattr(value, "ndim", 0):
            continue
        meaning = (parameter.help or name).split(";")[0].split(",")[0]
        unit = rf"\,\mathrm{{{_plain(parameter.unit)}}}" if parameter.unit else ""
        if isinstance(value, str | tuple):
            told.append(f"{name.replace('_', ' ')}: {_plain(_said(value))}")
        else:
            symbol = latex(parameter.symbol) if parameter.symbol else rf"\mathrm{{{_plain(name)}}}"
            told.append(f"{_plain(meaning)} ${symbol} = {_tex(value)}{unit}$")
    keys = ",".join(system.sources)
    after = "after" if system.after else "of"
    clock = rf"$t = {_tex(time)}$"
    sentences = [
        rf"We simulated the model ``{_plain(title(system))}'' {after} Ref.~\cite{{{keys}}} with "
        f"Manyscope {version()}.",
        f"Parameters: {'; '.join(told)}.",
        f"The run has seed {seed} and took {tick} steps, to {clock}.",
    ]
    if changes:
        sentences.append(f"On the way there, {'; '.join(map(_plain, changes))}.")
    sentences.append(
        "Random numbers depend on the seed and the step alone, so that the run can be repeated "
        "bit for bit on the same device."
    )
    return " ".join(sentences)


def bibtex(system: Any) -> str:
    """The entries of all papers that the system rests on."""
    from engine.core.about import references

    known = references()
    return "\n\n".join(known[key].bibtex for key in system.sources if key in known)


def changes_of(timeline: Any, position: Any) -> tuple[str, ...]:
    """What happened to a run, in words: `K 1 → 3 at step 500`."""
    marks = [mark for mark in timeline.marks(position) if mark.step <= position.step]
    shown = [f"{mark.words} at step {mark.step}" for mark in marks if mark.kind != "grow"]
    if len(shown) > 12:
        return (*shown[:11], f"{len(shown) - 11} more changes, as the session tells")
    return tuple(shown)


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("_", " ")
    if isinstance(value, tuple):
        return " + ".join(_said(part) for part in value)
    return number(float(f"{float(value):.6g}"))


def _tex(value: Any) -> str:
    shown = f"{float(value):.6g}"
    base, e, power = shown.partition("e")
    return rf"{base} \times 10^{{{int(power)}}}" if e else base


def _plain(words: str) -> str:
    """Words that LaTeX takes as they are."""
    for letter in "\\&%$#_{}":
        words = words.replace(letter, "" if letter == "\\" else rf"\{letter}")
    return words.replace("→", r"$\to$").replace("−", "-").replace("~", r"\~{}")
