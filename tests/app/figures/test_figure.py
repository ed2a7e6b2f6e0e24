"""Figures: every kind of panel, the size that was asked for, equal bytes, no half files."""

import dataclasses
import io
import threading

import numpy as np
import pytest
from PIL import Image

from app.figures import map_panel, scene
from app.figures.axes import worded
from app.figures.figure import FORMATS, export_figure, figure_bytes
from app.figures.panels import FramePanel, Label, MapPanel, ParameterCurve, Trace
from app.figures.style import FigureStyle, preset, presets
from app.figures.words import mathtext
from app.theme.colour_maps import map_table
from app.views.camera import Camera2D
from tests.app.figures import scenes


COARSE = FigureStyle(dpi=60)
ORDER = Label("order", "r", span=(0, 1))
T = np.linspace(0, 10, 50)
PANELS = {
    "a swarm": FramePanel(scenes.swarm()),
    "discs": FramePanel(scenes.swarm(radius=np.float32(0.4))),
    "all in the plane": FramePanel(scenes.everything_in_the_plane()),
    "a cloud in space": FramePanel(scenes.swarm(dim=3)),
    "solid points": FramePanel(scenes.swarm(), glow=False),
    "a field": FramePanel(scenes.field()),
    "levels": FramePanel(scenes.field("level")),
    "a globe": FramePanel(scenes.globe()),
    "a plot": FramePanel(scenes.plot()),
    "a log plot": FramePanel(scenes.plot("xy")),
    "panels of clouds": FramePanel(scenes.clouds()),
    "panels of bars": FramePanel(scenes.beliefs()),
    "a trace": Trace(T, np.tanh(T), 1.0, ORDER),
    "a trace with a moving theory": Trace(T, np.tanh(T), np.tanh(T / 2), ORDER),
    "a trace of nothing": Trace(np.zeros(1), np.array([np.nan]), None, ORDER),
    "a flat trace": Trace(T, 0 * T, None, Label("x")),
    "a log trace": Trace(T, np.exp(-T), None, Label("loss", "L", log=True)),
    "a map": MapPanel(scenes.phase_map(), scenes.boundary(), (2.0, 0.5), Label("K"), ORDER, ORDER),
    "a signed map": MapPanel(scenes.phase_map(), z=Label("ratio", signed=True)),
    "a curve": ParameterCurve(
        T, {"theory": np.sqrt(T / 10), "bound": T / 10, "silent": T * np.nan},
        (T[::9], np.sqrt(T[::9] / 10), np.full(6, 0.02)), (5.0, 0.7, np.nan), (2.0,),
        Label("K"), ORDER,
    ),
}  # fmt: skip


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_every_panel_is_drawn_as_wide_as_asked(panel):
    with Image.open(io.BytesIO(figure_bytes([panel], COARSE))) as image:
        assert image.width == pytest.approx(86 / 25.4 * 60, abs=1)
        picture = np.asarray(image.convert("L"))
    assert picture.min() < 130  # there is ink
    assert np.median(picture) > 30


def test_a_map_of_a_signed_quantity_has_its_zero_in_the_middle_of_the_bar():
    found = scenes.phase_map()
    found = dataclasses.replace(found, mean=found.mean - 0.3)  # up to 0.7, down to -0.3
    assert map_panel._span(MapPanel(found, z=Label("ratio", signed=True))) == pytest.approx(
        (-np.nanquantile(found.mean, 0.99), np.nanquantile(found.mean, 0.99))
    )
    middle, low, high = map_table(signed=True)[[128, 0, -1]]
    assert np.ptp(middle) < 0.1
    assert low[2] > low[0] + 0.1
    assert high[0] > high[2] + 0.1


@pytest.mark.parametrize("format", FORMATS)
def test_equal_figures_are_equal_bytes(format):
    panels = [PANELS["a swarm"], PANELS["a curve"]]
    once, twice = (figure_bytes(panels, COARSE, format, {"program": "x"}) for _ in range(2))
    assert once == twice


@pytest.mark.parametrize("format", FORMATS)
def test_a_figure_without_metadata_names_nobody(format):
    assert b"anyscope" not in figure_bytes([PANELS["a trace"]], COARSE, format)


def test_text_in_a_pdf_is_text_in_fonts_that_come_along():
    data = figure_bytes([PANELS["a trace"]], COARSE, "pdf")
    assert b"/FontFile2" in data  # TrueType: fonttype 42
    assert b"Inter" in data


def test_several_panels_stand_beside_each_other_and_carry_letters():
    one = figure_bytes([PANELS["a swarm"]], COARSE)
    two = figure_bytes([PANELS["a swarm"], PANELS["a plot"]], COARSE)
    with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(two)) as second:
        assert first.width == second.width
        assert second.height < 0.7 * first.height


def test_a_height_that_is_asked_for_is_kept():
    style = FigureStyle(width=100, height=40, dpi=254)
    with Image.open(io.BytesIO(figure_bytes([PANELS["a trace"]], style))) as image:
        assert image.size == (1000, 400)


def test_a_transparent_ground_shows_what_is_below():
    style = FigureStyle(dpi=60, background="transparent")
    with Image.open(io.BytesIO(figure_bytes([PANELS["a swarm"]], style))) as image:
        alpha = np.asarray(image)[..., 3]
    assert (alpha == 0).mean() > 0.3
    assert alpha.max() == 255


def test_a_dark_ground_is_dark():
    style = FigureStyle(dpi=60, background="dark")
    with Image.open(io.BytesIO(figure_bytes([PANELS["a swarm"]], style))) as image:
        assert np.median(np.asarray(image.convert("L"))) < 40


def test_a_camera_decides_what_is_seen():
    near = Camera2D((0, 0), (10, 10))
    near.zoom = 5.0
    whole, part = (
        figure_bytes([FramePanel(scenes.swarm(), camera=camera)], COARSE) for camera in (None, near)
    )
    assert whole != part


def test_another_colouring_is_another_picture():
    box, points = scenes.swarm()
    colours = {**points.colours, "rank": type(points.colours["heading"])(np.arange(200.0))}
    points = type(points)(points.position, colours)
    first, second = (
        figure_bytes([FramePanel((box, points), colouring=name)], COARSE) for name in (None, "rank")
    )
    assert first != second


@pytest.mark.parametrize(
    "wrong",
    [{"width": 0}, {"width": float("nan")}, {"dpi": 1e6}, {"font": -1}, {"line": 0}, {"height": 1},
     {"width": 2000, "dpi": 2400}],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"impossible|too large"):
        FigureStyle(**wrong)


def test_every_preset_is_a_page():
    for name in presets():
        assert preset(name, dpi=60).dpi == 60
    assert preset("aps").width == 86


def test_a_figure_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    assert export_figure([PANELS["a trace"]], path, COARSE) == path
    before = path.read_bytes()
    with pytest.raises(ValueError, match="choose a view"):
        export_figure([], path, COARSE)
    with pytest.raises(ValueError, match=r"\.pdf"):
        export_figure([PANELS["a trace"]], tmp_path / "figure.jpeg", COARSE)
    with pytest.raises(OSError, match="cannot be written"):
        export_figure([PANELS["a trace"]], tmp_path / "no" / "figure.png", COARSE)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_threads_draw_the_same_as_one_alone():
    alone = [figure_bytes([panel], COARSE) for panel in list(PANELS.values())[:4]]
    found = {}

    def draw(k, panel):
        found[k] = figure_bytes([panel], COARSE)

    threads = [
        threading.Thread(target=draw, args=(k, panel))
        for k, panel in enumerate(list(PANELS.values())[:4])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[k] for k in range(4)] == alone


def test_discs_are_true_to_size():
    box, points = scenes.swarm(n=1, radius=np.float32(2.0))
    points = type(points)(np.array([[5.0, 5.0]], np.float32), {}, radius=points.radius)
    style = scene.Look(dark=False, smallest=1, largest=3, line=1)
    camera = scene.camera_for((box, points), fill=1.0)
    picture = scene.picture((box, points), camera, 100, 100, np.ones((100, 100, 3)), style)
    covered = 1 - picture[..., 0] / 1.0
    share = covered.sum() / covered.max() / 100**2
    # Discs are drawn at 0.94 of their radius, so that two that touch stay two.
    assert share == pytest.approx(np.pi * (0.94 * 0.2) ** 2, rel=0.02)


def test_a_periodic_image_reaches_over_the_edge():
    box, points = scenes.swarm(n=1, radius=np.float32(1.0))
    points = type(points)(np.array([[0.0, 5.0]], np.float32), {}, radius=points.radius)
    style = scene.Look(dark=False, smallest=1, largest=3, line=1)
    camera = scene.camera_for((box, points), fill=1.0)
    picture = scene.picture((box, points), camera, 100, 100, np.ones((100, 100, 3)), style)
    np.testing.assert_allclose(picture[50, 2], picture[50, 97], atol=0.05)
    assert picture[50, 2].max() < 0.5


def test_a_field_has_its_first_row_at_the_bottom():
    values = np.array([[1.0, 1.0], [-1.0, -1.0]], np.float32)
    layers = (type(scenes.field()[0])(values, scale="signed", span=(-1, 1)),)
    style = scene.Look(dark=False, smallest=1, largest=3, line=1)
    camera = scene.camera_for(layers, fill=1.0)
    picture = scene.picture(layers, camera, 40, 40, np.ones((40, 40, 3)), style)
    assert picture[35, 20, 0] > picture[35, 20, 2]  # red, for +1, is below
    assert picture[5, 20, 2] > picture[5, 20, 0]


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        ("K", "$K$"),
        ("v₀", "$v_{0}$"),
        ("r²", "$r^{2}$"),
        ("M_ββ", "$M_{ββ}$"),
        ("η̂", r"$\hat{η}$"),
        ("√N", r"$\sqrt{N}$"),
        ("t_end", r"$t_{\mathrm{end}}$"),
        ("σₚ", "$σ_{p}$"),
        ("purity", "purity"),
        ("", ""),
    ],
)
def test_symbols_are_set_as_mathematics(symbol, shown):
    assert mathtext(symbol) == shown


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("noise time t", "noise time $t$"),
        ("overlap |m_μ|", "overlap $|m_{μ}|$"),
        ("θ − ψ", "$θ$ − $ψ$"),
        ("a share of squares", "a share of squares"),
        ("ln ρ − ⟨ln ρ⟩", r"ln $ρ$ − $\langle$ln ρ$\rangle$"),
        ("⟨of all⟩", "⟨of all⟩"),
        ("r", "$r$"),
        ("", ""),
    ],
)
def test_symbols_among_words_are_mathematics_too(label, shown):
    assert worded(label) == shown


def test_every_symbol_of_the_gallery_can_be_set():
    from matplotlib.mathtext import MathTextParser

    from engine.core.parameters import parameters
    from engine.systems import gallery

    parser = MathTextParser("path")
    for system in gallery().values():
        symbols = [p.symbol for p in parameters(system).values()]
        symbols += [quantity.symbol for quantity in system.quantities]
        for symbol in symbols:
            parser.parse(mathtext(symbol) or "x")
