"""What a person reads about a system, beside its docstring."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from engine.resources import resource


class Source(NamedTuple):
    """A paper, as `resources/references.bib` confirms it; what is not confirmed is empty."""

    key: str
    authors: tuple[str, ...]  # "Tamás Vicsek", in the order of the paper
    surnames: tuple[str, ...]  # "Vicsek", "De Bruyne"
    year: str
    title: str
    venue: str  # "Physical Review Letters 75, 1226–1229"; empty for a preprint
    arxiv: str
    doi: str
    bibtex: str  # the whole entry, to copy

    @property
    def short(self) -> str:
        """One line: who, where, when."""
        where = self.venue or (f"arXiv:{self.arxiv}" if self.arxiv else "")
        return ", ".join(part for part in (self.who, where) if part) + (
            f" ({self.year})" if self.year else ""
        )

    @property
    def who(self) -> str:
        """The authors as a citation names them."""
        names = self.surnames
        return " & ".join(names) if len(names) < 3 else f"{names[0]} et al."


class Quantity(NamedTuple):
    """How an observable is written and plotted."""

    name: str
    symbol: str
    span: tuple[float, float] | None = None  # of its axis and colour bar
    unit: str = ""
    log: bool = False
    help: str = ""
    signed: bool = False  # its 0 is a middle, where the colours of a map change from one to another


class Equation(NamedTuple):
    """A formula of a system's card, in LaTeX, and what it says."""

    latex: str
    words: str = ""


class Hint(NamedTuple):
    """How a view opens where its data cannot say it: a camera, a place beside the large one."""

    large: bool = True  # fills the stage; False stands beside it
    azimuth: float = 30.0  # degrees, of a camera in 3D
    elevation: float = 20.0
    glow: bool = True  # points add up as light; False draws them as solid discs


class Preset:
    """Named parameter values: `Preset("bands", noise=0.4)`."""

    def __init__(self, name: str, **values: Any) -> None:
        self.name = name
        self.values = values


class Pair(NamedTuple):
    """Two settings to run side by side under the same noise, by the names of live parameters.

    `Pair("flow | diffusion", {"mixing": 0.0}, {"mixing": 1.0})`.
    """

    name: str
    a: Mapping[str, Any]
    b: Mapping[str, Any]


@cache
def references() -> dict[str, Source]:
    """All papers of the bibliography by their keys."""
    text = resource("references.bib").read_text("utf-8")
    entries = re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", text, flags=re.DOTALL | re.MULTILINE)
    return {key: _source(key, body, text) for key, body in entries}


def _source(key: str, body: str, text: str) -> Source:
    fields = dict(re.findall(r"^\s*(\w+)\s*=\s*\{(.*)\},?$", body, re.MULTILINE))
    people = [" ".join(reversed(who.split(", ", 1))) for who in fields["author"].split(" and ")]
    venue = fields.get("journal") or fields.get("booktitle") or fields.get("publisher", "")
    for part in ("volume", "pages"):
        if part in fields and "journal" in fields:
            venue += ("," if part == "pages" else "") + " " + fields[part].replace("--", "–")
    whole = re.search(rf"^@\w+\{{{re.escape(key)},\n.*?^\}}", text, flags=re.DOTALL | re.MULTILINE)
    own = ("keywords", "annote", "note")  # written for developers, not for a paper's bibliography
    lines = (whole.group() if whole else "").splitlines()
    kept = [line for line in lines if not line.strip().startswith(tuple(f"{n} " for n in own))]
    return Source(
        key,
        tuple(people),
        tuple(who.split(", ", 1)[0] for who in fields["author"].split(" and ")),
        fields.get("year", ""),
        fields["title"],
        venue,
        fields.get("eprint", ""),
        fields.get("doi", ""),
        "\n".join(kept),
    )
