"""`manyscope cloud`: the points of a run, at its end and along the way."""

import json

import numpy as np
import pytest

from app.command_line import run
from engine.storage.clouds import load_cloud


SMALL = ["--set", "n=100", "m=100", "--steps", "4"]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch):
    # Where JAX keeps compilations is the user's business, and a test is no user.
    monkeypatch.setattr("engine.core.compilation.keep_compilations", lambda: None)


def asked(capsys, *arguments):
    code = run(["cloud", *map(str, arguments)])
    return code, capsys.readouterr()


def test_the_points_of_a_run_are_written_and_read_back(tmp_path, capsys):
    path = tmp_path / "cloud.ply"
    code, said = asked(capsys, "exact-score-cloud", *SMALL, "--out", path, "--json")
    assert code == 0
    answer = json.loads(said.out)
    assert answer["view"] == "cloud"
    assert answer["shape"] == [100, 3]
    assert load_cloud(path).points.shape == (100, 3)
    assert b"exact-score-cloud" in path.read_bytes().partition(b"end_header")[0]


def test_a_trajectory_has_its_first_and_its_last_time(tmp_path, capsys):
    path = tmp_path / "way.npz"
    code, _ = asked(capsys, "exact-score-cloud", *SMALL, "--every", 2, "--out", path)
    assert code == 0
    with np.load(path) as back:
        assert back["position"].shape == (3, 100, 3)
        np.testing.assert_allclose(back["time"], [0, 2, 4])
        assert json.loads(str(back["metadata"]))["parameters"]["n"] == 100


def test_what_cannot_be_is_refused_in_a_sentence(tmp_path, capsys):
    out = ["--out", tmp_path / "cloud.ply"]
    code, said = asked(capsys, "exact-score-cloud", *SMALL, "--view", "clud", *out)
    assert code == 2
    assert "Did you mean 'cloud'" in said.err
    code, said = asked(capsys, "exact-score-cloud", *SMALL, "--every", 2, *out)
    assert code == 2
    assert ".npz" in said.err


def test_a_cloud_that_is_too_large_is_thinned_with_a_word(tmp_path, capsys):
    path = tmp_path / "large.csv"
    rows = np.random.default_rng(0).normal(size=(20_500, 3))
    np.savetxt(path, rows, fmt="%.4f", delimiter=",", header="x,y,z", comments="")
    out = tmp_path / "cloud.npz"
    code, said = asked(capsys, "exact-score-cloud", *SMALL, "--set", f"own={path}", "--out", out)
    assert code == 0
    assert "20000 of its 20500 points are used" in said.err
