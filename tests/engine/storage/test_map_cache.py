"""The cache of maps: found again, gone on with after a crash, and no harm from what lies there."""

import os
import signal
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest

from engine.core import maps
from engine.core.axes import Axis
from engine.core.cells import Effort
from engine.core.maps import fill
from engine.storage.map_cache import MapCache
from engine.systems.swarms.kuramoto import Kuramoto


SYSTEM = Kuramoto(n=16)
X, Y = Axis("coupling", 0.1, 10, 16, log=True), Axis("width", 0, 1, 16)
EFFORT = Effort(settle=2, measure=4)


@pytest.fixture(scope="module")
def whole():
    *_, last = fill(SYSTEM, X, Y, **EFFORT._asdict())
    return last


@pytest.fixture
def cache(tmp_path):
    return MapCache(tmp_path / "maps")


def keep(cache, found):
    with cache.keeper(SYSTEM, X, Y, EFFORT) as kept:
        kept(found)


def test_a_map_comes_back_as_it_was_with_all_observables(cache, whole):
    assert cache.load(SYSTEM, X, Y, EFFORT) is None
    keep(cache, whole)
    again = cache.load(SYSTEM, X, Y, EFFORT)
    assert again.complete
    np.testing.assert_array_equal(again.mean, whole.mean)
    np.testing.assert_array_equal(again.error, whole.error)
    assert (again.x, again.parameters) == (X, whole.parameters)
    other = cache.load(SYSTEM, X, Y, EFFORT, "locked")
    np.testing.assert_array_equal(other.mean, whole.of("locked").mean)


def test_another_map_is_another_file(cache, whole):
    keep(cache, whole)
    assert cache.load(SYSTEM.replace(n=17), X, Y, EFFORT) is None
    assert cache.load(SYSTEM, X._replace(high=99), Y, EFFORT) is None
    assert cache.load(SYSTEM, X, Y, EFFORT._replace(measure=5)) is None
    assert cache.load(SYSTEM, X, Y, EFFORT._replace(seeds=2)) is None
    # The present values of the axes' own parameters do not matter.
    assert cache.load(SYSTEM.replace(coupling=7.0), X, Y, EFFORT) is not None


def test_a_map_that_begins_again_is_forgotten(cache, whole):
    keep(cache, whole)
    cache.forget(SYSTEM, X, Y, EFFORT)
    assert cache.load(SYSTEM, X, Y, EFFORT) is None


def test_two_programs_do_not_write_into_the_same_map(cache, whole):
    with cache.keeper(SYSTEM, X, Y, EFFORT) as first:
        first(whole)
        with cache.keeper(SYSTEM, X, Y, EFFORT) as second:
            second(whole)
    assert cache.load(SYSTEM, X, Y, EFFORT).complete


KILLED = """
    import sys
    from engine.core import maps
    from engine.core.axes import Axis
    from engine.core.cells import Effort
    from engine.storage.map_cache import MapCache
    from engine.systems.swarms.kuramoto import Kuramoto

    system, effort = Kuramoto(n=16), Effort(settle=2, measure=4)
    x, y = Axis("coupling", 0.1, 10, 16, log=True), Axis("width", 0, 1, 16)
    maps.beside = lambda *_: 8  # many small batches
    before = 0
    with MapCache(sys.argv[1]).keeper(system, x, y, effort) as keep:
        for found in maps.fill(system, x, y, **effort._asdict()):
            keep(found)
            if found.measured.sum() > before:
                before = found.measured.sum()
                print(*found.measured.ravel().nonzero()[0], flush=True)
"""


def test_a_program_that_is_killed_leaves_every_finished_cell(cache, monkeypatch):
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(cache.folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for _ in range(5):
        finished = {int(word) for word in child.stdout.readline().split()}
    child.send_signal(signal.SIGKILL)
    finished |= {int(w) for line in child.stdout for w in line.split() if line.endswith("\n")}
    child.wait()
    child.stdout.close()
    assert 40 <= len(finished) < 256

    monkeypatch.setattr(maps, "beside", lambda *_: 8)
    ran = []
    run = maps.run_cells
    monkeypatch.setattr(
        maps,
        "run_cells",
        lambda s, x, y, cells, *rest: (ran.extend(cells), run(s, x, y, cells, *rest))[1],
    )
    known = cache.load(SYSTEM, X, Y, EFFORT)
    on_disk = set(known.measured.ravel().nonzero()[0])
    assert finished <= on_disk  # the last cells may be there though nobody was told
    *_, rest = fill(SYSTEM, X, Y, known=known, **EFFORT._asdict())
    assert rest.complete
    again = {row * X.count + column for row, column in ran}
    assert len(ran) == len(again) == 256 - len(on_disk)
    assert not again & on_disk
    *_, whole = fill(SYSTEM, X, Y, **EFFORT._asdict())
    for name in whole.values:  # to the last bit: parts are the same, whoever runs them
        np.testing.assert_array_equal(rest.values[name][0], whole.values[name][0])
        np.testing.assert_array_equal(rest.values[name][1], whole.values[name][1])


@pytest.mark.parametrize("rubbish", [b"", b"\x89HDF\r\n\x1a\n cut short", b"a text, not a map"])
def test_what_is_damaged_is_measured_anew(cache, whole, rubbish):
    keep(cache, whole)
    (file,) = cache.folder.iterdir()
    file.write_bytes(rubbish)
    assert cache.load(SYSTEM, X, Y, EFFORT) is None
    keep(cache, whole)
    assert cache.load(SYSTEM, X, Y, EFFORT).complete


def test_a_foreign_file_of_the_right_name_is_ignored(cache, whole):
    keep(cache, whole)
    (file,) = cache.folder.iterdir()
    with h5py.File(file, "r+") as held:
        del held["mean"]
        held["mean"] = np.zeros(3)
    assert cache.load(SYSTEM, X, Y, EFFORT) is None
    with h5py.File(file, "w") as held:
        held["other"] = 1
    assert cache.load(SYSTEM, X, Y, EFFORT) is None


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path, whole):
    (tmp_path / "file").touch()
    keep(MapCache(tmp_path / "file"), whole)


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MANYSCOPE_CACHE", str(tmp_path))
    assert MapCache().folder == tmp_path / "maps"
