"""Maps as files for other programs: all observables, theory and lines, in three formats."""

import csv
import json

import h5py
import numpy as np
import pytest

from engine.core.axes import Axis
from engine.core.maps import fill
from engine.core.theory_maps import Line
from engine.storage.maps import read_map, write_map
from engine.systems.swarms.coulomb_gas import CoulombGas


SYSTEM = CoulombGas(n=16)
X, Y = Axis("beta", 1, 100, 16, log=True), Axis("dt", 0.001, 0.01, 4)
LINES = {"guide": Line(np.array([1.0, 2.0]), np.array([0.002, np.nan]), "guide")}


@pytest.fixture(scope="module")
def whole():
    *_, last = fill(SYSTEM, X, Y, settle=2, measure=4)
    return last


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_a_file_for_others_holds_arrays_and_words(tmp_path, whole, suffix):
    path = tmp_path / f"map{suffix}"
    theory = np.ones_like(whole.mean)
    write_map(path, whole, theory, {"seeds": 1}, LINES)
    again = read_map(path)
    np.testing.assert_array_equal(again.mean, whole.mean)
    np.testing.assert_array_equal(again.x, X.values)
    np.testing.assert_array_equal(again.theory, theory)
    np.testing.assert_array_equal(again.values["middle"][1], whole.values["middle"][1])
    assert again.metadata["system"] == "coulomb-gas"
    assert again.metadata["parameters"]["n"] == 16
    assert again.metadata["seeds"] == 1
    open_ = h5py.File if suffix == ".h5" else np.load
    with open_(path) as file:
        np.testing.assert_array_equal(file["lines/guide"], np.stack(LINES["guide"][:2]))


def test_equal_maps_are_equal_bytes(tmp_path, whole):
    for name in ("one.h5", "two.h5"):
        write_map(tmp_path / name, whole, None, {}, LINES)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_a_table_has_a_row_for_each_cell(tmp_path, whole):
    path = tmp_path / "map.csv"
    write_map(path, whole, 2 * whole.mean, {"seeds": 1})
    about, *lines = path.read_text("utf-8").splitlines()
    assert json.loads(about.removeprefix("# "))["seeds"] == 1
    rows = list(csv.DictReader(lines))
    assert len(rows) == whole.mean.size
    third = {name: float(value) for name, value in rows[17].items()}
    assert third["beta"] == pytest.approx(X.values[1])
    assert third["dt"] == pytest.approx(Y.values[1])
    assert third["middle"] == whole.values["middle"][0][1, 1]
    assert third["theory of hexatic"] == 2 * third["hexatic"]


def test_a_format_that_is_not_known_is_refused(tmp_path, whole):
    with pytest.raises(ValueError, match="names no format of a map: give"):
        write_map(tmp_path / "map.xls", whole, None, {})


def test_where_theory_is_silent_there_is_none_in_the_file(tmp_path, whole):
    write_map(tmp_path / "map.npz", whole, np.full_like(whole.mean, np.nan), {})
    assert read_map(tmp_path / "map.npz").theory is None


def test_a_file_that_is_no_map_is_refused_in_words(tmp_path):
    for name in ("map.npz", "map.h5"):
        (tmp_path / name).write_bytes(b"no")
        with pytest.raises(ValueError, match="is not a map of Manyscope: write one"):
            read_map(tmp_path / name)
    np.savez(
        tmp_path / "odd.npz",
        x=np.zeros(2),
        y=np.zeros(2),
        mean=np.zeros(3),
        error=np.zeros((2, 2)),
        metadata="{}",
    )
    with pytest.raises(ValueError, match="is damaged"):
        read_map(tmp_path / "odd.npz")
