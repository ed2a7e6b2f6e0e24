"""Figures and films that reopen, from the command line: the same bytes, the same numbers."""

import csv
import hashlib
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from app.command_line import run
from app.figures.metadata import session_of
from app.figures.still import session_text
from engine import Session, Simulation, gallery
from engine.storage.sessions import from_text


@pytest.fixture(scope="module", autouse=True)
def own_cache():
    # Where JAX keeps compilations is the user's business, and a test is no user.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.core.compilation.keep_compilations", lambda: None)
        yield


@pytest.fixture(scope="module")
def lived():
    """A run to which several things happened."""
    simulation = Simulation(gallery()["kuramoto"](n=64), seed=5).run(40)
    simulation.set(coupling=3.5).run(30).set(n=96).run(25).set(noise=0.3, width=0.2).run(15)
    return simulation.restart(9).run(20)


@pytest.fixture(scope="module")
def session(lived, tmp_path_factory):
    path = tmp_path_factory.mktemp("session") / "lived.manyscope"
    Session.of(lived).save(path)
    return path


@pytest.fixture
def answer(capsys):
    def ask(*arguments):
        assert run([str(word) for word in (*arguments, "--json")]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


@pytest.fixture
def refusal(capsys):
    def ask(*arguments):
        assert run([str(word) for word in arguments]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        return said.err

    return ask


def digest(simulation):
    import jax

    made = hashlib.sha256()
    for leaf in jax.tree.leaves(jax.device_get(simulation.present)):
        made.update(np.ascontiguousarray(leaf).tobytes())
    return made.hexdigest()[:16]


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_a_figure_is_drawn_again_to_the_same_bytes(suffix, session, answer, tmp_path):
    first, again = tmp_path / f"first{suffix}", tmp_path / f"again{suffix}"
    # A structural change and a restart lie between the panels.
    answer("figure", session, "--views", "circle@35,circle@80,circle,trace", "--width", "12cm",
           "--dpi", 70, "--bars", "shared", "--out", first)  # fmt: skip
    answer("figure", first, "--out", again)
    assert first.read_bytes() == again.read_bytes()


def test_a_figure_is_drawn_again_in_another_format_and_on_another_page(session, answer, tmp_path):
    first = tmp_path / "first.png"
    answer("figure", session, "--views", "circle@35,trace", "--dpi", 60, "--out", first)
    found = answer("figure", first, "--style", "nature", "--dpi", 60, "--out", tmp_path / "a.svg")
    assert (found["width"], found["views"]) == (89, ["circle", "trace"])
    assert session_of(first) == session_of(tmp_path / "a.svg")


def test_a_map_is_drawn_again_from_its_own_cells(answer, tmp_path):
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    answer(
        "map", "kuramoto", "--set", "n=64", "--x", "coupling=0.5:4:3", "--y", "noise=0:1:2",
        "--settle", 20, "--measure", 40, "--seeds", 1, "--dpi", 80, "--out", first,
    )  # fmt: skip
    answer("figure", first, "--out", again)
    found = [read_back(path) for path in (first, again)]
    assert found[0]["figure"] == found[1]["figure"]
    assert picture(first) == picture(again)


def read_back(path):
    from app.figures.metadata import read_metadata

    return read_metadata(path)


def picture(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.tobytes()


def test_a_film_is_made_again_to_the_same_bytes(session, answer, tmp_path):
    first, again = tmp_path / "first.mp4", tmp_path / "again.mp4"
    options = ("--path", "coupling=1:3", "--hold", 0.1, "--turns", 0.5, "--ground", "light")
    made = answer("video", session, "--steps", 20, "--every", 5, "--size", "128x72", *options,
                  "--out", first)  # fmt: skip
    assert made["frames"] == 5 + 2 * 3
    answer("video", first, "--out", again)
    assert first.read_bytes() == again.read_bytes()


def test_a_replay_is_the_run_to_the_last_bit(lived, session, answer, tmp_path):
    figure = tmp_path / "figure.png"
    answer("figure", session, "--dpi", 60, "--out", figure)
    for file in (session, figure):
        found = answer("replay", file)
        assert found["digest"] == digest(lived)
        assert found["observables"] == lived.observables
        assert (found["last"], found["tick"], found["seed"]) == (130, 20, 9)


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".h5"])
def test_a_replay_is_written_as_numbers(suffix, lived, session, answer, tmp_path):
    path = tmp_path / f"series{suffix}"
    found = answer("replay", session, "--every", 10, "--out", path)
    assert found["samples"] == 14
    match suffix:
        case ".csv":
            _, *lines = path.read_text("utf-8").splitlines()
            rows = list(csv.DictReader(lines))
            step, order = ([float(row[n]) for row in rows] for n in ("step", "order"))
        case ".npz":
            with np.load(path, allow_pickle=False) as file:
                step, order = file["step"].tolist(), file["order"].tolist()
        case _:
            with h5py.File(path) as file:
                step, order = file["step"][:].tolist(), file["order"][:].tolist()
    assert step == list(range(0, 131, 10))
    assert order[-1] == pytest.approx(lived.observables["order"], rel=1e-7)


def test_a_replay_is_written_as_a_film_of_a_part(session, answer, tmp_path):
    found = answer("replay", session, "--from", 60, "--to", 110, "--every", 10, "--size", "96x64",
                   "--out", tmp_path / "film.gif")  # fmt: skip
    assert found["frames"] == 6


def test_extract_prints_the_session_and_writes_it(lived, session, answer, capsys, tmp_path):
    figure = tmp_path / "figure.svg"
    answer("figure", session, "--dpi", 60, "--out", figure)
    assert answer("extract", figure)["session"]["system"] == "kuramoto"
    assert run(["extract", str(figure), "--out", str(tmp_path / "again.manyscope")]) == 0
    text = capsys.readouterr().out
    assert from_text(text).position == lived.position
    assert answer("replay", tmp_path / "again.manyscope")["digest"] == digest(lived)
    assert answer("extract", session)["session"] == json.loads(text)


def test_the_old_verbs_take_a_figure_where_they_take_a_system(session, answer, tmp_path):
    figure = tmp_path / "figure.png"
    answer("figure", session, "--dpi", 60, "--out", figure)
    run_on = answer("run", figure, "--steps", 20)
    assert (run_on["id"], run_on["seed"], run_on["steps"]) == ("kuramoto", 9, 20)
    assert run_on["parameters"]["n"] == 96
    changed = answer("run", figure, "--steps", 10, "--set", "coupling=0.5")
    assert changed["parameters"]["coupling"] == 0.5
    told = answer("describe", figure)
    values = {one["name"]: one["value"] for one in told["parameters"]}
    assert (values["coupling"], values["n"]) == (3.5, 96)
    filled = answer(
        "map", figure, "--x", "coupling=0.5:4:2", "--y", "noise=0:1:2", "--settle", 5,
        "--measure", 5, "--seeds", 1, "--out", tmp_path / "map.npz",
    )  # fmt: skip
    assert filled["parameters"]["width"] == pytest.approx(0.2)


def test_a_figure_for_an_anonymous_review_says_nothing(session, answer, refusal, tmp_path):
    figure = tmp_path / "figure.pdf"
    answer("figure", session, "--dpi", 60, "--anonymous", "--out", figure)
    assert b"anyscope" not in figure.read_bytes()
    for verb in ("extract", "run", "replay"):
        assert "holds no session" in refusal(verb, figure)
    film = tmp_path / "film.mp4"
    answer("video", session, "--steps", 2, "--size", "96x64", "--anonymous", "--out", film)
    assert session_of(film) is None


def test_numbers_script_and_session_stand_beside_a_figure(lived, session, answer, tmp_path):
    figure = tmp_path / "figure.png"
    found = answer("figure", session, "--views", "circle,trace", "--dpi", 60, "--data", "h5",
                   "--script", "--sidecar", "--out", figure)  # fmt: skip
    names = ["figure.h5", "figure.manyscope", "figure.py"]
    assert sorted(path.rpartition("/")[2] for path in found["beside"]) == names
    with h5py.File(tmp_path / "figure.h5") as file:
        assert file["a"]["position x"].shape == (96,)
        assert file["b"]["t"].shape == file["b"]["order"].shape
    said = _run_script(tmp_path / "figure.py")
    assert said == f"{lived.tick} {lived.observables}"


def test_what_a_script_cannot_spell_out_it_reads_from_the_session(answer, tmp_path):
    simulation = Simulation(gallery()["kuramoto"](n=64), seed=5).run(10)
    simulation.poke("scatter").run(10)
    path = tmp_path / "poked.manyscope"
    Session.of(simulation).save(path)
    found = answer("figure", path, "--dpi", 60, "--script", "--out", tmp_path / "figure.png")
    assert len(found["beside"]) == 2  # the script, and the session that it needs
    assert "replay(Session.load" in (tmp_path / "figure.py").read_text("utf-8")
    said = _run_script(tmp_path / "figure.py")
    assert said == f"{simulation.tick} {simulation.observables}"


def _run_script(path):
    lines = path.read_text("utf-8").splitlines()
    assert not any(line.startswith(("from app", "import")) for line in lines)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; "
         f"exec(open({path.name!r}, encoding='utf-8').read())"],
        capture_output=True, text=True, cwd=path.parent, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_wrong_files_are_refused_in_a_sentence(session, answer, refusal, tmp_path):
    assert "not there" in refusal("run", tmp_path / "gone.png")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    assert "cannot be read" in refusal("figure", broken, "--out", tmp_path / "a.png")
    cut = tmp_path / "cut.manyscope"
    cut.write_bytes(session.read_bytes()[:100])
    assert "cut.manyscope" in refusal("replay", cut)
    assert "own seed" in refusal("run", session, "--seed", 3)
    assert "is a system" in refusal("replay", "kuramoto")
    assert "not in this session" in refusal("replay", session, "--to", 131)
    assert "lies ahead" in refusal(
        "figure", session, "--views", "circle@500", "--out", tmp_path / "a.png"
    )
    assert "no step" in refusal("figure", session, "--views", "circle@x", "--out",
                                tmp_path / "a.png")  # fmt: skip
    assert "no path" in refusal("video", session, "--path", "coupling", "--out",
                                tmp_path / "a.mp4")  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.pdf", "cut.manyscope"]


def test_a_recipe_of_nonsense_is_refused(lived, refusal, tmp_path):
    from app.figures.figure import export_figure
    from app.figures.panels import Trace
    from app.figures.style import FigureStyle

    panel = Trace(np.arange(3.0), np.arange(3.0))
    text = session_text(lived)
    wrong = (
        {"panels": [], "style": {}},
        {"panels": [{"type": "view", "view": "nothing"}], "style": {}},
        {"panels": [{"type": "view", "view": "circle", "camera": {"dim": 2}}], "style": {}},
        {"panels": [{"type": "view", "view": "circle"}], "style": {"width": -1}},
        {"panels": [{"type": "trace", "observable": "order", "t": {"shape": [10**9], "bytes": ""},
                     "values": {"shape": [0], "bytes": ""}}], "style": {}},
        {"panels": [{"type": "view", "view": "circle", "step": 10**6}], "style": {}},
        7,
    )  # fmt: skip
    for k, recipe in enumerate(wrong):
        said = {"program": "manyscope", "session": json.loads(text), "figure": recipe}
        path = export_figure([panel], tmp_path / f"{k}.png", FigureStyle(dpi=40), said)
        refusal("figure", path, "--out", tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_extract_needs_no_engine(session, answer, tmp_path):
    figure = tmp_path / "figure.png"
    answer("figure", session, "--dpi", 60, "--out", figure)
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\nfrom app.command_line import run\n"
        f"code = run(['extract', {str(figure)!r}])\n"
        "assert not {'jax', 'PySide6', 'matplotlib'} & set(sys.modules)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["system"] == "kuramoto"
