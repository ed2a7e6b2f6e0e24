"""Films: by step, a frame for a frame, equal bytes, and gone if given up."""

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.figures.film_files import even, write_film
from app.figures.film_page import Canvas, Moment
from app.figures.film_script import CameraKey, Script, camera_at
from app.figures.video import film_frames, render_video
from app.views.camera import Camera2D, Camera3D, described
from engine.core.simulation import Simulation
from engine.systems import gallery
from tests.app.figures import scenes


SMALL = (128, 72)


@pytest.fixture(scope="module")
def simulation():
    return Simulation(gallery()["kuramoto"](n=64), seed=1).run(3)


def frames_of(path):
    if path.is_dir():
        return [np.asarray(Image.open(file)) for file in sorted(path.iterdir())]
    if path.suffix == ".gif":
        with Image.open(path) as film:
            return [film.seek(k) or np.asarray(film.convert("RGB")) for k in range(film.n_frames)]
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".png"])
def test_as_many_frames_come_out_as_went_in(suffix, tmp_path):
    # Noise, for frames that are alike could be dropped unnoticed.
    drawn = np.random.default_rng(0).integers(0, 255, (23, 54, 96, 3), dtype=np.uint8)
    path = write_film(tmp_path / f"film{suffix}", iter(drawn), 30, "x")
    assert len(frames_of(path)) == len(drawn)


def test_a_film_has_a_frame_for_every_so_many_steps(simulation, tmp_path):
    script = Script(7, every=2, size=SMALL, hold=(0.1, 0.2), fps=20)
    made = render_video(simulation, tmp_path / "film.mp4", script)
    frames = frames_of(made.path)
    assert made.frames == len(frames) == script.frames == 4 + 2 + 4


def test_held_frames_stand(simulation):
    script = Script(2, size=SMALL, hold=(0.1, 0.1), fps=20)
    frames = list(film_frames(Simulation(simulation.system, seed=1), script))
    assert len(frames) == 7
    for k in (1, 2):
        np.testing.assert_array_equal(frames[0], frames[k])
        np.testing.assert_array_equal(frames[-1], frames[-1 - k])
    assert (frames[2] != frames[3]).any()


@pytest.mark.parametrize(("suffix", "size"), [(".mp4", (162, 92)), (".gif", (161, 91))])
def test_odd_sides_are_padded_where_a_format_asks_for_it(suffix, size, simulation, tmp_path):
    made = render_video(simulation, tmp_path / f"film{suffix}", Script(2, size=(161, 91)))
    assert made.size == size
    assert frames_of(made.path)[0].shape == (size[1], size[0], 3)


def test_padding_repeats_the_edge_and_moves_nothing():
    odd = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    padded = even(odd)
    np.testing.assert_array_equal(padded[:3, :3], odd)
    np.testing.assert_array_equal(padded[3], padded[2])
    np.testing.assert_array_equal(padded[:, 3], padded[:, 2])


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_film_keeps_its_colours(suffix, tmp_path):
    tones = np.array([[200, 60, 40], [40, 160, 90], [30, 60, 200], [240, 240, 235]], np.uint8)
    picture = np.repeat(np.repeat(tones[None], 64, axis=0), 32, axis=1)
    path = write_film(tmp_path / f"film{suffix}", iter([picture] * 3), 30, "")
    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
        assert frame.colorspace == 1  # BT.709, and said to be
        seen = frame.to_ndarray(format="rgb24")[32, 16::32]
    # 4:2:0 at 8 bits in the studio range loses two levels, the codec as many.
    np.testing.assert_allclose(seen.astype(int), tones.astype(int), atol=6)


def test_the_run_is_where_it_was(simulation, tmp_path):
    before = simulation.tick, simulation.observables
    script = Script(4, size=SMALL, paths={"coupling": (0.0, 4.0)})
    render_video(simulation, tmp_path / "film.mp4", script)
    assert (simulation.tick, simulation.observables) == before
    assert simulation.system.coupling == gallery()["kuramoto"]().coupling


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
def test_equal_runs_are_equal_bytes(suffix, simulation, tmp_path):
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        render_video(simulation, file, Script(4, every=2, size=SMALL), session='{"made": "by x"}')
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_folder_of_pictures_is_not_written_over(simulation, tmp_path):
    made = render_video(simulation, tmp_path / "film.png", Script(2, size=SMALL))
    assert [file.name for file in sorted(made.path.iterdir())] == [
        "000000.png", "000001.png", "000002.png",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="there already"):
        render_video(simulation, tmp_path / "film.png", Script(2, size=SMALL))


@pytest.mark.parametrize("suffix", [".mp4", ".png"])
def test_a_film_that_is_given_up_leaves_nothing(suffix, simulation, tmp_path):
    told = []
    with pytest.raises(InterruptedError):
        render_video(
            simulation, tmp_path / f"film{suffix}", Script(50, size=SMALL), progress=told.append,
            stop=lambda: len(told) >= 2,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_parameters_go_along_their_path():
    system = gallery()["kuramoto"]()
    script = Script(30, every=10, paths={"coupling": (0.0, 3.0, 1.0), "width": (1.0, 2.0)})
    values = [script.values(system, script.share(k)) for k in range(script.moving)]
    np.testing.assert_allclose([v["coupling"] for v in values], [0, 2, 7 / 3, 1])
    np.testing.assert_allclose([v["width"] for v in values], [1, 4 / 3, 5 / 3, 2])


def test_a_path_acts_on_the_run(simulation):
    paths = ({}, {"coupling": (0.0, 0.0)})
    scripts = [Script(40, every=20, size=SMALL, paths=path) for path in paths]
    still, moved = (list(film_frames(Simulation(simulation.system, seed=1), s)) for s in scripts)
    assert (still[-1] != moved[-1]).any()


@pytest.mark.parametrize(
    ("paths", "words"),
    [({"couplng": (0, 1)}, "couplng"), ({"n": (10, 20)}, "cannot move"),
     ({"width": (-1.0, 1.0)}, "width")],
)  # fmt: skip
def test_a_path_that_cannot_be_gone_is_refused_before_the_first_frame(
    paths, words, simulation, tmp_path
):
    with pytest.raises((TypeError, ValueError), match=words):
        render_video(simulation, tmp_path / "film.mp4", Script(4, size=SMALL, paths=paths))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"steps": -1}, {"every": 0}, {"fps": float("nan")}, {"size": (8, 8)}, {"hold": (-1, 0)},
     {"size": (10_000, 100)}, {"turns": float("inf")}, {"paths": {"x": (1.0,)}},
     {"keys": (CameraKey(2.0, {}),)}, {"theme": "pink"}, {"steps": 10**9},
     {"paths": {"x": (1.0, float("nan"))}}],
)  # fmt: skip
def test_a_script_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        Script(**{"steps": 10} | wrong)


def test_a_camera_comes_through_its_keys():
    first, last = Camera2D((0, 0), (10, 10)), Camera2D((0, 0), (10, 10))
    last.zoom, last.centre = 16.0, np.array([2.0, 3.0])
    keys = (CameraKey(0.2, described(first)), CameraKey(0.8, described(last)))
    assert camera_at(keys, 0.0) == described(first)
    assert camera_at(keys, 0.5)["zoom"] == pytest.approx(4.0)  # half way, by factors
    assert camera_at(keys, 1.0) == described(last)


def test_a_turntable_comes_back_to_where_it_began():
    layers = scenes.swarm(dim=3)
    canvas = Canvas(gallery()["kuramoto"](n=64), "view", 160, 90)
    moment = Moment(layers, 0.0, [], [], [])
    there, half, back = (canvas.draw(moment, None, 2 * np.pi * turns) for turns in (0, 0.5, 1))
    assert (there != half).any()
    np.testing.assert_allclose(there.astype(int), back.astype(int), atol=1)


def test_the_camera_of_the_window_is_the_camera_of_the_film():
    camera = Camera3D((0, 0, 0), (10, 10, 10))
    canvas = Canvas(gallery()["kuramoto"](n=64), "view", 160, 90)
    moment = Moment(scenes.swarm(dim=3), 0.0, [], [], [])
    home = canvas.draw(moment, described(camera))
    camera.zoom = 3.0
    assert (canvas.draw(moment, described(camera)) != home).any()


@settings(deadline=None, max_examples=30)
@given(
    zoom=st.floats(0.1, 100), x=st.floats(-1e6, 1e6), turn=st.floats(-10, 10), three=st.booleans()
)
def test_a_camera_is_described_and_made_again(zoom, x, turn, three):
    from app.views.camera import camera_of

    camera = Camera3D() if three else Camera2D()
    camera.zoom = zoom
    if isinstance(camera, Camera3D):
        camera.target, camera.turn = np.array([x, 0, 1]), np.array([turn, 0.3])
    else:
        camera.centre = np.array([x, 2.0])
    again = camera_of(described(camera))
    np.testing.assert_array_equal(again.matrix(30, 20), camera.matrix(30, 20))


@pytest.mark.parametrize(
    "wrong", [{}, {"dim": 7}, {"dim": 2, "zoom": "x"}, {"dim": 2, "zoom": float("nan")}]
)
def test_what_is_no_camera_is_refused(wrong):
    from app.views.camera import camera_of

    said = described(Camera2D()) | wrong if wrong else {}
    if said.get("dim") == 7:
        said = {"dim": 3, "zoom": 1.0}
    with pytest.raises(ValueError, match="camera"):
        camera_of(said)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(320, 180), (180, 320), (64, 64), (640, 90)])
@pytest.mark.parametrize(
    "layers",
    [scenes.swarm(), scenes.swarm(dim=3), scenes.field(), scenes.plot(), scenes.clouds()],
    ids=["swarm", "cloud", "field", "plot", "panels"],
)
def test_every_view_fits_into_every_frame(layers, size, theme):
    canvas = Canvas(gallery()["kuramoto"](n=64), "view", *size, theme=theme)
    times, values, theory = [0.0, 0.5, 1.0], [0.1, float("nan"), 0.3], [float("nan"), 0.5, 0.5]
    for caveat in ("", "a sentence that says what to doubt"):
        frame = canvas.draw(Moment(layers, 1.0, times, values, theory, caveat))
        assert frame.shape == (size[1], size[0], 3)
        assert frame.dtype == np.uint8
        assert frame.max() - frame.min() > 50


def test_nothing_measured_is_no_reason_to_fail():
    canvas = Canvas(gallery()["kuramoto"](n=64), "view", 320, 180)
    nothing = Moment(scenes.swarm(), 0.0, [], [], [])
    assert canvas.draw(nothing).shape == (180, 320, 3)
