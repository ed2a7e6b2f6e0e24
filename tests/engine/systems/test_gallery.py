"""What is on the shelf, and what is imported when."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.gallery import Gallery
from engine.systems import family, gallery, title
from engine.systems.swarms import kuramoto


@pytest.mark.parametrize("name", gallery())
def test_the_shelf_says_what_the_class_says(name):
    entry, system = gallery().entry(name), gallery()[name]
    assert entry == (family(system), title(system), tuple(system.sources), system.after)


@pytest.mark.parametrize("name", gallery())
def test_no_space_of_an_equation_runs_into_the_next_letter(name):
    for equation in gallery()[name].equations:
        assert not re.search(r"\\q?quad[A-Za-z]", equation.latex)


def test_the_shelf_is_read_without_jax_and_one_system_without_the_others():
    words = (
        "import sys; from engine.systems import gallery; shelf = gallery();"
        "[shelf.entry(name) for name in shelf]; assert 'jax' not in sys.modules;"
        "shelf['kuramoto'];"
        "assert 'engine.systems.swarms.kuramoto' in sys.modules;"
        "assert 'engine.systems.swarms.vicsek' not in sys.modules;"
        "assert 'equinox' not in sys.modules and 'optax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", words], check=True)


def test_two_files_of_one_name_are_refused(tmp_path):
    for folder in ("swarms", "spins"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "twin.py").write_text("")
    with pytest.raises(TypeError, match=r"twin\.py; an id must be unique"):
        Gallery(tmp_path, "nowhere")


def test_a_system_written_otherwise_is_imported_for_its_words(tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere" / "swarms"
    folder.mkdir(parents=True)
    text = Path(kuramoto.__file__).read_text("utf-8").replace("(System[", "(engine_system.System[")
    text = text.replace(
        "import jax\n", "import jax\nfrom engine.core import system as engine_system\n", 1
    )
    (folder / "odd.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shelf = Gallery(tmp_path / "elsewhere", "elsewhere")
    assert shelf.entry("odd") == gallery().entry("kuramoto")
