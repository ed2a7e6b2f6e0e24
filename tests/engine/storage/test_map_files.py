"""Maps on disk: found again, gone on with, and no harm from what else lies there."""

import numpy as np
import pytest

from engine.core.maps import Axis, fill
from engine.storage.maps import MapCache, read_map, write_map
from engine.systems.swarms.coulomb_gas import CoulombGas


SYSTEM = CoulombGas(n=16)
X, Y = Axis("beta", 1, 100, 16, log=True), Axis("dt", 0.001, 0.01, 4)
TIMES = {"settle": 2, "measure": 4}


@pytest.fixture(scope="module")
def whole():
    *_, last = fill(SYSTEM, X, Y, **TIMES)
    return last


@pytest.fixture
def cache(tmp_path):
    return MapCache(tmp_path / "maps")


def test_a_map_comes_back_as_it_was(cache, whole):
    assert cache.load(SYSTEM, X, Y, **TIMES) is None
    cache.save(SYSTEM, whole, **TIMES)
    again = cache.load(SYSTEM, X, Y, **TIMES)
    assert again.complete
    np.testing.assert_array_equal(again.mean, whole.mean)
    np.testing.assert_array_equal(again.error, whole.error)
    assert again.x == X
    assert again.parameters == whole.parameters


def test_another_map_is_another_file(cache, whole):
    cache.save(SYSTEM, whole, **TIMES)
    assert cache.load(SYSTEM.replace(n=17), X, Y, **TIMES) is None
    assert cache.load(SYSTEM, X._replace(high=99), Y, **TIMES) is None
    assert cache.load(SYSTEM, X, Y, "middle", **TIMES) is None
    assert cache.load(SYSTEM, X, Y, settle=2, measure=5) is None
    assert cache.load(SYSTEM, X, Y, seeds=2, **TIMES) is None
    # The present values of the axes' own parameters do not matter.
    assert cache.load(SYSTEM.replace(beta=7.0), X, Y, **TIMES) is not None


def test_a_map_that_was_stopped_goes_on_where_it_was(cache, whole):
    part = next(found for found in fill(SYSTEM, X, Y, **TIMES) if found.measured.any())
    assert not part.complete
    cache.save(SYSTEM, part, **TIMES)
    known = cache.load(SYSTEM, X, Y, **TIMES)
    *_, rest = fill(SYSTEM, X, Y, known=known, **TIMES)
    assert rest.complete
    # Cells that run side by side in another company are summed in another order.
    np.testing.assert_allclose(rest.mean, whole.mean, rtol=1e-4)


@pytest.mark.parametrize("rubbish", [b"", b"PK\x03\x04 cut short", b"a text, not a map"])
def test_what_is_damaged_is_measured_anew(cache, whole, rubbish):
    cache.save(SYSTEM, whole, **TIMES)
    (file,) = cache.folder.iterdir()
    file.write_bytes(rubbish)
    assert cache.load(SYSTEM, X, Y, **TIMES) is None
    cache.save(SYSTEM, whole, **TIMES)
    assert cache.load(SYSTEM, X, Y, **TIMES).complete


def test_a_foreign_file_of_the_right_name_is_ignored(cache, whole):
    cache.save(SYSTEM, whole, **TIMES)
    (file,) = cache.folder.iterdir()
    with file.open("wb") as handle:  # an object array: only unpickling would read it
        np.savez(handle, depends=np.array([{"x": 1}], object), mean=np.zeros(3))
    assert cache.load(SYSTEM, X, Y, **TIMES) is None


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path, whole):
    (tmp_path / "file").touch()
    MapCache(tmp_path / "file").save(SYSTEM, whole, **TIMES)


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MANYSCOPE_CACHE", str(tmp_path))
    assert MapCache().folder == tmp_path / "maps"


def test_a_file_for_others_holds_arrays_and_words(tmp_path, whole):
    path = tmp_path / "map.npz"
    theory = np.ones_like(whole.mean)
    write_map(path, whole, theory, {"seeds": 1})
    with np.load(path, allow_pickle=False) as file:
        assert set(file) == {"x", "y", "mean", "error", "theory", "metadata"}
    again = read_map(path)
    np.testing.assert_array_equal(again.mean, whole.mean)
    np.testing.assert_array_equal(again.x, X.values)
    assert again.metadata["system"] == "coulomb-gas"
    assert again.metadata["parameters"]["n"] == 16
    assert again.metadata["seeds"] == 1


def test_where_theory_is_silent_there_is_none_in_the_file(tmp_path, whole):
    write_map(tmp_path / "map.npz", whole, np.full_like(whole.mean, np.nan), {})
    assert read_map(tmp_path / "map.npz").theory is None


def test_a_file_that_is_no_map_is_refused_in_words(tmp_path):
    (tmp_path / "map.npz").write_bytes(b"no")
    with pytest.raises(ValueError, match="is not a map of Manyscope: write one"):
        read_map(tmp_path / "map.npz")
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
