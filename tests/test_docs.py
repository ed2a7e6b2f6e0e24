"""What the documentation shows does run."""

import argparse
import importlib
import re
import runpy
import sys
from pathlib import Path

import pytest

from app.command_line.parser import parser
from engine import gallery
from engine.core.parameters import parameters


ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def blocks(page: Path, language: str = "python") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M)


@pytest.fixture
def own_system(tmp_path, monkeypatch):
    """The file that `write_your_own_system.md` tells a reader to write, with its tests below it."""
    (tmp_path / "trap.py").write_text("\n\n".join(blocks(DOCS / "write_your_own_system.md")))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("trap")
    sys.modules.pop("trap")


def test_the_system_of_the_tutorial_passes_its_own_tests(own_system):
    tests = [value for name, value in vars(own_system).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_system_of_the_tutorial_refuses_what_physics_forbids(own_system):
    with pytest.raises(ValueError, match="noise = -1 is impossible"):
        own_system.Trap(noise=-1.0)


def test_the_python_lines_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    (lines,) = blocks(ROOT / "README.md")
    (tmp_path / "lines.py").write_text(lines)
    runpy.run_path("lines.py")
    assert list(tmp_path.glob("*.png"))


def test_the_python_lines_of_the_page_on_sessions_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (lines,) = blocks(DOCS / "sessions.md")
    (tmp_path / "lines.py").write_text(lines)
    left = runpy.run_path("lines.py")
    assert left["again"].system.coupling == 5.0
    assert left["again"].step == left["simulation"].timeline.tip(0).step == 1000


def test_the_python_lines_of_the_page_on_phase_diagrams_run(tmp_path):
    lines, _ = blocks(DOCS / "phase_diagrams.md")  # the other ones are for a cluster
    (tmp_path / "lines.py").write_text(lines)
    left = runpy.run_path(str(tmp_path / "lines.py"))
    assert left["order"].shape == (8, 16)
    assert left["area"] >= 0


def test_links_between_pages_lead_somewhere():
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.M)
        for target in re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name} leads to a missing {target}"


def test_every_system_has_a_page_that_names_what_it_has():
    for name, system in gallery().items():
        page = DOCS / "systems" / f"{name}.md"
        assert page.exists(), f"docs/systems/{name}.md is missing: run `make pages`."
        text = page.read_text("utf-8")
        for parameter in parameters(system):
            assert f"`{parameter}`" in text, f"{name}.md lacks {parameter}: run `make pages`."


def test_the_page_of_the_command_line_names_every_command_and_option():
    text = (DOCS / "command_line.md").read_text("utf-8")
    (verbs,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, verb in verbs.choices.items():
        assert f"## manyscope {name}\n" in text, f"docs/command_line.md lacks {name}: `make pages`."
        section = text.partition(f"## manyscope {name}\n")[2].partition("\n## ")[0]
        for option in verb._option_string_actions:
            assert option in section, f"docs/command_line.md lacks {name} {option}: `make pages`."
