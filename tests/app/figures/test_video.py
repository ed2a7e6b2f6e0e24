"""Videos: by step, of even size, equal bytes, and gone if given up."""

import av
import numpy as np
import pytest
from PIL import Image

from app.figures.metadata import read_metadata
from app.figures.video import Canvas, Moment, render_video
from engine.core.simulation import Simulation
from engine.systems import gallery
from tests.app.figures import scenes


@pytest.fixture(scope="module")
def simulation():
    return Simulation(gallery()["kuramoto"](n=64), seed=1).run(3)


def frames_of(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def test_a_film_has_a_frame_for_every_so_many_steps_and_even_sides(simulation, tmp_path):
    path = tmp_path / "film.mp4"
    made = render_video(simulation, path, steps=6, every=2, size=(161, 91))
    frames = frames_of(path)
    assert made.frames == len(frames) == 4
    assert frames[0].shape == (92, 162, 3)
    said = read_metadata(path)
    assert (said["id"], said["every"], said["tick"]) == ("kuramoto", 2, 3)


def test_the_run_is_where_it_was(simulation, tmp_path):
    before = simulation.tick, simulation.observables
    render_video(simulation, tmp_path / "film.mp4", steps=4, size=(128, 72))
    assert (simulation.tick, simulation.observables) == before


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_equal_runs_are_equal_bytes(suffix, simulation, tmp_path):
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        render_video(simulation, file, steps=4, every=2, size=(128, 72))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_gif_moves(simulation, tmp_path):
    path = tmp_path / "film.gif"
    render_video(simulation, path, steps=40, every=20, size=(128, 72))
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert b"manyscope" in film.info["comment"]


def test_a_film_that_is_given_up_leaves_nothing(simulation, tmp_path):
    told = []
    with pytest.raises(InterruptedError):
        render_video(
            simulation, tmp_path / "film.mp4", steps=50, size=(128, 72), progress=told.append,
            stop=lambda: len(told) >= 2,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (64, 64), (640, 90)])
@pytest.mark.parametrize(
    "layers",
    [scenes.swarm(), scenes.swarm(dim=3), scenes.field(), scenes.plot(), scenes.clouds()],
    ids=["swarm", "cloud", "field", "plot", "panels"],
)
def test_every_view_fits_into_every_frame(layers, size):
    canvas = Canvas(gallery()["kuramoto"](n=64), "view", *size)
    times, values = [0.0, 0.5, 1.0], [0.1, float("nan"), 0.3]
    for caveat in ("", "a sentence that says what to doubt"):
        frame = canvas.draw(Moment(layers, 1.0, times, values, 0.5, caveat))
        assert frame.shape == (size[1], size[0], 3)
        assert frame.dtype == np.uint8
        assert frame.max() > 60


def test_nothing_measured_is_no_reason_to_fail():
    canvas = Canvas(gallery()["kuramoto"](n=64), "view", 320, 180)
    nothing = Moment(scenes.swarm(), 0.0, [], [], float("nan"))
    assert canvas.draw(nothing).shape == (180, 320, 3)
