"""What a view lays over any swarm, and the particle that a click picks, in a real window."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent

from app.views.picking import Particle
from app.views.scene import MANY_IN_SOFTWARE
from app.views.swarm import SwarmView
from engine.core.layers import Box, Colour, Points
from tests.app.views.conftest import light, settle
from tests.app.views.swarms import SQUARE, cloud, mouse, near, where


pytestmark = pytest.mark.usefixtures("screen")


def click(view, at):
    mouse(view, QEvent.Type.MouseButtonPress, *at)
    mouse(view, QEvent.Type.MouseButtonRelease, *at)


def moving(view, frames=6, step=0.02, **more):
    """A swarm that drifts to the right, in so many frames."""
    place = np.random.default_rng(3).random((400, 2)).astype(np.float32) * 0.5
    for frame in range(frames):
        view.now = float(frame)
        drifted = place + np.float32([step * frame, 0])
        view.show_layers((SQUARE, Points(drifted, **more)))
    return drifted


def kinds(view):
    return [type(layer).__name__ for layer in view._layers]


def test_trails_lead_from_where_particles_were_in_their_colour(kind, theme, shown, qtbot):
    heading = {"heading": Colour(np.linspace(0, 6, 400, dtype=np.float32), "phase")}
    view = shown(kind(theme))
    view.set_overlay("trails", True)
    place = moving(view, colours=heading)
    settle(qtbot)
    assert kinds(view) == ["Box", "Points", "Trails"]
    trails = view._layers[-1]
    np.testing.assert_allclose(trails.path[0, :, 0], trails.path[-1, :, 0] - 0.1, atol=1e-5)
    np.testing.assert_allclose(trails.path[-1], place[view.overlays.past.followed])
    assert trails.colour.scale == "phase"
    with_trails = (light(view) > 30).sum()
    view.set_overlay("trails", False)
    settle(qtbot)
    assert (light(view) > 30).sum() < with_trails


def test_the_flow_is_the_mean_motion_of_squares(kind, theme, shown):
    view = shown(kind(theme))
    view.set_overlay("flow", True)
    moving(view)
    arrows = view._layers[-1]
    assert kinds(view)[-1] == "Arrows"
    known = np.isfinite(arrows.vector).all(axis=1)
    assert known.any()
    assert (arrows.vector[known, 0] > 0).all()
    np.testing.assert_allclose(arrows.vector[known, 1], 0, atol=1e-6)
    unit, density = view.scales()
    assert density is None
    # 0.02 a unit of time, drawn 0.9 of a square long.
    assert unit == pytest.approx(0.02 / 0.9, rel=1e-3)


def test_a_coarse_density_lies_beneath_and_is_told_in_units_of_the_mean(kind, theme, shown, qtbot):
    view = shown(kind(theme))
    view.set_overlay("coarse density", True)
    view.show_layers((SQUARE, Points(np.full((500, 2), 0.25, np.float32))))
    settle(qtbot)
    table, low, high = view.scales()[1]
    assert table.shape == (256, 3)
    assert low == pytest.approx(0, abs=0.1)
    assert high > 2
    assert view.legend is None  # the points themselves have no colours


def test_any_swarm_can_be_coloured_by_its_speed(kind, dark, shown):
    view = shown(kind(dark))
    assert view.colourings == []
    moving(view, 2)
    assert view.colourings == ["speed", "local density"]
    view.set_colouring("speed")
    moving(view)
    legend = view.legend
    assert legend.label == "speed"
    # All are as fast: 0.02 within the rounding of positions, 1e-7.
    assert legend.low < 0.02 < legend.high
    np.testing.assert_allclose(view._points().colours["speed"].value, 0.02, atol=1e-6)


def test_speeds_follow_identities(dark, shown):
    view = shown(SwarmView(dark))
    view.set_colouring("speed")
    fast, slow = np.array([[0.1, 0.1], [0.5, 0.5]]), np.array([[0.3, 0.1], [0.5, 0.51]])
    for now, place, who in ((0.0, fast, [0, 1]), (1.0, slow[::-1], [1, 0])):
        view.now = now
        identity = np.array(who, np.int32)
        view.show_layers((SQUARE, Points(place.astype(np.float32), identity=identity)))
    value = view._points().colours["speed"].value
    np.testing.assert_allclose(value, [0.01, 0.2], atol=1e-6)


def test_what_a_swarm_cannot_have_is_not_offered(dark, shown):
    view = shown(SwarmView(dark))
    view.show_layers((Box(np.zeros(3), np.ones(3)), cloud(10, 3)))
    assert view.able_overlays == ["trails"]
    view.set_overlay("flow", True)
    assert kinds(view) == ["Box", "Points"]


def test_points_come_along_with_their_density_while_somebody_needs_them(dark, shown):
    view = shown(SwarmView(dark))
    view.show_layers((SQUARE, cloud(MANY_IN_SOFTWARE + 1)))
    assert not view.density_wanted.keeps
    view.set_overlay("trails", True)
    assert view.density_wanted.keeps
    view.set_overlay("trails", False)
    click(view, (200, 150))
    view.show_layers((SQUARE,))
    assert view.density_wanted.keeps or view.particle is not None


@pytest.mark.parametrize("dim", [2, 3])
def test_a_click_picks_the_particle_under_it(kind, dark, shown, qtbot, dim):
    place = np.full((3, dim), 0.2, np.float32)
    place[1], place[2] = 0.5, 0.8
    who = np.array([7, 9, 3], np.int32)
    speed = np.array([1.0, 2.0, 3.0], np.float32)
    box = Box(np.zeros(dim), np.ones(dim))
    view = shown(kind(dark))
    told = []
    view.picked.connect(told.append)
    view.show_layers((box, Points(place, {"speed": Colour(speed)}, identity=who)))
    click(view, where(view, place[1]))
    assert told == [Particle(9)]
    facts = view.facts()
    assert facts.who == 9
    np.testing.assert_allclose(facts.position, 0.5)
    assert facts.values == {"speed": (2.0, "level")}
    view.set_images(False)
    settle(qtbot)
    x, y = where(view, place[1])
    ring = near(light(view), (x + 10, y), 4)
    assert ring.max() > 60
    click(view, (5, 5))  # where there is nobody
    assert told[-1] is None
    assert view.facts() is None


def test_the_camera_follows_a_particle_until_a_hand_drags(kind, dark, shown):
    view = shown(kind(dark))
    place = moving(view, 1)
    click(view, where(view, place[5]))
    view.set_following(True)
    place = moving(view)
    who = view.particle.who
    np.testing.assert_allclose(view.camera.centre, place[who], atol=1e-6)
    assert who in view.overlays.past.followed  # with a trail of its own
    mouse(view, QEvent.Type.MouseButtonPress, 100, 100)
    mouse(view, QEvent.Type.MouseMove, 140, 100)
    mouse(view, QEvent.Type.MouseButtonRelease, 140, 100)
    assert not view.follows
    assert view.particle is not None


def test_a_drag_picks_nobody(kind, dark, shown):
    view = shown(kind(dark))
    place = moving(view, 1)
    x, y = where(view, place[5])
    mouse(view, QEvent.Type.MouseButtonPress, x - 20, y)
    mouse(view, QEvent.Type.MouseMove, x, y)
    mouse(view, QEvent.Type.MouseButtonRelease, x, y)
    assert view.particle is None


def test_discs_turn_into_points_of_light_smoothly_when_they_are_small(theme, shown, qtbot):
    view = shown(SwarmView(theme))
    view.set_images(False)
    place = cloud(800).position
    seen = []
    for diameter in np.linspace(2.0, 6.0, 9):  # pixels
        radius = diameter / 2 * view.scale if seen else 0.004
        view.show_layers((SQUARE, Points(place, radius=float(radius))))
        settle(qtbot)
        seen.append(light(view).mean())
    steps = np.diff(seen[1:])
    # Nothing jumps: no step of half a pixel changes the light by more than a third of the largest.
    assert np.abs(steps).max() < 0.34 * max(seen)


def test_medoids_stand_for_those_around_them_and_go_along(kind, theme, shown, qtbot):
    corners = np.array([[0.2, 0.2], [0.2, 0.8], [0.8, 0.2], [0.8, 0.8]])
    scatter = 0.04 * np.random.default_rng(0).normal(size=(50, 4, 2))
    place = (corners + scatter).reshape(-1, 2).astype(np.float32)
    view = shown(kind(theme))
    medoids = view.overlays.medoids
    medoids.change(4 - medoids.count)
    view.show_layers((SQUARE, Points(place)))
    view.set_overlay("medoids", True)
    assert kinds(view) == ["Box", "Points", "Segments"]
    qtbot.waitUntil(lambda: not medoids.is_searching, timeout=10_000)
    view.show_layers((SQUARE, Points(place)))
    stars = view._layers[-1]
    # Every particle has a line to the medoid of its own corner: 0.04 √2 · 3 away at most.
    spokes = np.linalg.norm(stars.end[:200] - stars.start[:200], axis=1)
    assert spokes.max() < 0.3
    np.testing.assert_allclose(stars.end[:200], place, atol=1e-6)
    assert set(stars.colour.value[:200].reshape(50, 4)[0]) == {0, 1, 2, 3}
    moved = place + np.float32([0.05, 0])
    view.show_layers((SQUARE, Points(moved)))
    np.testing.assert_allclose(view._layers[-1].end[:200], moved, atol=1e-6)
    settle(qtbot)


def test_medoids_keep_their_places_where_all_points_are_drawn_anew(dark, shown):
    view = shown(SwarmView(dark))
    view.overlays.medoids.change(4 - view.overlays.medoids.count)
    view.set_overlay("medoids", True)
    corners = np.array([[0.2, 0.2], [0.2, 0.8], [0.8, 0.2], [0.8, 0.8]])
    for seed in range(6):
        draw = np.random.default_rng(seed)
        place = corners[draw.integers(4, size=200)] + 0.03 * draw.normal(size=(200, 2))
        view.show_layers((SQUARE, Points(place.astype(np.float32))))
        stars = view._layers[-1]
        assert np.linalg.norm(stars.end[:200] - stars.start[:200], axis=1).max() < 0.3


def test_there_are_as_many_medoids_as_one_asks_for(dark, shown):
    view = shown(SwarmView(dark))
    view.show_layers((SQUARE, cloud(100)))
    for by, count in ((1, 7), (-10, 2), (40, 20)):
        view.overlays.medoids.change(by)
        view.set_overlay("medoids", True)
        assert len(set(view.overlays.medoids._now[0].who)) == count
