"""Frames to draw, made without a simulation."""

import numpy as np

from engine.core.axes import Axis
from engine.core.layers import Arrows, Axes, Bars, Box, Colour, Curve, Image, Points, Segments, Text
from engine.core.maps import PhaseMap
from engine.core.theory_maps import Line


def random(seed=0):
    return np.random.default_rng(seed)


def swarm(n=200, dim=2, **changed):
    place = random().uniform(0, 10, (n, dim)).astype(np.float32)
    colours = {"heading": Colour(random(1).uniform(0, 6.28, n).astype(np.float32), scale="phase")}
    box = Box(np.zeros(dim, np.float32), np.full(dim, 10, np.float32), periodic=dim == 2)
    return box, Points(place, colours, **changed)


def everything_in_the_plane():
    two = np.array([[2.0, 2.0], [7.0, 3.0]], np.float32)
    return (
        *swarm(),
        Arrows(two, two[::-1] / 4),
        Segments(two, two + 2),
        Text(two, ("one", "two")),
    )


def field(scale="signed"):
    return (Image(random().normal(size=(12, 16)).astype(np.float32), scale=scale),)


def globe():
    return (Image(random().normal(size=(12, 24)).astype(np.float32), onto="sphere"),)


def plot(log=""):
    edges = np.linspace(0.5, 4, 15).astype(np.float32)
    x = np.linspace(0.5, 4, 50).astype(np.float32)
    gap = np.where(x < 1, np.nan, x)
    return (
        Axes("radius", "density", log=log),
        Bars(edges, random().uniform(0.1, 1, 14).astype(np.float32)),
        Curve(x, gap / 4, label="exact"),
        Curve(x, 1 / x, "measured"),
        Curve(np.full(2, 2.0), np.array([0.1, 1.0]), "guide"),
    )


def clouds(count=4):
    place = random().normal(size=(count, 50, 3)).astype(np.float32)
    corner = np.full((count, 3), 2.5, np.float32)
    kind = Colour(np.zeros((count, 50), np.float32), scale="category")
    return Box(-corner, corner), Points(place, {"shape": kind})


def beliefs(count=4):
    edges = np.tile(np.arange(4.0), (count, 1))
    return Axes("shape", "p"), Bars(edges, random().uniform(size=(count, 3)))


def phase_map():
    x, y = Axis("coupling", 0, 4, 6), Axis("noise", 0.1, 1, 5, log=True)
    mean = random().uniform(size=(5, 6))
    mean[0, 0] = np.nan
    known = np.isfinite(mean)
    return PhaseMap("kuramoto", {}, x, y, "order", mean, 0 * mean, known, 1)


def boundary():
    y = np.linspace(0.1, 1, 20)
    return {"onset": Line(2 * y + 1, y, "continuous"), "gone": Line(y * np.nan, y, "guide")}
