"""The command line: its answers, its refusals, its files."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.command_line import run, series_files
from app.command_line.systems import identities
from app.figures.metadata import read_metadata
from engine.storage.maps import read_map


SMALL = ["--set", "n=64"]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    # Where JAX keeps compilations is the user's business, and a test is no user.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.core.compilation.keep_compilations", lambda: None)
        yield


@pytest.fixture
def answer(capsys):
    """The JSON object on standard output, after a run that went well."""

    def ask(*arguments):
        assert run([str(word) for word in arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1
        return json.loads(lines[0], parse_constant=lambda name: pytest.fail(f"{name} in JSON"))

    return ask


@pytest.fixture
def refusal(capsys):
    """The one line on standard error, after a run that was refused."""

    def ask(*arguments):
        assert run([str(word) for word in arguments]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        lines = said.err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("manyscope: ")
        return lines[0]

    return ask


def files_below(folder):
    return sorted(path.name for path in folder.iterdir())


def test_list_names_every_system(answer):
    systems = answer("list", "--json")["systems"]
    assert [set(one) for one in systems] == [{"id", "title", "family", "source"}] * len(systems)
    assert sorted(one["id"] for one in systems) == identities()
    assert all(one["title"] and one["source"] for one in systems)


def test_the_words_of_every_verb_without_json_are_for_people(capsys):
    assert run(["list"]) == 0
    assert "kuramoto" in capsys.readouterr().out
    assert run(["describe", "kuramoto"]) == 0
    assert "coupling" in capsys.readouterr().out
    assert run(["run", "kuramoto", *SMALL, "--steps", "20", "--settle", "0"]) == 0
    assert "order" in capsys.readouterr().out


@pytest.mark.parametrize("name", identities())
def test_describe_says_what_a_system_takes(name, answer):
    found = answer("describe", name, "--json")
    assert found["id"] == name
    keys = {"name", "kind", "default", "span", "symbol", "unit"}
    assert all(keys <= set(one) for one in found["parameters"])
    names = {one["name"] for one in found["observables"]}
    assert set(found["theory"]) <= names
    assert found["source"]
    assert found["views"]


def test_run_answers_with_averages_and_theory(answer):
    found = answer(
        "run", "kuramoto", "--set", "coupling=2", "width=0.5", "--set", "noise=0", "n=2000",
        "--settle", 1500, "--steps", 1500, "--seed", 3, "--json",
    )  # fmt: skip
    assert set(found) == {
        "id", "parameters", "seed", "steps", "observables", "theory", "seconds",
        "steps_per_second", "device",
    }  # fmt: skip
    assert (found["id"], found["seed"], found["steps"]) == ("kuramoto", 3, 1500)
    assert found["parameters"]["coupling"] == 2
    order = found["observables"]["order"]
    assert set(order) == {"mean", "error", "samples", "last"}
    assert order["samples"] == 1500
    # r = √(1 − 2·0.5/2) = 0.7071; N^{-1/2} = 0.022 bounds what few oscillators add.
    assert found["theory"]["order"] == pytest.approx(0.7071, abs=1e-4)
    assert order["mean"] == pytest.approx(0.7071, abs=0.022)
    assert found["observables"]["susceptibility"]["last"] is None  # it derives from averages


def test_run_takes_every_kind_of_parameter(answer, tmp_path):
    cloud = tmp_path / "mine.npy"
    np.save(cloud, np.random.default_rng(0).normal(size=(100, 3)))
    found = answer(
        "run", "mean-field-chaos", "--steps", 3, "--settle", 0, "--json", "--set", "noise=0.5",
        "score=independent", "shapes=torus, helix", "n=8", "clouds=2", "m=50", f"own={cloud}",
    )  # fmt: skip
    values = found["parameters"]
    assert (values["noise"], values["score"], values["n"]) == (0.5, "independent", 8)
    assert values["shapes"] == ["torus", "helix"]
    assert values["own"] == {"shape": [100, 3]}


def test_a_preset_is_a_start_and_set_goes_on_from_it(answer):
    found = answer(
        "run", "kuramoto", "--preset", "noisy", *SMALL, "--steps", 5, "--settle", 0, "--json"
    )
    assert found["parameters"]["noise"] > 0  # the default is 0
    assert found["parameters"]["n"] == 64


def test_a_run_that_ends_by_itself_says_how_far_it_came(answer):
    found = answer(
        "run", "mean-field-chaos", "--set", "n=8", "clouds=1", "m=50", "moments=50", "flow=once",
        "--steps", 500, "--settle", 0, "--json",
    )  # fmt: skip
    assert 0 < found["steps"] < 500


def test_a_picture_in_which_nothing_moves_is_measured_once(answer):
    found = answer(
        "run", "kde-regimes", "--set", "room=256", "tests=50", "d=8", "--json", "--steps", 10
    )
    assert found["steps"] == 0
    assert found["observables"]["participation"]["samples"] == 1


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".h5"])
def test_the_series_is_written_with_its_metadata(suffix, answer, tmp_path):
    path = tmp_path / f"series{suffix}"
    answer(
        "run", "kuramoto", *SMALL, "--settle", 10, "--steps", 40, "--every", 4, "--out", path,
        "--json",
    )  # fmt: skip
    match suffix:
        case ".npz":
            with np.load(path, allow_pickle=False) as file:
                tick, order, said = file["tick"], file["order"], str(file["metadata"])
        case ".csv":
            first, *rest = path.read_text("utf-8").splitlines()
            rows = list(csv.DictReader(rest))
            tick, said = np.array([int(row["tick"]) for row in rows]), first.removeprefix("# ")
            order = np.array([float(row["order"]) for row in rows])
        case _:
            with h5py.File(path) as file:
                tick, order, said = file["tick"][:], file["order"][:], file.attrs["metadata"]
    assert tick.tolist() == list(range(14, 51, 4))  # after 10 steps, every 4th
    assert ((order > 0) & (order < 1)).all()
    assert json.loads(said)["parameters"]["n"] == 64
    assert files_below(tmp_path) == [path.name]


def test_map_writes_what_it_measured_beside_theory(answer, tmp_path):
    path = tmp_path / "map.npz"
    found = answer(
        "map", "kuramoto", *SMALL, "--x", "coupling=0.5:4:3", "--y", "noise=0:1:2",
        "--settle", 20, "--measure", 40, "--seeds", 2, "--out", path, "--json",
    )  # fmt: skip
    assert found["x"] == {"name": "coupling", "low": 0.5, "high": 4.0, "count": 3, "log": False}
    with np.load(path, allow_pickle=False) as file:
        assert set(file) >= {"x", "y", "mean", "error", "theory", "metadata", "lines/onset"}
        np.testing.assert_allclose(file["x"], [0.5, 2.25, 4])
        assert file["mean"].shape == file["error"].shape == file["theory"].shape == (2, 3)
        assert np.isfinite(file["mean"]).all()
        assert json.loads(str(file["metadata"]))["observable"] == "order"


def test_a_map_is_written_in_every_format_and_measured_once(answer, tmp_path, monkeypatch):
    from engine.core import maps

    def ask(*more):
        return answer(
            "map", "kuramoto", *SMALL, "--x", "coupling=0.5:4:4", "--y", "noise=0:1:2",
            "--settle", 10, "--measure", 20, "--seeds", 2, "--json", *more,
        )  # fmt: skip

    paths = [tmp_path / f"map{suffix}" for suffix in (".npz", ".h5", ".csv")]
    assert ask("--out", *paths)["files"] == [str(path) for path in paths]
    one, two = (read_map(path) for path in paths[:2])
    np.testing.assert_array_equal(one.mean, two.mean)
    table = np.genfromtxt(paths[2], delimiter=",", skip_header=2)
    np.testing.assert_array_equal(table[:, 2], one.mean.ravel())
    with monkeypatch.context() as patch:  # what is known is not run again
        patch.setattr(maps, "run_cells", lambda *_: pytest.fail("a cell was run again"))
        ask("--out", tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == paths[1].read_bytes()


def test_map_draws_itself(answer, tmp_path):
    path = tmp_path / "map.png"
    answer(
        "map", "kuramoto", *SMALL, "--x", "coupling=0.5:4:3", "--y", "noise=0:1:2", "--settle", 20,
        "--measure", 40, "--seeds", 2, "--dpi", 100, "--out", path, "--json",
    )  # fmt: skip
    assert read_metadata(path)["views"] == ["map"]


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_figure_draws_views_and_says_what_they_are(suffix, answer, tmp_path):
    path = tmp_path / f"figure{suffix}"
    found = answer(
        "figure", "kuramoto", *SMALL, "--steps", 30, "--views", "circle,trace", "--width", "8.6cm",
        "--dpi", 100, "--out", path, "--json",
    )  # fmt: skip
    assert found["width"] == 86
    assert found["tick"] == 30
    assert "Kuramoto" in found["caption"]
    said = read_metadata(path)
    assert said["parameters"] == found["parameters"]
    assert said["views"] == ["circle", "trace"]


def test_an_anonymous_figure_says_nothing(answer, tmp_path):
    path = tmp_path / "figure.png"
    answer("figure", "kuramoto", *SMALL, "--steps", 1, "--dpi", 60, "--anonymous", "--out", path,
           "--json")  # fmt: skip
    assert read_metadata(path) is None
    assert b"anyscope" not in path.read_bytes()


def test_video_renders_by_step(answer, tmp_path):
    path = tmp_path / "film.mp4"
    found = answer("video", "kuramoto", *SMALL, "--steps", 4, "--every", 2, "--size", "129x97",
                   "--out", path, "--json")  # fmt: skip
    assert found["frames"] == 3
    assert found["size"] == [130, 98]
    assert read_metadata(path)["id"] == "kuramoto"


WRONG = {
    "a verb": (["rnu", "kuramoto"], "Did you mean 'run'?"),
    "a system": (["run", "kuramot"], "Did you mean 'kuramoto'?"),
    "an option": (["run", "kuramoto", "--sede", "1"], "Did you mean '--seed'?"),
    "no system": (["describe"], "ID"),
    "a parameter": (["run", "kuramoto", "--set", "couplng=1"], "Did you mean 'coupling'?"),
    "no value": (["run", "kuramoto", "--set", "coupling"], "name=value"),
    "a word": (["run", "kuramoto", "--set", "law=Lorenzian"], "Did you mean 'Lorentzian'?"),
    "no number": (["run", "kuramoto", "--set", "coupling=much"], "is not a number"),
    "not-a-number": (["run", "kuramoto", "--set", "coupling=nan"], "not a finite number"),
    "infinity": (["run", "kuramoto", "--set", "coupling=-inf"], "not a finite number"),
    "a broken size": (["run", "kuramoto", "--set", "n=10.5"], "not a whole number"),
    "no size": (["run", "kuramoto", "--set", "n=0"], "an int from"),
    "against physics": (["run", "kuramoto", "--set", "dt=-1"], "impossible"),
    "a preset": (["run", "kuramoto", "--preset", "lokced"], "Did you mean 'locked'?"),
    "negative steps": (["run", "kuramoto", "--steps", "-3"], "from 0 to"),
    "no steps": (["run", "kuramoto", "--steps", "0"], "no sample"),
    "negative settling": (["run", "kuramoto", "--settle", "-1"], "from 0 to"),
    "a seed": (["run", "kuramoto", "--seed", "1.5"], "whole number"),
    "a file that is not there": (
        ["run", "mean-field-chaos", "--set", "own=nowhere.ply"],
        "is not there",
    ),
    "an axis": (["map", "kuramoto", "--x", "coupling", "--out", "m.npz"], "name=low:high:count"),
    "a turned axis": (["map", "kuramoto", "--x", "noise=2:1:4", "--out", "m.npz"], "smaller"),
    "an empty axis": (["map", "kuramoto", "--x", "noise=0:1:0", "--out", "m.npz"], "0 values"),
    "an axis of words": (["map", "kuramoto", "--x", "law=0:1:4", "--out", "m.npz"], "no number"),
    "an axis against physics": (
        ["map", "kuramoto", "--x", "noise=-1:1:4", "--out", "m.npz"],
        "impossible",
    ),
    "the same axis twice": (
        ["map", "kuramoto", "--x", "noise=0:1:4", "--y", "noise=0:1:4", "--out", "m.npz"],
        "two parameters",
    ),
    "an observable": (
        ["map", "kuramoto", "--observable", "odrer", "--out", "m.npz"],
        "Did you mean 'order'?",
    ),
    "a view": (
        ["figure", "kuramoto", "--views", "circel", "--out", "f.png"],
        "Did you mean 'circle'?",
    ),
    "a colouring": (
        ["figure", "kuramoto", *SMALL, "--colour", "phas", "--out", "f.png"],
        "Did you mean 'phase'?",
    ),
    "a width": (["figure", "kuramoto", "--width", "86km", "--out", "f.png"], "86mm"),
    "a style": (
        ["figure", "kuramoto", "--style", "natur", "--out", "f.png"],
        "Did you mean 'nature'?",
    ),
    "a format": (["figure", "kuramoto", "--out", "f.jpeg"], ".pdf"),
    "a size": (["video", "kuramoto", "--size", "big", "--out", "f.mp4"], "1280x720"),
    "what is not there": (["open", "nothing.ply"], "is not there"),
}


@pytest.mark.parametrize(("arguments", "hint"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(arguments, hint, refusal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hint in refusal(*arguments)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("out", ["no/such/folder/a.csv", "a.txt", ".", "a"])
def test_a_path_that_cannot_be_written_is_refused_before_the_work(out, refusal, tmp_path):
    assert refusal("run", "kuramoto", *SMALL, "--out", tmp_path / out)
    assert files_below(tmp_path) == []


def test_a_cloud_of_another_dimension_is_refused(refusal, tmp_path):
    flat = tmp_path / "flat.npy"
    np.save(flat, np.random.default_rng(0).normal(size=(10, 2)))
    said = refusal("run", "mean-field-chaos", "--set", f"own={flat}")
    assert "10 × 2" in said


def test_a_run_that_leaves_the_numbers_fails_without_a_trace(capsys, tmp_path, monkeypatch):
    from engine.core.simulation import LeftTheNumbers, Simulation

    def fails(self, steps, every=1):
        raise LeftTheNumbers(self.system, 7, ("order",), None)

    monkeypatch.setattr(Simulation, "measure", fails)
    path = tmp_path / "a.csv"
    assert run(["run", "kuramoto", *SMALL, "--out", str(path), "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "order" in said.err
    assert files_below(tmp_path) == []


def test_an_interrupted_run_leaves_no_file(capsys, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(series_files, "write", interrupted)
    path = tmp_path / "a.csv"
    assert run(["run", "kuramoto", *SMALL, "--steps", "5", "--out", str(path)]) == 130
    assert files_below(tmp_path) == []


def test_without_a_display_the_window_is_refused_with_what_works(refusal, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "manyscope list, describe, run, map, figure, video" in refusal()
    assert "no display" in refusal("open", "kuramoto")


def test_demo_renders_a_figure_and_a_film(answer, tmp_path, monkeypatch):
    from app.figures import video

    real = video.render_video

    def short(simulation, path, script, **asked):
        return real(simulation, path, replace(script, steps=2, size=(128, 96)), **asked)

    monkeypatch.setattr(video, "render_video", short)
    folder = tmp_path / "out"
    found = answer("demo", "--out", folder, "--json")
    names = ["kuramoto.mp4", "kuramoto.pdf", "kuramoto.png"]
    assert files_below(folder) == names
    assert sorted(found["files"]) == [str(folder / name) for name in names]


HEADLESS = """
import sys
from app.command_line import run
code = run(sys.argv[1:])
imported = [name for name in ("PySide6", "vispy", "pyqtgraph", "jax") if name in sys.modules]
print(imported, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--version"], []),
        (["open", "nothing"], []),
        (["run", "kuramot"], []),
        (["figure", "kuramoto", *SMALL, "--steps", "1", "--dpi", "50", "--out", "f.png"], ["jax"]),
    ],
    ids=["version", "open", "a wrong id", "figure"],
)
def test_without_a_window_no_qt_is_imported_and_jax_only_to_run(arguments, imported, tmp_path):
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", HEADLESS, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "MANYSCOPE_CACHE": str(tmp_path / "cache")},
    )
    assert done.stderr.splitlines()[-1] == str(imported)
