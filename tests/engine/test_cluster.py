"""Maps by workers: the same file as in one process, whatever becomes of a worker."""

import os
import signal

import numpy as np
import pytest
from distributed import Client, LocalCluster

from engine.cluster import Job, clients, fill_on, measure
from engine.core.axes import Axis
from engine.core.cells import Effort
from engine.core.maps import fill
from engine.storage.maps import write_map
from engine.systems.swarms.kuramoto import Kuramoto


SYSTEM = Kuramoto(n=64)
X, Y = Axis("coupling", 0.1, 10, 32, log=True), Axis("width", 0, 1, 32)
EFFORT = Effort(settle=20, measure=40, seeds=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    *_, last = fill(SYSTEM, X, Y, **EFFORT._asdict())
    path = tmp_path_factory.mktemp("map") / "map.h5"
    write_map(path, last, None, {})
    return last, path.read_bytes()


def test_a_map_is_the_same_file_though_a_worker_is_killed_half_way(whole, tmp_path):
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as local,
        Client(local) as client,
    ):
        pids = client.run(os.getpid)
        killed, seen, found = False, [], None
        for found in fill_on(client, SYSTEM, X, Y, effort=EFFORT):
            seen.append(int(found.measured.sum()))
            if not killed and found.measured.mean() > 0.4:
                os.kill(next(iter(pids.values())), signal.SIGKILL)
                killed = True
        assert killed
        assert set(client.run(os.getpid).values()) != set(pids.values())
    assert found.complete
    assert seen == sorted(seen)
    assert len(set(seen)) > 8  # progress shows
    write_map(tmp_path / "map.h5", found, None, {})
    assert (tmp_path / "map.h5").read_bytes() == whole[1]


class Counted:
    """A client of this process, that counts what it is asked."""

    def __init__(self):
        self.jobs = 0

    def submit(self, *_, **__):
        self.jobs += 1
        raise LookupError


def test_what_is_known_is_not_asked_of_workers(whole):
    found, _ = whole
    with pytest.raises(LookupError):
        list(fill_on(Counted(), SYSTEM, X, Y, effort=EFFORT))
    client = Counted()
    *_, last = fill_on(client, SYSTEM, X, Y, effort=EFFORT, known=found)
    assert client.jobs == 0
    np.testing.assert_array_equal(last.mean, found.mean)


def test_a_worker_of_another_version_is_refused():
    job = Job("kuramoto", "another digest", {"n": 64}, X, Y, EFFORT)
    with pytest.raises(ValueError, match="install the same version of Manyscope on both"):
        measure(job, ((0, 0),))


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    def silent(address, timeout):
        raise OSError(f"Timed out trying to connect to {address}")

    monkeypatch.setattr("distributed.Client", silent)
    with (
        pytest.raises(ConnectionError, match="No Dask scheduler answers at tcp://nowhere:1"),
        clients(scheduler="tcp://nowhere:1"),
    ):
        pass
