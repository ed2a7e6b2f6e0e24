"""Clouds of anyone's files: what is right is read, what is wrong is said in one sentence."""

import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.storage import clouds
from engine.storage.clouds import READERS, load_cloud, read_cloud


POINTS = np.array([[0, 0, 0], [1, 0.5, -2], [3e-3, 4, 5e2]], np.float32)
POINT = st.floats(-1e6, 1e6, width=32).filter(lambda x: x == 0 or abs(x) > 1e-6)


def as_ply(points, form="ascii"):
    head = (
        f"ply\nformat {form} 1.0\ncomment a scan\nelement vertex {len(points)}\n"
        "property float x\nproperty float y\nproperty float z\nproperty uchar red\n"
        "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    )
    if form == "ascii":
        rows = "".join(f"{x!r} {y!r} {z!r} 255\n" for x, y, z in points.astype(float).tolist())
        return (head + rows + "3 0 1 2\n").encode()
    order = "<" if "little" in form else ">"
    rows = b"".join(struct.pack(order + "fffB", *row, 255) for row in points)
    return head.encode() + rows + struct.pack(order + "Biii", 3, 0, 1, 2)


def as_off(points):
    rows = "".join(f"{x!r} {y!r} {z!r}\n" for x, y, z in points.astype(float).tolist())
    return f"OFF\n# a mesh\n{len(points)} 1 0\n{rows}3 0 1 2\n".encode()


def as_obj(points):
    rows = "".join(f"v {x!r} {y!r} {z!r}\n" for x, y, z in points.astype(float).tolist())
    return f"# a mesh\n{rows}vn 0 0 1\nf 1 2 3\n".encode()


def as_table(points, between=" ", head=""):
    rows = "\n".join(between.join(map(repr, row)) for row in points.astype(float).tolist())
    return (head + rows + "\n").encode()


FORMS = {
    "a.ply": as_ply,
    "b.ply": lambda points: as_ply(points, "binary_little_endian"),
    "c.ply": lambda points: as_ply(points, "binary_big_endian"),
    "d.off": as_off,
    "e.obj": as_obj,
    "f.xyz": as_table,
    "g.csv": lambda points: as_table(points, ",", "x,y,z\n"),
    "h.csv": lambda points: as_table(points, "; "),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clouds")


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(sorted(FORMS)),
    points=arrays(np.float32, st.tuples(st.integers(2, 20), st.just(3)), elements=POINT),
)
def test_what_is_written_is_read(folder, name, points):
    if np.ptp(points, axis=0).max() < 1e-2 * np.abs(points).max() or not points.any():
        return  # nearly one point: it is moved to the middle, or refused
    path = folder / name
    path.write_bytes(FORMS[name](points))
    np.testing.assert_array_equal(read_cloud(path), points)  # float32 to text and back is exact


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "<i4"])
def test_arrays_of_any_number_are_read(tmp_path, dtype):
    path = tmp_path / "cloud.npy"
    np.save(path, np.arange(8).reshape(4, 2).astype(dtype))
    points = read_cloud(path)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, np.arange(8).reshape(4, 2))


def test_an_xyz_of_chemistry_and_rows_with_more_columns_are_read(tmp_path):
    water = tmp_path / "water.xyz"
    water.write_text("3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n")
    np.testing.assert_allclose(read_cloud(water)[1], [0.76, 0.59, 0])
    scan = tmp_path / "scan.xyz"
    scan.write_text("0 0 0 255 255 255\n1 2 3 0 0 0\n")
    np.testing.assert_array_equal(read_cloud(scan), [[0, 0, 0], [1, 2, 3]])


def test_colours_and_normals_of_an_off_are_left_aside(tmp_path):
    path = tmp_path / "mesh.off"
    path.write_text("COFF\n2 0 0\n0 0 0 255 0 0 255\n1 2 3 0 255 0 255\n")
    np.testing.assert_array_equal(read_cloud(path), [[0, 0, 0], [1, 2, 3]])


def test_too_many_points_are_thinned_and_it_is_said(tmp_path):
    path = tmp_path / "many.npy"
    np.save(path, np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32))
    cloud = load_cloud(path, most=1000)
    assert cloud.points.shape == (1000, 3)
    assert cloud.held == 5000
    assert cloud.thinned == "1000 of its 5000 points are used, drawn evenly"
    np.testing.assert_array_equal(cloud.points, read_cloud(path, most=1000))
    assert load_cloud(path).thinned == ""


def test_a_small_cloud_far_away_keeps_its_shape(tmp_path):
    path = tmp_path / "survey.npy"
    points = np.random.default_rng(0).normal(size=(50, 3))
    np.save(path, points + np.array([5e7, 3e7, 0]))  # float32 would leave steps of 4
    read = read_cloud(path)
    np.testing.assert_allclose(read - read.mean(axis=0), points - points.mean(axis=0), atol=1e-5)


def wrong(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are looked at
        read_cloud(path)
    words = str(caught.value)
    assert path.name in words
    assert "\n" not in words
    assert len(words) < 300
    assert words.endswith(".")
    return words


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"1 2 3", "of no kind"),
        ("a.xyz", b"", "no points"),
        ("a.xyz", b"1 2 3\n", "at least two"),
        ("a.xyz", b"1 2 3\n1 nan 3\n", "point 2 that is not finite"),
        ("a.xyz", b"1 2 3\n1 2 3\n", "one point many times"),
        ("a.xyz", b"1 2 3\n1 2\n", "2 numbers in point 2 and 3 in the first"),
        ("a.csv", b"x,y\n1,2\n3,four\n", "no numbers in row 3"),
        ("a.obj", b"v 1 2\n", "no vertex in line 1"),
        ("a.off", b"OFF\n2 0 0\n0 0 0\n", "ends before"),
        ("a.off", b"PLY", "does not begin with OFF"),
        ("a.ply", b"ply\nformat ascii 1.0\nend_header\n", "no vertices"),
        ("a.ply", as_ply(POINTS, "binary_little_endian")[:-30], "ends before"),
        ("a.ply", as_ply(POINTS).replace(b"ascii", b"zip"), "unknown format"),
        ("a.npy", b"\x93NUMPY\x01\x00garbage", "no array of numbers"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, content, words):
    assert re.search(words, wrong(tmp_path / name, content))


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "trap.npy"
    np.save(path, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    assert "no array of numbers" in wrong(path, path.read_bytes())


def test_a_claim_of_many_points_takes_no_memory(tmp_path):
    head = as_ply(POINTS, "binary_little_endian").replace(b"vertex 3", b"vertex 99999999999999")
    assert "ends before" in wrong(tmp_path / "claim.ply", head)
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 3), }"
    npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    assert "no array of numbers" in wrong(tmp_path / "claim.npy", npy)


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"gone\.ply cannot be read: no such file"):
        read_cloud(tmp_path / "gone.ply")
    (tmp_path / "folder.ply").mkdir()
    with pytest.raises(ValueError, match="cannot be read"):
        read_cloud(tmp_path / "folder.ply")
    monkeypatch.setattr(clouds, "MOST_BYTES", 4)
    assert "give at most" in wrong(tmp_path / "large.xyz", b"1 2 3\n4 5 6\n")


@settings(deadline=None, max_examples=150)
@given(kind=st.sampled_from(sorted(READERS)), content=st.binary(max_size=200))
def test_garbage_is_read_or_refused_in_words(folder, kind, content):
    refused_or_read(folder / f"garbage{kind}", content)


@settings(deadline=None, max_examples=200)
@given(
    name=st.sampled_from(sorted(FORMS)),
    place=st.integers(0, 400),
    patch=st.binary(min_size=1, max_size=6),
)
def test_a_broken_file_is_read_or_refused_in_words(folder, name, place, patch):
    content = bytearray(FORMS[name](POINTS))
    place %= len(content)
    content[place : place + len(patch)] = patch
    refused_or_read(folder / f"broken-{name}", bytes(content))


def refused_or_read(path, content):
    path.write_bytes(content)
    try:
        points = read_cloud(path)
    except ValueError as problem:
        words = str(problem)
        assert path.name in words
        assert "\n" not in words
        assert len(words) < 300
    else:
        assert points.dtype == np.float32
        assert points.shape[1] in (2, 3)
        assert np.isfinite(points).all()
