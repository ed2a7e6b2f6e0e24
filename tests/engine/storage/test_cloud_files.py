"""What is written is read back: by our own reader, and by NumPy."""

import numpy as np
import pytest

from engine.core.layers import Colour, Points
from engine.storage.cloud_files import in_order, write_cloud, write_trajectory
from engine.storage.clouds import load_cloud


def swarm(*shape):
    place = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Points(place, {"local dimension": Colour(place[..., 0])})


@pytest.mark.parametrize("shape", [(50, 3), (50, 2), (4, 25, 3)])
def test_a_ply_is_read_back_as_it_was(tmp_path, shape):
    points = swarm(*shape)
    path = write_cloud(tmp_path / "cloud.ply", points, "made by a test")
    back = load_cloud(path).points
    flat = points.position.reshape(-1, shape[-1])
    np.testing.assert_array_equal(back[:, : shape[-1]], flat)
    head = path.read_bytes().partition(b"end_header")[0]
    assert b"comment made by a test" in head
    assert b"property float local_dimension" in head
    assert (b"property int panel" in head) == (len(shape) == 3)


def test_arrays_keep_their_shapes_and_names(tmp_path):
    points = swarm(4, 25, 3)
    with np.load(write_cloud(tmp_path / "cloud.npz", points, "from here")) as back:
        np.testing.assert_array_equal(back["position"], points.position)
        np.testing.assert_array_equal(back["local dimension"], points.position[..., 0])
        assert str(back["metadata"]) == "from here"


def test_a_trajectory_has_its_times(tmp_path):
    path, time = np.zeros((5, 10, 3), np.float32), np.arange(5.0)
    with np.load(write_trajectory(tmp_path / "run.npz", path, time)) as back:
        assert back["position"].shape == (5, 10, 3)
        np.testing.assert_array_equal(back["time"], time)


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"end it in \.ply or \.npz"):
        write_cloud(tmp_path / "cloud.stl", swarm(3, 3))
    with pytest.raises(ValueError, match=r"end it in \.npz"):
        write_trajectory(tmp_path / "run.ply", np.zeros((2, 3, 3)), np.zeros(2))
    with pytest.raises(ValueError, match=r"give \[time, n, dim\]"):
        write_trajectory(tmp_path / "run.npz", np.zeros((3, 3)), np.zeros(3))
    assert not list(tmp_path.iterdir())


def test_a_row_of_a_trajectory_is_one_particle():
    place = np.arange(6.0).reshape(3, 2)
    shuffled = Points(place[[2, 0, 1]], identity=np.array([2, 0, 1]))
    np.testing.assert_array_equal(in_order(shuffled), place)
    np.testing.assert_array_equal(in_order(Points(place)), place)
