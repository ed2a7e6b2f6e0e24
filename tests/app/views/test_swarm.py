"""The swarm in a real OpenGL window: what is drawn is where and what it should be."""

import ctypes
from functools import partial

import numpy as np
import pytest
from vispy.gloo import gl

from app.theme.colour_maps import deepened
from app.theme.theme import Theme
from app.views import choose
from app.views.choose import view_for
from app.views.colours import table
from app.views.painter_swarm import PainterSwarmView
from app.views.swarm import SwarmView
from engine.core.layers import Arrows, Axes, Box, Colour, Curve, Image, Points, Segments, Text
from tests.app.views.conftest import light, picture, settle
from tests.app.views.swarms import SQUARE, cloud, near, where


pytestmark = pytest.mark.usefixtures("screen")


def test_calls_of_opengl_keep_the_interpreter():
    assert isinstance(gl.gl2._lib, ctypes.PyDLL)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_point_appears_where_the_camera_says(kind, theme, shown, dim):
    point = np.array([0.3, 0.8, 0.6][:dim])
    box = Box(np.zeros(dim), np.ones(dim))
    view = kind(theme)
    view.set_images(False)  # no edges of the box
    view.show_layers((box, Points(point[None].astype(np.float32))))
    shown(view)
    seen = light(view)
    at = where(view, point)
    assert near(seen, at).max() > 60  # of 255: a single grain is clearly seen
    # The faint glow in the middle of a dark stage is 16 of 255 brighter than its edge.
    near(seen, at, 8)[:] = 0
    assert seen.max() < 18


def test_points_in_a_plane_and_in_space_take_the_same_way(theme, shown):
    flat = shown(SwarmView(theme))
    flat.show_layers((SQUARE, cloud(10, 2)))
    deep = shown(SwarmView(theme))
    deep.show_layers((Box(np.zeros(3), np.ones(3)), cloud(10, 3)))
    assert flat.camera.dim == 2
    assert deep.camera.dim == 3


@pytest.mark.parametrize(("value", "scale"), [(0.0, "phase"), (2.5, "phase"), (1.0, "signed")])
def test_colours_follow_the_map(kind, theme, shown, value, scale):
    span = None if scale == "phase" else (-1.0, 1.0)
    colour = Colour(np.full(1, value, np.float32), scale, span)
    view = kind(theme)
    view.set_images(False)
    view.show_layers((SQUARE, Points(np.array([[0.5, 0.5]], np.float32), {"x": colour}, 0.2)))
    shown(view)
    x, y = where(view, (0.5, 0.5))
    drawn = near(picture(view), (x, y)).reshape(-1, 3).mean(axis=0) / 255
    share = value / (2 * np.pi) if scale == "phase" else 1.0
    wanted = table(scale, "x", theme, points=True)[int(share * 255)]
    # A disc is shaded by up to a fifth; hue is what is compared.
    drawn, wanted = drawn / np.linalg.norm(drawn), wanted / np.linalg.norm(wanted)
    assert drawn @ wanted > 0.99


def test_colours_that_are_pale_are_deepened_on_paper(qapp):
    pale = table("phase", "", Theme("dark"), points=True)
    deep = table("phase", "", Theme("light"), points=True)
    assert np.abs(deep - deepened(pale)).max() < 0.02  # no colour of romaO is too dark for a stage
    assert deep.mean() < pale.mean()


def test_what_is_not_a_number_is_a_gap(kind, dark, shown):
    place = np.array([[np.nan, 0.5], [np.nan, np.nan]], np.float32)
    view = kind(dark)
    view.set_images(False)
    view.show_layers((SQUARE, Points(place)))
    shown(view)
    assert light(view).max() < 18  # only the glow of the stage


def test_a_disc_is_true_to_size(kind, theme, shown):
    view = kind(theme)
    view.set_images(False)
    view.show_layers((SQUARE, Points(np.array([[0.5, 0.5]], np.float32), radius=0.25)))
    shown(view)
    seen = light(view)
    edge = 0.25 / view.scale  # pixels
    x, y = where(view, (0.5, 0.5))
    row = seen[y]
    assert (row[x - int(edge) + 3 : x + int(edge) - 3] > 40).all()
    assert row[: x - int(edge) - 3].max() < 18


def test_row_0_of_an_image_is_at_the_bottom(kind, theme, shown):
    values = np.zeros((4, 4), np.float32)
    values[0] = 1.0
    view = kind(theme)
    view.show_layers((SQUARE, Image(values, "level", (0, 1))))
    shown(view)
    seen = picture(view)
    colours = 255 * table("level", "", theme)
    x, low = where(view, (0.5, 0.05))
    high = where(view, (0.5, 0.95))[1]
    # A display of 16 bits has steps of 8 of 255.
    np.testing.assert_allclose(seen[low, x], colours[-1], atol=8)
    np.testing.assert_allclose(seen[high, x], colours[0], atol=8)


def test_cells_of_an_image_keep_their_edges(dark, shown):
    values = np.indices((2, 2)).sum(axis=0).astype(np.float32) * 2 - 1
    view = shown(SwarmView(dark))
    view.show_layers((SQUARE, Image(values, "signed", (-1, 1))))
    view.repaint()
    seen = picture(view)
    x, y = where(view, (0.5, 0.25))
    assert np.abs(seen[y, x - 3] - seen[y, x + 3]).max() > 100


def test_an_image_around_a_sphere_is_drawn(dark, shown):
    view = SwarmView(dark)
    view.show_layers((Image(np.random.default_rng(0).random((8, 16)), onto="sphere"),))
    shown(view)
    assert view.camera.dim == 3
    assert (light(view) > 30).mean() > 0.1


def test_arrows_point_along_their_vectors(kind, theme, shown):
    view = kind(theme)
    view.set_images(False)
    view.show_layers((SQUARE, Arrows(np.array([[0.2, 0.5]]), np.array([[0.6, 0.0]]))))
    shown(view)
    seen = light(view)
    assert near(seen, where(view, (0.4, 0.5))).max() > 100
    tip, tail = where(view, (0.78, 0.5)), where(view, (0.22, 0.5))
    # The head is at the end: it is higher than the shaft.
    assert (near(seen, tip, 8) > 60).any(axis=1).sum() > (near(seen, tail, 8) > 60).any(
        axis=1
    ).sum()


def test_lines_and_curves_run_from_end_to_end(kind, theme, shown):
    line = Segments(np.array([[0.1, 0.1]]), np.array([[0.9, 0.1]]))
    curve = Curve(np.array([0.1, 0.9]), np.array([0.9, 0.9]))
    view = kind(theme)
    view.set_images(False)
    view.show_layers((SQUARE, line, curve))
    shown(view)
    seen = light(view)
    for x in (0.15, 0.5, 0.85):
        assert near(seen, where(view, (x, 0.1))).max() > 40
        assert near(seen, where(view, (x, 0.9))).max() > 100


def test_words_stand_at_their_places(kind, theme, shown):
    view = kind(theme)
    view.set_images(False)
    view.show_layers((SQUARE, Text(np.array([[0.3, 0.3]]), ("word",))))
    shown(view)
    x, y = where(view, (0.3, 0.3))
    assert light(view)[y - 20 : y, x : x + 40].max() > 100


def test_panels_stand_side_by_side(kind, theme, shown):
    place = np.full((2, 1, 2), 0.5, np.float32)
    place[1, 0] = 0.9
    view = kind(theme)
    view.set_images(False)
    view.show_layers((SQUARE, Points(place)))
    shown(view, 600, 300)
    seen = light(view)
    for panel in range(2):
        at = where(view, place[panel, 0], panel)
        assert near(seen, at).max() > 60
    assert where(view, (0.5, 0.5), 1)[0] - where(view, (0.5, 0.5), 0)[0] == 300


def test_the_newest_frame_is_drawn_and_no_other(dark, shown, qtbot):
    view = shown(SwarmView(dark))
    painted = []
    view.paint = partial(lambda paint: (painted.append(1), paint()), view.paint)
    for seed in range(20):
        view.show_layers((SQUARE, cloud(100, seed=seed)))
    settle(qtbot)
    assert 1 <= len(painted) <= 3  # one paint; a window system may ask for another
    held = next(iter(k for k in view._sources if k[2] == "points"))
    assert view._sources[held][0] is view._layers[1].position


def test_what_comes_while_a_picture_is_on_its_way_is_drawn_after_it(
    dark, shown, qtbot, monkeypatch
):
    monkeypatch.setattr(SwarmView, "software", True)
    view = shown(SwarmView(dark))
    qtbot.waitUntil(lambda: not view.busy)
    drawn = []
    view.drawn.connect(lambda: drawn.append(view._layers))
    for seed in range(5):
        view.show_layers((SQUARE, cloud(50, seed=seed)))
    newest = view._layers
    assert view.busy
    assert not drawn
    qtbot.waitUntil(lambda: not view.busy)
    assert len(drawn) == 1
    assert drawn[0] is newest


def test_where_no_fence_tells_of_a_picture_it_is_waited_for(dark, shown, qtbot, monkeypatch):
    monkeypatch.setattr(SwarmView, "software", True)
    view = shown(SwarmView(dark))
    monkeypatch.setattr(view._canvas, "_fence_sync", lambda *_: None)
    view.show_layers((SQUARE, Points(np.array([[0.5, 0.5]], np.float32), {}, 0.2)))
    with qtbot.waitSignal(view.drawn, timeout=10_000):
        pass
    assert not view.busy
    x, y = where(view, (0.5, 0.5))
    assert view._canvas._pixels[y, x, :3].max() > 60  # the picture itself, not one for `grab`


def test_a_view_that_nobody_sees_holds_nothing_up(dark, shown, qtbot, monkeypatch):
    monkeypatch.setattr(SwarmView, "software", True)
    view = shown(SwarmView(dark))
    view.show_layers((SQUARE, cloud(50)))
    view.hide()
    qtbot.waitUntil(lambda: not view.busy)
    view.show_layers((SQUARE, Points(np.array([[0.5, 0.5]], np.float32), {}, 0.2)))
    qtbot.waitUntil(lambda: not view.busy)
    view.show()
    settle(qtbot)
    assert near(light(view), where(view, (0.5, 0.5))).max() > 60


def test_what_did_not_change_is_not_uploaded_again(dark, shown, qtbot, monkeypatch):
    view = shown(SwarmView(dark))
    points = cloud(100)
    view.show_layers((SQUARE, points))
    settle(qtbot)
    sprites = next(item for key, item in view._drawn.items() if key[2] == "points")
    monkeypatch.setattr(sprites, "put", lambda *_: pytest.fail("uploaded again"))
    view.show_layers((Box(np.zeros(2), np.ones(2)), points))
    settle(qtbot)


def test_colourings_are_a_menu_whose_first_is_shown(kind, theme, shown):
    angle = np.full(500, 1.0, np.float32)
    speed = np.linspace(0, 1, 500, dtype=np.float32)
    colours = {"heading": Colour(angle, "phase"), "speed": Colour(speed)}
    view = shown(kind(theme))
    view.show_layers((SQUARE, cloud(500, colours=colours)))
    assert view.colourings[:2] == ["heading", "speed"]
    legend = view.legend
    assert (legend.kind, legend.label) == ("phase", "heading")
    assert (legend.angle, legend.length) == pytest.approx((1.0, 1.0), abs=1e-5)
    view.set_colouring("speed")
    legend = view.legend
    assert legend.kind == "level"
    # Without the outermost hundredth at either end.
    assert (legend.low, legend.high) == pytest.approx((0.01, 0.99), abs=0.01)


def test_the_legend_is_of_the_picture_that_plain_marks_lie_on(kind, theme, shown):
    angle = np.full((8, 8), 2.0, np.float32)
    view = shown(kind(theme))
    view.show_layers((SQUARE, Image(angle, "phase", (0, 2 * np.pi)), cloud(5), cloud(3)))
    assert view.colourings == []  # no menu that would colour the marks instead
    assert view.legend.kind == "phase"
    assert view.legend.angle == pytest.approx(2.0, abs=1e-5)


def test_a_span_follows_its_data_slowly(dark, shown, qtbot):
    view = shown(SwarmView(dark))
    for high in (1.0, 2.0):
        speed = np.linspace(0, high, 500, dtype=np.float32)
        view.show_layers((SQUARE, cloud(500, colours={"speed": Colour(speed)})))
        settle(qtbot)
    assert 1.0 < view.legend.high < 1.5


@pytest.mark.parametrize("kind_of_layers", ["swarm", "discs", "image", "space"])
def test_themes_change_while_it_runs(kind, shown, qtbot, kind_of_layers):
    layers = {
        "swarm": (SQUARE, cloud(50, colours={"a": Colour(np.ones(50), "phase")})),
        "discs": (SQUARE, cloud(50, radius=0.02)),
        "image": (SQUARE, Image(np.eye(4))),
        "space": (Box(np.zeros(3), np.ones(3)), cloud(50, 3)),
    }[kind_of_layers]
    view = shown(kind(Theme("dark")))
    view.show_layers(layers)
    settle(qtbot)
    assert picture(view)[2, 2].max() < 30
    view.restyle(Theme("light"))
    settle(qtbot)
    assert picture(view)[2, 2].min() > 240
    view.restyle(Theme("contrast"))
    settle(qtbot)
    assert picture(view)[2, 2].max() == 0


def test_bloom_comets_and_periodic_images_are_drawn_where_a_card_can(
    theme, shown, qtbot, monkeypatch
):
    monkeypatch.setattr(SwarmView, "software", False)
    box = Box(np.zeros(2), np.ones(2), periodic=True)
    angle = np.zeros(1, np.float32)
    one = Points(np.array([[0.05, 0.5]], np.float32), {"heading": Colour(angle, "phase")})
    view = shown(SwarmView(theme), 600, 300)
    view.show_layers((box, one))
    settle(qtbot)
    assert any("comet" in key for key in view._drawn)
    seen = light(view)
    here, image = where(view, (0.05, 0.5)), where(view, (1.05, 0.5))
    assert near(seen, here).max() > 40
    # Periodic images are drawn at 30 % of the light.
    assert 4 < near(seen, image).max() < near(seen, here).max()
    # A comet that flies to the right trails to the left.
    x, y = here
    assert seen[y, x - 7 : x].sum() != seen[y, x + 1 : x + 8].sum()


def test_nothing_is_left_on_the_card_after_the_end(dark, qtbot):
    view = SwarmView(dark)
    view.resize(200, 150)
    view.show()
    qtbot.waitExposed(view)
    view.show_layers((SQUARE, cloud(100)))
    settle(qtbot)
    view.close()
    assert not view._drawn
    assert not view._tables
    view.show_layers((SQUARE, cloud(100)))  # a frame that comes late does no harm
    view.deleteLater()
    qtbot.wait(20)


def test_the_view_is_chosen_by_what_there_is_to_show(theme, qtbot, monkeypatch):
    from app.views.plot import PlotView

    swarm, plot = (SQUARE, cloud(5)), (Axes("x", "y"), cloud(5))
    for layers, wanted in ((swarm, SwarmView), (plot, PlotView)):
        view = view_for(layers, theme)
        qtbot.addWidget(view)
        assert type(view) is wanted
    monkeypatch.setenv("MANYSCOPE_PAINTER", "1")
    view = view_for(swarm, theme)
    qtbot.addWidget(view)
    assert type(view) is PainterSwarmView


def test_missing_opengl_is_a_sentence_and_a_painter(theme, qtbot, monkeypatch):
    broken = choose.GLFacts(error="No OpenGL context could be made; install a driver or Mesa.")
    monkeypatch.setattr(choose, "gl_facts", lambda: broken)
    view = view_for((SQUARE, cloud(5)), theme)
    qtbot.addWidget(view)
    assert type(view) is PainterSwarmView


def test_data_can_be_copied(kind, theme, shown):
    points = cloud(5, colours={"speed": Colour(np.arange(5.0))})
    view = shown(kind(theme))
    view.show_layers((SQUARE, points))
    assert set(view.data()) == {"position", "speed"}


def test_lines_that_pass_the_eye_stay_straight(dark, shown, qtbot):
    view = shown(SwarmView(dark))
    line = Segments(np.array([[-50.0, 0.5, 0.5]]), np.array([[50.0, 0.5, 0.5]]))
    view.set_images(False)
    view.show_layers((Box(np.zeros(3), np.ones(3)), line))
    settle(qtbot)
    seen = light(view) > 24  # the stage itself glows by 16
    rows, columns = np.nonzero(seen)
    assert len(rows) > 50
    # All that is drawn lies on one line of the screen: a pixel or two wide.
    slope = np.polyfit(columns, rows, 1)
    assert np.abs(rows - np.polyval(slope, columns)).max() < 3
